package fstab

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseSpec(t *testing.T) {
	tests := []struct {
		text  string
		kind  SpecKind
		value string
	}{
		{``, Unset, ""},
		{`UUID=3e6be9de-8139-11d1-9106-a43f08d823a6`, UUID, "3e6be9de-8139-11d1-9106-a43f08d823a6"},
		{`UUID="A40D-85E7"`, UUID, "A40D-85E7"},
		{`UUID='A40D-85E7'`, UUID, "A40D-85E7"},
		{`UUID="A40D-85E7`, UUID, `"A40D-85E7`},
		{`UUID=`, UUID, ""},
		{`LABEL="with\040blank"`, Label, "with blank"},
		{`LABEL=with\040blank`, Label, "with blank"},
		{`LABEL=a=b`, Label, "a=b"},
		{`LABEL=a:b/c`, Label, "a:b/c"},
		{`PARTUUID=1234abcd-01`, PartUUID, "1234abcd-01"},
		{`PARTLABEL=EFI\040System`, PartLabel, "EFI System"},
		{`ID=wwn-0x5000c500`, ID, "wwn-0x5000c500"},
		{`uuid=abc`, Virtual, "uuid=abc"},
		{`/dev/disk/by-uuid/A40D-85E7`, UUID, "A40D-85E7"},
		{`/dev/disk/by-label/my\x20label`, Label, "my label"},
		{`/dev/disk/by-label/my\134x20label`, Label, "my label"},
		{`/dev/disk/by-partuuid/1234abcd-01`, PartUUID, "1234abcd-01"},
		{`/dev/disk/by-partlabel/EFI\x20System`, PartLabel, "EFI System"},
		{`/dev/disk/by-id/dm-name-cr\x20home`, ByID, "dm-name-cr home"},
		{`/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1`, ByPath, "pci-0000:00:1f.2-ata-1-part1"},
		{`/dev/disk/by-diskseq/4-part1`, ByDiskSeq, "4-part1"},
		{`/dev/disk/by-designator/root`, DevicePath, "/dev/disk/by-designator/root"},
		{`/dev/disk/by-uuid/`, DevicePath, "/dev/disk/by-uuid"},
		{`/dev/mapper/cr_home`, Mapper, "cr_home"},
		{`/dev/mapper/cr\x20home`, Mapper, "cr home"},
		{`/dev/mapper/cr\\x20home`, Mapper, "cr home"},
		{`/dev/mapper/cr\040home`, Mapper, "cr home"},
		{`/dev/mapper/control`, DevicePath, "/dev/mapper/control"},
		{`/dev/mapper/\x2e\x2e`, DevicePath, `/dev/mapper/\x2e\x2e`},
		{`/dev//sda1`, DevicePath, "/dev/sda1"},
		{`/dev/disk/../mapper/a`, Mapper, "a"},
		{`/dev/../srv/x`, File, "/srv/x"},
		{`/dev/vg/lv`, DevicePath, "/dev/vg/lv"},
		{`/dev/md/0`, DevicePath, "/dev/md/0"},
		{`/swapfile`, File, "/swapfile"},
		{`/srv//data/./x/`, File, "/srv/data/x"},
		{`/srv/link/../x`, File, "/srv/link/../x"},
		{`/devices`, File, "/devices"},
		{`/a:/b`, File, "/a:/b"},
		{`nas:/export/home`, Network, "nas:/export/home"},
		{`[fe80::1%eth0]:/export`, Network, "[fe80::1%eth0]:/export"},
		{`//nas/share\040one`, Network, "//nas/share one"},
		{`//single`, File, "/single"},
		{`user@host:`, Network, "user@host:"},
		{`:/ceph`, Network, ":/ceph"},
		{`mon1:6789,mon2:6789:/`, Network, "mon1:6789,mon2:6789:/"},                   // mount.ceph(8)
		{`admin@07fe3187.cephfs=/sub`, Network, "admin@07fe3187.cephfs=/sub"},         // mount.ceph(8), since 17
		{`admin@.cephfs=/`, Network, "admin@.cephfs=/"},                               // the same
		{`a=b@c=/d`, Virtual, "a=b@c=/d"},                                             // an = before the @
		{`10.0.0.1@tcp:10.0.0.2@tcp:/fs`, Network, "10.0.0.1@tcp:10.0.0.2@tcp:/fs"},   // mount.lustre(8)
		{`gluster1:vol`, Network, "gluster1:vol"},                                     // mount.glusterfs(8)
		{`sshfs#user@host:/x`, Network, "sshfs#user@host:/x"},                         // fuse's old form
		{`\\\\nas\\share`, Network, `\\nas\share`},                                    // mount.cifs(8): UNC with backslashes
		{`\\\\nas`, Virtual, `\\nas`},                                                 // no share
		{`share`, Virtual, "share"},                                                   // a virtiofs tag
		{`/dev/md/home`, DevicePath, "/dev/md/home"},                                  // mdadm(8), device names
		{`/dev/md127`, DevicePath, "/dev/md127"},                                      // the same
		{`/dev/md0p1`, DevicePath, "/dev/md0p1"},                                      // a partition on it
		{`/dev/dm-3`, DevicePath, "/dev/dm-3"},                                        // a kernel name
		{`/dev/root`, DevicePath, "/dev/root"},                                        // fstab of old and small systems
		{`/dev/mapper/my--vg-root--1`, Mapper, "my--vg-root--1"},                      // lvm(8): doubled hyphens
		{`/dev/disk/by-id/dm-uuid-LVM-abcDEF`, ByID, "dm-uuid-LVM-abcDEF"},            // udev, 60-persistent-storage-dm.rules
		{`/dev/disk/by-id/md-uuid-a:b:c:d-part1`, ByID, "md-uuid-a:b:c:d-part1"},      // 63-md-raid-arrays.rules
		{`/dev/disk/by-label/caf\xc3\xa9`, Label, "café"},                             // udev encodes what is not UTF-8 only, but reads both
		{`/dev/disk/by-label/a\x2fb`, Label, "a/b"},                                   // a slash cannot be in a link's name
		{`LABEL=a\x20b`, Label, `a\x20b`},                                             // systemd-fstab-generator 252: a label with a backslash
		{`PARTLABEL="EFI\040System\040Partition"`, PartLabel, "EFI System Partition"}, // systemd's unquote after glibc's decoding
		{`UUID=12AB-34CD`, UUID, "12AB-34CD"},                                         // FAT
		{`UUID=0123456789ABCDEF`, UUID, "0123456789ABCDEF"},                           // NTFS
		{`https://host/dav`, Network, "https://host/dav"},
		{`ubi0:rootfs`, Virtual, "ubi0:rootfs"},
		{`mtdnas:/export`, Network, "mtdnas:/export"},
		{`tmpfs`, Virtual, "tmpfs"},
		{`none`, Virtual, "none"},
		{`rpool/ROOT/debian`, Virtual, "rpool/ROOT/debian"},
	}
	for _, tt := range tests {
		got := ParseSpec(tt.text)
		if want := (Spec{tt.kind, tt.value, tt.text}); got != want {
			t.Errorf("ParseSpec(%s) = %v %q, want %v %q", tt.text, got.Kind, got.Value, tt.kind, tt.value)
		}
		if got.String() != tt.text {
			t.Errorf("%s is written as %s", tt.text, got)
		}
	}
}

func TestSpecMadeOfKindAndValue(t *testing.T) {
	tests := []struct {
		spec Spec
		want string
	}{
		{Spec{}, ""},
		{Spec{Kind: UUID, Value: "A40D-85E7"}, "UUID=A40D-85E7"},
		{Spec{Kind: Label, Value: "my label"}, `LABEL=my\040label`},
		{Spec{Kind: Label, Value: `"quoted"`}, `LABEL=""quoted""`},
		{Spec{Kind: ID, Value: "wwn-0x5"}, "ID=wwn-0x5"},
		{Spec{Kind: ByID, Value: "dm-name-cr home"}, `/dev/disk/by-id/dm-name-cr\134x20home`},
		{Spec{Kind: Mapper, Value: "cr home"}, `/dev/mapper/cr\134x20home`},
		{Spec{Kind: File, Value: "/swap file"}, `/swap\040file`},
	}
	for _, tt := range tests {
		if got := tt.spec.String(); got != tt.want {
			t.Errorf("%v %q is written as %s, want %s", tt.spec.Kind, tt.spec.Value, got, tt.want)
		}
	}
}

func TestSpecRoundTrip(t *testing.T) {
	prefixes := []string{"", "UUID=", "LABEL=", "ID=", "/dev/", "/dev/mapper/", "/dev/disk/by-id/", "/dev/disk/by-label/", "host:"}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(prefixes).Draw(t, "prefix") +
			rapid.OneOf(rapid.String(), rapid.StringMatching(`["'\\x0-9./: #]*`)).Draw(t, "rest")
		checkSpecRoundTrip(t, text)
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func checkSpecRoundTrip(t fataler, text string) {
	s := ParseSpec(text)
	if s.String() != text {
		t.Fatalf("%q is written as %q", text, s)
	}
	made := Spec{Kind: s.Kind, Value: s.Value}
	if back := ParseSpec(made.String()); back.Kind != s.Kind || back.Value != s.Value {
		t.Fatalf("%q is %v %q, written as %q, read back as %v %q", text, s.Kind, s.Value, made, back.Kind, back.Value)
	}
}

func TestKindNames(t *testing.T) {
	for k := Unset; k <= File; k++ {
		if k.String() == "" {
			t.Errorf("kind %d has no name", int(k))
		}
	}
	if got := SpecKind(99).String(); got != "spec kind 99" {
		t.Errorf("unknown kind: %s", got)
	}
}
