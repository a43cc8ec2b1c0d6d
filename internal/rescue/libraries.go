package rescue

import (
	"debug/elf"
	"fmt"
	"path"
	"slices"
	"strings"
)

// libraries finds shared libraries in a root as its dynamic loader would (ld.so(8)).
// The loader's cache is not read: it is rebuilt from what is found here.
type libraries struct {
	root root
	dirs []string           // of ld.so.conf, then those that are built into the loader
	read map[string]*object // ELF files by their real path; nil for what is none
}

func newLibraries(r root) *libraries {
	l := &libraries{root: r, read: map[string]*object{}}
	for _, dir := range append(l.configured("/etc/ld.so.conf", 0), builtinDirs(r)...) {
		if !slices.Contains(l.dirs, dir) && r.has(dir) {
			l.dirs = append(l.dirs, dir)
		}
	}
	return l
}

// builtinDirs are the loader's own: of Debian's multiarch, of others, of musl.
func builtinDirs(r root) []string {
	var out []string
	for _, pattern := range []string{"/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*", "/lib/*-linux-musl*", "/usr/lib/*-linux-musl*"} {
		out = append(out, r.glob(pattern)...)
	}
	return append(out, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
}

// configured are the directories of ld.so.conf and of what it includes (ldconfig(8)).
func (l *libraries) configured(file string, depth int) []string {
	data, err := l.root.read(file)
	if err != nil || depth > 4 {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "include":
			for _, pattern := range words[1:] {
				if !path.IsAbs(pattern) {
					pattern = path.Join(path.Dir(file), pattern)
				}
				for _, included := range l.root.glob(pattern) {
					out = append(out, l.configured(included, depth+1)...)
				}
			}
		case path.IsAbs(words[0]):
			out = append(out, path.Clean(words[0]))
		}
	}
	return out
}

// objectAt reads the ELF file at p; nil if it is none.
func (l *libraries) objectAt(p string) (*object, error) {
	real, _, err := l.root.find(p)
	if err != nil {
		return nil, err
	}
	if b, known := l.read[real]; known {
		return b, nil
	}
	f, err := l.root.open(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b *object
	if isELF(f.head(len(elf.ELFMAG))) {
		if b, err = readELF(f); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", real, err)
		}
	}
	l.read[real] = b
	return b, nil
}

// find gives the path of the library that the file at user needs by name. paths are those
// that the program itself brings along (DT_RPATH). One that starts with a slash or
// has one in it is taken as it is.
func (l *libraries) find(name, user string, b *object, paths []string) (string, bool) {
	if strings.Contains(name, "/") {
		return name, l.fits(name, b)
	}
	own := replaceOrigin(b.rpath, user)
	var dirs []string
	if !b.runpath {
		dirs = append(own, paths...)
	} else {
		dirs = own
	}
	for _, dir := range append(dirs, l.dirs...) {
		if p := path.Join(dir, name); l.fits(p, b) {
			return p, true
		}
	}
	return "", false
}

// fits reports whether the file at p is a library for programs such as b.
func (l *libraries) fits(p string, b *object) bool {
	lib, err := l.objectAt(p)
	return err == nil && lib != nil && lib.class == b.class && lib.machine == b.machine
}

// replaceOrigin puts the directory of the file into its search path (ld.so(8), "Dynamic
// string tokens"). A path with another token cannot be known here.
func replaceOrigin(dirs []string, file string) []string {
	var out []string
	for _, dir := range dirs {
		dir = strings.NewReplacer("${ORIGIN}", path.Dir(file), "$ORIGIN", path.Dir(file)).Replace(dir)
		if dir != "" && !strings.Contains(dir, "$") {
			out = append(out, path.Clean(dir))
		}
	}
	return out
}
