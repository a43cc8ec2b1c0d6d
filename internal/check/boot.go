package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/fstab"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// bootEntries looks whether what the boot loaders would start is there.
func (c *checker) bootEntries() {
	for _, p := range c.Boot.Problems {
		c.find(UnreadableBoot, placeOf(p.File, p.Line), p.Text, "", "look at the file; the boot loader's own tool writes it anew (update-grub, grub2-mkconfig, bootctl)")
	}
	kernels := 0
	for _, e := range c.Boot.Entries {
		if e.Kernel.Given() {
			kernels++
			c.bootEntry(e)
		}
	}
	if kernels == 0 && !c.isMuch("boot", "efi") {
		c.find(NoEntry, "/boot", "no boot loader's configuration names a kernel", "salvor reads GRUB 2, Boot Loader Specification, unified kernel images, syslinux, zipl and the Raspberry Pi's",
			"install a kernel and a boot loader in the system (salvor chroot)")
	}
	c.espMounted()
}

// isMuch reports whether one of the directories could not be seen: then nothing is
// known of what is missing there.
func (c *checker) isMuch(dirs ...string) bool {
	unseen := false
	for _, dir := range dirs {
		_, err := fs.ReadDir(c.Files, dir)
		if gap, ok := errors.AsType[*system.GapError](err); ok {
			c.find(NotSeen, "/"+dir, "what is in /"+dir+" could not be looked at", gap.Error(), "give the keys of the volumes it lies in (--key)")
			unseen = true
		}
	}
	return unseen
}

func placeOf(file string, line int) string {
	if line == 0 {
		return "/" + file
	}
	return fmt.Sprintf("/%s line %d", file, line)
}

// entryWhere names a boot entry as its menu shows it.
func entryWhere(e bootentry.Entry) string {
	where := placeOf(e.File, e.Line)
	if e.Title != "" {
		where += fmt.Sprintf(" (%s)", e.Title)
	}
	return where
}

func (c *checker) bootEntry(e bootentry.Entry) {
	where := entryWhere(e)
	unsure := ""
	if len(e.Unknown) > 0 {
		unsure = "only the running boot loader knows " + strings.Join(e.Unknown, ", ")
	}
	if e.Kernel.Path == "" && !strings.Contains(e.Kernel.Text, "$") {
		f := c.find(KernelMissing, where, fmt.Sprintf("the kernel %s is not there", e.Kernel.Text), unsure, "reinstall the kernel's package, or have the boot loader's tool write its menu anew")
		c.softenUnless(f, e)
	}
	for _, initrd := range e.Initrds {
		if initrd.Path == "" && !strings.Contains(initrd.Text, "$") {
			f := c.find(InitrdMissing, where, fmt.Sprintf("the initrd %s is not there", initrd.Text), unsure, "have it made anew (update-initramfs -c, dracut, mkinitcpio)")
			c.softenUnless(f, e)
		}
	}
	c.modules(e, where)
	c.bootRoot(e, where)
}

// softenUnless: that an entry which nobody starts by himself is broken does not
// keep the system from booting.
func (c *checker) softenUnless(f *Finding, e bootentry.Entry) {
	if !e.Default && slices.ContainsFunc(c.Boot.Entries, func(o bootentry.Entry) bool { return o.Default }) {
		f.Severity = Doubtful
	}
}

// modules: a kernel that is started finds its modules by its version.
func (c *checker) modules(e bootentry.Entry, where string) {
	version := kernelVersion(e)
	if version == "" || e.Kernel.Path == "" {
		return
	}
	for _, dir := range []string{"lib/modules/", "usr/lib/modules/", "run/current-system/kernel-modules/lib/modules/"} {
		_, err := fs.Stat(c.Files, dir+version)
		if err == nil || !isMissing(err) {
			return
		}
	}
	if _, err := fs.Stat(c.Files, "nix/store"); err == nil {
		return // NixOS keeps them beside each kernel
	}
	f := c.find(ModulesMissing, where, fmt.Sprintf("there are no modules of the kernel %s", version), "/lib/modules/"+version+" is not there", "install the kernel's package again")
	c.softenUnless(f, e)
}

// kernelVersion is the version in the kernel's file name, as distributions write it
// ("vmlinuz-6.1.0-30-amd64"), or the one that the entry states.
func kernelVersion(e bootentry.Entry) string {
	base := path.Base(e.Kernel.Text)
	for _, prefix := range []string{"vmlinuz-", "vmlinux-", "kernel-", "Image-", "linux-"} {
		if v, ok := strings.CutPrefix(base, prefix); ok && v != "" && v[0] >= '0' && v[0] <= '9' {
			return v
		}
	}
	if e.UKI && e.Version != "" && e.Version[0] >= '0' && e.Version[0] <= '9' {
		return e.Version
	}
	return ""
}

// bootRoot looks where root= of an entry leads.
func (c *checker) bootRoot(e bootentry.Entry, where string) {
	root, ok := fstab.ParseCmdline(e.Options).Root()
	if !ok || !namesDevice(root.Spec) || strings.Contains(root.Spec.Text, "$") {
		return
	}
	id, err := c.names.Source(root)
	if root.Spec.Kind == fstab.DevicePath && system.IsKernelName(root.Spec.Value) {
		c.find(KernelName, where, fmt.Sprintf("root=%s is a name that the kernel gives anew on every start", root.Spec), "", "name the root by its UUID on the kernel command line"+c.rootHint(), id)
	}
	var re *system.ResolveError
	switch {
	case errors.As(err, &re) && (re.Why == system.NeedsKey || re.Why == system.StaysShut):
	case err != nil:
		f := c.find(RootMissing, where, fmt.Sprintf("root=%s leads to no device", root.Spec), err.Error(), "correct the kernel command line to the root's UUID"+c.rootHint())
		c.softenUnless(f, e)
	case !c.isRoot(id):
		c.find(RootDiffers, where, fmt.Sprintf("root=%s means %s, not the root of this system", root.Spec, c.describe(id)), "", "look whether the entry is one of another system; else correct it"+c.rootHint(), id, c.System.Root)
	}
}

func (c *checker) rootHint() string {
	if uuid := c.uuidOf(c.System.Root); uuid != "" {
		return " (root=UUID=" + uuid + ")"
	}
	return ""
}

// namesDevice: specs that a graph can be asked for. Words such as gpt-auto, and
// shares on the network, are others'.
func namesDevice(s fstab.Spec) bool {
	switch s.Kind {
	case fstab.Virtual, fstab.Network, fstab.File, fstab.Unset:
		return false
	}
	return true
}

// isRoot: an entry of a btrfs may name the file system and leave the subvolume to
// its default.
func (c *checker) isRoot(id storage.ID) bool {
	if id == c.System.Root {
		return true
	}
	n, ok := c.Graph.Node(c.System.Root).(*storage.Subvolume)
	if !ok {
		return false
	}
	if sub, isSub := c.Graph.Node(id).(*storage.Subvolume); isSub {
		return slices.Equal(sub.On, n.On) && c.System.SnapshotOf != ""
	}
	return slices.Contains(n.On, id)
}

// espMounted: a system that is started by EFI and does not mount its ESP is not
// updated there.
func (c *checker) espMounted() {
	if len(c.Boot.Vendors) > 0 || len(c.Boot.Fallbacks) > 0 {
		return // it is seen, so a line mounts it
	}
	esp := c.espBeside()
	if esp == nil || slices.ContainsFunc(c.Mounting.Lines, func(l system.Line) bool { return l.Source == esp.ID }) {
		return
	}
	if !c.isEFI() {
		return
	}
	c.find(ESPNotMounted, "/etc/fstab", fmt.Sprintf("no line mounts the EFI system partition %s", c.describe(esp.ID)), "", fmt.Sprintf("add a line: UUID=%s /boot/efi vfat umask=0077 0 1", esp.UUID), esp.ID)
}

// isEFI: the system has what starts it by EFI.
func (c *checker) isEFI() bool {
	for _, dir := range []string{"usr/lib/grub/x86_64-efi", "usr/lib/grub/arm64-efi", "usr/lib/systemd/boot/efi", "boot/efi", "efi"} {
		if _, err := fs.Stat(c.Files, dir); err == nil {
			return true
		}
	}
	return false
}

// espBeside gives the file system of the ESP on a disk of the system's root.
func (c *checker) espBeside() *storage.FileSystem {
	disks := c.Graph.Disks(c.System.Root)
	for p := range storage.All[*storage.Partition](c.Graph) {
		if p.Type != "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" && p.Type != "0xef" {
			continue
		}
		for _, d := range c.Graph.Disks(p.ID) {
			if slices.Contains(disks, d) {
				for _, up := range c.Graph.Upper(p.ID) {
					if fsys, ok := up.(*storage.FileSystem); ok {
						return fsys
					}
				}
			}
		}
	}
	return nil
}
