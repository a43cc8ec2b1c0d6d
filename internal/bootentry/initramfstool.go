package bootentry

import (
	"path"
	"slices"
	"strings"
)

// Tool is the program that made an initrd.
type Tool string

// The tools that are told apart.
const (
	UnknownTool    Tool = ""
	Dracut         Tool = "dracut"
	InitramfsTools Tool = "initramfs-tools"
	Mkinitcpio     Tool = "mkinitcpio"
	Mkosi          Tool = "mkosi" // and others that pack a systemd system as it is
	Booster        Tool = "booster"
	Mkinitfs       Tool = "mkinitfs" // of Alpine
)

// toolMarks are files that only one tool puts into an initrd, the surest first. A
// directory that a link leads to counts.
var toolMarks = []struct {
	file string
	tool Tool
}{
	{"usr/lib/dracut/modules.txt", Dracut},
	{"usr/lib/dracut/build-parameter.txt", Dracut},
	{"usr/lib/dracut-lib.sh", Dracut},
	{"conf/initramfs.conf", InitramfsTools},
	{"conf/arch.conf", InitramfsTools},
	{"scripts/functions", InitramfsTools},
	{"buildconfig", Mkinitcpio},
	{"init_functions", Mkinitcpio},
	{"etc/booster.init.yaml", Booster},
	{"etc/mkinitfs", Mkinitfs},
	{"usr/share/mkinitfs", Mkinitfs},
	{"sbin/nlplug-findfs", Mkinitfs},
}

// toolOf tells the tool by its marks.
func toolOf(i *Initramfs) (Tool, []string) {
	var marks []string
	tool := UnknownTool
	for _, m := range toolMarks {
		if (tool == UnknownTool || tool == m.tool) && i.Has(m.file) {
			tool, marks = m.tool, append(marks, m.file)
		}
	}
	if tool != UnknownTool {
		return tool, marks
	}
	for _, file := range []string{"etc/initrd-release", "usr/lib/initrd-release"} {
		if text, ok := i.File(file); ok {
			return toolOfRelease(text), []string{file}
		}
	}
	return UnknownTool, nil
}

// toolOfRelease: dracut names itself in initrd-release; what else has one is a
// small system of its own, as mkosi makes them.
func toolOfRelease(text string) Tool {
	if strings.Contains(text, "dracut") {
		return Dracut
	}
	return Mkosi
}

// DracutModules lists the modules of dracut that the initrd was made of.
func (i *Initramfs) DracutModules() []string {
	text, _ := i.File("usr/lib/dracut/modules.txt")
	return strings.Fields(text)
}

// configFiles are files of which the content is kept: by their path, or with a *
// for names in a directory.
var configFiles = []string{
	"etc/crypttab", "cryptroot/crypttab", "conf/conf.d/*", "conf/*.conf", "conf/modules",
	"etc/fstab", "etc/fstab.empty", "etc/cmdline", "etc/cmdline.d/*", "etc/conf.d/*",
	"etc/mdadm.conf", "etc/mdadm/mdadm.conf", "etc/mdadm.conf.d/*", "etc/mdadm/mdadm.conf.d/*",
	"etc/multipath.conf", "etc/multipath/*", "etc/multipath/conf.d/*",
	"etc/systemd/system/*", "etc/systemd/system/*/*", "etc/systemd/*.conf",
	"etc/initrd-release", "usr/lib/initrd-release", "etc/machine-id", "etc/hostname",
	"config", "buildconfig", "etc/booster.init.yaml",
	"usr/lib/dracut/modules.txt", "usr/lib/dracut/build-parameter.txt",
	"lib/modules/*/modules.builtin", "usr/lib/modules/*/modules.builtin",
}

// isConfig tells whether a file's content is kept. Keys never are.
func isConfig(name string) bool {
	return slices.ContainsFunc(configFiles, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}
