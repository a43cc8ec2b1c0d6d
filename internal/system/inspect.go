package system

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// System is an installed operating system.
type System struct {
	Root       storage.ID      `json:"root"`
	Number     int             `json:"number,omitempty"` // place in the list of systems, from 1
	Name       string          `json:"name"`             // PRETTY_NAME, or the best that os-release has
	Distro     string          `json:"distro,omitempty"` // ID
	Version    string          `json:"version,omitempty"`
	Arch       string          `json:"arch,omitempty"`
	Hostname   string          `json:"hostname,omitempty"`
	Kernels    []string        `json:"kernels,omitempty"`
	Usr        storage.ID      `json:"usr,omitempty"`         // a separate /usr
	SnapshotOf storage.ID      `json:"snapshot_of,omitempty"` // root of the system that this one is a snapshot of
	Notes      []string        `json:"notes,omitempty"`
	Fstab      *fstab.Fstab    `json:"-"`
	Crypttab   *fstab.Crypttab `json:"-"`
}

// maxConfig is the largest fstab, crypttab or os-release that is read, in bytes.
// 10 000 long lines fit; a link to something endless does not.
const maxConfig = 4 << 20

// Inspect reads the system whose root is the top of tree. usr is the tree of a
// separate /usr, or nil. It gives nil without an error when no system is there,
// and ErrNeedsUsr when only /usr can tell.
func Inspect(tree, usr fs.FS) (*System, error) {
	if !isDir(tree, "etc") {
		return nil, nil
	}
	s := &System{}
	release, err := osRelease(tree, usr)
	if err != nil {
		s.Notes = append(s.Notes, err.Error())
	}
	if release == nil && !looksInstalled(tree) {
		return nil, nil
	}
	if release == nil && usr == nil && isEmptyDir(tree, "usr") && exists(tree, "etc/fstab") {
		return nil, ErrNeedsUsr
	}
	s.nameFrom(release)
	s.Fstab = fstab.ParseFstab(s.config(tree, "etc/fstab"))
	s.Crypttab = fstab.ParseCrypttab(s.config(tree, "etc/crypttab"))
	s.Hostname = firstLine(s.config(tree, "etc/hostname"))
	s.Arch = arch(tree, usr)
	s.Kernels = kernels(tree, usr)
	return s, nil
}

// ErrNeedsUsr: the root is that of a system whose /usr lies elsewhere.
var ErrNeedsUsr = errors.New("its /usr is a file system of its own")

// looksInstalled tells a root without a readable os-release from a data disk
// that happens to have an etc: something has to be there that boots.
func looksInstalled(tree fs.FS) bool {
	boots := exists(tree, "sbin/init") || exists(tree, "usr/lib/systemd/systemd") || exists(tree, "lib/systemd/systemd") || exists(tree, "bin/sh")
	return boots && exists(tree, "etc/fstab") || exists(tree, "etc/fstab") && isDir(tree, "usr") && isDir(tree, "var")
}

// osRelease finds the file as os-release(5) says: /etc first, then /usr/lib. A
// link from /etc that leads into a separate /usr is followed there.
func osRelease(tree, usr fs.FS) (map[string]string, error) {
	var problems []error
	try := func(t fs.FS, name string) map[string]string {
		data, err := readSmall(t, name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, fmt.Errorf("cannot read /%s: %w", name, err))
			}
			return nil
		}
		return parseOSRelease(data)
	}
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if r := try(tree, name); r != nil {
			return r, errors.Join(problems...)
		}
	}
	if usr != nil {
		if r := try(usr, "lib/os-release"); r != nil {
			return r, errors.Join(problems...)
		}
	}
	return nil, errors.Join(problems...)
}

// parseOSRelease reads the shell-like assignments of os-release(5). Text that
// holds no assignment gives nil.
func parseOSRelease(data []byte) map[string]string {
	var out map[string]string
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || key == "" || strings.HasPrefix(key, "#") || strings.ContainsAny(key, " \t") {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = clean(unquote(value))
	}
	return out
}

// unquote undoes the shell quoting that os-release(5) allows.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		quote := s[0]
		s = s[1 : len(s)-1]
		if quote == '\'' {
			return s
		}
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// clean keeps a stranger's text from steering the terminal it is shown on.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�")))
}

func (s *System) nameFrom(release map[string]string) {
	s.Distro, s.Version = release["ID"], release["VERSION_ID"]
	s.Name = release["PRETTY_NAME"]
	if s.Name == "" {
		s.Name = strings.TrimSpace(release["NAME"] + " " + release["VERSION"])
	}
	if s.Name == "" {
		s.Name = "unknown Linux"
	}
}

// config reads a file of the system's; that it is not there is no news, that it
// cannot be read is noted.
func (s *System) config(tree fs.FS, name string) []byte {
	data, err := readSmall(tree, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Notes = append(s.Notes, fmt.Sprintf("cannot read /%s: %v", name, err))
	}
	return data
}

// readSmall reads a regular file of at most maxConfig bytes.
func readSmall(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is a %s, not a regular file", modeWord(info.Mode()))
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("it is too large (%d bytes; at most %d are read)", info.Size(), maxConfig)
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig))
	return data, bare(err)
}

// bare takes the path out of an error whose reader is told the path anyway.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func modeWord(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "FIFO"
	case m&fs.ModeDevice != 0:
		return "device node"
	case m&fs.ModeSocket != 0:
		return "socket"
	default:
		return "special file"
	}
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

func isDir(tree fs.FS, name string) bool {
	info, err := fs.Stat(tree, name)
	return err == nil && info.IsDir()
}

func isEmptyDir(tree fs.FS, name string) bool {
	list, err := fs.ReadDir(tree, name)
	return err == nil && len(list) == 0
}

func firstLine(data []byte) string {
	for line := range bytes.Lines(data) {
		if text := clean(string(line)); text != "" && !strings.HasPrefix(text, "#") {
			return text
		}
	}
	return ""
}

// arch reads the machine type of a program that every system has.
func arch(tree, usr fs.FS) string {
	for _, name := range []string{"usr/bin/sh", "bin/sh", "sbin/init", "usr/lib/systemd/systemd", "bin/busybox"} {
		if a := elfArch(tree, name); a != "" {
			return a
		}
		if rest, ok := strings.CutPrefix(name, "usr/"); ok && usr != nil {
			if a := elfArch(usr, rest); a != "" {
				return a
			}
		}
	}
	return ""
}

// elfArch reads the first 64 bytes only: the header is all that is needed.
func elfArch(tree fs.FS, name string) string {
	info, err := fs.Stat(tree, name)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := tree.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 64)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:4]) != elf.ELFMAG {
		return ""
	}
	order := func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = func(b []byte) uint16 { return uint16(b[1]) | uint16(b[0])<<8 }
	}
	return archName(elf.Machine(order(head[18:20])), elf.Class(head[elf.EI_CLASS]), elf.Data(head[elf.EI_DATA]))
}

// archName gives the name that uname -m has for it.
func archName(m elf.Machine, class elf.Class, data elf.Data) string {
	switch m {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_386:
		return "i686"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_ARM:
		return "armv7l"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_PPC64:
		if data == elf.ELFDATA2LSB {
			return "ppc64le"
		}
		return "ppc64"
	case elf.EM_RISCV:
		if class == elf.ELFCLASS64 {
			return "riscv64"
		}
		return "riscv32"
	case elf.EM_LOONGARCH:
		return "loongarch64"
	default:
		return strings.ToLower(strings.TrimPrefix(m.String(), "EM_"))
	}
}

// kernels lists the versions that have modules or a kernel image.
func kernels(tree, usr fs.FS) []string {
	var out []string
	add := func(t fs.FS, dir string) {
		list, err := fs.ReadDir(t, dir)
		if err != nil {
			return
		}
		for _, e := range list {
			out = append(out, clean(e.Name()))
		}
	}
	add(tree, "lib/modules")
	add(tree, "usr/lib/modules")
	if usr != nil {
		add(usr, "lib/modules")
	}
	for _, pattern := range []string{"boot/vmlinuz-*", "boot/vmlinux-*", "boot/Image-*", "boot/image-*"} {
		images, _ := fs.Glob(tree, pattern)
		for _, image := range images {
			_, version, _ := strings.Cut(path.Base(image), "-")
			out = append(out, clean(version))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
