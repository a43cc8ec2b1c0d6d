package probe

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// array is what sysfs tells of an MD device (kernel: Documentation/admin-guide/md.rst).
type array struct {
	state     string // "" for what is no array
	level     string
	metadata  string // "1.2", "external:imsm"
	uuid      string
	raidDisks int
	degraded  int
	reshaping bool
	slots     map[string]int // place of a running member, by the member's kernel name
	// geometry is read of an array in a container, whose members do not tell it.
	geometry *storage.MDMade
}

func (p *prober) describeArray(d *device) {
	if !strings.HasPrefix(d.name, "md") {
		return
	}
	d.md = array{
		state: p.attr(d, "md/array_state"), level: p.attr(d, "md/level"), metadata: p.attr(d, "md/metadata_version"),
		uuid: p.attr(d, "md/uuid"), degraded: int(p.number(d, "md/degraded")), slots: map[string]int{},
	}
	if d.md.state == "" {
		return
	}
	// "4 (3)" while the number of disks is being changed.
	disks, _, _ := strings.Cut(p.attr(d, "md/raid_disks"), " ")
	d.md.raidDisks, _ = strconv.Atoi(disks) // 0 for a container
	if strings.HasPrefix(d.md.metadata, "external:/") {
		d.md.geometry = p.geometry(d)
	}
	position := p.attr(d, "md/reshape_position")
	d.md.reshaping = position != "" && position != "none"
	for _, member := range p.list(d, "md") {
		name, ok := strings.CutPrefix(member, "dev-")
		if slot, err := strconv.Atoi(p.attr(d, path.Join("md", member, "slot"))); ok && err == nil {
			d.md.slots[name] = slot
		}
	}
}

// running tells an array that has been started, from one whose members the
// kernel merely holds. A container is never more than that.
func (d *device) running() bool {
	return d.md.level == "container" || d.md.state != "clear" && d.md.state != "inactive"
}

// slotOf is the place of a member, which may take part through its stand-in.
func (d *device) slotOf(member *device) (slot int, ok bool) {
	if slot, ok = d.md.slots[member.name]; !ok && member.standIn != nil {
		slot, ok = d.md.slots[member.standIn.name]
	}
	return slot, ok
}

// run takes over what the kernel says of an array.
func (a *assembly) run(n *storage.MD, d *device) {
	size := n.Size
	a.is(n, d)
	if d.size == 0 {
		n.Size = size
	}
	if d.md.reshaping {
		n.Reshaping = true
	}
	if !d.running() {
		n.Held = d.path
		addNotef(n, "%s holds its members and was not started", d.path)
		return
	}
	n.Open = &storage.Opening{ReadOnly: d.md.state == "readonly" || d.readOnly && d.md.state != "read-auto"}
	if d.md.state == "read-auto" {
		addNote(n, "the array waits for the first write before it changes anything on its members (read-auto)")
	}
	if d.md.degraded > 0 {
		n.Mark(storage.Degraded)
	}
}

// addBareArrays makes arrays that are known from the kernel alone: those with
// metadata of a firmware, and those whose members could not be read.
func (a *assembly) addBareArrays(running []*device) (lay func()) {
	for _, d := range running {
		a.addBareArray(d)
	}
	return func() {
		for _, d := range running {
			a.layBareArray(d)
		}
	}
}

// layBareArray lays an array on its container, if it has one ("external:/md127/0"),
// else on its members.
func (a *assembly) layBareArray(d *device) {
	n := a.node[d].(*storage.MD)
	a.fix(func() { fillMembersFromKernel(n, a, d) })
	name, _, _ := strings.Cut(strings.TrimPrefix(n.Metadata, "/"), "/")
	if c := a.inv.byName[name]; c != nil && a.node[c] != nil {
		a.Lay(n, a.node[c])
		n.Metadata = strings.TrimPrefix(c.md.metadata, "external:")
		if n.Made != nil {
			n.Made.Container = n.Metadata
		}
		return
	}
	a.layOnSlaves(d)
}

func (a *assembly) addBareArray(d *device) *storage.MD {
	n := &storage.MD{UUID: mdUUID(d), Name: d.udev.props["MD_NAME"], Level: d.md.level, Metadata: strings.TrimPrefix(d.md.metadata, "external:"), RaidDisks: d.md.raidDisks, Made: d.md.geometry}
	n.Identity = storage.ID("md:name-" + d.name)
	if n.UUID != "" {
		n.Identity = storage.ID("md:" + n.UUID)
	}
	a.Add(n)
	a.run(n, d)
	return n
}

func fillMembersFromKernel(n *storage.MD, a *assembly, d *device) {
	for _, s := range d.slaves {
		role := "spare"
		if slot, ok := d.slotOf(s); ok {
			role = strconv.Itoa(slot)
		}
		if node := a.on(s); node != nil {
			n.Members = append(n.Members, storage.MDMember{ID: node.Base().ID, Role: role})
		}
	}
}

// mdUUID is what kernel or udev say, in mdadm's notation.
func mdUUID(d *device) string {
	hex := strings.ReplaceAll(cmp.Or(d.md.uuid, d.udev.props["MD_UUID"]), "-", "")
	hex = strings.ReplaceAll(hex, ":", "")
	if len(hex) != 32 {
		return ""
	}
	return strings.Join([]string{hex[:8], hex[8:16], hex[16:24], hex[24:]}, ":")
}
