package rescue

import (
	"maps"
	"path"
	"slices"
	"strings"

	"salvor/internal/config"
	"salvor/internal/rescue/live"
)

// Facts are what is known of the machine that an image is for.
type Facts struct {
	Kernel Kernel
	// Devices are the MODALIASes of its devices, and the names of the modules that are
	// loaded for them.
	Devices []string
	// Uses are words for what it uses: kinds of nodes as in storage ("lv", "crypt"…), types
	// of file systems ("ext4"), "clevis", "token" (a key in
	// a TPM or the like), and "nfs", "cifs", "sshfs", "iscsi", "nvmf",
	// "tar", "restic", "rsync", "selinux". Other words are ignored.
	Uses []string
}

// Hardware says for which machines an image is.
type Hardware string

// The choices of hardware; each has what the one before it has.
const (
	Minimal Hardware = "minimal" // this machine, or a virtual one
	Common  Hardware = "common"  // and common others
	Generic Hardware = "generic" // any
)

// covers reports whether an image for h has what is in images from the given one on.
func (h Hardware) covers(from Hardware) bool {
	order := []Hardware{Minimal, Common, Generic}
	return slices.Index(order, from) <= slices.Index(order, h)
}

// Choice is what somebody chose, in the configuration or on the command line.
type Choice struct {
	Hardware       Hardware // Common, if empty
	Programs       []string // have to be there
	Optional       []string // taken if they are there
	Files, Exclude []string // patterns, of what goes in and of what stays out
	Modules        []string
	ExcludeModules []string
	Load           []string
	Firmware       Firmware // FirmwareNeeded, if empty
	FirmwareFiles  []string
	Keymaps        []string
}

// Chosen is the choice in a configuration.
func Chosen(r config.Rescue) Choice {
	c := Choice{
		Hardware: Common, Firmware: Firmware(r.Firmware.Which), Keymaps: slices.Clone(r.Keyboard),
		Programs: plain(r.Programs.Required), Optional: plain(r.Programs.Optional),
		Files: plain(r.Files.Add), Exclude: plain(r.Files.Exclude), FirmwareFiles: plain(r.Firmware.Add),
		Modules: plain(r.Modules.Add), ExcludeModules: plain(r.Modules.Exclude), Load: plain(r.Modules.Load),
	}
	if r.Modules.Which == config.ModulesAll {
		c.Hardware = Generic
	}
	return c
}

// plain are typed words as text.
func plain[T ~string](words []T) []string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	return out
}

// Default is the spec of an image for a machine.
func Default(facts Facts, choice Choice) Spec {
	if choice.Hardware == "" {
		choice.Hardware = Common
	}
	uses := func(word string) bool { return slices.Contains(facts.Uses, word) }
	s := Spec{
		Kernel: facts.Kernel.Release, Image: facts.Kernel.Image, Devices: facts.Devices,
		Programs: slices.Clone(choice.Programs), Files: choice.Files, OptionalFiles: slices.Clone(alwaysFiles),
		Modules: slices.Clone(choice.Modules), Load: choice.Load, ExcludeModules: slices.Concat(choice.ExcludeModules, neverModules),
		Firmware: choice.Firmware, FirmwareFiles: choice.FirmwareFiles, Keymaps: choice.Keymaps,
		Exclude: slices.Concat(choice.Exclude, bannedFiles()),
	}
	for _, set := range programSets {
		needed, wanted := set.pick(uses, choice.Hardware == Minimal)
		s.Programs, s.Optional = append(s.Programs, needed...), append(s.Optional, wanted...)
	}
	s.Optional = append(s.Optional, choice.Optional...)
	for _, set := range moduleSets {
		if choice.Hardware.covers(set.from) || slices.ContainsFunc(set.use, uses) {
			s.Modules = append(s.Modules, strings.Fields(set.words)...)
		}
	}
	if choice.Hardware == Minimal && !uses("token") {
		s.Exclude = append(s.Exclude, "*/libcryptsetup-token-systemd-*.so")
	}
	for _, word := range slices.Sorted(maps.Keys(requiredModules)) {
		if uses(word) {
			s.Required = append(s.Required, requiredModules[word])
		}
	}
	return s
}

// alwaysFiles go in where they are there: the time zone, and how characters are shown.
var alwaysFiles = []string{"/etc/localtime", "/etc/inputrc", "/etc/ld-musl-*.path"}

// bannedFiles stay out of every image: rules that would open or change something by
// themselves, and the list of the only devices that LVM may look at, which a new disk is not on.
func bannedFiles() []string {
	out := []string{"/etc/lvm/devices"}
	for _, dir := range []string{"/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"} {
		for _, pattern := range live.BannedRules() {
			out = append(out, path.Join(dir, pattern))
		}
	}
	return out
}
