package check

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// need is what the initramfs has to bring along to reach the root.
type need struct {
	node     storage.Node
	modules  []string // any of them will do
	programs []string // any of them will do
	// luck: another start of the machine, or another machine, may do without it.
	luck bool
}

// initramfs looks whether what is started can reach the root. Entries that share
// their initrds are looked at once.
func (c *checker) initramfs() {
	needs := c.needs()
	seen := map[string]bool{}
	for _, e := range c.Boot.Entries {
		if !e.Kernel.Given() || e.Kernel.Path == "" {
			continue
		}
		key := e.Kernel.Path
		for _, i := range e.Initrds {
			key += "\n" + i.Path
		}
		if !seen[key] {
			seen[key] = true
			c.entryInitramfs(e, needs)
		}
	}
}

func (c *checker) entryInitramfs(e bootentry.Entry, needs []need) {
	where := entryWhere(e)
	var parts []*bootentry.Initramfs
	for _, i := range e.Ramdisks() {
		part := c.Initramfs[i.Path]
		switch {
		case i.Path == "":
			return // it is missing, which is told already
		case part == nil:
			c.find(UnreadInitrd, where, fmt.Sprintf("the initrd /%s was not read", i.Path), "", "look at it with the distribution's tool (lsinitramfs, lsinitrd)")
			return
		}
		parts = append(parts, part)
	}
	r := ramdisk{parts, c.builtin(kernelVersion(e))}
	for _, n := range needs {
		c.meets(where, r, n)
	}
	c.opensRoot(where, e, r)
}

// ramdisk is all that is there before the root is mounted.
type ramdisk struct {
	parts   []*bootentry.Initramfs
	builtin map[string]bool // of the kernel; nil if that is not known
}

func (r ramdisk) has(in func(*bootentry.Initramfs, string) bool, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(r.parts, func(p *bootentry.Initramfs) bool { return in(p, name) })
	})
}

func (r ramdisk) hasModule(names []string) bool {
	return r.has((*bootentry.Initramfs).HasModule, names) || slices.ContainsFunc(names, func(n string) bool { return r.builtin[n] })
}

func (r ramdisk) hasProgram(names []string) bool {
	return r.has((*bootentry.Initramfs).HasProgram, names)
}

// knowsBuiltin: without a list of what the kernel has built in nothing can be
// said of modules.
func (r ramdisk) knowsBuiltin() bool {
	return r.builtin != nil || slices.ContainsFunc(r.parts, func(p *bootentry.Initramfs) bool { return len(p.Builtin) > 0 })
}

// builtin reads which modules a kernel has built in (Documentation/kbuild/kbuild.rst,
// modules.builtin).
func (c *checker) builtin(version string) map[string]bool {
	if version == "" {
		return nil
	}
	for _, dir := range []string{"lib/modules/", "usr/lib/modules/"} {
		data, err := fs.ReadFile(c.Files, dir+version+"/modules.builtin")
		if err != nil {
			continue
		}
		out := map[string]bool{}
		for line := range strings.Lines(string(data)) {
			base := line[strings.LastIndexByte(line, '/')+1:]
			if name, ok := strings.CutSuffix(strings.TrimSpace(base), ".ko"); ok {
				out[strings.ReplaceAll(name, "-", "_")] = true
			}
		}
		return out
	}
	return nil
}

func (c *checker) meets(where string, r ramdisk, n need) {
	id := n.node.Base().ID
	remedy := "have the initramfs made anew in the system (salvor chroot; update-initramfs -u, dracut -f, mkinitcpio -P)"
	if len(n.modules) > 0 && r.knowsBuiltin() && !r.hasModule(n.modules) {
		f := c.find(LacksModule, where, "the initramfs lacks the module "+strings.Join(n.modules, " or "), c.describe(id)+" needs it, and the root lies on that", remedy, id)
		if n.luck {
			f.Severity = Doubtful
		}
	}
	if len(n.programs) > 0 && !r.hasProgram(n.programs) {
		c.find(LacksProgram, where, "the initramfs lacks the program "+strings.Join(n.programs, " or "), c.describe(id)+" needs it, and the root lies on that", remedy, id)
	}
}

// needs lists what lies under the root, and under a separate /usr, which is
// mounted before the system starts too.
func (c *checker) needs() []need {
	var out []need
	for _, n := range c.underRoot() {
		if x := needOf(n); len(x.modules)+len(x.programs) > 0 {
			out = append(out, x)
		}
	}
	return out
}

func (c *checker) underRoot() []storage.Node {
	var out []storage.Node
	for _, id := range []storage.ID{c.System.Root, c.System.Usr} {
		if n := c.Graph.Node(id); n != nil {
			out = append(append(out, n), c.Graph.Below(id)...)
		}
	}
	slices.SortFunc(out, func(a, b storage.Node) int { return strings.Compare(string(a.Base().ID), string(b.Base().ID)) })
	return slices.CompactFunc(out, func(a, b storage.Node) bool { return a.Base().ID == b.Base().ID })
}

func needOf(n storage.Node) need {
	x := need{node: n}
	switch n := n.(type) {
	case *storage.FileSystem:
		x.modules = []string{n.Type}
		if n.Type == "ext2" || n.Type == "ext3" {
			x.modules = []string{n.Type, "ext4"}
		}
	case *storage.Crypt:
		x.modules, x.programs = []string{"dm_crypt"}, []string{"cryptsetup", "systemd-cryptsetup", "booster"}
	case *storage.LV:
		x.modules, x.programs = lvModules(n.Layout), []string{"lvm", "lvm.static", "booster"}
	case *storage.MD:
		x.modules, x.programs = mdModules(n.Level), []string{"mdadm", "booster"}
	case *storage.Multipath:
		x.modules, x.programs = []string{"dm_multipath"}, []string{"multipathd", "multipath"}
	case *storage.Bcache:
		x.modules = []string{"bcache"}
	case *storage.Disk:
		x.modules, x.luck = driverOf(n.Transport), true
	}
	return x
}

// lvModules are the drivers by layout (lvmthin(7), lvmcache(7), lvmraid(7)).
func lvModules(layout string) []string {
	switch {
	case strings.HasPrefix(layout, "thin"):
		return []string{"dm_thin_pool"}
	case strings.HasPrefix(layout, "cache"), layout == "writecache":
		return []string{"dm_cache", "dm_writecache"}
	case strings.HasPrefix(layout, "raid"):
		return []string{"dm_raid"}
	case layout == "mirror":
		return []string{"dm_mirror"}
	case layout == "snapshot":
		return []string{"dm_snapshot"}
	default:
		return []string{"dm_mod"}
	}
}

// mdModules are the drivers by level (md(4)).
func mdModules(level string) []string {
	switch level {
	case "raid4", "raid5", "raid6":
		return []string{"raid456"}
	case "raid0", "raid1", "raid10", "linear":
		return []string{level}
	}
	return nil
}

// driverOf gives drivers of which a disk needs one. SCSI and ATA have too many.
func driverOf(transport string) []string {
	switch transport {
	case "nvme":
		return []string{"nvme"}
	case "virtio":
		return []string{"virtio_blk", "virtio_scsi"}
	case "mmc":
		return []string{"mmc_block"}
	case "usb":
		return []string{"usb_storage", "uas"}
	}
	return nil
}

// opensRoot: somebody has to tell the initramfs which volumes to open.
func (c *checker) opensRoot(where string, e bootentry.Entry, r ramdisk) {
	told := c.toldVolumes(e, r)
	for _, n := range c.underRoot() {
		crypt, ok := n.(*storage.Crypt)
		if !ok || told == nil || told[crypt.ID] {
			continue
		}
		c.find(LacksVolume, where, fmt.Sprintf("nothing tells the initramfs to open %s, and the root lies in it", c.describe(crypt.ID)),
			"neither the kernel command line nor a crypttab in the initramfs names it",
			fmt.Sprintf("put it into /etc/crypttab and have the initramfs made anew, or add rd.luks.uuid=%s to the kernel command line", crypt.UUID), crypt.ID)
	}
}

// toldVolumes gives the volumes that the initramfs is told to open; nil when it
// opens all, or in a way that is not known here.
func (c *checker) toldVolumes(e bootentry.Entry, r ramdisk) map[storage.ID]bool {
	line := fstab.ParseCmdline(e.Options)
	if line.Has("rd.auto") || line.Has("cryptroot") || len(r.parts) == 0 {
		return nil
	}
	entries := line.CryptEntries()
	for _, p := range r.parts {
		if p.Note != "" {
			return nil // what it holds was not all read
		}
		for _, name := range []string{"etc/crypttab", "cryptroot/crypttab", "etc/crypttab.initramfs"} {
			if text, ok := p.File(name); ok {
				entries = append(entries, fstab.ParseCrypttab([]byte(text)).Entries...)
			}
		}
	}
	told := map[storage.ID]bool{}
	for _, entry := range entries {
		if id, err := c.names.Container(entry); err == nil {
			told[id] = true
		}
	}
	return told
}
