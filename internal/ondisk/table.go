package ondisk

import "fmt"

// Table is a partition table.
type Table struct {
	Format string // "gpt" or "dos"; "sun", "sgi", "mac", "bsd" have no Entries
	ID     string // disk GUID in lower case, or the MBR's signature as 8 hex digits
	Sector int    // the sector size that the table counts in
	// Backup tells that the GPT at the start is damaged, and the one at the
	// end of the disk was read.
	Backup bool
	// Protected tells that a protective MBR is there. Without one the kernel
	// and udev do not use a GPT.
	Protected               bool
	FirstUsable, LastUsable uint64 // sectors, of a GPT
	Room                    int    // how many entries a GPT can have
	// Hybrid tells of an MBR before a GPT that has partitions of its own.
	Hybrid   bool
	BootCode bool // there is a program in the first sector
	Entries  []Entry
	Notes    []string
}

// Entry is one partition of a table.
type Entry struct {
	Number      int    // as the kernel counts
	Start, Size uint64 // bytes
	Type        string // type GUID in lower case, or an MBR type as "0x83"
	UUID        string // PARTUUID: in lower case, or "xxxxxxxx-NN" for an MBR
	Name        string // GPT only
	Attrs       uint64 // GPT only
	Active      bool   // MBR's boot flag
	Extended    bool   // holds logical partitions
	Logical     bool
}

func (t *Table) notef(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// readTable returns the partition table of the device. found matters where
// the same bytes could be something else.
func readTable(d *device, found []Signature) *Table {
	if t := readGPT(d); t != nil {
		return t
	}
	if t := readMBR(d, found); t != nil {
		return t
	}
	return readForeignLabel(d)
}

// readForeignLabel names the labels of other systems. Their entries are not
// read: Linux is not installed on them on the machines that are salvaged.
func readForeignLabel(d *device) *Table {
	t := &Table{Sector: d.sector}
	switch {
	case d.has(0, "\x0b\xe5\xa9\x41"):
		t.Format = "sgi"
	case d.has(508, "\xda\xbe"):
		t.Format = "sun"
	case d.has(0, "ER") && d.has(512, "PM"):
		t.Format = "mac"
	case d.has(512, "\x57\x45\x56\x82") && d.has(512+132, "\x57\x45\x56\x82"):
		t.Format = "bsd"
	default:
		return nil
	}
	t.notef("the entries of a %s disk label are not read", t.Format)
	return t
}
