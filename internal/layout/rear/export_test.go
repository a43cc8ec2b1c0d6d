package rear

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// imported makes a layout of lines of a disklayout.conf.
func imported(t *testing.T, lines string) (*layout.Layout, []Gap) {
	t.Helper()
	l, gaps, err := Import(&Files{Layout: Read([]byte(lines))})
	if err != nil {
		t.Fatal(err)
	}
	return l, gaps
}

// TestLinesRoundTrip: lines of machines of many kinds come back as they are, without
// any companion. Those that ReaR leaves out come back disabled.
func TestLinesRoundTrip(t *testing.T) {
	for name, lines := range map[string]string{
		"an MBR with logical partitions": `disk /dev/sda 500107862016 msdos
part /dev/sda 536870912 1048576 primary boot /dev/sda1
part /dev/sda 1073741824 537919488 primary swap /dev/sda2
part /dev/sda 498495150080 1612709888 extended lba /dev/sda3
part /dev/sda 10737418240 1612710912 logical none /dev/sda5
part /dev/sda 10737418240 12350128640 logical lvm /dev/sda6
fs /dev/sda1 /boot ext2 uuid=11111111-2222-4333-8444-555555550001 label= blocksize=1024 reserved_blocks=5% max_mounts=30 check_interval=180d bytes_per_inode=8192 options=rw,relatime
fs /dev/sda5 / ext3 uuid=11111111-2222-4333-8444-555555550002 label=root blocksize=4096 reserved_blocks=0% max_mounts=-1 check_interval=0d bytes_per_inode=16384 default_mount_options=user_xattr options=rw,relatime,errors=remount-ro
swap /dev/sda2 uuid=11111111-2222-4333-8444-555555550003 label=swap
`,
		"a spare disk and a stick": `disk /dev/nvme0n1 512110190592 gpt
part /dev/nvme0n1 512108085248 1048576 linux none /dev/nvme0n1p1
disk /dev/sda 512110190592 gpt
#part /dev/sda 512108085248 1048576 linux none /dev/sda1
disk /dev/sdb 16008609792 unknown
fs /dev/nvme0n1p1 / xfs uuid=11111111-2222-4333-8444-555555550001 label=  options=rw,relatime
`,
		"a file system and a swap area on whole disks": `disk /dev/vda 10737418240 loop
disk /dev/vdb 10737418240 loop
fs /dev/vda / reiserfs uuid=11111111-2222-4333-8444-555555550001 label= options=rw,relatime
swap /dev/vdb uuid=11111111-2222-4333-8444-555555550002 label=
`,
		"multipath": `fs /dev/mapper/mpatha-part1 / ext4 uuid=11111111-2222-4333-8444-555555550001 label= blocksize=4096 reserved_blocks=5% max_mounts=-1 check_interval=0d bytes_per_inode=16384 options=rw,relatime
multipath /dev/mapper/mpatha 53687091200 gpt /dev/sda,/dev/sdb
part /dev/mapper/mpatha 53685010944 1048576 root none /dev/mapper/mpatha-part1
`,
		"partitions on RAID 10 with a spare": `disk /dev/sda 10737418240 unknown
disk /dev/sdb 10737418240 unknown
disk /dev/sdc 10737418240 unknown
raidarray /dev/md127 level=raid10 raid-devices=2 devices=/dev/sda,/dev/sdb,/dev/sdc name=disk metadata=1.2 uuid=00000000:11111111:22222222:33333333 layout=f2 chunk=512 spare-devices=1
raiddisk /dev/md127 10726932480 gpt
part /dev/md127 10725883904 1048576 root none /dev/md127p1
fs /dev/md127p1 / vfat uuid=ABCD-1234 label= options=rw,relatime
`,
		"DRBD and LUKS on each other": `disk /dev/sda 10737418240 unknown
fs /dev/mapper/cr / ext4 uuid=11111111-2222-4333-8444-555555550001 label= blocksize=4096 reserved_blocks=5% max_mounts=-1 check_interval=0d bytes_per_inode=16384 options=rw,relatime
drbd /dev/drbd0 r0 /dev/sda
crypt /dev/mapper/cr /dev/drbd0 type=luks1 cipher=aes-xts-plain64 key_size=512 hash=sha256 uuid=11111111-2222-4333-8444-555555550002 
`,
		"volumes of several layouts": `disk /dev/sda 107374182400 unknown
lvmdev /dev/vg0 /dev/sda aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg 209715200
lvmgrp /dev/vg0 4096 25599 104853504
lvmvol /dev/vg0 fast 1073741824b raid,raid5,raid5_ls stripesize:65536b
lvmvol /dev/vg0 pool 4294967296b thin,pool chunksize:65536b
lvmvol /dev/vg0 root 8589934592b linear 
lvmvol /dev/vg0 thin 10737418240b thin,sparse thinpool:pool
fs /dev/mapper/vg0-root / ext4 uuid=11111111-2222-4333-8444-555555550001 label= blocksize=4096 reserved_blocks=5% max_mounts=-1 check_interval=0d bytes_per_inode=16384 options=rw,relatime
`,
		"a volume group on a disk that nothing uses": `disk /dev/sda 107374182400 loop
#disk /dev/sdb 107374182400 unknown
#lvmdev /dev/attic /dev/sdb aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg 209715200
#lvmgrp /dev/attic 4096 25599 104853504
#lvmvol /dev/attic gone 1073741824b linear 
fs /dev/sda / vfat uuid=ABCD-1234 label= options=rw,relatime
`,
		"openSUSE's btrfs, and a file system on /mnt": `disk /dev/sda 107374182400 msdos
part /dev/sda 53687091200 1048576 primary boot /dev/sda1
part /dev/sda 10737418240 53688139776 primary none /dev/sda2
fs /dev/sda1 / btrfs uuid=11111111-2222-4333-8444-555555550001 label= options=rw,relatime,subvolid=268,subvol=/@/.snapshots/1/snapshot
#fs /dev/sda2 /mnt/data vfat uuid=ABCD-1234 label=DATA options=rw,relatime
btrfsdefaultsubvol /dev/sda1 / 268 @/.snapshots/1/snapshot
#btrfsnormalsubvol /dev/sda1 / 267 @/.snapshots
#btrfsnormalsubvol /dev/sda1 / 268 @/.snapshots/1/snapshot
btrfsnormalsubvol /dev/sda1 / 256 @
btrfsnormalsubvol /dev/sda1 / 257 @/var
btrfsmountedsubvol /dev/sda1 / rw,relatime,subvolid=268,subvol=/@/.snapshots/1/snapshot @/.snapshots/1/snapshot
btrfsmountedsubvol /dev/sda1 /var rw,relatime,subvolid=257,subvol=/@/var @/var
btrfsnocopyonwrite @/var
`,
	} {
		t.Run(name, func(t *testing.T) {
			// The importer takes nothing from a disabled line, so those are enabled first.
			l, _ := imported(t, strings.ReplaceAll(lines, "\n#", "\n"))
			out, _, err := Export(l, ExportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSuffix(disabledUnused(lines), "\n"), "\n")
			if diff := cmp.Diff(want, components(out.Layout)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// disabledUnused: in the machine with a spare disk, nothing rests on two of three.
func disabledUnused(lines string) string {
	for _, unused := range []string{"disk /dev/sda 512110190592 ", "disk /dev/sdb 16008609792 "} {
		lines = strings.ReplaceAll(lines, "\n"+unused, "\n#"+unused)
	}
	return lines
}

func TestPVSize(t *testing.T) {
	for _, c := range []struct {
		name                        string
		value, known, carrier, want uint64
	}{
		{"sectors, by the device below", 7811039, 0, 4016029184, 3999251968},
		{"bytes, by the device below", 3999251968, 0, 4016029184, 3999251968},
		{"the metadata know", 7811039, 3999251968, 0, 3999251968},
		{"nothing tells", 7811039, 0, 0, 0},
		{"larger than the device", 5000000000, 0, 4016029184, 0},
		{"as large as the device, in sectors", 8, 0, 4096, 4096},
		{"as large as the device, in bytes", 4096, 0, 4096, 4096},
	} {
		if got := pvSize(c.value, c.known, c.carrier); got != c.want {
			t.Errorf("%s: %d", c.name, got)
		}
	}
}

func TestImportGaps(t *testing.T) {
	_, gaps := imported(t, `disk /dev/sda 107374182400 gpt
part /dev/sda 1073741824 1048576 a none /dev/sda1
#disk /dev/sdb 107374182400 gpt
#part /dev/sdb 1073741824 1048576 a none /dev/sdb1
fs /dev/sdb1 /b ext4 uuid=u label= options=rw
fs /dev/sda1 / btrfs uuid=v label='my options=rw
crypt /dev/mapper/a /dev/mapper/b type=luks2 uuid=w password=geheim
crypt /dev/mapper/b /dev/mapper/a type=luks2 uuid=x 
opaldisk /dev/sda password=geheim
nonsense
`)
	var got []string
	for _, g := range gaps {
		got = append(got, g.What+": "+g.Cause)
		if strings.Contains(g.What+g.Cause, "geheim") {
			t.Errorf("a password is shown: %v", g)
		}
	}
	const left = ": it is disabled: ReaR knows it and leaves it out, and so does this layout"
	want := []string{
		`nonsense: cannot read this line: "nonsense" is no keyword of a disklayout.conf`,
		"/dev/sdb" + left, "/dev/sdb1" + left,
		"fs:/b: /dev/sdb1, which it lies on, is disabled or in no line that can be read",
		`fs:/: ReaR wrote only the first word of its label, "my"`,
		"/dev/mapper/b: /dev/mapper/a, which it lies on, is disabled or in no line that can be read",
		"/dev/mapper/a: /dev/mapper/b, which it lies on, is disabled or in no line that can be read",
		"opaldisk:/dev/sda: salvor does not set up self-encrypting disks",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLosses: one gap for each thing that ReaR cannot express whole.
func TestLosses(t *testing.T) {
	l, _ := imported(t, `disk /dev/sda 107374182400 gpt
part /dev/sda 1073741824 1048576 a none /dev/sda1
part /dev/sda 1073741824 1074790400 b none /dev/sda2
part /dev/sda 1073741824 2148532224 c none /dev/sda3
fs /dev/sda1 / ext4 uuid=u label=my disk blocksize=4096 options=rw
fs /dev/mapper/cr /srv/my\x20disk vfat uuid=v label= options=rw
crypt /dev/mapper/cr /dev/sda2 type=luks2 cipher=aes-xts-plain64 key_size=512 hash=sha256 uuid=w 
swap /dev/sda3 uuid=x label=
`)
	table := l.Storage.Disks[0].Table
	table.UUID, table.Hybrid = "33333333-1111-4111-8111-111111111111", true
	table.Partitions[0].Type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
	table.Partitions[0].Attributes = []string{"legacy-boot", "60"}
	l.Storage.Crypts[0].Header.Slots = []storage.LUKSSlot{{Slot: 0, KDF: "argon2id"}, {Slot: 1, KDF: "argon2id"}}
	l.Storage.Crypts[0].Header.Tokens = []storage.LUKSToken{{Type: "systemd-tpm2"}}
	for i := range l.Storage.FileSystems {
		if x := l.Storage.FileSystems[i].Ext; x != nil {
			x.Features = []string{"has_journal", "casefold", "extent"}
		}
	}
	l.Storage.Swaps[0].Active = false
	l.Mounts = append(l.Mounts, layout.Mount{Point: "/var/log", Source: "fs:u", Type: "ext4", Root: "/srv/log", Options: []string{"rw"}})
	l.Boot.Loader = "raspberry-pi"
	_, gaps, err := Export(l, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range gaps {
		got = append(got, g.What+": "+strings.TrimPrefix(g.Cause, "ReaR does not keep "))
	}
	want := []string{
		"table on /dev/sda: its GUID, and the PARTUUIDs of its partitions; nor its hybrid MBR",
		"/dev/sda1: its type 4f68bce3-e8cd-4db1-96e7-fbcaf984b709; nor its attributes 0x1000000000000000",
		`filesystem on /dev/sda1: the whole of its label "my disk"; nor its features casefold`,
		"/dev/mapper/cr: its keys: a new passphrase is asked for; nor its token systemd-tpm2; nor more than one of its 2 key slots; nor the costs of its key derivation",
		"swap on /dev/sda3: swap areas that are not in use",
		`/srv/my disk: ReaR writes a mount point with blanks or special characters as /srv/my\x20disk, and makes a directory of that name`,
		"/var/log: /dev/sda1 is mounted here too, and ReaR keeps only one mount point of it",
		"boot loader raspberry-pi: ReaR has no word for it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExportRefusesUnknownDialect(t *testing.T) {
	if _, _, err := Export(&layout.Layout{}, ExportOptions{Dialect: "1.0"}); err == nil || !strings.Contains(err.Error(), `cannot write a disklayout.conf of ReaR "1.0"`) {
		t.Error(err)
	}
}
