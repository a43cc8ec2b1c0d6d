// Package rescue boots the init of the rescue system in a VM.
//
// An image is a tree that build.sh made, with salvor as /init and the files that the init
// says it needs. A VM is an image that runs: its Console is a serial one, its monitor is
// QEMU's. The package puts images together by hand, but for those of TestBuilt, which salvor
// builds and starts itself.
package rescue

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/cavaliergopher/cpio"

	"salvor/internal/rescue/live"
	"salvor/test/lab"
)

// Image is an initramfs, and the kernel for it.
type Image struct{ Kernel, Initramfs string }

// Build makes an image of the tree of that name (plain or full) in dir. More files are added by
// their paths.
func Build(dir, tree, shell string, more map[string]string) (Image, error) {
	built, err := trees("build.sh")
	if err != nil {
		return Image{}, err
	}
	if err := lab.Build(dir); err != nil {
		return Image{}, err
	}
	image := Image{filepath.Join(built, "vmlinuz"), filepath.Join(dir, tree+".cpio")}
	f, err := os.Create(image.Initramfs)
	if err != nil {
		return Image{}, err
	}
	defer f.Close()
	w := writer{cpio.NewWriter(f)}
	if err := w.tree(filepath.Join(built, tree)); err != nil {
		return Image{}, err
	}
	if err := w.own(filepath.Join(dir, "bin/salvor"), shell, more); err != nil {
		return Image{}, err
	}
	return image, w.Close()
}

// trees is the directory that a script here has made.
func trees(script string) (string, error) {
	out, err := exec.Command("bash", filepath.Join(lab.Repo, "test/rescue", script)).Output()
	if err != nil {
		return "", fmt.Errorf("cannot build the trees: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// writer writes an initramfs (kernel: Documentation/driver-api/early-userspace/buffer-format.rst).
type writer struct{ *cpio.Writer }

func (w writer) add(name string, mode cpio.FileMode, data []byte) error {
	name = strings.TrimPrefix(name, "/")
	if err := w.WriteHeader(&cpio.Header{Name: name, Mode: mode, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func (w writer) dir(name string) error { return w.add(name, cpio.TypeDir|0o755, nil) }

func (w writer) link(target, name string) error {
	return w.add(name, cpio.TypeSymlink|0o777, []byte(target))
}

func (w writer) tree(root string) error {
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(file, root)
		switch {
		case err != nil || name == "":
			return err
		case d.IsDir():
			return w.dir(name)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			return w.link(target, name)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return w.add(name, cpio.TypeReg|0o755, data)
	})
}

// own adds what makes a tree a rescue system.
func (w writer) own(salvor, shell string, more map[string]string) error {
	program, err := os.ReadFile(salvor)
	if err != nil {
		return err
	}
	files := append(live.Files(), users(shell)...)
	files = append(files, live.File{Path: live.Mark, Mode: 0o644, Text: "test\n"}, live.File{Path: "/init", Mode: 0o755, Text: string(program)})
	for name, text := range more {
		files = append(files, live.File{Path: name, Mode: 0o600, Text: text})
	}
	seen := map[string]bool{"/": true}
	for _, name := range directories {
		if err := w.dirs(name, seen); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := w.dirs(path.Dir(f.Path), seen); err != nil {
			return err
		}
		if err := w.add(f.Path, cpio.TypeReg|cpio.FileMode(f.Mode), []byte(f.Text)); err != nil {
			return err
		}
	}
	for _, name := range append(live.Commands(), "salvor") {
		if err := w.link("/init", "/usr/bin/"+name); err != nil {
			return err
		}
	}
	return nil // the kernel's own initramfs has /dev/console, and init mounts the rest
}

// directories have to be there.
var directories = []string{"/dev", "/proc", "/sys", "/run", "/tmp", "/root", "/root/.ssh", "/mnt/local", "/var/empty", "/var/lib", "/etc/udev/rules.d"}

// users are those that sshd and udev look up.
func users(shell string) []live.File {
	return []live.File{
		{Path: "/etc/passwd", Mode: 0o644, Text: "root:*:0:0:root:/root:" + shell + "\nsshd:*:74:74:sshd:/run/sshd:/usr/sbin/nologin\n"},
		{Path: "/etc/group", Mode: 0o644, Text: "root:x:0:\ntty:x:5:\ndisk:x:6:\nkmem:x:9:\nsshd:x:74:\n"},
		{Path: "/etc/nsswitch.conf", Mode: 0o644, Text: "passwd: files\ngroup: files\nhosts: files dns\n"},
		{Path: "/etc/shells", Mode: 0o644, Text: shell + "\n"},
	}
}

// dirs adds a directory and those above it, which the kernel wants to come first.
func (w writer) dirs(name string, seen map[string]bool) error {
	if seen[name] {
		return nil
	}
	if err := w.dirs(path.Dir(name), seen); err != nil {
		return err
	}
	seen[name] = true
	return w.dir(name)
}
