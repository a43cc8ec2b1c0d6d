package config

import (
	"salvor/internal/document"
)

// Config is a configuration.
type Config struct {
	Version int       `json:"version,omitempty" doc:"Version of this form. A file without it is of version 1." default:"1"`
	Layout  Layout    `json:"layout,omitzero" doc:"What salvor save writes down of this machine."`
	Exclude []Exclude `json:"exclude,omitempty" doc:"What is left out of the layout on purpose, and so is not made again by a recovery. What lies on it goes with it. salvor save lists what was left out." example:"[{device: /dev/zram*, why: swap in memory}]"`
	Rescue  Rescue    `json:"rescue,omitzero" doc:"The rescue image."`
	Backup  Backup    `json:"backup,omitzero" doc:"The backup of the files."`
	Timer   Timer     `json:"timer,omitzero" doc:"What salvor.timer does every day."`
}

// Layout is how the layout is saved.
type Layout struct {
	File             Path        `json:"file,omitempty" doc:"The layout file." default:"/var/lib/salvor/layout.yaml"`
	OnlyVolumeGroups []Pattern   `json:"only_volume_groups,omitempty" doc:"Names of the LVM volume groups that are taken in; all others are excluded. Empty for all." example:"[vg00, system*]"`
	Recipients       []Recipient `json:"header_recipients,omitempty" doc:"Who can decrypt the backups of LUKS headers that salvor save --luks-headers makes: public keys of age or ssh, or files with such." example:"[age1q…]"`
}

// Exclude names something that is left out: by exactly one of ID, Mount and Device.
type Exclude struct {
	ID     Pattern `json:"id,omitempty" doc:"The ID of a node, as salvor probe shows it." example:"vg:Vc1xRj*"`
	Mount  Pattern `json:"mount,omitempty" doc:"A mount point." example:"/mnt/*"`
	Device Pattern `json:"device,omitempty" doc:"Any name of a device or of a volume group." example:"/dev/zram*"`
	Why    string  `json:"why,omitempty" doc:"The reason, for whoever reads the layout later." example:"swap in memory"`
}

// Rescue is what the rescue image is made of, and where it goes.
type Rescue struct {
	Format            Format    `json:"format,omitempty" doc:"What is made: an ISO 9660 image, a USB stick or an image of one (raw), files for a PXE server, a unified kernel image, or a kernel with its initramfs." default:"iso"`
	Output            Place     `json:"output,omitempty" doc:"Where it goes: a file, or a directory for the format pxe. Without it, /var/lib/salvor/rescue with the ending of the format. A URL is kept, as ReaR has one, but nothing is copied: rescue build then asks for --output." example:"/srv/images/rescue.iso"`
	Label             string    `json:"label,omitempty" doc:"Label of the image's file system." default:"SALVOR"`
	Kernel            Path      `json:"kernel,omitempty" doc:"File of the kernel that is taken. Without it, the one that runs." example:"/boot/vmlinuz"`
	KernelCommandLine string    `json:"kernel_command_line,omitempty" doc:"Words that are added to the kernel's command line." example:"nomodeset net.ifnames=0"`
	Consoles          []Console `json:"consoles,omitempty" doc:"Consoles besides the screen. Without any, those of the running kernel." example:"['ttyS0,115200']"`
	Keyboard          []string  `json:"keyboard,omitempty" doc:"Keyboard layouts; the first is in use at the start. Without any, that of this machine." example:"[de, us]"`
	Network           Network   `json:"network,omitempty" doc:"The network in the rescue system: as this machine has it when the image is made (saved), by DHCP, or none." default:"dhcp"`
	SSH               SSH       `json:"ssh,omitzero" doc:"Coming in from outside. A password cannot be set."`
	Modules           Modules   `json:"modules,omitzero" doc:"Kernel modules."`
	Firmware          Firmware  `json:"firmware,omitzero" doc:"Firmware files."`
	Programs          Programs  `json:"programs,omitzero" doc:"Programs besides those that salvor needs, with their libraries."`
	Files             Files     `json:"files,omitzero" doc:"Files and directories besides those that salvor needs."`
	Secrets           []Pattern `json:"secrets,omitempty" doc:"Files that must not get into the image, besides those that salvor knows to be secret." example:"[/etc/backup/*.key]"`
}

// SSH is who may come in from outside.
type SSH struct {
	AuthorizedKeys []PublicKey `json:"authorized_keys,omitempty" doc:"Public keys that may log in as root, or files with such, besides those of root on this machine." example:"[/root/.ssh/authorized_keys]"`
}

// Modules are kernel modules.
type Modules struct {
	Which   Modular  `json:"which,omitempty" doc:"Those that this machine needs and those of common hardware (needed), or all, for any machine." default:"needed"`
	Add     []Module `json:"add,omitempty" doc:"Further ones." example:"[megaraid_sas]"`
	Exclude []Module `json:"exclude,omitempty" doc:"Ones that are left out whatever else is said." example:"[scsi_debug]"`
	Load    []Module `json:"load,omitempty" doc:"Ones that are loaded at the start, in this order; they are added by this." example:"[ipmi_si]"`
}

// Firmware are firmware files.
type Firmware struct {
	Which Blobs     `json:"which,omitempty" doc:"That of the modules in the image (needed), all, or none." default:"needed"`
	Add   []Pattern `json:"add,omitempty" doc:"Further files, as they are called below /lib/firmware." example:"[bnx2/*]"`
}

// Programs are programs of this machine.
type Programs struct {
	Required []Program `json:"required,omitempty" doc:"Programs without which no image is made." example:"[storcli64]"`
	Optional []Program `json:"optional,omitempty" doc:"Programs that are taken in if they are there." example:"[strace, vim]"`
}

// Files are files of this machine.
type Files struct {
	Add     []Pattern `json:"add,omitempty" doc:"Files and directories with all that is in them; patterns are expanded." example:"[/etc/multipath]"`
	Exclude []Pattern `json:"exclude,omitempty" doc:"Files that are left out of those." example:"[/etc/multipath/*.old]"`
}

// Backup is how files are backed up.
type Backup struct {
	Engine       Engine    `json:"engine,omitempty" doc:"What makes it: an archive of salvor's own (tar), restic, or none, if something else does." default:"tar"`
	Repository   Place     `json:"repository,omitempty" doc:"Where it goes: a directory, the URL of one, or a repository as the engine calls it." example:"nfs://server/backup"`
	MountOptions []string  `json:"mount_options,omitempty" doc:"Options for mounting the repository." example:"[nfsvers=4.2]"`
	Include      []Path    `json:"include,omitempty" doc:"Directories on file systems that would not be backed up else." example:"[/srv/nfs]"`
	OnlyInclude  bool      `json:"only_include,omitempty" doc:"Back up what include names, and nothing else."`
	Exclude      []Pattern `json:"exclude,omitempty" doc:"Files that are not backed up." example:"[/var/cache/*, /home/*/.cache/*]"`
}

// Timer is what is done every day.
type Timer struct {
	Ignore []Aspect `json:"ignore" doc:"What does not count as a change of the layout: what salvor diff --ignore takes." default:"[usage, snapshots]"`
	Rescue Refresh  `json:"rescue,omitempty" doc:"When the rescue image is made anew: when the layout has changed, or never." default:"changed"`
}

// Default is a configuration in which nothing was chosen.
func Default() *Config {
	c := &Config{}
	if err := document.SetDefaults(c); err != nil {
		panic(err) // the tags above are wrong; a test makes sure that they are not
	}
	return c
}

// Schema is the JSON Schema of a configuration file.
func Schema() ([]byte, error) { return document.Schema(Config{}, "salvor's configuration") }
