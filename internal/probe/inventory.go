package probe

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/storage"
)

// inventory is all that was seen, linked, before nodes are made of it.
type inventory struct {
	devices []*device // ordered by name, sda2 before sda10
	byName  map[string]*device
	byDev   map[storage.Dev]*device
	mounts  []*mountinfo.Info
	// mountDevs has, for each of the mounts, the device that it comes from, or nil.
	mountDevs []*device
	notes     []string
}

func newInventory(found []*device) *inventory {
	inv := &inventory{byName: map[string]*device{}, byDev: map[storage.Dev]*device{}}
	for _, d := range found {
		if d != nil {
			inv.devices = append(inv.devices, d)
			inv.byName[d.name], inv.byDev[d.dev] = d, d
		}
	}
	slices.SortFunc(inv.devices, func(a, b *device) int { return compareNatural(a.name, b.name) })
	inv.link()
	return inv
}

// link turns names into pointers, and lets everything see through stand-ins and
// layers.
func (inv *inventory) link() {
	for _, d := range inv.devices {
		d.whole = inv.byName[d.wholeName]
		if d.whole != nil {
			d.whole.partitions = append(d.whole.partitions, d)
		}
		for _, name := range d.slaveNames {
			if s := inv.byName[name]; s != nil {
				d.slaves = append(d.slaves, s)
			}
		}
	}
	for _, d := range inv.devices {
		findStandsFor(d)
	}
	for _, d := range inv.devices {
		inv.linkHolders(d)
	}
	for _, d := range inv.devices {
		markWires(d)
	}
}

// findStandsFor sets what a stand-in or a layer stands for.
func findStandsFor(d *device) {
	switch d.role {
	case roleLayer:
		if len(d.slaves) > 0 {
			d.standsFor = d.slaves[0]
		}
	case roleStandIn:
		for _, s := range d.slaves {
			if s.inMemory() {
				s.role = roleMemory
			} else if d.standsFor == nil {
				d.standsFor, s.standIn = s, d
			}
		}
	}
}

// inMemory tells the memory of a stand-in from the device under it: AttachLoop
// makes a loop device over a file that has no name any more.
func (d *device) inMemory() bool {
	return strings.HasPrefix(d.hw.backing.path, "/memfd:") || strings.HasSuffix(d.hw.backing.path, " (deleted)") || strings.HasPrefix(d.name, "zram")
}

func (inv *inventory) linkHolders(d *device) {
	if d.role == roleStandIn || d.role == roleLayer {
		return
	}
	for i, s := range d.slaves {
		d.slaves[i] = s.resolve()
		d.slaves[i].holders = append(d.slaves[i].holders, d)
	}
	// VeraCrypt cascades ciphers: "name" lies on "name_1", "name_1" on "name_2".
	if d.role == roleCrypt && cryptFormat(d.dm.uuid) == "tcrypt" {
		for _, s := range d.slaves {
			if strings.HasPrefix(s.dm.name, d.dm.name+"_") && s.role == roleCrypt && len(s.slaves) > 0 {
				s.role, s.standsFor = roleLayer, s.slaves[0]
			}
		}
	}
}

// markWires gives the disks under a multipath map, and what the kernel calls
// their partitions, to the map: content is looked at on the map only.
func markWires(d *device) {
	if d.role != roleDisk || !d.heldBy(roleMultipath) {
		return
	}
	d.role = roleWire
	for _, part := range d.partitions {
		part.role = roleWirePartition
	}
}

// compareNatural orders names with numbers in them as a person would.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		na, ra := leadingNumber(a)
		nb, rb := leadingNumber(b)
		if ra != a && rb != b {
			if na != nb {
				return compareUint(na, nb)
			}
			a, b = ra, rb
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func compareUint(a, b uint64) int {
	if a < b {
		return -1
	}
	return 1
}

// leadingNumber splits off the digits at the start; rest is s when there are none.
func leadingNumber(s string) (n uint64, rest string) {
	end := 0
	for end < len(s) && end < 18 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ = strconv.ParseUint(s[:end], 10, 64) // at most 18 digits, so it fits
	return n, s[end:]
}

// sortedKeys makes the order of a map's numbers stable.
func sortedKeys[V any](m map[int]V) []int { return slices.Sorted(maps.Keys(m)) }
