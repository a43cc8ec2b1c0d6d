package bootentry

import (
	"cmp"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// UKI is a unified kernel image (UAPI.5): a kernel, its initrd and its command
// line as sections of one EFI program.
type UKI struct {
	Cmdline   string
	Release   map[string]string // os-release(5) of the system
	Uname     string            // version of the kernel
	HasLinux  bool
	HasInitrd bool

	initrd *pe.Section
}

const (
	// maxSection is the largest text section that is read. A command line has at
	// most 4 KiB, an os-release about 1 KiB.
	maxSection = 256 << 10
	// maxSections is more than any loader's stub accepts.
	maxSections = 256
)

// errNotUKI: it is an EFI program without a kernel in it.
var errNotUKI = errors.New("it has no section .linux")

// ReadUKI reads the sections of an EFI program. Of an image with several profiles
// the first is read.
func ReadUKI(at io.ReaderAt) (*UKI, error) {
	f, err := pe.NewFile(at)
	if err != nil {
		return nil, fmt.Errorf("cannot read it as an EFI program: %w", err)
	}
	if len(f.Sections) > maxSections {
		return nil, fmt.Errorf("cannot read it: it has %d sections", len(f.Sections))
	}
	u := &UKI{}
	for _, s := range firstProfile(f.Sections) {
		if err := u.take(s); err != nil {
			return nil, fmt.Errorf("cannot read its section %s: %w", s.Name, err)
		}
	}
	if !u.HasLinux {
		return u, errNotUKI
	}
	return u, nil
}

// firstProfile gives the sections up to the second .profile: what stands before
// the first is common to all, what follows it is its own.
func firstProfile(all []*pe.Section) []*pe.Section {
	profiles := 0
	for i, s := range all {
		if s.Name == ".profile" {
			if profiles++; profiles == 2 {
				return all[:i]
			}
		}
	}
	return all
}

func (u *UKI) take(s *pe.Section) (err error) {
	var text string
	switch s.Name {
	case ".linux":
		u.HasLinux = true
	case ".initrd":
		u.HasInitrd, u.initrd = true, s
	case ".cmdline":
		u.Cmdline, err = sectionText(s)
	case ".uname":
		u.Uname, err = sectionText(s)
	case ".osrel":
		text, err = sectionText(s)
		u.Release = assignments(text)
	}
	return err
}

// sectionText gives what is in a section without its padding.
func sectionText(s *pe.Section) (string, error) {
	n := sectionSize(s)
	if n > maxSection {
		return "", fmt.Errorf("it has %d bytes, at most %d are read", n, maxSection)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(s, 0, n), data); err != nil {
		return "", fmt.Errorf("it ends early: %w", err)
	}
	return strings.TrimSpace(strings.TrimRight(string(data), "\x00")), nil
}

// sectionSize: the size in memory says what is meant, the size in the file is
// rounded up.
func sectionSize(s *pe.Section) int64 {
	if s.VirtualSize == 0 {
		return int64(s.Size)
	}
	return int64(min(s.VirtualSize, s.Size))
}

// Initrd gives the initrd in the image, for OpenInitramfs, or nil.
func (u *UKI) Initrd() io.Reader {
	if u.initrd == nil {
		return nil
	}
	return io.NewSectionReader(u.initrd, 0, sectionSize(u.initrd))
}

// readUKIs reads the images in EFI/Linux of each ESP and XBOOTLDR, which
// systemd-boot starts without a file about them.
func (r *reader) readUKIs(loader string) []Entry {
	var out []Entry
	for _, point := range r.points {
		dir := r.fold(point, "EFI/Linux")
		if dir == "" {
			continue
		}
		for _, name := range r.programs(dir) {
			file := path.Join(dir, name)
			e := Entry{Loader: loader, File: file, UKI: true}
			e.ID, e.TriesLeft, e.TriesDone = cutCounters(name)
			e.Kernel = File{Text: strings.TrimPrefix(file, point), Path: file}
			if r.lookInside(&e) {
				out = append(out, e)
			}
		}
	}
	return out
}

// lookInside takes into the entry what its UKI says of itself.
func (r *reader) lookInside(e *Entry) bool {
	if e.Kernel.Path == "" {
		return false
	}
	u, err := r.openUKI(e.Kernel.Path)
	if err != nil {
		r.problem(e.Kernel.Path, 0, "it is no unified kernel image: %v", err)
		return false
	}
	get := func(names ...string) (value string) {
		for _, n := range names {
			value = cmp.Or(value, u.Release[n])
		}
		return value
	}
	// The order of preference is that of systemd's bootspec.c.
	e.Title = cmp.Or(e.Title, get("PRETTY_NAME", "IMAGE_ID", "NAME", "ID"))
	e.Version = cmp.Or(e.Version, get("IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"), u.Uname)
	e.sortKey = cmp.Or(e.sortKey, get("IMAGE_ID", "ID"))
	e.Options = cmp.Or(e.Options, u.Cmdline)
	return true
}

func (r *reader) openUKI(name string) (*UKI, error) {
	f, err := r.tree.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, errors.New("the file cannot be read at any place but its beginning")
	}
	return ReadUKI(at)
}
