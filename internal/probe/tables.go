package probe

import (
	"fmt"
	"strconv"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// addTables makes the partition tables and the partitions on them. Whole devices
// have their nodes already.
func (a *assembly) addTables() {
	for _, d := range a.inv.devices {
		whole := d.number == 0 && d.role != roleMapPartition && d.role != roleWire
		if n := a.node[d]; n == nil || !whole || isInternal(n) {
			continue
		}
		known := a.kernelPartitions(d)
		switch {
		case d.table != nil:
			a.addTable(d, d.table, known)
		case len(known) > 0 && !d.claimed() && (d.sig == nil || !claims(d.sig)):
			a.addTable(d, foreignTable(d), known)
		}
	}
}

// foreignTable stands for a table that the kernel can read and salvor cannot, or
// that could not be read just now.
func foreignTable(d *device) *ondisk.Table {
	format := d.udev.props["ID_PART_TABLE_TYPE"]
	if format == "" {
		format = "unknown"
	}
	return &ondisk.Table{Format: format, ID: d.udev.props["ID_PART_TABLE_UUID"]}
}

// kernelPartitions gives the devices that are the partitions of d, by number:
// those that the kernel made, or kpartx on a map.
func (a *assembly) kernelPartitions(d *device) map[int]*device {
	known := map[int]*device{}
	for _, part := range d.partitions {
		known[part.number] = part
	}
	for _, h := range d.holders {
		if h.role == roleMapPartition {
			known[mapPartition(h.dm.uuid)] = h
		}
	}
	return known
}

// mapPartition gives the number in a UUID that kpartx made, "part2-mpath-…"
// (multipath-tools: kpartx/devmapper.c), or 0.
func mapPartition(uuid string) int {
	rest, ok := strings.CutPrefix(uuid, "part")
	if !ok {
		return 0
	}
	number, _, ok := strings.Cut(rest, "-")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0
	}
	return n
}

// isBlank tells an MBR signature that was never set.
func isBlank(id string) bool { return strings.Trim(id, "0-") == "" }

func (a *assembly) addTable(d *device, t *ondisk.Table, known map[int]*device) {
	carrier := a.node[d]
	n := &storage.Table{Format: t.Format, UUID: t.ID, Backup: t.Backup, Made: tableMade(t)}
	switch {
	case isBlank(t.ID):
		n.Identity = storage.ID(fmt.Sprintf("table:%s-on-%s", t.Format, carrier.Base().Identity))
	case t.Format == "gpt":
		n.Identity = storage.ID("table:" + t.ID)
	default:
		n.Identity = storage.ID("table:" + t.Format + "-" + t.ID)
	}
	a.Add(n, carrier)
	for _, text := range t.Notes {
		addNote(n, text)
	}
	if t.Backup {
		addNote(n, "the first copy of the table is damaged; this is the backup at the end of the disk")
	}
	if t.Format == "gpt" && !t.Protected {
		addNote(n, "the protective MBR is missing, so the kernel does not use this table")
	}
	a.addPartitions(d, n, t, known)
}

// addPartitions makes the partitions of the table, then those that only the
// kernel knows.
func (a *assembly) addPartitions(d *device, table *storage.Table, t *ondisk.Table, known map[int]*device) {
	listed := map[int]bool{}
	for _, e := range t.Entries {
		listed[e.Number] = true
		n := &storage.Partition{
			Number: e.Number, Start: e.Start, Type: e.Type, UUID: e.UUID, Label: e.Name, Attributes: e.Attrs,
			Active: e.Active, Extended: e.Extended, Logical: e.Logical,
		}
		a.addPartition(d, table, n, known[e.Number])
		if n.Size == 0 || known[e.Number] == nil || e.Extended { // of which the kernel shows 1 KiB (block/partitions/msdos.c)
			n.Size = e.Size
		}
	}
	for _, number := range sortedKeys(known) {
		if listed[number] {
			continue
		}
		part := known[number]
		n := &storage.Partition{
			Number: number, Start: part.start, Type: part.udev.props["ID_PART_ENTRY_TYPE"],
			UUID: part.udev.props["ID_PART_ENTRY_UUID"], Label: part.udev.props["ID_PART_ENTRY_NAME"],
		}
		a.addPartition(d, table, n, part)
		if len(t.Entries) > 0 {
			addNote(n, "the kernel has this partition, the table on the disk does not")
		}
	}
}

func (a *assembly) addPartition(d *device, table *storage.Table, n *storage.Partition, part *device) {
	n.Identity = storage.ID("part:" + n.UUID)
	if isBlank(n.UUID) || isBlank(table.UUID) && table.Format == "dos" {
		n.Identity = storage.ID(fmt.Sprintf("part:%s-%d", strings.TrimPrefix(string(table.Identity), "table:"), n.Number))
	}
	a.Add(n, table)
	if part == nil {
		addNote(n, "the kernel does not know this partition")
		return
	}
	if part.role == rolePartition && part.start != n.Start {
		addNotef(n, "the kernel has it at another place, byte %d: it has not read the table since it was changed", part.start)
	}
	a.is(n, part)
	for _, wire := range d.slaves {
		a.adoptWirePartition(wire, n)
	}
}

// adoptWirePartition lets what the kernel calls a partition of a wire lead to the
// partition of the map. It is not a name of it: nobody should write through it.
func (a *assembly) adoptWirePartition(wire *device, n *storage.Partition) {
	if wire.role != roleWire {
		return
	}
	for _, part := range wire.partitions {
		if part.number == n.Number {
			a.node[part] = n
		}
	}
}
