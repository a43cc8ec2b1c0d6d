package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// LoadList is the file in the image with the modules that are loaded at its start, one a line.
const LoadList = "/etc/modules-load.d/salvor.conf"

// addOwn makes the small files that a system cannot do without. None of them is the root's own:
// those name people, and services that are not in the image.
func (c *collector) addOwn(s Spec) {
	c.made(Made{Path: "/etc/passwd", Mode: 0o644, Content: c.passwd(), Why: "the users that programs in the image run as; none has a password"})
	c.made(Made{Path: "/etc/group", Mode: 0o644, Content: c.group(), Why: "the groups that devices belong to; none has members"})
	c.made(Made{Path: "/etc/nsswitch.conf", Mode: 0o644, Content: []byte(nsswitch), Why: "where the C library looks up names"})
	c.made(Made{Path: "/etc/hosts", Mode: 0o644, Content: []byte("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"), Why: "the name localhost"})
	c.made(Made{Path: "/etc/shells", Mode: 0o644, Content: []byte("/bin/sh\n/bin/bash\n"), Why: "the shells that may be logged in with"})
	c.made(Made{Path: "/etc/mtab", Target: "../proc/self/mounts", Why: "what is mounted"})
	if len(s.Load) > 0 {
		c.made(Made{Path: LoadList, Mode: 0o644, Content: []byte(strings.Join(s.Load, "\n") + "\n"), Why: "the modules that are loaded at the start"})
	}
	c.addLVM()
	if c.root.has("/etc/ld.so.cache") || c.root.has("/etc/ld.so.conf") {
		c.made(Made{Path: "/etc/ld.so.cache", Mode: 0o644, Content: c.loaderCache(), Why: "where the loader finds the libraries in the image"})
	}
}

// lvmLocal are LVM's local settings, which come before lvm.conf (lvm.conf(5)).
const lvmLocal = "/etc/lvm/lvmlocal.conf"

// addLVM gives LVM the root's local settings. Where nothing watches volumes it also says so, as
// LVM would warn of that with each one that somebody activates.
func (c *collector) addLVM() {
	if !c.taken("lvm") {
		return
	}
	text, err := c.root.read(lvmLocal)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.lack(lvmLocal, "lvm", err)
		return
	}
	why := "LVM: the machine's local settings"
	if !c.taken("dmeventd") && !bytes.Contains(text, []byte("monitoring")) {
		text = append(text, "\nactivation {\n\tmonitoring = 0\n}\n"...)
		why = "LVM: the machine's local settings, and that nothing watches volumes here"
	}
	if len(text) > 0 {
		c.made(Made{Path: lvmLocal, Mode: 0o644, Content: text, Why: why})
	}
}

// taken: a program of the root is in the image.
func (c *collector) taken(program string) bool {
	p, ok := c.program(program)
	if !ok {
		return false
	}
	real, _, err := c.root.find(p)
	return err == nil && c.entries[real].Path != ""
}

const nsswitch = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\nrpc: files\n"

// users are those that programs in the image run as.
var users = []string{"root", "sshd", "nobody", "tss", "rpc", "_rpc", "rpcuser", "statd"}

// passwd has the root's users with their numbers, without passwords, and with a shell for root alone.
func (c *collector) passwd() []byte {
	lines := map[string]string{
		"root":   "root:*:0:0:root:/root:" + c.shell(),
		"nobody": "nobody:*:65534:65534:nobody:/:" + noLogin,
		"sshd":   "sshd:*:74:74:sshd:/var/empty:" + noLogin,
	}
	for _, f := range c.colonFile("/etc/passwd", 7) {
		if slices.Contains(users, f[0]) && f[0] != "root" {
			lines[f[0]] = strings.Join([]string{f[0], "*", f[2], f[3], f[0], f[5], noLogin}, ":")
		}
		if f[0] == "sshd" && len(path.Clean("/"+f[5])) > 1 { // it locks its children up there
			c.put(Entry{Path: path.Clean("/" + f[5]), Kind: Dir, Mode: 0o755, Why: "sshd"})
		}
	}
	var out strings.Builder
	for _, name := range users {
		if lines[name] != "" {
			fmt.Fprintln(&out, lines[name])
		}
	}
	return []byte(out.String())
}

const noLogin = "/usr/sbin/nologin"

// shell is root's: bash, where it is.
func (c *collector) shell() string {
	if p, ok := c.program("bash"); ok && !c.isExcluded(p) {
		return p
	}
	return "/bin/sh"
}

// group has the root's groups of the system, so that its udev rules find those that they name.
func (c *collector) group() []byte {
	var out strings.Builder
	for _, f := range c.colonFile("/etc/group", 4) {
		if len(f[2]) < 4 || f[2] == "65534" { // below 1000: not those of people
			fmt.Fprintf(&out, "%s:*:%s:\n", f[0], f[2])
		}
	}
	if out.Len() == 0 {
		return []byte("root:*:0:\ntty:*:5:\ndisk:*:6:\n")
	}
	return []byte(out.String())
}

// colonFile are the lines of a file such as /etc/passwd that have n columns.
func (c *collector) colonFile(p string, n int) [][]string {
	data, err := c.root.read(p)
	if err != nil {
		return nil
	}
	var out [][]string
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == n {
			out = append(out, f)
		}
	}
	return out
}
