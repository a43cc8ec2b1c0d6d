package ondisk

// Ext is ext2, ext3, ext4, or an external journal of theirs (jbd).
type Ext struct {
	ID
	Version       int  // 2, 3 or 4
	InDevelopment bool // marked for ext4dev
	JournalDevice bool // the device is an external journal, not a file system
	Size          uint64
	BlockSize     uint32
	// NeedsRecovery tells that the journal must be replayed: the file system
	// is mounted, or was not unmounted.
	NeedsRecovery bool
	// Unclean tells that a file system without a journal is mounted, or was not
	// unmounted.
	Unclean   bool
	HasErrors bool // the kernel found it inconsistent
	// ExternalJournal tells that the journal is on another device, the one
	// whose UUID is JournalUUID.
	ExternalJournal bool
	JournalUUID     string
	LastMounted     string // the directory
	ExtMade
}

// Format implements Signature.
func (e *Ext) Format() string {
	switch {
	case e.JournalDevice:
		return "jbd"
	case e.InDevelopment:
		return "ext4dev"
	case e.Version == 4:
		return "ext4"
	case e.Version == 3:
		return "ext3"
	}
	return "ext2"
}

// Features (kernel: fs/ext4/ext4.h).
const (
	extOffset        = 1024
	extHasJournal    = 0x4
	extRecover       = 0x4
	extJournalDevice = 0x8
	ext64Bit         = 0x80
	extMetaBG        = 0x10
	extFiletype      = 0x2
	// ext3 knows sparse superblocks, large files and B-tree directories.
	ext3ROCompat  = 0x7
	extTestFS     = 0x4 // s_flags
	extStateValid = 0x1 // s_state
	extStateError = 0x2
	extMagic      = 0xef53
)

func findExt(d *device) (Signature, error) {
	b := d.at(extOffset, 1024)
	if b == nil || le.Uint16(b[0x38:]) != extMagic {
		return nil, nil
	}
	compat, incompat, rocompat := le.Uint32(b[0x5c:]), le.Uint32(b[0x60:]), le.Uint32(b[0x64:])
	e := &Ext{
		ID:            ID{UUID: uuidString(b[0x68:0x78]), Label: label(b[0x78:0x88])},
		JournalDevice: incompat&extJournalDevice != 0,
		InDevelopment: le.Uint32(b[0x160:])&extTestFS != 0 && incompat&extJournalDevice == 0,
		NeedsRecovery: incompat&extRecover != 0,
		HasErrors:     le.Uint16(b[0x3a:])&extStateError != 0,
		LastMounted:   cstring(b[0x88:0xc8]),
		JournalUUID:   uuidString(b[0xd0:0xe0]),
	}
	e.Unclean = compat&extHasJournal == 0 && !e.JournalDevice && le.Uint16(b[0x3a:])&extStateValid == 0
	e.Version = extVersion(compat, incompat, rocompat)
	// s_journal_inum is 0 when the journal is on s_journal_dev.
	e.ExternalJournal = compat&extHasJournal != 0 && le.Uint32(b[0xe0:]) == 0
	if !e.ExternalJournal {
		e.JournalUUID = ""
	}
	logBlock := le.Uint32(b[0x18:])
	if logBlock > 6 { // 64 KiB, EXT4_MAX_BLOCK_LOG_SIZE
		return nil, damaged("ext2/3/4: the block size is out of bounds", extOffset)
	}
	e.BlockSize = 1024 << logBlock
	e.ExtMade = parseExtMade(b, e.BlockSize)
	e.Size = e.Blocks * uint64(e.BlockSize)
	return e, nil
}

// extVersion says which driver is needed: the oldest that knows all features.
func extVersion(compat, incompat, rocompat uint32) int {
	newRO := rocompat&^ext3ROCompat != 0
	switch {
	case incompat&extJournalDevice != 0:
		return 2
	case newRO || incompat&^(extFiletype|extRecover|extMetaBG) != 0:
		return 4
	case compat&extHasJournal != 0:
		return 3
	case incompat&extRecover != 0:
		return 4 // only ext4 would mount a file system that lost its journal
	}
	return 2
}
