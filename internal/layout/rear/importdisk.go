package rear

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// called gives a node its name.
func called[T storage.Node](n T, device string, size uint64) T {
	c := n.Base()
	c.Size = size
	if strings.HasPrefix(device, "/dev/mapper/") {
		c.AddName(device, storage.FromDM)
	} else {
		c.AddName(device, storage.FromKernel)
	}
	return n
}

// disk makes a disk. ReaR does not tell one disk from another; udev's names, if
// they were saved, do.
func (i *importer) disk(c *Disk) storage.Node {
	n := called(&storage.Disk{}, c.Device, c.Size)
	i.identify(n, c.Device)
	i.b.Add(n)
	i.table(n, c.Label)
	return n
}

func (i *importer) identify(n *storage.Disk, device string) {
	for _, name := range i.names[device] {
		n.AddName("/dev/disk/by-id/"+name, storage.FromUdev)
	}
	if hex := i.link(device, "wwn-0x"); hex != "" {
		n.WWN = "naa." + strings.ToLower(hex)
	} else if eui := i.link(device, "nvme-eui."); eui != "" {
		n.WWN = "eui." + eui
	}
	n.Serial = i.link(device, "virtio-")
	switch {
	case n.WWN != "":
		n.Identity = storage.ID("disk:wwn-" + n.WWN)
	case n.Serial != "":
		n.Identity = storage.ID("disk:serial-" + n.Serial)
	default:
		n.Identity = storage.ID("disk:name-" + strings.TrimPrefix(device, "/dev/"))
	}
}

// formats are parted's words for partition tables.
var formats = map[string]string{"gpt": "gpt", "gpt_sync_mbr": "gpt", "msdos": "dos"}

// table makes the partition table that a label names, if it is one of ours.
func (i *importer) table(carrier storage.Node, label string) *storage.Table {
	format := formats[label]
	if format == "" {
		return nil
	}
	n := &storage.Table{Format: format}
	if label == "gpt_sync_mbr" {
		n.Made = &storage.TableMade{Hybrid: true}
	}
	n.Identity = storage.ID(fmt.Sprintf("table:%s-on-%s", format, carrier.Base().Identity))
	i.b.Add(n, carrier)
	i.tables[carrier] = n
	return n
}

// trailing matches the number of a partition.
var trailing = regexp.MustCompile(`[0-9]+$`)

func (i *importer) part(c *Part) storage.Node {
	carrier := i.device(c.Parent)
	number, err := strconv.Atoi(trailing.FindString(c.Device))
	if carrier == nil || err != nil {
		return nil
	}
	table := i.tables[carrier]
	if table == nil { // a label that is not known, as "dasd"
		table = &storage.Table{Format: "unknown"}
		table.Identity = storage.ID("table:unknown-on-" + string(carrier.Base().Identity))
		i.b.Add(table, carrier)
		i.tables[carrier] = table
	}
	n := called(&storage.Partition{Number: number, Start: c.Start, UUID: c.UUID}, c.Device, c.Size)
	if table.Format == "gpt" {
		n.Label = c.TypeName
		n.Type, n.Attributes = gptOf(c.Flags)
	} else {
		n.Extended, n.Logical = c.TypeName == "extended", c.TypeName == "logical"
		n.Active = slices.Contains(c.Flags, "boot")
		n.Type = mbrOf(n, c.Flags)
	}
	n.Identity = storage.ID("part:" + n.UUID)
	if n.UUID == "" {
		n.Identity = storage.ID(fmt.Sprintf("part:%s-%d", strings.TrimPrefix(string(table.Identity), "table:"), number))
	}
	i.b.Add(n, table)
	return n
}

// raid makes an array. Its members are in the order of their roles, spares last.
func (i *importer) raid(line int, c *Raid) storage.Node {
	o := c.Options
	n := called(&storage.MD{UUID: o.Get("uuid"), Level: o.Get("level"), Metadata: o.Get("metadata"), Name: o.Get("name")}, c.Device, 0)
	if full := i.link(c.Device, "md-name-"); full != "" {
		// mdadm leaves the host's name out of the link below /dev/md if it is its own.
		if host, short, ok := strings.Cut(full, ":"); ok && short == n.Name {
			i.hostname = host
		}
		n.Name = full
	}
	n.RaidDisks = i.count(line, c, "raid-devices")
	n.Made = &storage.MDMade{Layout: mdLayout(o.Get("layout")), Chunk: uint64(i.count(line, c, "chunk")) << 10, MemberSize: uint64(i.count(line, c, "size")) << 10}
	if *n.Made == (storage.MDMade{}) {
		n.Made = nil
	}
	n.Identity = storage.ID("md:" + n.UUID)
	if n.UUID == "" {
		n.Identity = storage.ID("md:name-" + path.Base(c.Device))
	}
	i.b.Add(n)
	i.members(line, c, n)
	for _, d := range All[*RaidDisk](i.files.Layout) {
		if d.Device == c.Device {
			n.Size = d.Size
			i.table(n, d.Label)
		}
	}
	return n
}

func (i *importer) count(line int, c *Raid, key string) int {
	value, ok := c.Options.Find(key)
	n, err := strconv.Atoi(value)
	if ok && (err != nil || n < 0 || n > 1<<40) {
		i.gap(line, c.Device, "%s=%s is no number", key, value)
		return 0
	}
	return n
}

func (i *importer) members(line int, c *Raid, n *storage.MD) {
	for at, dev := range strings.Split(c.Options.Get("devices"), ",") {
		member := i.need(line, dev, c.Device)
		if member == nil {
			n.Mark(storage.MemberMissing)
			continue
		}
		i.b.Lay(n, member)
		role := strconv.Itoa(at)
		if at >= n.RaidDisks {
			role = "spare"
		}
		i.fixes = append(i.fixes, func() {
			n.Members = append(n.Members, storage.MDMember{ID: member.Base().ID, Role: role})
		})
	}
}

// mdLayout turns n2 into near=2, which is how mdadm shows what it takes as n2.
func mdLayout(s string) string {
	for short, long := range map[string]string{"n": "near=", "f": "far=", "o": "offset="} {
		if digits, ok := strings.CutPrefix(s, short); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return long + digits
		}
	}
	return s
}

// wwid matches the name of a map that is the WWID itself, as it is without
// user_friendly_names (multipath.conf(5)).
var wwid = regexp.MustCompile(`^(3[0-9a-f]{16}|3[0-9a-f]{32}|eui\.[0-9a-f]{16,32}|uuid\.[0-9a-f-]{36})$`)

func (i *importer) multipath(line int, c *Multipath) storage.Node {
	name := strings.TrimPrefix(c.Device, "/dev/mapper/")
	n := called(&storage.Multipath{WWID: i.link(c.Device, "dm-uuid-mpath-")}, c.Device, c.Size)
	if n.WWID == "" && wwid.MatchString(name) {
		n.WWID = name
	}
	n.Identity = storage.ID("mpath:" + n.WWID)
	if n.WWID == "" {
		n.Identity = storage.ID("mpath:name-" + name)
		i.gap(line, c.Device, "ReaR does not write down the WWID of a multipath map; it has to be added by hand")
	}
	i.b.Add(n)
	for _, wire := range c.Slaves {
		i.b.Lay(n, i.wire(wire, c.Size))
	}
	i.table(n, c.Label)
	return n
}

// wire makes a disk that is known only as a way to a LUN.
func (i *importer) wire(device string, size uint64) storage.Node {
	if n := i.device(device); n != nil {
		return n
	}
	n := called(&storage.Disk{}, device, size)
	n.Identity = storage.ID("disk:name-" + strings.TrimPrefix(device, "/dev/"))
	i.nodes[device] = i.b.Add(n)
	return n
}

// crypt makes a container. Lines without a type are of versions that knew LUKS1 alone.
func (i *importer) crypt(line int, c *Crypt) storage.Node {
	o := c.Options
	n := called(&storage.Crypt{Format: o.Get("type"), UUID: o.Get("uuid"), Cipher: o.Get("cipher")}, c.Device, 0)
	if n.Format == "" {
		n.Format = "luks1"
	}
	carrier := i.need(line, c.Source, c.Device)
	if carrier == nil {
		return nil
	}
	n.Header = &storage.LUKSHeader{Hash: o.Get("hash")}
	n.Header.KeyBits, _ = strconv.Atoi(o.Get("key_size")) // 0, which is none, if it is damaged
	if kdf := o.Get("pbkdf"); kdf != "" {
		n.Header.Slots = []storage.LUKSSlot{{KDF: kdf}}
	}
	n.Open = &storage.Opening{Name: mapName(c.Device)}
	n.Identity = n.IdentityOn(carrier)
	if file := o.Get("keyfile"); file != "" {
		i.gap(line, c.Device, "its key file %s has to be in the system's crypttab; a layout does not hold it", file)
	}
	if c.HasPassword {
		i.gap(line, c.Device, "there is a password in its line, which is not copied")
	}
	i.b.Add(n, carrier)
	i.crypts = append(i.crypts, n)
	return n
}

func (i *importer) drbd(c *DRBD) storage.Node {
	carrier := i.device(c.Backing)
	if carrier == nil {
		return nil
	}
	n := called(&storage.Opaque{Format: "drbd", Label: c.Resource}, c.Device, 0)
	n.Identity = storage.ID("opaque:drbd-on-" + string(carrier.Base().Identity))
	return i.b.Add(n, carrier)
}
