package plan

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// A case file says in its machine section what there is, one node a line, lower
// ones first:
//
//	image x.img [in /dir] [within FS]        (raw; qcow2 by its name)
//	disk sda
//	part sda1 on sda
//	md md0 on sda1 sdb1                      (health words may follow: degraded)
//	multipath lun on sda sdb
//	luks home on sda1
//	vg data on sda1 sdb1                     (makes a PV on each; "lost" among them is a missing one)
//	lv root in data [layout thin] [pool P] [origin O]
//	bcacheset cache on nvme0n1
//	bcache fast on cache sda1
//	fs rootfs on root [type xfs]
//	subvol @home on rootfs
//
// The have and want sections say how it stands:
//
//	open home as cr_home read-only
//	freeze sda1
//	overlay sda1 as cow-sda1
//	mount rootfs at /t [seeing /srv] [under /t] [read-only] [overlay]
//	bind /dev at /t/dev [under /t]
//	virtual proc at /t/proc [under /t]

// words is one line: what follows a key, and the words that follow none.
type words struct {
	verb, name string
	keys       map[string][]string
	flags      []string
}

var caseKeys = map[string]int{"on": -1, "as": 1, "within": 1, "at": 1, "in": 1, "seeing": 1, "under": 1, "type": 1, "layout": 1, "pool": 1, "origin": 1}

var caseFlags = []string{"read-only", "overlay", "degraded", "member-missing", "dirty"}

func parseWords(line string) (words, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return words{}, fmt.Errorf("%q: a line is a verb, a name and more", line)
	}
	w := words{verb: fields[0], name: fields[1], keys: map[string][]string{}}
	for rest := fields[2:]; len(rest) > 0; {
		n, isKey := caseKeys[rest[0]]
		switch {
		case slices.Contains(caseFlags, rest[0]):
			w.flags, rest = append(w.flags, rest[0]), rest[1:]
		case !isKey:
			return w, fmt.Errorf("%q: what does %q mean?", line, rest[0])
		default:
			take := 2
			for n < 0 && take < len(rest) && caseKeys[rest[take]] == 0 && !slices.Contains(caseFlags, rest[take]) {
				take++
			}
			if take > len(rest) {
				return w, fmt.Errorf("%q: nothing follows %q", line, rest[0])
			}
			w.keys[rest[0]], rest = rest[1:take], rest[take:]
		}
	}
	return w, nil
}

func (w words) key(k string) string { return strings.Join(w.keys[k], " ") }

func (w words) has(flag string) bool { return slices.Contains(w.flags, flag) }

func eachLine(text string, do func(words) error) error {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		w, err := parseWords(strings.TrimSpace(line))
		if err == nil {
			err = do(w)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
		}
	}
	return nil
}

// caseMachine builds the nodes of a case; byName finds them by the name that the
// case gives them.
type caseMachine struct {
	storage.Builder
	byName map[string]storage.Node
}

func parseMachine(text string) (*caseMachine, error) {
	m := &caseMachine{byName: map[string]storage.Node{}}
	if err := eachLine(text, m.add); err != nil {
		return nil, err
	}
	_, err := m.Build(nil, nil, nil)
	return m, err
}

func (m *caseMachine) find(names []string) ([]storage.Node, error) {
	var out []storage.Node
	for _, name := range names {
		if m.byName[name] == nil {
			return nil, fmt.Errorf("there is no %q", name)
		}
		out = append(out, m.byName[name])
	}
	return out, nil
}

func (m *caseMachine) add(w words) error {
	on, err := m.find(slices.DeleteFunc(slices.Clone(w.keys["on"]), func(s string) bool { return s == "lost" }))
	if err != nil {
		return err
	}
	n, err := m.node(w, on)
	if err != nil {
		return err
	}
	c := n.Base()
	c.Identity = storage.ID(fmt.Sprintf("%s:%s", w.verb, w.name))
	for _, flag := range w.flags {
		c.Mark(storage.Health(flag))
	}
	if m.byName[w.name] != nil {
		return fmt.Errorf("%q is there twice", w.name)
	}
	m.byName[w.name] = n
	if w.verb != "vg" && w.verb != "lv" {
		m.Add(n, on...)
	}
	return nil
}

func (m *caseMachine) node(w words, on []storage.Node) (storage.Node, error) {
	switch w.verb {
	case "image":
		return m.image(w)
	case "disk":
		return device(&storage.Disk{}, "/dev/"+w.name), nil
	case "part":
		return partition(w, on)
	case "multipath":
		return &storage.Multipath{WWID: w.name}, nil
	case "md":
		return &storage.MD{UUID: w.name + "-uuid", RaidDisks: len(on), Level: "raid1"}, nil
	case "luks":
		return &storage.Crypt{Format: "luks2"}, nil
	case "vg":
		return m.group(w, on), nil
	case "lv":
		return m.volume(w)
	case "bcacheset":
		return &storage.BcacheSet{}, nil
	case "bcache":
		return &storage.Bcache{UUID: w.name + "-uuid"}, nil
	case "fs":
		if t := w.key("type"); t != "" {
			return &storage.FileSystem{Type: t}, nil
		}
		return &storage.FileSystem{Type: "ext4"}, nil
	case "subvol":
		return &storage.Subvolume{Path: w.name}, nil
	}
	return nil, fmt.Errorf("there are no nodes of kind %q", w.verb)
}

func device(n storage.Node, path string) storage.Node {
	n.Base().AddName(path, storage.FromKernel)
	n.Base().Size = 20 << 30
	return n
}

// image is a file in the directory that the case says, or in the top one.
func (m *caseMachine) image(w words) (storage.Node, error) {
	n := &storage.Image{Path: path.Join("/", w.key("in"), w.name), Format: storage.ImageRaw}
	if strings.HasSuffix(w.name, ".qcow2") {
		n.Format = storage.ImageQcow2
	}
	if within := m.byName[w.key("within")]; within != nil {
		n.Within = within.Base().Identity
	}
	return n, nil
}

// partition has a device of its own if its disk is a disk; on an array it comes
// and goes with the array.
func partition(w words, on []storage.Node) (storage.Node, error) {
	digits := w.name[len(strings.TrimRight(w.name, "0123456789")):]
	number, err := strconv.Atoi(digits)
	if err != nil || len(on) != 1 {
		return nil, fmt.Errorf("a partition has a number at its end and lies on one thing")
	}
	p := &storage.Partition{Number: number}
	if on[0].Kind() == storage.KindDisk {
		return device(p, "/dev/"+w.name), nil
	}
	return p, nil
}

func (m *caseMachine) group(w words, on []storage.Node) storage.Node {
	vg := &storage.VG{Name: w.name, UUID: w.name + "-uuid"}
	m.Add(vg)
	for _, low := range on {
		pv := &storage.PV{VG: w.name}
		pv.Identity = "pv:" + low.Base().Identity
		m.Lay(vg, m.Add(pv, low))
	}
	if slices.Contains(w.keys["on"], "lost") {
		pv := &storage.PV{VG: w.name}
		pv.Identity = "pv:lost"
		pv.Mark(storage.Missing)
		vg.Mark(storage.MemberMissing)
		m.Lay(vg, m.Add(pv))
	}
	return vg
}

func (m *caseMachine) volume(w words) (storage.Node, error) {
	vg, ok := m.byName[w.key("in")].(*storage.VG)
	if !ok {
		return nil, fmt.Errorf("there is no volume group %q", w.key("in"))
	}
	lv := &storage.LV{VG: vg.Name, Name: w.name, Layout: w.key("layout"), Group: vg.Identity}
	m.Add(lv, m.Lower(vg)...)
	for key, ref := range map[string]*storage.ID{"pool": &lv.Pool, "origin": &lv.Origin} {
		low, err := m.find(w.keys[key])
		if err != nil {
			return nil, err
		}
		for _, n := range low {
			*ref = n.Base().Identity
			m.Lay(lv, n)
		}
	}
	return lv, nil
}

// state gives the machine as a section says it stands. wanted tells a graph that
// names what will be from one that names what is.
func (m *caseMachine) state(text string, wanted bool) (*storage.Graph, error) {
	bare, err := storage.NewGraph(m.Nodes(), nil, nil)
	if err != nil {
		return nil, err
	}
	g := bare.Clone()
	return g, eachLine(text, func(w words) error { return m.stand(g, w, wanted) })
}

func (m *caseMachine) stand(g *storage.Graph, w words, wanted bool) error {
	mount := storage.Mount{Point: w.key("at"), Root: w.key("seeing"), Under: w.key("under"), ReadOnly: w.has("read-only"), Overlay: w.has("overlay")}
	switch w.verb {
	case "bind":
		mount.Type, mount.Bind = "bind", w.name
		g.Mounts = append(g.Mounts, mount)
		return nil
	case "virtual":
		mount.Type = w.name
		g.Mounts = append(g.Mounts, mount)
		return nil
	}
	nodes, err := m.find([]string{w.name})
	if err != nil {
		return err
	}
	n := g.Node(nodes[0].Base().ID)
	switch w.verb {
	case "open":
		as := &storage.Opening{ReadOnly: w.has("read-only"), Name: w.key("as")}
		if n.Kind() != storage.KindCrypt && n.Kind() != storage.KindImage && !wanted && as.Name != "" {
			n.Base().AddName("/dev/"+as.Name, storage.FromKernel)
			as.Name = ""
		}
		g.SetReadOnly(n, as.ReadOnly)
		if !storage.SetOpening(n, as) {
			return fmt.Errorf("a %s is never opened", n.Kind())
		}
	case "freeze":
		n.Base().ReadOnly = true
	case "overlay":
		n.Base().Overlay = &storage.Opening{Name: w.key("as")}
	case "mount":
		mount.Source, mount.Type = n.Base().ID, fsType(g, n)
		g.Mounts = append(g.Mounts, mount)
	default:
		return fmt.Errorf("what does %q mean?", w.verb)
	}
	return nil
}

func fsType(g *storage.Graph, n storage.Node) string {
	if fs, ok := n.(*storage.FileSystem); ok {
		return fs.Type
	}
	for _, low := range g.Lower(n.Base().ID) {
		return fsType(g, low)
	}
	return ""
}
