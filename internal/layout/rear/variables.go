package rear

import (
	"slices"
	"strings"

	"salvor/internal/config"
)

// variableRow is a row of the table of docs/rear.md, which a test compares with it.
type variableRow struct {
	name string
	key  string // of salvor's configuration
	why  string // there is no key, or what is said beside it
	take func(*taker, *Setting)
}

const (
	atRecovery = "asked, or answered by options, when a machine is recovered"
	byItself   = "salvor finds that out by itself"
	noCode     = "it is code, and a configuration of salvor's has none"
	notDone    = "salvor does not do this"
)

// variables is the table. A variable that is not in it is listed by its name.
var variables = []variableRow{
	{"OUTPUT", "rescue.format", "", takeOutput},
	{"OUTPUT_URL", "rescue.output", "", func(t *taker, v *Setting) { t.takePlace(&t.c.Rescue.Output, v.Value()) }},
	{"ISO_VOLID", "rescue.label", "", func(t *taker, v *Setting) { t.c.Rescue.Label = v.Value() }},
	{"KERNEL_FILE", "rescue.kernel", "", func(t *taker, v *Setting) { t.nonEmpty(v, func(s string) { set(t, &t.c.Rescue.Kernel, s) }) }},
	{"KERNEL_CMDLINE", "rescue.kernel_command_line", "", func(t *taker, v *Setting) {
		t.c.Rescue.KernelCommandLine = strings.Join(strings.Fields(v.Value()), " ")
	}},
	{"SERIAL_CONSOLE_DEVICES", "rescue.consoles", "", takeConsoles},
	{"USE_DHCLIENT", "rescue.network", "", func(t *taker, v *Setting) { t.network(isTrue(v.Value()), config.NetworkDHCP) }},
	{"USE_STATIC_NETWORKING", "rescue.network", "", func(t *taker, v *Setting) { t.network(isTrue(v.Value()), config.NetworkSaved) }},
	{"MODULES", "rescue.modules", "", takeModules},
	{"MODULES_LOAD", "rescue.modules.load", "", func(t *taker, v *Setting) { add(t, &t.c.Rescue.Modules.Load, v.Values...) }},
	{"EXCLUDE_MODULES", "rescue.modules.exclude", "", func(t *taker, v *Setting) { add(t, &t.c.Rescue.Modules.Exclude, v.Values...) }},
	{"FIRMWARE_FILES", "rescue.firmware", "", takeFirmware},
	{"PROGS", "rescue.programs.optional", "", func(t *taker, v *Setting) { add(t, &t.c.Rescue.Programs.Optional, v.Values...) }},
	{"REQUIRED_PROGS", "rescue.programs.required", "", func(t *taker, v *Setting) { add(t, &t.c.Rescue.Programs.Required, v.Values...) }},
	{"COPY_AS_IS", "rescue.files.add", "", func(t *taker, v *Setting) { add(t, &t.c.Rescue.Files.Add, v.Values...) }},
	{"COPY_AS_IS_EXCLUDE", "rescue.files.exclude", "", func(t *taker, v *Setting) { add(t, &t.c.Rescue.Files.Exclude, v.Values...) }},

	{"BACKUP", "backup.engine", "", takeBackup},
	{"BACKUP_URL", "backup.repository", "", func(t *taker, v *Setting) { t.takePlace(&t.c.Backup.Repository, v.Value()) }},
	{"BACKUP_OPTIONS", "backup.mount_options", "", func(t *taker, v *Setting) { t.c.Backup.MountOptions = t.mountOptions(v.Value()) }},
	{"BACKUP_PROG_EXCLUDE", "backup.exclude", "", func(t *taker, v *Setting) { add(t, &t.c.Backup.Exclude, v.Values...) }},
	{"BACKUP_PROG_INCLUDE", "backup.include", "", takeInclude},
	{"BACKUP_ONLY_INCLUDE", "backup.only_include", "", func(t *taker, v *Setting) { t.c.Backup.OnlyInclude = isTrue(v.Value()) }},
	{"EXCLUDE_MOUNTPOINTS", "backup.exclude", "", func(t *taker, v *Setting) { t.excludeTrees(v.Values) }},
	{"EXCLUDE_BACKUP", "backup.exclude", "", takeExcludeBackup},

	{"EXCLUDE_MD", "exclude", "", func(t *taker, v *Setting) { t.excludeEach(v, "/dev/") }},
	{"EXCLUDE_VG", "exclude", "", func(t *taker, v *Setting) { t.excludeEach(v, "") }},
	{"EXCLUDE_COMPONENTS", "exclude", "", func(t *taker, v *Setting) { t.components(v) }},
	{"EXCLUDE_RECREATE", "exclude", "", func(t *taker, v *Setting) { t.components(v) }},
	{"ONLY_INCLUDE_VG", "layout.only_volume_groups", "", func(t *taker, v *Setting) { add(t, &t.c.Layout.OnlyVolumeGroups, v.Values...) }},
	{"AUTOEXCLUDE_PATH", "exclude", "", takeAutoPath},
	{"AUTOEXCLUDE_USB_PATH", "exclude", "", takeUSBPath},

	{"AUTOEXCLUDE_DISKS", "", "salvor takes all disks in, and lists those that it leaves out", nil},
	{"AUTOEXCLUDE_MULTIPATH", "", "salvor takes multipath devices in", nil},
	{"AUTOEXCLUDE_AUTOFS", "", "salvor does not back up what an automounter mounts", nil},
	{"BOOT_OVER_SAN", "", byItself, nil},
	{"EXCLUDE_DEVICE_MAPPING", "", "salvor leaves out devices in memory and of image files anyway", nil},
	{"EXCLUDE_RESTORE", "", atRecovery, nil},
	{"MANUAL_INCLUDE", "", "set backup.include and backup.only_include, and exclude what is not to be made again", nil},
	{"BACKUP_ONLY_EXCLUDE", "", notDone, nil},
	{"BACKUP_PROG", "", "backup.engine says how files are backed up", nil},
	{"BACKUP_PROG_OPTIONS", "", "they are options of tar, and salvor has an engine of its own", nil},
	{"BACKUP_PROG_COMPRESS_OPTIONS", "", "salvor chooses the compression", nil},
	{"BACKUP_PROG_COMPRESS_SUFFIX", "", "salvor chooses the compression", nil},
	{"BACKUP_PROG_CRYPT_ENABLED", "", "it goes with a key in the configuration, which is no place for one", nil},
	{"BACKUP_MOUNTCMD", "", noCode, nil},
	{"BACKUP_UMOUNTCMD", "", noCode, nil},
	{"OUTPUT_MOUNTCMD", "", noCode, nil},
	{"OUTPUT_UMOUNTCMD", "", noCode, nil},
	{"PRE_RECOVERY_SCRIPT", "", noCode, nil},
	{"POST_RECOVERY_SCRIPT", "", noCode, nil},
	{"PRE_RECOVERY_COMMANDS", "", noCode, nil},
	{"POST_RECOVERY_COMMANDS", "", noCode, nil},
	{"PRE_BACKUP_SCRIPT", "", noCode, nil},
	{"POST_BACKUP_SCRIPT", "", noCode, nil},
	{"NETWORKING_PREPARATION_COMMANDS", "", noCode, nil},
	{"EXTERNAL_BACKUP", "", noCode, nil},
	{"EXTERNAL_RESTORE", "", noCode, nil},
	{"EXTERNAL_CHECK", "", noCode, nil},
	{"LIBS", "", "libraries come with the programs that need them", nil},
	{"USE_SERIAL_CONSOLE", "", "salvor takes the consoles of the running kernel, or those in rescue.consoles", nil},
	{"KEYMAP", "", "it is a keymap of the console; rescue.keyboard takes layouts, such as de", nil},
	{"BOOTLOADER", "", byItself, nil},
	{"UEFI_BOOTLOADER", "", byItself, nil},
	{"USING_UEFI_BOOTLOADER", "", byItself, nil},
	{"SECURE_BOOT_BOOTLOADER", "", byItself, nil},
	{"REBUILD_INITRAMFS", "", byItself, nil},
	{"GRUB_RESCUE", "", notDone, nil},
	{"ISO_DEFAULT", "", atRecovery, nil},
	{"ISO_DIR", "", "say in rescue.output where the image goes", nil},
	{"ISO_PREFIX", "", "say in rescue.output what the image is called", nil},
	{"OUTPUT_PREFIX", "", "say in rescue.output where the image goes", nil},
	{"OUTPUT_OPTIONS", "", "rescue.output takes no options", nil},
	{"NETFS_PREFIX", "", "say in backup.repository where the backup goes", nil},
	{"NETFS_KEEP_OLD_BACKUP_COPY", "", "salvor keeps backups apart", nil},
	{"USB_DEVICE", "", "say in rescue.output where the image goes", nil},
	{"MIGRATION_MODE", "", atRecovery, nil},
	{"AUTORESIZE_PARTITIONS", "", atRecovery, nil},
	{"DISKS_TO_BE_WIPED", "", "disks are destroyed only by their names, on the command line", nil},
	{"WRITE_PROTECTED_IDS", "", "disks are destroyed only by their names, on the command line", nil},
	{"WRITE_PROTECTED_FS_LABEL_PATTERNS", "", "disks are destroyed only by their names, on the command line", nil},
	{"LUKS_CRYPTSETUP_OPTIONS", "", "how a container was made is in the layout", nil},
	{"MKFS_XFS_OPTIONS", "", "how a file system was made is in the layout", nil},
	{"BTRFS_SUBVOLUME_SLES_SETUP", "", "which subvolumes there are is in the layout", nil},
	{"SSH_FILES", "", "only the public keys in rescue.ssh get into an image", nil},
	{"SSH_UNPROTECTED_PRIVATE_KEYS", "", "no private key gets into an image", nil},
	{"TIMESYNC", "", notDone, nil},
}

func takeOutput(t *taker, v *Setting) {
	formats := map[string]config.Format{"ISO": config.ISO, "USB": config.USB, "RAWDISK": config.Raw, "PXE": config.PXE, "RAMDISK": config.Initramfs}
	format, ok := formats[v.Value()]
	if !ok {
		t.gap("salvor makes no image of the kind %q", v.Value())
		return
	}
	t.c.Rescue.Format = format
}

// takeBackup knows what ReaR itself backs up. The others are products that are set
// up apart from it, and are only started by it.
func takeBackup(t *taker, v *Setting) {
	switch v.Value() {
	case "NETFS":
		t.c.Backup.Engine = config.Tar
	case "REQUESTRESTORE", "":
		t.c.Backup.Engine = config.NoEngine
	default:
		t.c.Backup.Engine = config.NoEngine
		t.gap("salvor neither backs up nor restores by %q: that has to be done apart from it", v.Value())
	}
}

func (t *taker) takePlace(to *config.Place, url string) {
	if url == "" {
		return
	}
	if place, ok := t.place(url); ok {
		set(t, to, place)
	}
}

func (t *taker) nonEmpty(v *Setting, do func(string)) {
	if s := v.Value(); s != "" {
		do(s)
	}
}

// network takes one of two booleans; the later one that is true counts.
func (t *taker) network(is bool, n config.Network) {
	if is {
		t.c.Rescue.Network = n
	}
}

func takeConsoles(t *taker, v *Setting) {
	for _, dev := range strings.Fields(strings.Join(v.Values, " ")) {
		add(t, &t.c.Rescue.Consoles, strings.TrimPrefix(dev, "/dev/"))
	}
}

// takeModules reads the words that stand for many modules, and names.
func takeModules(t *taker, v *Setting) {
	m := &t.c.Rescue.Modules
	for _, name := range v.Values {
		switch name {
		case "all_modules":
			m.Which = config.ModulesAll
		case "moderate_modules", "loaded_modules", "initrd_modules":
			m.Which = config.ModulesNeeded
		case "no_modules":
			t.gap("a rescue image without any module is not made")
		default:
			add(t, &m.Add, name)
		}
	}
}

// takeFirmware: none means all to ReaR, and "no" means none.
func takeFirmware(t *taker, v *Setting) {
	f := &t.c.Rescue.Firmware
	first := strings.ToLower(v.Value())
	switch {
	case len(v.Values) == 0, isTrue(first):
		f.Which = config.FirmwareAll
	case slices.Contains([]string{"no", "n", "false", "f", "0"}, first):
		f.Which = config.FirmwareNone
	default:
		f.Which = config.FirmwareNeeded
		for _, p := range v.Values {
			if _, rest, ok := strings.Cut(p, "/firmware/"); ok {
				p = rest
			}
			add(t, &f.Add, strings.TrimLeft(p, "/"))
		}
	}
}

// takeInclude takes directories; "/srv/*" is one to salvor.
func takeInclude(t *taker, v *Setting) {
	for _, p := range v.Values {
		add(t, &t.c.Backup.Include, strings.TrimSuffix(p, "/*"))
	}
}

func (t *taker) excludeTrees(points []string) {
	for _, p := range points {
		add(t, &t.c.Backup.Exclude, strings.TrimSuffix(p, "/")+"/*")
	}
}

func takeExcludeBackup(t *taker, v *Setting) {
	for _, name := range v.Values {
		if point, ok := strings.CutPrefix(name, "fs:"); ok {
			t.excludeTrees([]string{point})
		} else {
			t.gap("%s is no file system; say in backup.exclude which directories are not backed up", name)
		}
	}
}

func (t *taker) excludeEach(v *Setting, dir string) {
	for _, name := range v.Values {
		e := config.Exclude{}
		if set(t, &e.Device, dir+strings.TrimPrefix(name, "/dev/")) {
			t.exclude(e)
		}
	}
}

func (t *taker) components(v *Setting) {
	for _, name := range v.Values {
		if name != "" {
			t.component(name)
		}
	}
}

func takeAutoPath(t *taker, v *Setting) {
	for _, p := range v.Values {
		e := config.Exclude{}
		if set(t, &e.Mount, strings.TrimSuffix(p, "/")+"/*") {
			t.exclude(e)
		}
	}
}

func takeUSBPath(t *taker, v *Setting) {
	for _, p := range v.Values {
		e := config.Exclude{}
		if p != "" && set(t, &e.Mount, p) {
			t.exclude(e)
		}
	}
}
