package workflow

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/session"
)

// settleTarget decides where to mount, and refuses what is in use by others.
func (s *sight) settleTarget(o MountOrder, verdict session.Verdict) (string, error) {
	target := o.Target
	if target == "" {
		target = DefaultTarget
	}
	if !path.IsAbs(target) || path.Clean(target) == "/" {
		return "", &RefusedError{Text: fmt.Sprintf("cannot mount at %q: the target has to be an absolute path and not /", target)}
	}
	target, err := s.realPath(target)
	if err != nil {
		return "", fmt.Errorf("cannot mount at %s: %w", o.Target, err)
	}
	if at, _, _, ok := s.journal.Mounting(); ok && verdict == session.Resume {
		return at, s.checkResumed(o, target)
	}
	if under := s.now.MountsUnder(target); len(under) > 0 {
		return "", &RefusedError{Text: fmt.Sprintf("cannot mount at %s: something that salvor did not mount is mounted at %s", target, under[0].Point)}
	}
	return target, nil
}

// checkResumed: what stands can be completed, but not made into something else.
func (s *sight) checkResumed(o MountOrder, target string) error {
	if o.Target == "" {
		target = ""
	}
	err := s.journal.CheckSame("", target)
	if at, name, _, _ := s.journal.Mounting(); err == nil && o.ReadOnly != s.journal.Sealed() {
		err = fmt.Errorf("%w: %s is mounted at %s %s", session.ErrInterlock, name, at, mode(s.journal.Sealed()))
	}
	if err != nil {
		return &RefusedError{err.Error(), err}
	}
	return nil
}

func mode(sealed bool) string {
	if sealed {
		return "read-only, and is to be mounted for writing now"
	}
	return "for writing, and is to be mounted read-only now"
}

// realPath follows the symbolic links of a path as far as it exists: the kernel
// tells mounts by their real paths. (On image-based live systems /mnt itself is a
// link.)
func (s *sight) realPath(p string) (string, error) {
	const most = 40 // as in the kernel, path_resolution(7)
	todo := strings.Split(path.Clean(p), "/")
	at := "/"
	for links := 0; len(todo) > 0; {
		next := path.Join(at, todo[0])
		todo = todo[1:]
		info, err := s.w.Machine.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return path.Join(append([]string{next}, todo...)...), nil
		case err != nil:
			return "", err
		case info.Mode&fs.ModeSymlink == 0:
			at = next
			continue
		}
		if links++; links > most {
			return "", errors.New("too many levels of symbolic links")
		}
		to, err := s.w.Machine.Readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(to) {
			at = "/"
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return at, nil
}

// checkTarget reports whether the directory has to be made.
func (s *sight) checkTarget(target string) (missing bool, err error) {
	info, err := s.w.Machine.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case !info.Mode.IsDir():
		return false, &RefusedError{Text: fmt.Sprintf("cannot mount at %s: it is not a directory", target)}
	}
	return false, nil
}
