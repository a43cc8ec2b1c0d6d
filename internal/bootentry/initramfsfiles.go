package bootentry

import (
	"path"
	"slices"
	"strings"
)

// kernelOf gives the version in lib/modules/VERSION.
func kernelOf(name string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "usr/"), "lib/modules/")
	version, _, _ := strings.Cut(rest, "/")
	return version, ok && version != ""
}

// moduleName gives the name of the module in a file dm-crypt.ko.xz: dm_crypt.
func moduleName(name string) (string, bool) {
	base := path.Base(name)
	for _, ext := range []string{".xz", ".zst", ".gz", ".lz4", ".bz2"} {
		base = strings.TrimSuffix(base, ext)
	}
	base, ok := strings.CutSuffix(base, ".ko")
	return underscored(base), ok && base != ""
}

// underscored: to the kernel a hyphen in a module's name is an underscore.
func underscored(module string) string { return strings.ReplaceAll(module, "-", "_") }

// Names gives all paths, sorted.
func (i *Initramfs) Names() []string {
	out := make([]string, 0, len(i.names))
	for name := range i.names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Has tells whether there is a file of that path, through links.
func (i *Initramfs) Has(name string) bool {
	_, ok := i.follow(name)
	return ok
}

// follow gives the real name of a path.
func (i *Initramfs) follow(name string) (string, bool) {
	done, rest := "", strings.Trim(cleanName(name), "/")
	for links := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, first)
		target, listed := i.names[next]
		if target == "" {
			if rest == "" && !listed {
				return "", false
			}
			done = next
			continue
		}
		if links++; links > maxLinks || len(rest) > longestPath {
			return "", false
		}
		if !path.IsAbs(target) {
			target = path.Join("/", done, target)
		}
		done, rest = "", strings.Trim(path.Join(path.Clean(target), rest), "/")
	}
	return done, done != ""
}

// File gives the content of a configuration file, through links.
func (i *Initramfs) File(name string) (string, bool) {
	at, ok := i.follow(name)
	if !ok {
		return "", false
	}
	text, ok := i.Files[at]
	return text, ok
}

// HasModule tells whether the initrd has a kernel module, or lists it as built
// into the kernel. Hyphens and underscores are the same.
func (i *Initramfs) HasModule(name string) bool {
	name = underscored(name)
	return i.Modules[name] != "" || i.Builtin[name]
}

// programDirs are where programs are looked for, and systemd's own.
var programDirs = []string{"usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin", "usr/local/sbin", "usr/lib/systemd", "lib/systemd"}

// HasProgram tells whether the initrd has a program of that name.
func (i *Initramfs) HasProgram(name string) bool {
	return slices.ContainsFunc(programDirs, func(dir string) bool { return i.Has(path.Join(dir, name)) })
}
