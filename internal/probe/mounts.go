package probe

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/storage"
)

// readMounts reads which devices are mounted. The devices are linked already.
func (p *prober) readMounts(inv *inventory) {
	data, err := p.m.ReadFile("/proc/self/mountinfo")
	if err == nil {
		inv.mounts, err = mountinfo.GetMountsFromReader(bytes.NewReader(data), nil)
	}
	if err != nil {
		inv.notes = append(inv.notes, fmt.Sprintf("cannot tell what is mounted: %v", err))
		return
	}
	inv.mountDevs = make([]*device, len(inv.mounts))
	for i, m := range inv.mounts {
		d := p.mountDevice(inv, m)
		inv.mountDevs[i] = d
		if d != nil {
			d.resolve().mounted = m.FSType
			d.resolve().replayed = d.role == roleStandIn
		}
	}
}

// mountDevice gives the device that a mount comes from. btrfs and a few others
// show an anonymous device number of their own (kernel: fs/btrfs/super.c,
// set_anon_super), so there the source counts.
func (p *prober) mountDevice(inv *inventory, m *mountinfo.Info) *device {
	if d := inv.byDev[storage.Dev{Major: uint32(m.Major), Minor: uint32(m.Minor)}]; d != nil {
		return d
	}
	if m.Major != 0 {
		return nil
	}
	// bcachefs lists all its devices, with colons between.
	source, _, _ := strings.Cut(m.Source, ":")
	return p.deviceAt(inv, source)
}

// deviceAt gives the device that a path below /dev leads to.
func (p *prober) deviceAt(inv *inventory, name string) *device {
	if !strings.HasPrefix(name, "/dev/") {
		return nil
	}
	if info, err := p.m.Stat(name); err == nil {
		if d := inv.byDev[storage.Dev{Major: info.Major, Minor: info.Minor}]; d != nil {
			return d
		}
	}
	for _, d := range inv.devices {
		if d.path == name || (d.dm.name != "" && storage.DMPath(d.dm.name) == name) || slices.Contains(d.udev.links, name) {
			return d
		}
	}
	return nil
}

// readSwaps reads which devices are swapped to (proc_swaps(5)).
func (p *prober) readSwaps(inv *inventory) {
	data, err := p.m.ReadFile("/proc/swaps")
	if err != nil {
		return // a kernel without swapping
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[1] != "partition" {
			continue
		}
		if d := p.deviceAt(inv, unescape(fields[0])); d != nil {
			d.resolve().swapping = true
		}
	}
}

// unescape undoes seq_path(): a blank in a name is \040.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// addMounts makes the mounts of the graph. Their sources are filled in when the
// nodes have their IDs.
func (a *assembly) addMounts() {
	for i, info := range a.inv.mounts {
		d := a.inv.mountDevs[i]
		m := storage.Mount{
			Point: info.Mountpoint, Type: info.FSType, Root: info.Root,
			Options: mountOptions(info), Overlay: d != nil && d.role == roleStandIn,
			Dev: storage.Dev{Major: uint32(info.Major), Minor: uint32(info.Minor)},
		}
		m.ReadOnly = slices.Contains(m.Options, "ro")
		a.mounts = append(a.mounts, m)
		if d == nil {
			if info.Major != 0 || strings.HasPrefix(info.Source, "/dev/") {
				a.note("%s is mounted at %s, and is no device that is there", info.Source, m.Point)
			}
			continue
		}
		node := a.mountSource(d.resolve(), info)
		if node == nil {
			a.note("%s is mounted at %s, and does not seem to be a file system", d.path, m.Point)
			continue
		}
		a.fix(func() { a.mounts[i].Source = node.Base().ID })
	}
}

// mountOptions gives the options of the mount, then those of the file system
// that say something else. Either can make it read-only, and then it is.
func mountOptions(info *mountinfo.Info) []string {
	super := strings.Split(info.VFSOptions, ",")
	ro := slices.Contains(super, "ro")
	var out []string
	for _, o := range append(strings.Split(info.Options, ","), super...) {
		if o == "rw" && ro {
			continue
		}
		if o != "" && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	if slices.Contains(out, "ro") {
		out = slices.DeleteFunc(out, func(o string) bool { return o == "rw" })
	}
	return out
}

// mountSource is the file system that is mounted, or the subvolume that the root
// of the mount lies in: the one with the longest path.
func (a *assembly) mountSource(d *device, info *mountinfo.Info) storage.Node {
	fs, ok := a.content[d].(*storage.FileSystem)
	if !ok {
		return nil
	}
	var best storage.Node = fs
	length := -1
	for _, s := range a.subvolumes[fs] {
		if storage.PathContains(path.Join("/", s.Path), info.Root) && len(s.Path) > length {
			best, length = s, len(s.Path)
		}
	}
	return best
}
