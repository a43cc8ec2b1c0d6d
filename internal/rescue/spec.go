package rescue

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Spec is what an image is to hold. It is made by Default or by hand; it names things, and
// Plan finds them.
type Spec struct {
	Kernel string // release of the kernel, as below /lib/modules
	Image  string // the kernel itself, a path in the root

	// Modules are words: names, directories and files below kernel/ ("drivers/md"),
	// aliases. Those in Required have to be there, as a module or built in.
	Required, Modules []string
	// Devices are the MODALIASes of devices and the names of modules that are loaded for
	// them. Drivers of sound, pictures and the like stay out, whatever the machine has.
	Devices []string
	// ExcludeModules are words too; what they mean stays out, and what needs it.
	ExcludeModules []string
	// Load are modules that are loaded at the start, in this order.
	Load []string

	Firmware      Firmware
	FirmwareFiles []string // further ones: patterns below /lib/firmware

	// Programs have to be there; of Optional those that are. Both are names, or paths.
	Programs, Optional []string
	// Files are paths and patterns (of path.Match) of files and of directories with all in
	// them. Those without a pattern have to be there; of OptionalFiles none has.
	Files, OptionalFiles []string
	// Keymaps are keyboard layouts, as loadkeys(1) knows them.
	Keymaps []string
	// Exclude are patterns in the form of the configuration; what fits, or lies in a
	// directory that fits, stays out.
	Exclude []string
	// Made are files that are not the root's.
	Made []Made
}

// Firmware says which firmware files go in.
type Firmware string

// The choices of firmware.
const (
	FirmwareNeeded Firmware = "needed" // what the modules in the image ask for
	FirmwareAll    Firmware = "all"    // all of /lib/firmware
	FirmwareNone   Firmware = "none"
)

// Made is a file of the image that salvor makes: itself, the layout, a configuration.
// What is made comes before what the root has at the same path.
type Made struct {
	Path    string
	Mode    fs.FileMode
	Content []byte
	Target  string // where it leads, of a symbolic link
	Why     string
}

// forRescue is the reason for what is wanted by nothing else.
const forRescue = "the rescue system"

// Plan works out what will be in the image, from the root alone. The error is for a root
// that cannot be used at all; what only lacks something has a manifest whose Err says so.
func Plan(fsys fs.FS, s Spec) (*Manifest, error) {
	c := newCollector(root{fsys})
	c.excludeAll(s.Exclude)
	c.skeleton()
	for _, m := range s.Made {
		c.made(m)
	}
	c.addPrograms(s)
	c.addFiles(s)
	for _, name := range s.Keymaps {
		c.addKeymap(name)
	}
	if err := c.addKernel(s); err != nil {
		return nil, err
	}
	c.addOwn(s)
	return c.manifest(s.Kernel), nil
}

// skeleton makes the directories that a system has even when nothing lies in them
// (FHS 3.0), and the devices that are needed before /dev is mounted.
func (c *collector) skeleton() {
	const why = "the skeleton of a system"
	for _, dir := range []string{
		"/dev", "/etc", "/mnt/local", "/proc", "/root", "/run", "/sys", "/tmp", "/usr", "/var/empty", "/var/lib", "/var/log", "/var/tmp",
	} {
		mode := fs.FileMode(0o755)
		switch dir {
		case "/root":
			mode = 0o700
		case "/tmp", "/var/tmp":
			mode = 0o777 | fs.ModeSticky
		}
		c.put(Entry{Path: dir, Kind: Dir, Mode: mode, Why: why})
	}
	c.put(Entry{Path: "/var/run", Kind: Link, Mode: 0o777, Target: "/run", Why: why})
	c.put(Entry{Path: "/var/lock", Kind: Link, Mode: 0o777, Target: "/run/lock", Why: why})
	c.put(Entry{Path: "/dev/console", Kind: Device, Mode: 0o600, Major: 5, Minor: 1, Why: why})
	c.put(Entry{Path: "/dev/null", Kind: Device, Mode: 0o666, Major: 1, Minor: 3, Why: why})
}

func (c *collector) addPrograms(s Spec) {
	for _, name := range s.Programs {
		switch p, ok := c.program(name); {
		case !ok:
			c.lack(name, forRescue, fs.ErrNotExist)
		default:
			c.need(p, forRescue)
		}
	}
	for _, name := range s.Optional {
		c.addProgram(name, forRescue)
	}
	for _, one := range usefulOnes {
		if !slices.ContainsFunc(one.names, func(name string) bool { p, ok := c.program(name); return ok && !c.isExcluded(p) }) {
			c.notes = append(c.notes, one.without)
		}
	}
}

// usefulOnes are programs that an image can do without, and of which one of each is missed by
// whoever sits before it.
var usefulOnes = []struct {
	names   []string
	without string
}{
	{[]string{"sshd"}, "there is no sshd: nobody can come in over the network"},
	{[]string{"vi", "vim.tiny", "nano"}, "there is no editor"},
	{[]string{"bash"}, "there is no bash: sh is the shell"},
}

// addProgram takes a program by its name or path, if it is there and not excluded.
func (c *collector) addProgram(name, user string) {
	p, ok := c.program(name)
	if !ok {
		return
	}
	if real, _, err := c.root.find(p); err == nil && !c.isExcluded(real) && !c.isExcluded(p) {
		c.need(p, user)
	}
}

func (c *collector) addFiles(s Spec) {
	for _, pattern := range s.Files {
		c.addPattern(pattern, false)
	}
	for _, pattern := range s.OptionalFiles {
		c.addPattern(pattern, true)
	}
}

// addPattern takes all files that fit; a path that is no pattern has to be there, unless
// it is optional.
func (c *collector) addPattern(pattern string, optional bool) {
	found := c.root.glob(pattern)
	if len(found) == 0 && !optional && !strings.ContainsAny(pattern, `*?[\`) {
		c.lack(pattern, forRescue, fs.ErrNotExist)
	}
	for _, p := range found {
		if err := c.add(p, "asked for as "+pattern); err != nil {
			c.lack(p, pattern, err)
		}
	}
}

// addKernel takes the modules that are asked for, with all that they need, and their lists.
// The kernel itself is not in the image's file tree: a boot loader loads it.
func (c *collector) addKernel(s Spec) error {
	image, err := c.root.open(s.Image)
	if err != nil {
		return fmt.Errorf("cannot read the kernel: %w", err)
	}
	defer image.Close()
	modules, err := readModules(c.root, s.Kernel)
	if err != nil {
		return err
	}
	modules.exclude(s.ExcludeModules)
	all := modules.closure(c.wantedModules(s, modules))
	for _, name := range all {
		c.need(modules.file(name), "the kernel "+s.Kernel)
	}
	for _, list := range c.root.glob(path.Join(modules.dir, "modules.*")) {
		if !slices.Contains(unusedLists, path.Base(list)) {
			c.need(list, "modprobe")
		}
	}
	return c.addFirmware(s, modules, all)
}

// wantedModules are the modules that the spec names in one way or the other.
func (c *collector) wantedModules(s Spec, modules *kernelModules) []string {
	var names []string
	for _, word := range slices.Concat(s.Required, s.Load) {
		found, known := modules.named(word)
		if !known {
			c.lack("module "+word, forRescue, fs.ErrNotExist)
		}
		for _, name := range found {
			if modules.without[name] {
				c.lack("module "+word, forRescue, errExcluded)
			}
		}
		names = append(names, found...)
	}
	for _, word := range s.Modules {
		found, _ := modules.named(word)
		names = append(names, found...)
	}
	for _, word := range s.Devices {
		found, _ := modules.named(word)
		names = append(names, slices.DeleteFunc(found, modules.isPastime)...)
	}
	return names
}

// unusedLists are of no use beside their binary forms, which modprobe reads, or are read by
// depmod alone (depmod(8)).
var unusedLists = []string{
	"modules.alias", "modules.dep", "modules.symbols", "modules.symbols.bin", "modules.devname.new",
	"modules.order", "modules.builtin.modinfo", "modules.builtin",
}
