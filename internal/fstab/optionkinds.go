package fstab

import "strings"

// Destructive returns the options that make the booting system overwrite or
// delete something, and that salvor must never follow:
//
//   - fstab: x-systemd.makefs and x-systemd.growfs (systemd.mount(5))
//   - crypttab: swap and tmp make a new file system on every boot,
//     keyfile-erase deletes the key file, even if it was not accepted
//     (crypttab(5))
//
// A swap line of an fstab that carries the meaningless option "swap" is named
// too; nothing is lost by that, for swap is not mounted.
func (o Options) Destructive() []Option {
	return o.filter(func(opt Option) bool {
		switch opt.Name {
		case "x-systemd.makefs", "x-systemd.growfs", "swap", "tmp":
			return true
		case "keyfile-erase":
			return !opt.HasValue || !isNo(opt.Value)
		}
		return false
	})
}

// isNo reads a boolean of systemd (systemd.syntax(7)).
func isNo(s string) bool {
	switch strings.ToLower(s) {
	case "0", "no", "n", "false", "f", "off":
		return true
	}
	return false
}

// Kernel returns the options that may be handed to mount(2) or fsconfig(2).
// What goes are the words that mount(8), systemd, swapon(8) and distributions'
// scripts speak among themselves. What stays are the file system's own options
// and those of the mount (ro, nosuid, noatime…), also those that name an
// operation (bind, remount, private…): these the caller has to tell apart.
func (o Options) Kernel() Options {
	return o.filter(func(opt Option) bool { return !userspace(opt.Name) })
}

func userspace(name string) bool {
	for _, prefix := range []string{"x-", "X-", "verity."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return userspaceOptions[name]
}

// userspaceOptions: util-linux, libmount/src/optmap.c (userspace map);
// mount(8); swapon(8). The last lines are the words of programs that are gone:
// Upstart's mountall, and the fstab-sync of early hotplug systems.
var userspaceOptions = setOf(`
	defaults auto noauto nofail fail _netdev
	user nouser users nousers owner noowner group nogroup
	comment helper uhelper
	loop offset sizelimit encryption
	pri sw
	bootwait nobootwait optional showthrough
	hotplug kudzu managed pamconsole
`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
