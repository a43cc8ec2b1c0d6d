package medium

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// The names of the kernel and the initramfs in a directory for booting over the network.
const (
	pxeKernel = "vmlinuz"
	pxeInitrd = "initrd.img"
	// pxeMark is by what such a directory is known.
	pxeMark = "salvor.id"
)

// pxeNames are the patterns of the names of all files that WritePXE writes.
var pxeNames = []string{
	pxeMark, pxeKernel, pxeInitrd, "boot.ipxe", "README", "grub/grub.cfg", "pxelinux.cfg/default", "pxelinux.0", "*.c32", "grub*.efi", "shim*.efi",
}

// WritePXE fills a directory with what a TFTP or HTTP server needs to start the rescue system.
// Everyone may read it, as such a server runs as somebody of its own.
func WritePXE(dir string, p Parts) error {
	if err := p.check(); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("cannot open the directory for network boot: %w", err)
	}
	defer root.Close()
	for _, f := range p.pxeFiles() {
		if err := writeFile(root, f); err != nil {
			return fmt.Errorf("cannot write %s for network boot: %w", f.path, err)
		}
	}
	return nil
}

func writeFile(root *os.Root, f file) error {
	if err := root.MkdirAll(path.Dir(f.path), 0o755); err != nil {
		return err
	}
	out, err := root.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.NewSectionReader(f.content, 0, f.content.Size()))
	return errors.Join(err, out.Close())
}

// ForeignInPXE names a file in a directory that WritePXE has not written; "" if there is none. All
// are foreign where its mark is not.
func ForeignInPXE(dir fs.FS) (string, error) {
	var own, foreign []string
	err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".", "grub", "pxelinux.cfg"}, p):
		case d.Type().IsRegular() && isPXEName(p):
			own = append(own, p)
		default:
			foreign = append(foreign, p)
		}
		return nil
	})
	if !slices.Contains(own, pxeMark) {
		foreign = append(foreign, own...)
	}
	if err != nil || len(foreign) == 0 {
		return "", err
	}
	return foreign[0], nil
}

func isPXEName(p string) bool {
	return slices.ContainsFunc(pxeNames, func(pattern string) bool {
		ok, _ := path.Match(pattern, p)
		return ok
	})
}

// pxeFiles are the files of the directory. GRUB's image for the network is signed by the
// key that shim knows; shim asks for it under the name of GRUB on a disk.
func (p Parts) pxeFiles() tree {
	var t tree
	l := p.Loaders
	if l.PXELINUX != nil {
		t.put(l.PXELINUX.Program.name(), l.PXELINUX.Program.Data)
		for _, m := range l.PXELINUX.Modules {
			t.put(m.name(), m.Data)
		}
	}
	if l.GRUBNet.there() {
		t.put("grub"+string(l.Arch)+".efi", l.GRUBNet.Data)
		if l.Shim.there() {
			t.put("shim"+string(l.Arch)+".efi", l.Shim.Data)
		}
	}
	t.put("pxelinux.cfg/default", p.syslinuxConfig(pxeKernel, pxeInitrd))
	t.put("grub/grub.cfg", p.pxeGRUBConfig())
	t.put("boot.ipxe", p.ipxeScript())
	t.put(pxeMark, []byte(p.heading()+"\n"))
	t.put("README", p.pxeReadme())
	t.putReader(pxeKernel, p.Kernel)
	t.putReader(pxeInitrd, p.Initramfs)
	return t
}

// pxeGRUBConfig is the menu for GRUB over the network. The signed images look for it in
// /grub of the server that they came from, so that the directory has to be the server's root.
func (p Parts) pxeGRUBConfig() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\nset default=0\nset timeout=%d\n", p.heading(), menuTimeout)
	for _, e := range p.entries() {
		fmt.Fprintf(&b, "menuentry '%s' --id %s {\n\tlinux /%s %s\n\tinitrd /%s\n}\n",
			e.title, e.name, pxeKernel, grubWords(e.options), pxeInitrd)
	}
	fmt.Fprintf(&b, "menuentry '%s' --id local {\n\texit 1\n}\n", localDisk)
	return b.Bytes()
}

// pxeReadme tells how to set up a server. What the directory lacks is not told of.
func (p Parts) pxeReadme() []byte {
	var b bytes.Buffer
	l := p.Loaders
	fmt.Fprintf(&b, "%s\n\nServe this directory by TFTP or HTTP, and let the DHCP server name the file to start:\n\n", p.heading())
	row := func(client, name string) { fmt.Fprintf(&b, "  %-42s %s\n", client, name) }
	row("iPXE", "boot.ipxe")
	if l.PXELINUX != nil {
		row("BIOS (option 93 is 0)", l.PXELINUX.Program.name())
	}
	if l.GRUBNet.there() && l.Shim.there() {
		row("UEFI with or without Secure Boot", "shim"+string(l.Arch)+".efi")
	}
	if l.GRUBNet.there() {
		row("UEFI without Secure Boot", "grub"+string(l.Arch)+".efi")
		b.WriteString("\nFor GRUB, the directory has to be the server's root: it asks for /grub/grub.cfg.\n")
	}
	fmt.Fprintf(&b, "\nAny other loader: kernel %s, initramfs %s, command line:\n\n  %s\n", pxeKernel, pxeInitrd, p.entries()[0].options)
	return b.Bytes()
}

// OpenDir reads a directory for booting over the network.
func OpenDir(dir fs.FS) (*Contents, error) {
	c := &Contents{Format: PXE}
	err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := dir.Open(p)
		if err != nil {
			return err
		}
		return c.addOpen(p, f)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read the directory for network boot: %w", err), c.Close())
	}
	return c, c.complete(pxeKernel, pxeInitrd, "pxelinux.cfg/default")
}
