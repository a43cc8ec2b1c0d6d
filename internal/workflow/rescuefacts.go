package workflow

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/config"
	"salvor/internal/fstab"
	"salvor/internal/layout"
	"salvor/internal/rescue"
)

// findKernel takes the kernel that was asked for, or the configured one, or the one that runs; of
// a machine that does not run, the newest.
func (b *imaging) findKernel() error {
	asked := b.o.Kernel
	if asked == "" {
		asked = string(b.o.Config.Rescue.Kernel)
	}
	if asked == "" && !b.o.Elsewhere {
		if release := kernelOf(b.w.Machine); release != "unknown" {
			asked = release
		}
	}
	var err error
	if strings.Contains(asked, "/") {
		b.report.Kernel, err = rescue.FindKernel(b.files, "", asked)
	} else {
		b.report.Kernel, err = rescue.FindKernel(b.files, asked, "")
	}
	if err != nil {
		return &NoKernelError{asked, err}
	}
	return nil
}

// NoKernelError: the kernel that an image was to be made with is not there, or not whole.
type NoKernelError struct {
	Asked string // "" for any
	Err   error
}

func (e *NoKernelError) Error() string { return e.Err.Error() }
func (e *NoKernelError) Unwrap() error { return e.Err }

// facts are what is known of the machine.
func (b *imaging) facts() rescue.Facts {
	f := rescue.Facts{Kernel: b.report.Kernel, Uses: b.uses()}
	if !b.o.Elsewhere {
		f.Devices = b.w.devices()
	}
	return f
}

// choice is what was chosen. Of a machine of which no device is known, nothing can be
// left out for want of hardware.
func (b *imaging) choice() rescue.Choice {
	c := rescue.Chosen(b.o.Config.Rescue)
	switch {
	case b.o.Hardware != "":
		c.Hardware = b.o.Hardware
	case b.o.Elsewhere:
		c.Hardware = rescue.Generic
	}
	return c
}

// devices are the MODALIASes of all devices, and the modules of their drivers. Both count: a driver
// may have been bound to a device by hand, and a device may be without its driver just now.
func (w *Work) devices() []string {
	var out []string
	buses, _ := w.Machine.ReadDir("/sys/bus") // what cannot be read is not there
	for _, bus := range buses {
		dir := path.Join("/sys/bus", bus, "devices")
		names, _ := w.Machine.ReadDir(dir)
		for _, name := range names {
			if alias, err := w.Machine.ReadFile(path.Join(dir, name, "modalias")); err == nil {
				out = append(out, strings.TrimSpace(string(alias)))
			}
			if module, err := w.Machine.Readlink(path.Join(dir, name, "driver/module")); err == nil {
				out = append(out, path.Base(module))
			}
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// uses are words for what the machine uses, in the order of the table.
func (b *imaging) uses() []string {
	words := usesOfBackup(b.o.Config.Backup)
	if b.layout != nil {
		words = append(words, usesOfLayout(b.layout)...)
	}
	words = append(words, b.usesOfFstab()...)
	if !b.o.Elsewhere && b.w.hasNVMeOverNetwork() {
		words = append(words, "nvmf")
	}
	if text, err := fs.ReadFile(b.files, "etc/selinux/config"); err == nil && usesSELinux(string(text)) {
		words = append(words, "selinux")
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// usesOfBackup: what makes and holds the backup.
func usesOfBackup(b config.Backup) []string {
	var out []string
	if b.Engine != config.NoEngine {
		out = append(out, string(b.Engine))
	}
	scheme, _, ok := strings.Cut(string(b.Repository), ":")
	if word := networkUse(scheme); ok && word != "" {
		out = append(out, word)
	}
	return out
}

// networkUse is the word for storage in the network, by the type of file system or the scheme of a
// URL; "" for others.
func networkUse(typ string) string {
	switch typ {
	case "nfs", "nfs4":
		return "nfs"
	case "cifs", "smb3", "smb":
		return "cifs"
	case "fuse.sshfs", "sshfs":
		return "sshfs"
	case "rsync":
		return "rsync"
	}
	return ""
}

// usesOfFstab: what it would mount over the network.
func (b *imaging) usesOfFstab() []string {
	text, err := fs.ReadFile(b.files, "etc/fstab")
	if err != nil {
		return nil // nothing is mounted by it
	}
	var out []string
	for _, e := range fstab.ParseFstab(text).Entries {
		if word := networkUse(e.Type); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// usesSELinux reads its configuration (selinux_config(5)).
func usesSELinux(text string) bool {
	for line := range strings.Lines(text) {
		if mode, ok := strings.CutPrefix(strings.TrimSpace(line), "SELINUX="); ok {
			return mode == "enforcing" || mode == "permissive"
		}
	}
	return false
}

// usesOfLayout: kinds of storage and types of file systems. What is listed as not covered is not
// among them: no program that makes it is asked for.
func usesOfLayout(l *layout.Layout) []string {
	s := l.Storage
	var out []string
	add := func(words ...string) { out = append(out, words...) }
	for _, d := range s.Disks {
		if d.Transport == "iscsi" {
			add("iscsi")
		}
	}
	if len(s.Multipaths) > 0 {
		add("multipath")
	}
	if len(s.Arrays) > 0 {
		add("md")
	}
	if len(s.Bcaches) > 0 || len(s.CacheSets) > 0 {
		add("bcache")
	}
	for _, c := range s.Crypts {
		add("crypt")
		if c.Header == nil {
			continue
		}
		for _, t := range c.Header.Tokens {
			add(tokenUse(t.Type))
		}
	}
	if len(s.PVs) > 0 || len(s.Groups) > 0 {
		add("pv", "vg", "lv")
	}
	for _, f := range s.FileSystems {
		add(f.Type)
	}
	for _, m := range l.Mounts {
		add(networkUse(m.Type))
	}
	return slices.DeleteFunc(out, func(word string) bool { return word == "" })
}

// hasNVMeOverNetwork: a controller of NVMe that is not plugged in (kernel:
// Documentation/ABI/testing/sysfs-class-nvme).
func (w *Work) hasNVMeOverNetwork() bool {
	controllers, _ := w.Machine.ReadDir("/sys/class/nvme") // what cannot be read is not there
	return slices.ContainsFunc(controllers, func(name string) bool {
		transport, err := w.Machine.ReadFile(path.Join("/sys/class/nvme", name, "transport"))
		return err == nil && slices.Contains([]string{"tcp", "rdma", "fc"}, strings.TrimSpace(string(transport)))
	})
}

// tokenUse: what opens a container without a passphrase (cryptsetup's token types).
func tokenUse(typ string) string {
	switch {
	case typ == "clevis":
		return "clevis"
	case strings.HasPrefix(typ, "systemd-") && typ != "systemd-recovery":
		return "token"
	}
	return ""
}

// canBeInit: the kernel starts init before there is a library anywhere else than in the image.
func canBeInit(program []byte) error {
	interpreter, err := interpreterOf(program)
	switch {
	case err != nil:
		return fmt.Errorf("cannot make this salvor the init of an image: %w", err)
	case interpreter != "":
		return fmt.Errorf("cannot make this salvor the init of an image: it is linked dynamically, and needs %s", interpreter)
	}
	return nil
}
