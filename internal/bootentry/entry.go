package bootentry

// The loaders that an Entry can be of.
const (
	GRUB        = "grub"
	SystemdBoot = "systemd-boot"
	Syslinux    = "syslinux" // also isolinux
	Extlinux    = "extlinux" // also U-Boot, which reads the same file
	Zipl        = "zipl"
	Firmware    = "firmware" // of the Raspberry Pi
)

// Entry is one thing that a boot loader can start.
type Entry struct {
	Loader    string
	Title     string
	ID        string
	Submenu   []string // titles of the menus that it lies in, outermost first
	File      string   // configuration file that it stands in; a UKI itself
	Line      int      // 1-based; 0 for a UKI
	MachineID string
	Version   string
	Arch      string

	Kernel     File
	Initrds    []File
	DeviceTree File
	Hypervisor File // multiboot: what is started before the kernel
	Program    File // an EFI program instead of a kernel: another loader, a firmware tool
	Options    string
	UKI        bool // kernel, initrd and options lie inside Kernel

	// FSUUID or FSLabel name the file system that the paths are relative to, as
	// the loader searches for it; both are empty where the entry does not say.
	FSUUID  string
	FSLabel string

	// TriesLeft and TriesDone are the boot counters in the entry's file name;
	// TriesLeft is -1 where it has none. An entry with no tries left is bad.
	TriesLeft, TriesDone int

	// Default: its loader starts it when nobody chooses, and the running loader's
	// own variables do not say otherwise.
	Default bool

	// Unknown lists variables, conditions and commands that the entry depends on
	// and only the running loader can settle. Variables are left in the texts.
	Unknown []string

	sortKey string // of UAPI.1
}

// Ramdisks are the files that hold what is there before the root is mounted: the
// initrds, or the image that has one inside.
func (e Entry) Ramdisks() []File {
	if e.UKI {
		return []File{e.Kernel}
	}
	return e.Initrds
}

// File is a file that a configuration names.
type File struct {
	Text string // as the loader sees it, variables expanded
	Path string // the file inside the system, or "" if none is there

	// Subvolume is the beginning of Text that is not part of Path: right if it is
	// the name of the subvolume that is mounted there, else the loader will not
	// find the file.
	Subvolume string
}

// Given tells whether a file is named at all.
func (f File) Given() bool { return f.Text != "" }

// Jump is a configuration that hands over to another one, as the one that GRUB
// has on the ESP.
type Jump struct {
	File    string // where it stands
	Line    int
	FSUUID  string // the file system that it searches for
	FSLabel string
	To      File
}

// Cmdline is a command line from which the next entries will be made.
type Cmdline struct {
	File    string
	Line    int
	Name    string // the variable, "" where the file is nothing but the command line
	Options string
	Unknown []string // variables that only the shell knows that reads it
}

// Vendor is a directory below EFI on an ESP.
type Vendor struct {
	Dir      string   // as "boot/efi/EFI/debian"
	Name     string   // as "debian"
	Programs []string // names of the .efi files in it
}

// Fallback is what firmware starts that knows no boot entry: EFI/BOOT/BOOTX64.EFI
// and the like.
type Fallback struct {
	Path string // as "boot/efi/EFI/BOOT/BOOTX64.EFI"
	Arch string // as UEFI calls it: X64, IA32, AA64, …
}

// Menu is what a loader does when nobody chooses.
type Menu struct {
	Loader  string
	File    string
	Default string // as written, variables expanded; "" for the first entry
	Timeout string // as written
	Unknown []string
}

// Boot is all that was read.
type Boot struct {
	Entries    []Entry
	Menus      []Menu
	Jumps      []Jump
	Configured []Cmdline
	Vendors    []Vendor
	Fallbacks  []Fallback
	Problems   []Problem
}

// Problem is something that could not be read.
type Problem struct {
	File string
	Line int // 0 for the file as a whole
	Text string
}

// Points say where in the tree the parts of a system lie that boot loaders read.
type Points struct {
	Boot []string // directories of kernels, and XBOOTLDR partitions
	ESP  []string // EFI system partitions

	// FS says where file systems are mounted, by UUID in lower case: the
	// directory of the tree at which the file system's top, or a subvolume of it,
	// is seen. A path on a file system that FS has is looked for there and
	// nowhere else; where FS is empty, it is looked for in all likely places.
	FS map[string][]string
}

// UsualPoints are those of the distributions.
func UsualPoints() Points {
	return Points{
		Boot: []string{"boot", "boot/firmware"},
		ESP:  []string{"boot/efi", "efi", "boot"},
	}
}
