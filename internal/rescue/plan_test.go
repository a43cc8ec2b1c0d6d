package rescue

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/config"
	"salvor/internal/rescue/live"
)

func paths(m *Manifest) []string {
	var out []string
	for _, e := range m.Entries {
		if e.Kind == File {
			out = append(out, e.Path)
		}
	}
	return out
}

func TestPlan(t *testing.T) {
	m := planSmall(t)
	want := []string{
		"/etc/big", "/etc/dir/a", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/shells", "/init", "/usr/bin/sh", "/usr/bin/x",
		"/usr/lib/modules/6.1/kernel/fs/ext4/ext4.ko", "/usr/lib/modules/6.1/modules.dep.bin",
	}
	if diff := cmp.Diff(want, paths(m)); diff != "" || m.Err() != nil {
		t.Error(m.Err(), diff)
	}
	if !m.Has("/bin") || !m.Has("/dev/console") || m.Has("/etc/dir/b.old") {
		t.Error("a link or a device is not there, or what is excluded is")
	}
	var groups []string
	var sum int64
	for _, g := range m.Groups() {
		groups = append(groups, string(g.Name))
		sum += g.Size
	}
	if diff := cmp.Diff(groupWords(), groups); diff != "" || sum != m.Size() {
		t.Errorf("the groups have %d bytes of %d: %s", sum, m.Size(), diff)
	}
}

// TestExcludedIsMissed: what is excluded and needed is told.
func TestExcludedIsMissed(t *testing.T) {
	for _, pattern := range []string{"/usr/bin/x", "/bin/x", "/usr/*/x"} {
		s := smallSpec()
		s.Exclude = []string{pattern}
		m, err := Plan(small(), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Err(); err == nil || !strings.Contains(err.Error(), "/bin/x, for /usr/bin/sh: it is excluded") {
			t.Errorf("without %s: %v", pattern, err)
		}
	}
	s := smallSpec()
	s.Optional, s.Exclude = []string{"y"}, []string{"/usr/bin/y"}
	root := small()
	root["usr/bin/y"] = file("y", 0o755)
	if m, err := Plan(root, s); err != nil || m.Err() != nil || m.Has("/usr/bin/y") {
		t.Errorf("a program that may be there is excluded: %v, %v", err, m.Err())
	}
	s = smallSpec()
	s.ExcludeModules, s.Load = []string{"ext4"}, []string{"ext4", "gone"}
	m, err := Plan(small(), s)
	if err != nil {
		t.Fatal(err)
	}
	if text := m.Err().Error(); !strings.Contains(text, "module ext4, for the rescue system: it is excluded") || !strings.Contains(text, "module gone, for the rescue system: file does not exist") {
		t.Error(text)
	}
	if !slices.Contains(paths(m), LoadList) {
		t.Error("the list of modules to be loaded is not there")
	}
}

// TestOwnFiles: no hash and no person gets in.
func TestOwnFiles(t *testing.T) {
	root := small()
	root["etc/passwd"] = file("root:$6$x:0:0:me:/home/me:/bin/zsh\nsshd:x:105:65534::/run/sshd:/bin/false\nanna:x:1000:1000:Anna:/home/anna:/bin/bash\n", 0o644)
	root["etc/group"] = file("root:x:0:\ndisk:x:6:anna\nanna:x:1000:\n", 0o644)
	m, err := Plan(root, smallSpec())
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]string{}
	for _, e := range m.Entries {
		content[e.Path] = string(e.content)
	}
	if diff := cmp.Diff("root:*:0:0:root:/root:/bin/sh\nsshd:*:105:65534:sshd:/run/sshd:/usr/sbin/nologin\nnobody:*:65534:65534:nobody:/:/usr/sbin/nologin\n", content["/etc/passwd"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("root:*:0:\ndisk:*:6:\n", content["/etc/group"]); diff != "" {
		t.Error(diff)
	}
	if !m.Has("/run/sshd") {
		t.Error("sshd has nowhere to be")
	}
}

// TestLVMLocal: LVM is told that nothing watches volumes, unless something does, or the machine has its own word.
func TestLVMLocal(t *testing.T) {
	const quiet = "\nactivation {\n\tmonitoring = 0\n}\n"
	for _, tt := range []struct {
		local    string
		programs []string
		want     string
	}{
		{"", nil, ""},
		{"", []string{"lvm"}, quiet},
		{"local {\n}\n", []string{"lvm"}, "local {\n}\n" + quiet},
		{"local {\n}\n", []string{"lvm", "dmeventd"}, "local {\n}\n"},
		{"activation { monitoring = 1 }\n", []string{"lvm"}, "activation { monitoring = 1 }\n"},
	} {
		root := small()
		root["usr/sbin/lvm"], root["usr/sbin/dmeventd"] = file("x", 0o755), file("x", 0o755)
		if tt.local != "" {
			root["etc/lvm/lvmlocal.conf"] = file(tt.local, 0o644)
		}
		s := smallSpec()
		s.Programs = append(s.Programs, tt.programs...)
		m, err := Plan(root, s)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range m.Entries {
			if e.Path == lvmLocal {
				got = string(e.content)
			}
		}
		if got != tt.want {
			t.Errorf("%q with %v: %q, want %q", tt.local, tt.programs, got, tt.want)
		}
	}
}

func TestKeymap(t *testing.T) {
	root := small()
	root["usr/share/keymaps/i386/qwertz/de.kmap.gz"] = file("x", 0o644)
	root["usr/share/keymaps/i386/include/qwertz-layout.inc"] = file("y", 0o644)
	s := smallSpec()
	s.Keymaps = []string{"de", "xx"}
	m, err := Plan(root, s)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Has("/usr/share/keymaps/i386/qwertz/de.kmap.gz") || !m.Has("/usr/share/keymaps/i386/include/qwertz-layout.inc") {
		t.Error("the keyboard is not in the image")
	}
	if err := m.Err(); err == nil || !strings.Contains(err.Error(), "keyboard layout xx") || strings.Contains(err.Error(), "layout de") {
		t.Error(err)
	}
}

// TestCompanions: what a program brings along, and what that brings.
func TestCompanions(t *testing.T) {
	root := small()
	for _, p := range []string{"usr/bin/mdadm", "usr/sbin/mdmon", "usr/bin/udevadm", "sbin/dmsetup", "usr/lib/udev/scsi_id", "usr/lib/udev/own"} {
		root[p] = file("x", 0o755)
	}
	root["usr/lib/systemd/systemd-udevd"] = symlink("../../bin/udevadm")
	for _, name := range []string{"55-dm", "64-md-raid-assembly", "69-lvm", "60-persistent-storage", "99-mine"} {
		root["usr/lib/udev/rules.d/"+name+".rules"] = file(`IMPORT{program}="/sbin/dmsetup udevflags", RUN+="own $env{X}", PROGRAM=="$env{Y} a"`+"\n", 0o644)
	}
	root["etc/udev/rules.d/64-md-raid-assembly.rules"] = file("", 0o644)
	m, err := Plan(root, Default(Facts{Kernel: Kernel{Release: "6.1", Image: "/boot/vmlinuz-6.1"}}, Choice{Programs: []string{"mdadm"}, Files: []string{"/etc/udev"}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/usr/sbin/mdmon", "/sbin/dmsetup", "/usr/lib/udev/scsi_id", "/usr/lib/udev/own", "/usr/lib/systemd/systemd-udevd", "/usr/lib/udev/rules.d/55-dm.rules", "/usr/lib/udev/rules.d/60-persistent-storage.rules"} {
		if !m.Has(p) {
			t.Errorf("%s is not in the image", p)
		}
	}
	for _, e := range m.Entries {
		if strings.Contains(e.Path, "assembly") || strings.Contains(e.Path, "69-lvm") || strings.Contains(e.Path, "99-mine") {
			t.Errorf("%s is in the image", e.Path)
		}
	}
}

// TestRulesAreNotBanned: no rule that goes in is one that must not. Those of LVM are told apart by
// their number alone: 11 and 56 name devices, 69 activates.
func TestRulesAreNotBanned(t *testing.T) {
	for _, name := range udevRuleNames {
		for _, pattern := range live.BannedRules() {
			for _, number := range []string{"10-", "11-", "13-", "56-", "60-", "95-", ""} {
				if ok, err := path.Match(pattern, number+name+".rules"); ok || err != nil {
					t.Errorf("%s fits %s, which is banned (%v)", number+name, pattern, err)
				}
			}
		}
	}
}

// TestDefault: what is in use is needed, the rest is taken where it is there.
func TestDefault(t *testing.T) {
	s := Default(Facts{Uses: []string{"crypt", "xfs", "nfs", "unheard-of"}}, Choice{Hardware: Minimal, Modules: []string{"own"}, Exclude: []string{"/x"}})
	for _, name := range []string{"cryptsetup", "mkfs.xfs", "mount.nfs", "mount"} {
		if !slices.Contains(s.Programs, name) {
			t.Errorf("%s is not needed", name)
		}
	}
	for _, name := range []string{"lvm", "mdadm", "mkfs.btrfs"} {
		if slices.Contains(s.Programs, name) || !slices.Contains(s.Optional, name) {
			t.Errorf("%s is needed, or not wanted", name)
		}
	}
	if diff := cmp.Diff([]string{"dm_crypt", "nfs", "xfs"}, s.Required); diff != "" {
		t.Error(diff)
	}
	for word, in := range map[string][]bool{ // minimal, common, generic
		"drivers/md": {true, true, true}, "own": {true, true, true}, "megaraid_sas": {false, true, true}, "drivers/scsi": {false, false, true},
		"nfs": {true, true, true}, "cifs": {false, true, true}, "virtio_blk": {true, true, true},
	} {
		for i, h := range []Hardware{Minimal, Common, Generic} {
			s := Default(Facts{Uses: []string{"nfs"}}, Choice{Hardware: h, Modules: []string{"own"}})
			if slices.Contains(s.Modules, word) != in[i] {
				t.Errorf("%s in a %s image: %t", word, h, !in[i])
			}
		}
	}
	if !slices.Contains(s.Exclude, "/x") || !slices.Contains(s.Exclude, "/etc/lvm/devices") {
		t.Error("what is to stay out does not")
	}
	if slices.Contains(s.Optional, "curl") || !slices.Contains(Default(Facts{}, Choice{}).Optional, "curl") {
		t.Error("a minimal image has curl, or another has it not")
	}
}

func TestChosen(t *testing.T) {
	got := Chosen(config.Rescue{
		Modules: config.Modules{Which: config.ModulesAll, Add: []config.Module{"a"}, Load: []config.Module{"b"}}, Keyboard: []string{"de"},
		Firmware: config.Firmware{Which: config.FirmwareNone}, Files: config.Files{Exclude: []config.Pattern{"/x/*"}},
	})
	want := Choice{Hardware: Generic, Modules: []string{"a"}, Load: []string{"b"}, Firmware: FirmwareNone, Keymaps: []string{"de"}, Exclude: []string{"/x/*"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDevices: a device's driver goes in, unless it is one of those that nobody needs here.
func TestDevices(t *testing.T) {
	root := small()
	root["usr/lib/modules/6.1/modules.dep"] = file("kernel/drivers/scsi/a.ko:\nkernel/sound/b.ko:\nkernel/drivers/net/ethernet/c.ko:\n", 0o644)
	root["usr/lib/modules/6.1/modules.alias"] = file("alias pci:v1* a\nalias pci:v2* b\nalias usb:v3* c\n", 0o644)
	s := Spec{Kernel: "6.1", Image: "/boot/vmlinuz-6.1", Devices: []string{"pci:v1d2", "pci:v2", "usb:v3p4", "pci:v9"}}
	for _, name := range []string{"drivers/scsi/a", "sound/b", "drivers/net/ethernet/c"} {
		root["usr/lib/modules/6.1/kernel/"+name+".ko"] = file("x", 0o644)
	}
	s.Firmware = FirmwareNone
	m, err := Plan(root, s)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]bool{"drivers/scsi/a": true, "sound/b": false, "drivers/net/ethernet/c": true} {
		if m.Has("/usr/lib/modules/6.1/kernel/"+name+".ko") != in {
			t.Errorf("%s is in the image: %t", name, !in)
		}
	}
}

// TestFindKernel: by release, by file, and the newest.
func TestFindKernel(t *testing.T) {
	header := make([]byte, 0x400)
	copy(header[0x202:], "HdrS")
	header[0x20e], header[0x20f] = 0x00, 0x01
	copy(header[0x300:], "6.9-arch (me) #1\x00")
	dep := file("", 0o644)
	root := fstest.MapFS{
		"lib/modules/5.4/modules.dep": dep, "boot/vmlinuz-5.4": file("k", 0o644), "boot/config-5.4": file("CONFIG_RD_GZIP=y\n# CONFIG_RD_ZSTD is not set\n", 0o644),
		"lib/modules/6.10/modules.dep": dep, "boot/vmlinuz-6.10": file("k", 0o644), "boot/config-6.10": file("CONFIG_RD_ZSTD=y\n", 0o644),
		"lib/modules/6.9-arch/modules.dep": dep, "boot/vmlinuz-linux": file(string(header), 0o644),
		"lib/modules/6.11/build":      symlink("/usr/src"),
		"usr/lib/modules/6.8/vmlinuz": file("k", 0o644), "lib/modules/6.8/modules.dep": dep, "lib/modules/6.8/vmlinuz": file("k", 0o644),
		"boot/vmlinuz-7": file("k", 0o644), "vmlinuz": symlink("boot/vmlinuz-5.4"),
		"lib/modules/6.7/config": file("CONFIG_RD_XZ=y\n", 0o644), "lib/modules/6.7/modules.dep": dep, "boot/Image-6.7": file("k", 0o644),
	}
	for _, x := range []struct {
		release, image string
		want           Kernel
		err            string
	}{
		{"", "", Kernel{"6.10", "/boot/vmlinuz-6.10", Zstd}, ""},
		{"5.4", "", Kernel{"5.4", "/boot/vmlinuz-5.4", Gzip}, ""},
		{"6.9-arch", "", Kernel{"6.9-arch", "/boot/vmlinuz-linux", Zstd}, ""},
		{"6.8", "", Kernel{"6.8", "/lib/modules/6.8/vmlinuz", Zstd}, ""},
		{"6.7", "", Kernel{"6.7", "/boot/Image-6.7", Uncompressed}, ""},
		{"", "/vmlinuz", Kernel{"5.4", "/vmlinuz", Gzip}, ""},
		{"", "/boot/vmlinuz-linux", Kernel{"6.9-arch", "/boot/vmlinuz-linux", Zstd}, ""},
		{"", "/lib/modules/6.8/vmlinuz", Kernel{"6.8", "/lib/modules/6.8/vmlinuz", Zstd}, ""},
		{"", "/boot/vmlinuz-7", Kernel{}, "neither its header nor its name says it"},
		{"", "/boot/none", Kernel{}, "does not exist"},
		{"6.11", "", Kernel{}, "cannot find the image of the kernel 6.11"},
		{"7", "/boot/vmlinuz-7", Kernel{}, "it has no modules in /lib/modules/7"},
	} {
		got, err := FindKernel(root, x.release, x.image)
		if got != x.want || (err != nil) != (x.err != "") || err != nil && !strings.Contains(err.Error(), x.err) {
			t.Errorf("%q %q: %v, %v", x.release, x.image, got, err)
		}
	}
	if _, err := FindKernel(fstest.MapFS{}, "", ""); err != ErrNoKernel {
		t.Error(err)
	}
	var order []string
	for _, k := range Kernels(root) {
		order = append(order, k.Release)
	}
	if diff := cmp.Diff([]string{"6.10", "6.9-arch", "6.8", "6.7", "5.4"}, order); diff != "" {
		t.Error(diff)
	}
}

// TestLoaderCache: ldconfig reads the cache that is in the image, and finds in it what is there.
func TestLoaderCache(t *testing.T) {
	ldconfig := "/sbin/ldconfig"
	if _, err := os.Stat(ldconfig); err != nil {
		t.Skip("there is no ldconfig")
	}
	c := newCollector(root{os.DirFS("/")})
	for _, name := range []string{"bash", "tar", "mount"} {
		c.addProgram(name, "the test")
	}
	cache := filepath.Join(t.TempDir(), "cache")
	if err := os.WriteFile(cache, c.loaderCache(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ldconfig, "-p", "-C", cache).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	libs := c.cachedLibraries()
	if len(libs) < 3 {
		t.Fatalf("only %d libraries", len(libs))
	}
	for _, lib := range libs {
		if !strings.Contains(string(out), "\t"+lib.name+" (") || !strings.Contains(string(out), " => "+lib.path+"\n") {
			t.Errorf("%s is not in\n%s", lib.path, out)
		}
	}
	descending := slices.IsSortedFunc(libs, func(a, b cachedLibrary) int { return compareSonames(b.name, a.name) })
	if !descending || compareSonames("libx.so.10", "libx.so.9") <= 0 || compareSonames("liba.so", "libb.so") >= 0 || compareSonames("libc.so.6", "libcap.so.2") <= 0 == (compareSonames("libcap.so.2", "libc.so.6") <= 0) {
		t.Error("the order is not the loader's")
	}
}

// TestProgramsOfSalvor: every program that salvor runs for its commands is asked for.
func TestProgramsOfSalvor(t *testing.T) {
	s := Default(Facts{}, Choice{})
	asked := slices.Concat(s.Programs, s.Optional)
	for _, name := range []string{
		"mount", "umount", "modprobe", "udevadm", "cryptsetup", "lvm", "mdadm", "multipath", "kpartx", "dmsetup", "losetup", "qemu-nbd", "clevis", "ip", "make-bcache",
		"sfdisk", "sgdisk", "wipefs", "partx", "blockdev", "mke2fs", "mkfs.xfs", "mkfs.btrfs", "btrfs", "mkfs.fat", "mkfs.exfat", "tune.exfat", "mkntfs", "ntfslabel",
		"mkfs.f2fs", "jfs_mkfs", "jfs_tune", "mkfs.nilfs2", "nilfs-tune", "mkfs.minix", "mkswap", "fsck", "e2fsck", "xfs_repair", "fsck.fat", "loadkeys", "sshd", "efibootmgr", "swapoff", "chroot", "tar",
	} {
		if !slices.Contains(asked, name) {
			t.Errorf("%s is not asked for", name)
		}
	}
}

// BenchmarkPlan plans an image of this machine's own programs; it has no kernel of its own.
func BenchmarkPlan(b *testing.B) {
	s := Default(Facts{}, Choice{})
	for b.Loop() {
		c := newCollector(root{os.DirFS("/")})
		c.skeleton()
		c.addPrograms(s)
		c.addFiles(s)
		c.addOwn(s)
		if m := c.manifest(""); len(m.Entries) < 100 {
			b.Fatal("hardly anything is in it")
		}
	}
}
