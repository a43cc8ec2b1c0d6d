package live

import (
	"path"
	"slices"
)

// bannedRule is a row of the table "Rules of udev that are masked" in docs/rescue.md.
type bannedRule struct {
	pattern string // of the file's name, for path.Match
	does    string
}

// bannedRules are udev rules that would open, connect or change something by themselves. All
// others stay: those that only name devices, and those that device-mapper's tools wait for
// (10-dm, 11-dm-lvm, 13-dm-disk, 95-dm-notify).
var bannedRules = []bannedRule{
	{"*-md-raid-assembly.rules", "assembles arrays, read-write"},
	{"*-md-incremental.rules", "assembles arrays, read-write"},
	{"69-dm-lvm*.rules", "activates volume groups"},
	{"69-lvm*.rules", "activates volume groups"},
	{"*-bcache.rules", "registers caches, which starts their writeback"},
	{"*-hdparm.rules", "changes settings of disks"},
	{"*-nvmf-autoconnect.rules", "connects to storage in the network"},
	{"*-iscsi-firmware-login.rules", "connects to storage in the network"},
	{"66-azure-*.rules", "belongs to an agent that formats disks"},
	{"*-cloud-init-hook-hotplug.rules", "sets up what is plugged in as a cloud would have it"},
	{"*-ifupdown.rules", "sets up the network of the installed system"},
	{"*-udisks*.rules", "belongs to a service that mounts"},
}

// BannedRules are patterns of path.Match for the names of udev rules that must not be in a
// rescue image, as they would open or change something by themselves.
func BannedRules() []string {
	var out []string
	for _, row := range bannedRules {
		out = append(out, row.pattern)
	}
	return out
}

func isBanned(rule string) bool {
	return slices.ContainsFunc(bannedRules, func(row bannedRule) bool {
		fits, err := path.Match(row.pattern, rule)
		return fits && err == nil
	})
}

// ruleDirs are where udev reads rules; of two files with one name the one in the first of
// these counts (udev(7)).
var ruleDirs = []string{"/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"}

// maskRules hides banned rules that are in the image all the same: an image may be put
// together by other means. An empty file in the first directory takes the place of the others.
func maskRules(h host) (notes []string) {
	masked := map[string]bool{}
	for _, dir := range ruleDirs {
		names, _ := h.ReadDir(dir) // few systems have all of them
		for _, name := range names {
			if !isBanned(name) || masked[name] {
				continue
			}
			masked[name] = true
			if err := maskRule(h, name); err != nil {
				notes = append(notes, err.Error())
			}
		}
	}
	return notes
}

func maskRule(h host, name string) error {
	if err := h.MkdirAll(ruleDirs[0], 0o755); err != nil {
		return err
	}
	return h.WriteFile(path.Join(ruleDirs[0], name), nil, 0o644)
}
