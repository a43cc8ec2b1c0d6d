package probe

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/sys/mountinfo"
	"pgregory.net/rapid"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

func TestIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		d    device
		want storage.ID
	}{
		"wwn":              {device{hw: hardware{wwn: "naa.5000c500a1b2c3d4", serial: "S", namespace: "ns1"}}, "disk:wwn-naa.5000c500a1b2c3d4"},
		"model and serial": {device{hw: hardware{model: "Fast Disk", serial: "S1 2"}}, "disk:serial-Fast_Disk_S1_2"},
		"serial alone":     {device{hw: hardware{serial: "S1"}}, "disk:serial-S1"},
		"namespace":        {device{hw: hardware{serial: "S1", namespace: "ns2"}}, "disk:serial-S1-ns2"},
		"loop":             {device{name: "loop0", hw: hardware{transport: "loop", backing: backing{path: "/a b.img"}}}, "disk:loop-/a b.img"},
		"wire":             {device{role: roleWire, hw: hardware{wwn: "naa.1234", address: "2:0:0:1"}}, "disk:wwn-naa.1234-wire-2:0:0:1"},
		"name":             {device{name: "nbd0", sysPath: "/sys/devices/virtual/block/nbd0"}, "disk:name-nbd0"},
		"place":            {device{name: "vda", sysPath: "/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda"}, "disk:path-pci-0000:00:02.0"},
	} {
		if got := c.d.identity(); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestPlace(t *testing.T) {
	for path, want := range map[string]string{
		"/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/nvme/nvme0/nvme0n1":                              "pci-0000:02:00.0",
		"/sys/devices/pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0/block/sda":                     "pci-0000:00:1f.2-ata-3-scsi-0:0:0",
		"/sys/devices/pci0000:00/0000:00:14.0/usb2/2-4/2-4.1/2-4.1:1.0/host6/target6:0:0/6:0:0:0/block/sdb": "pci-0000:00:14.0-usb-4.1:1.0-scsi-0:0:0",
		"/sys/devices/platform/fe340000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0":                          "mmc-mmc0",
		"/sys/devices/css0/0.0.0000/0.0.0150/block/dasda":                                                   "ccw-0.0.0150",
		"/sys/devices/vbd-51712/block/xvda":                                                                 "vbd-51712",
		"/sys/devices/LNXSYSTM:00/ndbus0/region0/namespace0.0/block/pmem0":                                  "nd-namespace0.0",
		"/sys/devices/virtual/block/zram0":                                                                  "",
	} {
		d := device{sysPath: path}
		if got := d.place(); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestCleanNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"  S4EV NX0 ":      "S4EV NX0",
		"\x00\x00abc\x00":  "abc",
		"00000000":         "",
		"0123456789ABCDEF": "",
		"None":             "",
		"1":                "1",
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"0x5000c500a1b2c3d4":             "naa.5000c500a1b2c3d4",
		"naa.5000c500a1b2c3d4":           "naa.5000c500a1b2c3d4",
		"eui.0000000000000000":           "",
		"t10.ATA     DISK    SER1":       "t10.ATA_DISK_SER1",
		"uuid.7b1d5d2c-0000-4000-8000-1": "uuid.7b1d5d2c-0000-4000-8000-1",
	} {
		if got := cleanWWN(text); got != want {
			t.Errorf("cleanWWN(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRoles(t *testing.T) {
	for uuid, want := range map[string]role{
		"":                       roleMap,
		"mpath-3600":             roleMultipath,
		"part2-mpath-3600":       roleMapPartition,
		"partition":              roleMap,
		"LVM-" + lvmID(1):        roleVolume,
		"CRYPT-LUKS2-abc-x":      roleCrypt,
		"CRYPT-TCRYPT-x":         roleCrypt,
		"CRYPT-VERITY-abc-x":     roleMap,
		"CRYPT-SUBDEV-abc-x_dif": roleLayer,
		"CRYPT-INTEGRITY-a10000000000400080000000000000ca-x_dif": roleLayer,
		"CRYPT-INTEGRITY-alone":                                  roleMap,
		"SALVOR-COW-1":                                           roleStandIn,
		"DMRAID-isw_abc":                                         roleMap,
		"stratis-1-private-abc-x":                                roleMap,
	} {
		if got := roleOf(&device{dm: mapping{name: "x", uuid: uuid}}); got != want {
			t.Errorf("%q: role %d, want %d", uuid, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"vg-lv":           {"vg", "lv"},
		"my--vg-root--fs": {"my-vg", "root-fs"},
		"a----b-c":        {"a--b", "c"},
		"vg-mir_rimage_0": {"vg", "mir_rimage_0"},
		"nothing":         {"", ""},
	} {
		if vg, lv := splitLVName(name); [2]string{vg, lv} != want {
			t.Errorf("splitLVName(%q) = %q, %q", name, vg, lv)
		}
	}
	for name, want := range map[string]string{`cr\x20root`: "cr root", "plain": "plain", `a\x`: `a\x`, `a\xzz`: `a\xzz`, `\x41\x42`: "AB"} {
		if got := unmangle(name); got != want {
			t.Errorf("unmangle(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestSplitLVNameUndoesLVPath: what lvm makes of two names can be taken apart.
func TestSplitLVNameUndoesLVPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A name does not begin with a hyphen (lvm(8), "VALID NAMES").
		vg := rapid.StringMatching(`[a-z0-9_.+][a-z0-9_.+-]{0,8}[a-z]`).Draw(t, "vg")
		lv := rapid.StringMatching(`[a-z0-9_.+][a-z0-9_.+-]{0,9}`).Draw(t, "lv")
		gotVG, gotLV := splitLVName(storage.LVPath(vg, lv)[len("/dev/mapper/"):])
		if gotVG != vg || gotLV != lv {
			t.Fatalf("got %q, %q", gotVG, gotLV)
		}
	})
}

func TestUnmangleUndoesDMPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-zA-Z0-9 ~()äß]{1,20}`).Draw(t, "name")
		if got := unmangle(storage.DMPath(name)[len("/dev/mapper/"):]); got != name {
			t.Fatalf("got %q, want %q", got, name)
		}
	})
}

func TestNaturalOrder(t *testing.T) {
	got := []string{"sdb", "sda10", "md127", "sda2", "dm-10", "sda", "dm-9", "sdaa"}
	slices.SortFunc(got, compareNatural)
	want := []string{"dm-9", "dm-10", "md127", "sda", "sda2", "sda10", "sdaa", "sdb"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNaturalOrderIsAnOrder: sorting needs it.
func TestNaturalOrderIsAnOrder(t *testing.T) {
	sign := func(n int) int { return max(-1, min(1, n)) }
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.StringMatching(`[a-b0-2]{0,4}`)
		a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
		if sign(compareNatural(a, b)) != -sign(compareNatural(b, a)) {
			t.Fatal("not antisymmetric")
		}
		if compareNatural(a, b) <= 0 && compareNatural(b, c) <= 0 && compareNatural(a, c) > 0 {
			t.Fatal("not transitive")
		}
	})
}

func TestEnough(t *testing.T) {
	for _, c := range []struct {
		level   string
		layout  uint32
		present string // + there, - not
		want    bool
	}{
		{"raid0", 0, "+-", false}, {"raid0", 0, "++", true}, {"linear", 0, "+-", false},
		{"raid1", 0, "+--", true}, {"raid1", 0, "---", false},
		{"raid5", 0, "++-", true}, {"raid5", 0, "+--", false},
		{"raid6", 0, "++--", true}, {"raid6", 0, "+---", false},
		{"raid10", 0x102, "+-+-", true}, {"raid10", 0x102, "++--", false}, {"raid10", 0x102, "-+-+", true},
		{"raid10", 0x103, "+----", false}, {"raid10", 0x103, "+--+-", true},
		{"raid10", 0x201, "+-+", true}, {"raid10", 0x201, "+--", false},
		{"raid10", 0, "++", false},
	} {
		present := make([]bool, len(c.present))
		for i := range c.present {
			present[i] = c.present[i] == '+'
		}
		if got := enough(&ondisk.MD{Level: c.level, Layout: c.layout, Clean: true}, present); got != c.want {
			t.Errorf("%s layout %#x %s: %t", c.level, c.layout, c.present, got)
		}
	}
}

func TestMountOptions(t *testing.T) {
	for _, c := range []struct{ mount, super, want string }{
		{"rw,relatime", "rw,errors=remount-ro", "rw,relatime,errors=remount-ro"},
		{"rw,relatime", "ro", "relatime,ro"},
		{"ro,nosuid", "rw", "ro,nosuid"},
	} {
		got := mountOptions(&mountinfo.Info{Options: c.mount, VFSOptions: c.super})
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s + %s: got %s, want %s", c.mount, c.super, strings.Join(got, ","), c.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	if got := unescape(`/dev/a\040b\134c`); got != `/dev/a b\c` {
		t.Errorf("got %q", got)
	}
}

func FuzzParseUdev(f *testing.F) {
	f.Add([]byte("S:disk/by-id/x\nE:ID_SERIAL=abc\nI:123\nG:systemd\n"))
	f.Add([]byte("E:no value\nS:\n:::\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := parseUdev(data)
		if slices.Contains(r.links, "/dev/") {
			t.Error("a link without a name")
		}
	})
}

// FuzzDeviceMapperNames: names and UUIDs come from whoever ran dmsetup.
func FuzzDeviceMapperNames(f *testing.F) {
	f.Add("vg-lv", "LVM-"+lvmID(1)+lvmID(2)+"-real")
	f.Add(`a\x20b`, "CRYPT-LUKS2-00112233445566778899aabbccddeeff-a")
	f.Add("", "part-")
	f.Fuzz(func(t *testing.T, name, uuid string) {
		d := &device{dm: mapping{name: name, uuid: uuid}}
		roleOf(d)
		lvmDevice(d)
		cryptUUID(uuid)
		unmangle(name)
		splitLVName(name)
		isHiddenVolume(d)
	})
}
