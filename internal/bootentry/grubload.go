package bootentry

import (
	"slices"
	"strings"
)

// load takes in what an entry starts.
func (g *grub) load(name string, args []value) verdict {
	if g.entry == nil {
		return maybe
	}
	if slices.Contains([]string{"module", "module2"}, name) {
		// --nounzip is GRUB's, the name may follow it.
		args = slices.DeleteFunc(args, func(v value) bool { return v.text == "--nounzip" })
	}
	if len(args) == 0 {
		return maybe
	}
	switch name {
	case "linux", "linux16", "linuxefi":
		g.kernel(args)
	case "initrd", "initrd16", "initrdefi":
		g.initrds(args)
	case "devicetree":
		g.entry.DeviceTree = g.fileOf(args[0])
	case "chainloader":
		g.chain(args[len(args)-1]) // options may stand before it
	case "multiboot", "multiboot2", "xen_hypervisor":
		g.entry.Hypervisor = g.fileOf(args[0])
		g.entry.Kernel = File{}
		g.entry.Initrds = nil
	case "module", "module2", "xen_linux", "xen_initrd", "xen_module":
		g.module(args)
	}
	return maybe
}

// chain takes in another loader: an EFI program, or what lies in blocks of a disk,
// which is no file.
func (g *grub) chain(v value) {
	if !strings.Contains(v.text, "/") {
		g.entry.Unknown = joinUnknown(g.entry.Unknown, "chainloader "+v.text)
		return
	}
	g.entry.Program = g.fileOf(v)
}

// fileOf finds a file, and notes on what file system the entry's files lie.
func (g *grub) fileOf(v value) File {
	e := g.entry
	e.Unknown = joinUnknown(e.Unknown, v.unknown...)
	device, _ := g.env.device(v.text)
	if on := volumeOf(device); e.FSUUID == "" && e.FSLabel == "" {
		e.FSUUID, e.FSLabel = on.uuid, on.label
	}
	f := g.find(v.text)
	f.Text = plain(f.Text)
	return f
}

// kernel: of two, the last one is started; where it depends on what is not known
// which one is the last, the first is kept and the condition noted.
func (g *grub) kernel(args []value) {
	e := g.entry
	if len(g.unsure) > 0 {
		e.Unknown = joinUnknown(e.Unknown, g.unsure...)
		if e.Kernel.Given() {
			return
		}
	}
	e.Kernel = g.fileOf(args[0])
	e.Options = g.options(args[1:])
}

// options joins arguments to a command line; GRUB quotes those with blanks in
// them (grub-core/lib/cmdline.c).
func (g *grub) options(args []value) string {
	var words []string
	for _, a := range args {
		g.entry.Unknown = joinUnknown(g.entry.Unknown, a.unknown...)
		text := strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`).Replace(a.text)
		if strings.Contains(text, " ") && len(a.unknown) == 0 {
			text = `"` + text + `"`
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func (g *grub) initrds(args []value) {
	e := g.entry
	if len(g.unsure) > 0 {
		e.Unknown = joinUnknown(e.Unknown, g.unsure...)
		if len(e.Initrds) > 0 {
			return
		}
	}
	e.Initrds = nil
	for _, a := range args {
		if a.text != "--nounzip" && !strings.HasPrefix(a.text, "newc:") {
			e.Initrds = append(e.Initrds, g.fileOf(a))
		}
	}
}

// module: the first that a hypervisor gets is the kernel, what follows are
// initrds. The first word of a command line was its name once.
func (g *grub) module(args []value) {
	if g.entry.Kernel.Given() {
		g.entry.Initrds = append(g.entry.Initrds, g.fileOf(args[0]))
		return
	}
	g.entry.Kernel = g.fileOf(args[0])
	rest := args[1:]
	if len(rest) > 0 && (rest[0].text == "placeholder" || rest[0].text == args[0].text) {
		rest = rest[1:]
	}
	g.entry.Options = g.options(rest)
}
