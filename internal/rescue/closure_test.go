package rescue

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// lddLine is a line such as "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", or one
// with the path of the loader alone.
var lddLine = regexp.MustCompile(`(?m)^\s*(?:\S+ => )?(/\S+) \(0x`)

// TestLibrariesAreThoseOfLdd: the loader itself is the judge of what a program needs.
func TestLibrariesAreThoseOfLdd(t *testing.T) {
	c := newCollector(root{os.DirFS("/")})
	tried := 0
	for _, name := range []string{"bash", "mount", "tar", "ssh", "git", "python3", "perl", "qemu-img", "cryptsetup", "lvm", "mdadm", "mke2fs"} {
		p, ok := c.program(name)
		if !ok {
			continue
		}
		out, err := exec.Command("ldd", p).Output()
		if err != nil {
			continue // a static program, or a script
		}
		tried++
		want := []string{}
		for _, m := range lddLine.FindAllStringSubmatch(string(out), -1) {
			real, err := filepath.EvalSymlinks(m[1])
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, real)
		}
		alone := newCollector(c.root)
		alone.rows = nil
		alone.need(p, "the test")
		self, _, _ := c.root.find(p)
		var got []string
		for _, e := range alone.manifest("").Entries {
			if e.Kind == File && e.Path != self {
				got = append(got, e.Path)
			}
		}
		slices.Sort(want)
		if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
			t.Errorf("%s (-ldd +salvor):\n%s", p, diff)
		}
	}
	if tried < 3 {
		t.Errorf("only %d programs could be compared", tried)
	}
}

func symlink(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: os.ModeSymlink | 0o777}
}

func file(text string, mode os.FileMode) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(text), Mode: mode}
}

// TestEntries: links on the way, interpreters, and what is missing.
func TestEntries(t *testing.T) {
	c := newCollector(root{fstest.MapFS{
		"bin":                  symlink("usr/bin"),
		"usr/bin/sh":           symlink("dash"),
		"usr/bin/dash":         file("not an ELF file", 0o755),
		"usr/bin/tool":         file("#!/bin/sh -e\n", 0o755),
		"usr/bin/lost":         file("#!/opt/lost/perl\n", 0o755),
		"usr/bin/by-env":       file("#!/bin/env gone\n", 0o755),
		"usr/bin/env":          file("", 0o755),
		"usr/bin/circle":       symlink("circle"),
		"usr/share/zone/a":     file("a", 0o644),
		"usr/share/zone/cgi":   file("#!/opt/lost/python\n", 0o755),
		"usr/share/zone/deep":  symlink("../../../../../../etc/x"),
		"etc/x":                file("x", 0o600),
		"usr/share/zone/noone": symlink("/nowhere"),
	}})
	for _, p := range []string{"/bin/tool", "/usr/bin/lost", "/bin/by-env", "/usr/share/zone"} {
		if err := c.add(p, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.add("/bin/circle", "test"); err == nil || !strings.Contains(err.Error(), "too many symbolic links") {
		t.Errorf("a circle of links: %v", err)
	}
	var got []string
	m := c.manifest("")
	for _, e := range m.Entries {
		line := string(e.Kind) + " " + e.Path
		if e.Target != "" {
			line += " -> " + e.Target
		}
		got = append(got, line)
	}
	for _, lost := range m.Missing {
		got = append(got, "missing "+lost.String())
	}
	if diff := cmp.Diff([]string{"/usr/share/zone/cgi cannot run: there is no /opt/lost/python", "/usr/share/zone/noone leads to /nowhere, which is not there"}, m.Notes); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"link /bin -> usr/bin", "dir /etc", "file /etc/x", "dir /usr", "dir /usr/bin", "file /usr/bin/by-env", "file /usr/bin/dash",
		"file /usr/bin/env", "file /usr/bin/lost", "link /usr/bin/sh -> dash", "file /usr/bin/tool",
		"dir /usr/share", "dir /usr/share/zone", "file /usr/share/zone/a", "file /usr/share/zone/cgi", "link /usr/share/zone/deep -> ../../../../../../etc/x",
		"link /usr/share/zone/noone -> /nowhere",
		"missing /opt/lost/perl, for /usr/bin/lost: file does not exist",
		"missing gone, for /usr/bin/by-env: file does not exist",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestModules: names, directories, aliases, hard and soft needs.
func TestModules(t *testing.T) {
	m, err := readModules(root{fstest.MapFS{
		"lib/modules/6.1/modules.dep": file(`kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/jbd2/jbd2.ko
kernel/lib/crc16.ko:
kernel/fs/jbd2/jbd2.ko:
kernel/drivers/md/dm-mod.ko.xz:
kernel/drivers/md/dm-crypt.ko.xz: kernel/drivers/md/dm-mod.ko.xz
kernel/fs/btrfs/btrfs.ko:
kernel/crypto/crc32c.ko:
`, 0o644),
		"lib/modules/6.1/modules.softdep": file("# c\nsoftdep btrfs pre: crc32c blake2b post: gone\n", 0o644),
		"lib/modules/6.1/modules.builtin": file("kernel/drivers/nvme/host/nvme.ko\n", 0o644),
		"lib/modules/6.1/modules.alias":   file("# c\nalias fs-ext3 ext4\nalias pci:v00001AF4d*sv*sd*bc*sc*i* dm_mod\nalias dmi*:svn*:pn* crc16\n", 0o644),
	}}, "6.1")
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"ext4": "[crc16 ext4 jbd2] true", "dm-crypt": "[dm_crypt dm_mod] true", "drivers/md": "[dm_crypt dm_mod] true",
		"fs/ext4/ext4": "[crc16 ext4 jbd2] true", "fs-ext3": "[crc16 ext4 jbd2] true", "nvme": "[] true", "zfs": "[] false",
		"btrfs": "[btrfs crc32c] true", "pci:v00001AF4d00001000sv0sd0bc1sc0i0": "[dm_mod] true",
		"dmi:bvnX:svnA/B:pnC": "[crc16] true",
	} {
		names, known := m.named(word)
		if got := strings.TrimSpace(strings.Join([]string{sprint(m.closure(names)), map[bool]string{true: "true", false: "false"}[known]}, " ")); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
	if got := m.file("dm_crypt"); got != "/lib/modules/6.1/kernel/drivers/md/dm-crypt.ko.xz" {
		t.Error(got)
	}
	if _, err := readModules(root{fstest.MapFS{}}, "6.1"); err == nil {
		t.Error("a kernel without modules.dep is none")
	}
}

func sprint(names []string) string { return "[" + strings.Join(names, " ") + "]" }

func FuzzELF(f *testing.F) {
	if data, err := os.ReadFile("/bin/true"); err == nil {
		f.Add(data)
	}
	f.Add([]byte("#!/bin/sh -e\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readELF(bytes.NewReader(data))
		_, _ = firmwareOf(data)
		if program, _ := script(data); strings.ContainsAny(program, " \n") {
			t.Errorf("the interpreter is %q", program)
		}
	})
}
