package rescue

import (
	"bytes"
	"regexp"
	"strings"
)

// udevFiles are what udev needs besides its rules: the daemon, under the names that it has
// had (udevd of eudev, systemd-udevd as a program and, since 250, as a link to udevadm), and
// the programs that rules run.
var udevFiles = []string{
	"/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd", "/usr/lib/udev/udevd", "/sbin/udevd", "/usr/sbin/udevd",
	"/etc/udev/udev.conf", "/usr/lib/udev/udev.conf",
	"/lib/udev/*_id", "/usr/lib/udev/*_id", "/lib/udev/probe-bcache", "/usr/lib/udev/probe-bcache", "/lib/udev/kpartx_*", "/usr/lib/udev/kpartx_*",
	"/lib/udev/md_*", "/usr/lib/udev/fc_wwpn_id", "/usr/lib/udev/bcache-export-cached",
}

// udevRuleNames are the rules that go in, by file name, whatever number stands before it:
// those that give devices their names and links and load their drivers. Rules that assemble
// arrays, activate volume groups, register caches, log in to the network's disks or start units are not
// among them, and neither is anything that an administrator added under another name.
var udevRuleNames = []string{
	"udev-default", "firmware", "drivers", "dm", "dm-disk", "dm-lvm", "lvm-dm", "dm-mpath", "dm-parts", "dm-notify", "del-part-nodes", "lvm",
	"block", "cdrom_id", "persistent-storage", "persistent-storage-dm", "persistent-storage-tape", "persistent-storage-mtd", "persistent-storage-edd",
	"md-raid-arrays", "md-raid-creating", "btrfs-dm", "btrfs-zoned", "scsi-sg3_id", "scsi-sg3_symlink", "scsi-sg3_utils", "fc-wwpn-id", "cciss", "kpartx",
	"serial", "input-id", "persistent-input", "special-net-names", "net-description", "net-setup-link", "net-name-slot", "persistent-net",
	"debian-compat", "vmware-scsi-udev", "ebs-nvme-mapping", "tpm-udev", "fido-id",
}

// udevRules are the patterns of the files of those rules.
func udevRules() []string {
	var out []string
	for _, dir := range []string{"/lib/udev/rules.d/", "/usr/lib/udev/rules.d/", "/etc/udev/rules.d/"} {
		for _, name := range udevRuleNames {
			out = append(out, dir+"[0-9][0-9]-"+name+".rules", dir+name+".rules")
		}
	}
	return out
}

// runByRule matches the program that a rule runs (udev(7)); in rules of udev itself a name
// without a slash is one below /lib/udev.
var runByRule = regexp.MustCompile(`(?:PROGRAM|IMPORT\{program\}|RUN|RUN\{program\})\s*(?:\+=|:=|==|=)\s*"([^"\s]+)`)

// rulePrograms are the programs that the rules in a file run. Those with a substitution
// in their name cannot be known.
func rulePrograms(rules []byte) []string {
	var out []string
	for line := range bytes.Lines(rules) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			continue
		}
		for _, m := range runByRule.FindAllSubmatch(line, -1) {
			if name := string(m[1]); !strings.ContainsAny(name, "$%") {
				out = append(out, name)
			}
		}
	}
	return out
}

// addRulePrograms takes what the rules in the file p run. One that is not there is not
// missed by the machine that the rules come from, either.
func (c *collector) addRulePrograms(p string) error {
	data, err := c.root.read(p)
	if err != nil {
		return err
	}
	for _, name := range rulePrograms(data) {
		candidates := []string{name}
		if !strings.HasPrefix(name, "/") {
			candidates = []string{"/usr/lib/udev/" + name, "/lib/udev/" + name}
		}
		for _, program := range candidates {
			if c.root.has(program) {
				c.need(program, p)
				break
			}
		}
	}
	return nil
}
