package rear

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// Gap is something that was lost on the way, or has to be done by a person.
type Gap struct {
	What  string `json:"what"`           // it in words: a device, a variable
	Cause string `json:"cause"`          // as a sentence
	File  string `json:"file,omitempty"` // where it stands
	Line  int    `json:"line,omitempty"`
}

// disklayout is the name of the file in gaps.
const disklayout = "disklayout.conf"

// Import makes the layout that files describe, and lists what of them is not in it.
// What ReaR does not write down stays empty: types of partitions without a flag,
// GUIDs and signatures of tables, key slots, how a file system was made beside what
// is in its line. An error is a layout that lies on itself, or a bug.
func Import(files *Files) (*layout.Layout, []Gap, error) {
	i := &importer{files: files, nodes: map[string]storage.Node{}, making: map[string]bool{}, made: map[string]func() storage.Node{},
		groups: map[string]*group{}, tables: map[storage.Node]*storage.Table{}, content: map[string]*storage.FileSystem{},
		subvolumes: map[*storage.FileSystem][]*storage.Subvolume{}, known: map[string]bool{}}
	i.problems()
	i.links()
	i.index()
	i.build()
	g, err := i.b.Build(i.mounts, nil, i.fix)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a layout of ReaR's %s: %w", disklayout, err)
	}
	l, _ := layout.FromGraph(g, layout.Facts{
		Host:  layout.Host{Machine: layout.Machine{Hostname: i.hostname}, Boot: layout.Boot{Loader: loaderOf(files.Bootloader)}},
		Usage: i.usage(g),
		Names: i.mapNames(),
	})
	i.noCOW(l)
	l.Digest = layout.Digest(l)
	return l, i.gaps, nil
}

// importer is a disklayout.conf on its way to become a graph.
type importer struct {
	files  *Files
	b      storage.Builder
	nodes  map[string]storage.Node        // by device, once they are made
	made   map[string]func() storage.Node // how the node of a device is made
	known  map[string]bool                // components that are not disabled, by name
	making map[string]bool                // what is being made: a device must not lie on itself
	groups map[string]*group
	tables map[storage.Node]*storage.Table
	byID   map[string]string   // name below /dev/disk/by-id: device
	names  map[string][]string // the other way round
	crypts []*storage.Crypt
	// hostname is the machine's own name, where the name of an array tells it.
	hostname string

	content    map[string]*storage.FileSystem // by device
	subvolumes map[*storage.FileSystem][]*storage.Subvolume
	mounts     []storage.Mount
	sources    []storage.Node // of the mounts
	fixes      []func()
	gaps       []Gap
}

// group is a volume group while its parts come together.
type group struct {
	line   *LVMGrp
	config *vgConfig
	node   *storage.VG
	pvs    []*storage.PV
	lvs    map[string]*storage.LV
}

func (i *importer) gap(line int, what, format string, args ...any) {
	i.gaps = append(i.gaps, Gap{What: what, Cause: fmt.Sprintf(format, args...), File: disklayout, Line: line})
}

func (i *importer) fix() {
	for _, f := range i.fixes {
		f()
	}
	for at, n := range i.sources {
		i.mounts[at].Source = n.Base().ID
	}
}

// problems turns what could not be read, and what is disabled, into gaps.
func (i *importer) problems() {
	for _, p := range i.files.Layout.Problems {
		if !p.Read {
			i.gap(p.Line, p.Text, "%s", p.Cause)
		}
	}
	for _, l := range i.files.Layout.Lines {
		if l.Component != nil && !l.Disabled {
			i.known[l.Component.Name()] = true
		}
	}
	for _, l := range i.files.Layout.Lines {
		if l.Component != nil && l.Disabled && l.Component.Name() != "" && !i.known[l.Component.Name()] {
			i.gap(l.Number, l.Component.Name(), "it is disabled: ReaR knows it and leaves it out, and so does this layout")
		}
	}
}

// links reads which names below /dev/disk/by-id lead to which device.
func (i *importer) links() {
	i.byID, i.names = map[string]string{}, map[string][]string{}
	for _, p := range i.files.Links {
		i.byID[p.A] = p.B
		i.names[p.B] = append(i.names[p.B], p.A)
	}
}

// link gives what stands behind a prefix in the names of a device below by-id.
func (i *importer) link(device, prefix string) string {
	for _, name := range i.names[device] {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return ""
}

// index notes how the node of each device is made, so that the order of the lines
// does not matter.
func (i *importer) index() {
	for _, l := range i.files.Layout.Lines {
		if l.Disabled || l.Component == nil {
			continue
		}
		switch c := l.Component.(type) {
		case *Disk:
			i.provide(l, c.Device, func() storage.Node { return i.disk(c) })
		case *Part:
			i.provide(l, c.Device, func() storage.Node { return i.part(c) })
		case *Raid:
			i.provide(l, c.Device, func() storage.Node { return i.raid(l.Number, c) })
		case *Multipath:
			i.provide(l, c.Device, func() storage.Node { return i.multipath(l.Number, c) })
		case *Crypt:
			i.provide(l, c.Device, func() storage.Node { return i.crypt(l.Number, c) })
		case *DRBD:
			i.provide(l, c.Device, func() storage.Node { return i.drbd(c) })
		case *LVMVol:
			i.provide(l, c.Name(), func() storage.Node { return i.volume(l.Number, c) })
		case *LVMGrp:
			i.group(c)
		}
	}
}

// provide keeps the first line of a device.
func (i *importer) provide(l Line, device string, make func() storage.Node) {
	if i.made[device] != nil {
		if _, again := l.Component.(*LVMVol); !again {
			i.gap(l.Number, device, "an earlier line is about it too, and that one counts")
		}
		return
	}
	i.made[device] = make
}

// device gives the node of a device, under any of its names, or nil.
func (i *importer) device(name string) storage.Node {
	name = i.resolve(name)
	if n := i.nodes[name]; n != nil {
		return n
	}
	if i.made[name] == nil || i.making[name] {
		return nil
	}
	i.making[name] = true
	n := i.made[name]()
	if n == nil {
		return nil
	}
	i.nodes[name] = n
	return n
}

// resolve gives the name under which disklayout.conf has a device.
func (i *importer) resolve(name string) string {
	if id, ok := strings.CutPrefix(name, "/dev/disk/by-id/"); ok && i.byID[id] != "" {
		return i.byID[id]
	}
	if vg, lv, ok := strings.Cut(strings.TrimPrefix(name, "/dev/"), "/"); ok && i.groups[vg] != nil {
		return (&LVMVol{VG: vg, LV: lv}).Name()
	}
	return name
}

// need is device, with a gap where there is none.
func (i *importer) need(line int, name, what string) storage.Node {
	n := i.device(name)
	if n == nil {
		i.gap(line, what, "%s, which it lies on, is disabled or in no line that can be read", name)
	}
	return n
}

// build makes all nodes and mounts, line after line.
func (i *importer) build() {
	for _, l := range i.files.Layout.Lines {
		if l.Disabled || l.Component == nil {
			continue
		}
		switch c := l.Component.(type) {
		case *Disk, *Part, *Raid, *Multipath, *Crypt, *DRBD, *LVMVol:
			i.device(l.Component.Name())
		case *LVMDev:
			i.pv(l.Number, c)
		case *FS:
			i.fileSystem(l.Number, c)
		case *Swap:
			i.swap(l.Number, c)
		case *BtrfsSubvol:
			i.subvolume(l.Number, c)
		case *OpalDisk:
			i.gap(l.Number, c.Name(), "salvor does not set up self-encrypting disks")
		case *SmartArray, *LogicalDrive:
			i.gap(l.Number, text(c), "salvor does not set up hardware RAID; the volume has to be there")
		case *Dasd:
			i.gap(l.Number, text(c), "salvor does not format the disks of s390")
		}
	}
	i.closeGroups()
	for _, l := range i.files.Layout.Lines {
		if c, ok := l.Component.(*BtrfsMounted); ok && !l.Disabled {
			i.mountSubvolume(l.Number, c)
		}
	}
}

// mapNames gives the names of the maps of containers, as a crypttab would.
func (i *importer) mapNames() map[storage.ID]string {
	out := map[storage.ID]string{}
	for _, c := range i.crypts {
		out[c.ID] = c.Open.Name
	}
	return out
}

// usage is what df said, in whole MiB.
func (i *importer) usage(g *storage.Graph) []layout.Usage {
	var out []layout.Usage
	for _, u := range i.files.Usage {
		fs := i.content[i.resolve(u.Device)]
		if fs != nil && !slices.ContainsFunc(out, func(o layout.Usage) bool { return o.ID == fs.ID }) {
			out = append(out, layout.Usage{ID: fs.ID, Used: layout.Size(u.Used << 20)})
		}
	}
	return out
}

// noCOW marks the subvolumes whose new files are not copied on write. The line does
// not say of which file system: it is all that have one of that path.
func (i *importer) noCOW(l *layout.Layout) {
	for _, c := range All[*BtrfsNoCOW](i.files.Layout) {
		for f := range l.Storage.FileSystems {
			for s := range l.Storage.FileSystems[f].Subvolumes {
				if sub := &l.Storage.FileSystems[f].Subvolumes[s]; sub.Path == strings.Trim(c.Path, "/") {
					sub.NoCOW = true
				}
			}
		}
	}
}

// loaders are ReaR's words for boot loaders that mean one thing.
var loaders = map[string]string{"GRUB2-EFI": "grub2-efi", "GRUB2": "grub2-bios", "ZIPL": "zipl"}

func loaderOf(word string) string { return loaders[word] }
