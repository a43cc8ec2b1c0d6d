package check

// Code tells what kind of thing is wrong.
type Code string

// The codes.
const (
	Unreadable     Code = "unreadable-line"
	TableDamaged   Code = "table-damaged"
	ReadTwoWays    Code = "read-two-ways"
	OddLine        Code = "odd-line"
	Unresolved     Code = "unresolved"
	Ambiguous      Code = "ambiguous"
	WrongType      Code = "wrong-type"
	NotOpen        Code = "not-open"
	NofailFails    Code = "nofail-fails"
	KernelName     Code = "kernel-name"
	MountPoint     Code = "mount-point"
	PointIsMade    Code = "mount-point-made"
	BelowGap       Code = "below-gap"
	WipesData      Code = "destructive"
	SwapMissing    Code = "swap-missing"
	VolumeMissing  Code = "volume-missing"
	NobodyOpens    Code = "nobody-opens"
	KeyFileMissing Code = "key-file-missing"
	KeyFileOpen    Code = "key-file-readable"
	NoEntry        Code = "no-boot-entry"
	UnreadableBoot Code = "unreadable-boot"
	KernelMissing  Code = "kernel-missing"
	InitrdMissing  Code = "initrd-missing"
	RootMissing    Code = "root-missing"
	RootDiffers    Code = "root-differs"
	ModulesMissing Code = "modules-missing"
	ESPNotMounted  Code = "esp-not-mounted"
	LacksModule    Code = "initramfs-module"
	LacksProgram   Code = "initramfs-program"
	LacksVolume    Code = "initramfs-volume"
	UnreadInitrd   Code = "initramfs-unread"
	Full           Code = "full"
	IsDegraded     Code = "degraded"
	IsDamaged      Code = "damaged"
	NotClean       Code = "not-clean"
	IsHibernated   Code = "hibernated"
	LayoutStale    Code = "layout-stale"
	NotSeen        Code = "not-seen"
)

// codes are the rows of the table in docs/tables.md.
var codes = map[Code]struct {
	severity Severity
	means    string
}{
	Unreadable:     {Broken, "a line of fstab or crypttab cannot be read"},
	TableDamaged:   {Broken, "fstab or crypttab is missing, empty or damaged, and the saved layout has it as it was"},
	ReadTwoWays:    {Doubtful, "systemd and another reader make different things of a line"},
	OddLine:        {Notice, "a line was read, but is hardly what was meant: a second one for the same, an odd encoding"},
	Unresolved:     {Broken, "what a line names is not there"},
	Ambiguous:      {Broken, "several devices answer to what a line names"},
	WrongType:      {Broken, "the device holds something else than the line says"},
	NotOpen:        {Doubtful, "what a line names lies in something that could not be opened here"},
	NofailFails:    {Doubtful, "a line with nofail fails: the system boots, and silently lacks it"},
	KernelName:     {Doubtful, "a line names a device as the kernel numbered it, which changes from start to start"},
	MountPoint:     {Broken, "the mount point is no directory, or leads nowhere"},
	PointIsMade:    {Notice, "the mount point is missing: systemd makes it, mount -a fails"},
	BelowGap:       {Broken, "a line lies below, or shows, one that fails"},
	WipesData:      {Notice, "an option makes the booting system overwrite something"},
	SwapMissing:    {Doubtful, "the swap area that a line names is not there: the system waits for it"},
	VolumeMissing:  {Broken, "a crypttab line names a device that is not there"},
	NobodyOpens:    {Broken, "a line needs an encrypted volume that neither crypttab nor the kernel command line opens"},
	KeyFileMissing: {Doubtful, "the key file of a crypttab line is not there: the system asks for a passphrase"},
	KeyFileOpen:    {Doubtful, "others than root may read a key file"},
	NoEntry:        {Broken, "no boot loader's configuration names a kernel"},
	UnreadableBoot: {Doubtful, "a boot loader's configuration cannot be read in full"},
	KernelMissing:  {Broken, "the kernel of a boot entry is not there"},
	InitrdMissing:  {Broken, "the initrd of a boot entry is not there"},
	RootMissing:    {Broken, "nothing answers to the root= of a boot entry"},
	RootDiffers:    {Doubtful, "the root= of a boot entry means another root than the system's"},
	ModulesMissing: {Broken, "the kernel of a boot entry has no modules in the system"},
	ESPNotMounted:  {Notice, "an EFI system partition is in use and no line mounts it: updates of the boot loader do not reach it"},
	LacksModule:    {Broken, "the initramfs lacks a module that the root needs"},
	LacksProgram:   {Broken, "the initramfs lacks a program that the root needs"},
	LacksVolume:    {Broken, "the initramfs is not told of the encrypted volume that the root lies in"},
	UnreadInitrd:   {Notice, "the initramfs cannot be read, so what it lacks is not known"},
	Full:           {Doubtful, "a file system that updates write to is full, or nearly"},
	IsDegraded:     {Doubtful, "an array, a volume group or a btrfs lacks a member"},
	IsDamaged:      {Broken, "metadata of an array, a volume or a file system are damaged"},
	NotClean:       {Notice, "a file system was not unmounted cleanly"},
	IsHibernated:   {Doubtful, "the system is hibernated: its file systems must not be written to before it resumes"},
	LayoutStale:    {Notice, "the saved layout is of another machine, cannot be read, or has another fstab or crypttab"},
	NotSeen:        {Notice, "something could not be looked at, so what is wrong there is not known"},
}
