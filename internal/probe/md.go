package probe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// member is a device with an MD superblock.
type member struct {
	device *device
	sb     *ondisk.MD
}

// arrayCopy is one set of members that make an array; running is its device.
type arrayCopy struct {
	members []member
	running *device
}

// addArrays makes the arrays: those that run, and those that follow from the
// superblocks of members.
func (a *assembly) addArrays() (lay func()) {
	byUUID := map[string][]member{}
	for _, d := range a.inv.devices {
		if sb, ok := d.sig.(*ondisk.MD); ok {
			byUUID[sb.UUID] = append(byUUID[sb.UUID], member{d, sb})
		}
	}
	running := a.runningArrays(byUUID)
	var copies []arrayCopy
	for _, uuid := range slices.Sorted(maps.Keys(byUUID)) {
		copies = append(copies, splitMembers(byUUID[uuid], running[uuid])...)
	}
	nodes := make([]*storage.MD, len(copies))
	for i, c := range copies {
		nodes[i] = a.addArray(c)
	}
	bare := a.addBareArrays(running[""])
	return func() {
		for i, c := range copies {
			for _, m := range c.members {
				a.Lay(nodes[i], a.on(m.device))
			}
			a.fix(func() { fillMembers(nodes[i], a, c) })
		}
		bare()
	}
}

// runningArrays sorts the devices of arrays by the UUID that their members show,
// "" where no member has a superblock of MD's own.
func (a *assembly) runningArrays(byUUID map[string][]member) map[string][]*device {
	out := map[string][]*device{}
	for _, d := range a.inv.devices {
		if d.role != roleArray {
			continue
		}
		uuid := ""
		for _, s := range d.slaves {
			if sb, ok := s.sig.(*ondisk.MD); ok {
				uuid = sb.UUID
			}
		}
		if _, known := byUUID[mdUUID(d)]; known && uuid == "" {
			uuid = mdUUID(d)
		}
		out[uuid] = append(out[uuid], d)
	}
	return out
}

// splitMembers tells copies of an array apart. Each running array takes its
// members first. The others, newest first, go to the first copy that does not
// have them yet: the same member twice (by the member's own UUID, or, where
// 0.90 has none, by place and age) can only be a copy.
func splitMembers(members []member, running []*device) []arrayCopy {
	copies := make([]arrayCopy, len(running))
	var rest []member
	for i, r := range running {
		copies[i].running = r
	}
	for _, m := range members {
		i := slices.IndexFunc(running, func(r *device) bool { return slices.Contains(r.slaves, m.device) })
		if i < 0 {
			rest = append(rest, m)
			continue
		}
		copies[i].members = append(copies[i].members, m)
	}
	slices.SortStableFunc(rest, func(x, y member) int { return cmp.Compare(y.sb.Events, x.sb.Events) })
	for _, m := range rest {
		i := slices.IndexFunc(copies, func(c arrayCopy) bool { return !slices.ContainsFunc(c.members, m.isCopyOf) })
		if i < 0 {
			copies, i = append(copies, arrayCopy{}), len(copies)
		}
		copies[i].members = append(copies[i].members, m)
	}
	for _, c := range copies {
		slices.SortStableFunc(c.members, func(x, y member) int { return compareRoles(x.sb.Role, y.sb.Role) })
	}
	return copies
}

func (m member) isCopyOf(o member) bool {
	if m.sb.DevUUID != "" || o.sb.DevUUID != "" {
		return m.sb.DevUUID == o.sb.DevUUID
	}
	return m.sb.Role == o.sb.Role && m.sb.Role >= 0 && m.sb.Events == o.sb.Events
}

// compareRoles puts the numbered places before spares, faulty ones and journals.
func compareRoles(x, y ondisk.Role) int {
	return cmp.Or(cmp.Compare(max(-int(x), 0), max(-int(y), 0)), cmp.Compare(x, y))
}

// newest is the superblock that knows best. While an array runs, the kernel
// writes superblocks past the page cache, so what is read of a member can be older
// than it is; one that takes part knows better then than one that does not.
func (c arrayCopy) newest() *ondisk.MD {
	best := c.members[0].sb
	for _, m := range c.members {
		part := c.running != nil && slices.Contains(c.running.slaves, m.device)
		if part && c.running.running() {
			return m.sb
		}
		if m.sb.Events > best.Events {
			best = m.sb
		}
	}
	return best
}

func (a *assembly) addArray(c arrayCopy) *storage.MD {
	if len(c.members) == 0 {
		return a.addBareArray(c.running)
	}
	sb := c.newest()
	n := &storage.MD{
		UUID: sb.UUID, Name: strings.TrimPrefix(sb.Homehost+":"+sb.Name, ":"), Level: sb.Level, Metadata: sb.Version,
		RaidDisks: sb.RaidDisks, Reshaping: sb.Reshaping, Made: mdMade(c),
	}
	n.Identity = storage.ID("md:" + sb.UUID)
	n.Size = arraySize(sb, c.members)
	a.Add(n)
	if c.running != nil {
		a.run(n, c.running)
	}
	if n.Open == nil {
		metadataNames(n, sb)
	}
	judge(n, c)
	return n
}

// metadataNames are those that mdadm will give (mdadm(8), "--name"; mdadm.conf(5)).
func metadataNames(n *storage.MD, sb *ondisk.MD) {
	if sb.Minor >= 0 {
		n.AddName(fmt.Sprintf("/dev/md%d", sb.Minor), storage.FromMetadata)
	}
	if sb.Name != "" {
		n.AddName("/dev/md/"+sb.Name, storage.FromMetadata)
	}
}

// fillMembers lists the members as their superblocks see themselves.
func fillMembers(n *storage.MD, a *assembly, c arrayCopy) {
	for _, m := range c.members {
		if node := a.on(m.device); node != nil {
			n.Members = append(n.Members, storage.MDMember{
				ID: node.Base().ID, Role: m.sb.Role.String(), Events: m.sb.Events,
				WriteMostly: m.sb.WriteMostly, Failfast: m.sb.Failfast,
			})
		}
	}
}
