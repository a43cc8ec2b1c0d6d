package storage

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// HumanSize writes a number of bytes in binary units with one decimal.
func HumanSize(bytes uint64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	v := float64(bytes)
	for _, unit := range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		// 1023.95 would be written as 1024.0.
		if v /= 1024; v < 1023.95 {
			return fmt.Sprintf("%.1f %s", v, unit)
		}
	}
	return fmt.Sprintf("%.1f EiB", v/1024)
}

// Printable makes text that came from a disk fit for a terminal: what is not
// printable (control and bidirectional characters, broken UTF-8) is written as
// an escape.
func Printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// ShortName is what people call the node: sda1, md127, vg-lv, cr_home, or a
// word for its kind when it has no name.
func (g *Graph) ShortName(id ID) string {
	n := g.nodes[id]
	if n == nil {
		return Printable(string(id))
	}
	return Printable(cmp.Or(g.properName(n), deviceName(n.Base().Path()), fallbackName(n)))
}

func (g *Graph) properName(n Node) string {
	switch n := n.(type) {
	case *Image:
		return path.Base(n.Path)
	case *Partition:
		return deviceName(g.ownPath(n))
	case *VG:
		return n.Name
	case *LV:
		return deviceName(LVPath(n.VG, n.Name))
	case *Crypt:
		if n.Open != nil {
			return n.Open.Name
		}
		return deviceName(nameFrom(n, FromCrypttab))
	case *Subvolume:
		return cmp.Or(n.Path, "(top level)")
	case *FileSystem:
		return n.Type
	}
	return openName(n)
}

// openName is the kernel name that a wanted graph expects for an array or a
// bcache.
func openName(n Node) string {
	if o := OpeningOf(n); o != nil {
		return o.Name
	}
	return ""
}

// nameFrom gives the first name of an origin, or "".
func nameFrom(n Node, from Origin) string {
	for _, name := range n.Base().Names {
		if name.Origin == from {
			return name.Path
		}
	}
	return ""
}

// fallbackName names what has no device node now.
func fallbackName(n Node) string {
	switch n := n.(type) {
	case *Disk:
		return cmp.Or(n.Model, n.Serial, "disk")
	case *Table:
		return n.Format
	case *Partition:
		return fmt.Sprintf("partition %d", n.Number)
	case *Multipath:
		return cmp.Or(n.WWID, "multipath")
	case *MD:
		if _, name, _ := strings.Cut(n.Name, ":"); name != "" {
			return "md/" + name
		}
		return cmp.Or(n.Name, "md")
	case *PV:
		if n.Is(Missing) {
			return "missing PV"
		}
		return "PV"
	case *Crypt:
		return n.Format
	case *BcacheSet:
		return "cache set"
	case *Opaque:
		return n.Format
	default:
		return string(n.Kind())
	}
}

func deviceName(p string) string {
	if p == "" {
		return ""
	}
	if strings.HasPrefix(p, "/dev/") && !strings.HasPrefix(p, "/dev/mapper/") {
		return strings.TrimPrefix(p, "/dev/")
	}
	return path.Base(p)
}

// Describe says in a few words what the node is, without its name, size and
// state: `ext4 "root" 3f1c2a9e`, "RAID 1, 1 of 2 devices".
func (g *Graph) Describe(n Node) string {
	switch n := n.(type) {
	case *Image:
		return describeImage(n)
	case *Disk:
		return describeDisk(n)
	case *Table:
		return n.Format + " table"
	case *Partition:
		return words(partitionType(n)+" partition", quoted(n.Label))
	case *Multipath:
		return fmt.Sprintf("multipath LUN, %s", count(len(n.On), "wire"))
	case *MD:
		return describeMD(n)
	case *PV:
		if n.VG == "" {
			return "LVM PV of no volume group"
		}
		return "LVM PV of " + Printable(n.VG)
	case *VG:
		return "volume group, " + count(len(n.On), "PV")
	case *LV:
		return g.describeLV(n)
	default:
		return g.describeContent(n)
	}
}

func (g *Graph) describeContent(n Node) string {
	switch n := n.(type) {
	case *Crypt:
		return words(cryptFormat(n.Format), quoted(n.Label), shortUUID(n.UUID), tokens(n.Tokens))
	case *Bcache:
		return words("bcache", quoted(n.Label), shortUUID(n.UUID))
	case *BcacheSet:
		return words("bcache cache set", shortUUID(n.UUID))
	case *FileSystem:
		return words(Printable(n.Type), quoted(n.Label), shortUUID(n.UUID), devicesOf(n))
	case *Subvolume:
		return g.describeSubvolume(n)
	case *Swap:
		return words("swap", quoted(n.Label), shortUUID(n.UUID))
	case *Opaque:
		return words(Printable(n.Format), quoted(n.Label), shortUUID(n.UUID), "(not taken apart)")
	default:
		return string(n.Kind())
	}
}

func describeImage(n *Image) string {
	out := words(Printable(n.Format), "image", Printable(n.Path))
	if n.Offset > 0 {
		out += fmt.Sprintf(", from byte %d", n.Offset)
	}
	return out
}

func describeDisk(n *Disk) string {
	switch {
	case n.BackingFile == "":
	case n.Transport == "nbd":
		return "network block device over " + Printable(n.BackingFile)
	default:
		return "loop device over " + Printable(n.BackingFile)
	}
	out := words(Printable(n.Transport), "disk")
	if n.Model != "" {
		out += ", " + Printable(strings.TrimSpace(n.Model))
	}
	if n.Serial != "" {
		out += ", serial " + Printable(strings.TrimSpace(n.Serial))
	}
	return out
}

func describeMD(n *MD) string {
	level := Printable(n.Level)
	if number, ok := strings.CutPrefix(level, "raid"); ok {
		level = "RAID " + number
	} else {
		level = words("MD", level)
	}
	if there := len(n.On); n.RaidDisks > there {
		return fmt.Sprintf("%s, %d of %s", level, there, count(n.RaidDisks, "device"))
	}
	return level + ", " + count(len(n.On), "device")
}

func (g *Graph) describeLV(n *LV) string {
	switch {
	case n.Layout == "thin-pool":
		return "thin pool"
	case n.Origin != "":
		return words(Printable(n.Layout), "of "+g.ShortName(n.Origin))
	case n.Internal:
		return words("internal", Printable(n.Layout), "volume")
	default:
		return words(Printable(n.Layout), "volume")
	}
}

func (g *Graph) describeSubvolume(n *Subvolume) string {
	what := "subvolume"
	if n.ParentUUID != "" {
		what = "snapshot"
	}
	what = fmt.Sprintf("%s %d", what, n.SubvolID)
	for _, low := range g.Lower(n.ID) {
		if fs, ok := low.(*FileSystem); ok && fs.Default == n.SubvolID && n.SubvolID != 0 {
			what += ", the default"
		}
	}
	return what
}

func cryptFormat(format string) string {
	switch format {
	case "luks1", "luks2":
		return "LUKS " + format[4:]
	case "plain":
		return "plain dm-crypt"
	case "bitlk":
		return "BitLocker"
	case "tcrypt":
		return "VeraCrypt"
	default:
		return words("encrypted", Printable(format))
	}
}

// tokens names the ways to unlock other than a passphrase ("0:systemd-tpm2").
func tokens(all []string) string {
	var out []string
	for _, t := range all {
		_, kind, _ := strings.Cut(t, ":")
		out = append(out, Printable(strings.TrimPrefix(kind, "systemd-")))
	}
	slices.Sort(out)
	if len(out) == 0 {
		return ""
	}
	return "(token " + strings.Join(slices.Compact(out), ", ") + ")"
}

func devicesOf(n *FileSystem) string {
	if n.Devices < 2 {
		return ""
	}
	if len(n.On) < n.Devices {
		return fmt.Sprintf("on %d of %d devices", len(n.On), n.Devices)
	}
	return fmt.Sprintf("on %d devices", n.Devices)
}

// shortUUID gives the first group of a UUID, which is enough to tell two apart
// at a glance; other serial numbers stay whole.
func shortUUID(s string) string {
	if len(s) == 36 && strings.Count(s, "-") == 4 {
		s = s[:8]
	}
	return Printable(s)
}

func quoted(label string) string {
	if label == "" {
		return ""
	}
	return `"` + Printable(label) + `"`
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// words joins what is not empty.
func words(all ...string) string {
	return strings.TrimSpace(strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " "))
}
