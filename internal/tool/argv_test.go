package tool

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
)

const noDevices = `devices{use_devicesfile=0 filter=["r|.*|"] global_filter=["r|.*|"] scan_lvs=1 obtain_device_list_from_udev=0` +
	` external_device_info_source="none" md_component_detection=0 multipath_component_detection=0} backup{backup=0 archive=0}`

func TestCommands(t *testing.T) {
	luks := Crypt{Format: "luks2", Device: "/dev/sda2", Name: "cr home"}
	readOnly := Crypt{Format: "luks1", Device: "/dev/sda2", Name: "x", ReadOnly: true}
	vera := Crypt{Format: "tcrypt", Device: "/dev/sda2", Name: "-x"}
	plain := Crypt{Format: "plain", Device: "/dev/sda2", Name: "x", KeyFile: true, Plain: Plain{Cipher: "aes-xts-plain64", KeyBits: 512, Hash: "sha256", Offset: 8, SectorSize: 4096}}
	hashed, slot := plain, 0
	hashed.KeyFile = false
	detached := Crypt{Format: "luks2", Device: "/dev/sda2", Name: "x", Header: "/run/h", KeySlot: &slot}
	tests := []struct {
		name string
		got  machine.Cmd
		want string
	}{
		{"open LUKS", OpenCrypt(luks), "cryptsetup open --type luks --batch-mode --tries 1 --key-file - -- /dev/sda2 'cr home'"},
		{"open LUKS read-only", OpenCrypt(readOnly), "cryptsetup open --type luks --batch-mode --tries 1 --readonly --key-file - -- /dev/sda2 x"},
		{"open VeraCrypt", OpenCrypt(vera), "cryptsetup open --type tcrypt --batch-mode --tries 1 --veracrypt --key-file - -- /dev/sda2 -x"},
		{"open VeraCrypt, hidden", OpenCrypt(Crypt{Format: "tcrypt", Device: "/dev/sda2", Name: "x", TCrypt: TCrypt{Hidden: true, System: true, PIM: 7, KeyFiles: []string{"/dev/fd/3"}}}),
			"cryptsetup open --type tcrypt --batch-mode --tries 1 --veracrypt --tcrypt-hidden --tcrypt-system --veracrypt-pim 7 --key-file /dev/fd/3 --key-file - -- /dev/sda2 x"},
		{"open with a detached header, one key slot", OpenCrypt(detached), "cryptsetup open --type luks --batch-mode --tries 1 --header /run/h --key-slot 0 --key-file - -- /dev/sda2 x"},
		{"open with a detached header by token", OpenCryptByToken(detached), "cryptsetup open --type luks --batch-mode --token-only --header /run/h -- /dev/sda2 x"},
		{"open plain by key file", OpenCrypt(plain), "cryptsetup open --type plain --batch-mode --tries 1 --cipher aes-xts-plain64 --key-size 512 --hash plain --offset 8 --sector-size 4096 --key-file - -- /dev/sda2 x"},
		{"open plain by passphrase", OpenCrypt(hashed), "cryptsetup open --type plain --batch-mode --tries 1 --cipher aes-xts-plain64 --key-size 512 --hash sha256 --offset 8 --sector-size 4096 --key-file - -- /dev/sda2 x"},
		{"open BitLocker", OpenCrypt(Crypt{Format: "bitlk", Device: "/dev/sda2", Name: "x"}), "cryptsetup open --type bitlk --batch-mode --tries 1 --key-file - -- /dev/sda2 x"},
		{"open by token", OpenCryptByToken(luks), "cryptsetup open --type luks --batch-mode --token-only -- /dev/sda2 'cr home'"},
		{"open by the empty passphrase", OpenCryptByEmpty(luks), "cryptsetup open --type luks --batch-mode --tries 1 -- /dev/sda2 'cr home'"},
		{"ask", AskCrypt(readOnly), "cryptsetup open --type luks --readonly -- /dev/sda2 x"},
		{"clevis", ClevisPass("/dev/sda2", 1), "clevis luks pass -d /dev/sda2 -s 1"},
		{"ask an agent", AskPassword("luks:u", "cr: LUKS"), "systemd-ask-password --no-tty --timeout=0 --icon=drive-harddisk --id=salvor:luks:u -- 'cr: LUKS'"},
		{"close", CloseCrypt("cr home"), "cryptsetup close -- 'cr home'"},

		{"overlay", CreateOverlay(Overlay{"cow", "/dev/sda", "/dev/loop0", 2048}, true),
			"dmsetup create --uuid SALVOR-COW-cow --table '0 2048 snapshot /dev/sda /dev/loop0 N 8' -- cow"},
		{"overlay without udev", CreateOverlay(Overlay{"cow", "/dev/sda", "/dev/loop0", 2048}, false),
			"dmsetup create --noudevrules --noudevsync --uuid SALVOR-COW-cow --table '0 2048 snapshot /dev/sda /dev/loop0 N 8' -- cow"},
		{"remove overlay", RemoveOverlay("cow", true), "dmsetup remove --retry --uuid SALVOR-COW-cow"},
		{"table", OverlayTable("cow"), "dmsetup table --uuid SALVOR-COW-cow"},
		{"rename", RenameMap("cr home", "home", true), "dmsetup rename -- 'cr home' home"},

		{"assemble", AssembleArray(Array{Device: "/dev/md7", UUID: "a:b", Members: []string{"/dev/sda", "/dev/sdb"}}),
			"mdadm --assemble /dev/md7 --config=none --uuid=a:b /dev/sda /dev/sdb"},
		{"assemble degraded and read-only", AssembleArray(Array{Device: "/dev/md7", UUID: "a:b", Members: []string{"/dev/sda"}, ReadOnly: true, Degraded: true}),
			"mdadm --assemble /dev/md7 --config=none --uuid=a:b --readonly --run /dev/sda"},
		{"stop", StopArray("/dev/md7"), "mdadm --stop /dev/md7"},

		{"activate", ActivateLV(LV{VG: "vg", Name: "lv", Udev: true}),
			"lvm lvchange --yes --activate y --ignoreactivationskip --activationmode complete --config '" + noDevices +
				` activation{monitoring=0 volume_list=["vg"]} global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0}' vg/lv`},
		{"activate degraded, read-only, without udev", ActivateLV(LV{VG: "vg", Name: "lv", ReadOnly: true, Degraded: true}),
			"lvm lvchange --yes --activate y --ignoreactivationskip --activationmode degraded --config '" + noDevices +
				` activation{monitoring=0 volume_list=["vg"] read_only_volume_list=["vg/lv"] udev_sync=0 udev_rules=0 verify_udev_operations=1}` +
				` global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0 metadata_read_only=1}' vg/lv`},
		{"deactivate", DeactivateLV(LV{VG: "vg", Name: "lv", Udev: true}),
			"lvm lvchange --yes --activate n --config '" + noDevices +
				` activation{monitoring=0 volume_list=["vg"]} global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0}' vg/lv`},

		{"multipath", CreateMultipath("/dev/sda"), "multipath -i /dev/sda"},
		{"flush", RemoveMultipath("/dev/dm-0"), "multipath -f /dev/dm-0"},
		{"module", LoadModule("bcache"), "modprobe bcache"},
		{"settle", Settle(), "udevadm settle --timeout=30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSecretsAreMarked: what these programs write is a key.
func TestSecretsAreMarked(t *testing.T) {
	for _, c := range []machine.Cmd{ClevisPass("/dev/sda", 0), AskPassword("x", "y")} {
		if !c.Secret {
			t.Errorf("the output of %s may be recorded", c)
		}
	}
}

func TestLVMFilter(t *testing.T) {
	tests := []struct {
		devices []string
		want    string
	}{
		{nil, `["r|.*|"]`},
		{[]string{"/dev/sda2", "/dev/md/a.b"}, `["a|^/dev/sda2$|","a|^/dev/md/a\\.b$|","r|.*|"]`},
		{[]string{`/dev/mapper/cr\x20a`}, `["a|^/dev/mapper/cr\\\\x20a$|","r|.*|"]`},
		{[]string{`/dev/x+(y)|"z"`}, `["a|^/dev/x\\+\\(y\\)\\|\"z\"$|","r|.*|"]`},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, LV{Devices: tt.devices}.filter()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBcacheFiles(t *testing.T) {
	got := []string{BcacheRegister, BcacheStop("bcache0"), BcacheSetStop("u-u"), BcacheSetLink("bcache0"), BcacheLink("sda1")}
	want := []string{"/sys/fs/bcache/register", "/sys/block/bcache0/bcache/stop", "/sys/fs/bcache/u-u/stop",
		"/sys/block/bcache0/bcache/cache", "/sys/class/block/sda1/bcache/dev"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
