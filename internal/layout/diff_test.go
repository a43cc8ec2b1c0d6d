package layout

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/document"
	"salvor/internal/storage"
)

func harbour(t *testing.T) *Layout {
	t.Helper()
	data, err := os.ReadFile("testdata/diff/machine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	l := &Layout{}
	if _, err := document.Read("machine.yaml", data, l); err != nil {
		t.Fatal(err)
	}
	return l
}

// oneLine is a change on one line, without what stands in new or lost parts of a thing.
func oneLine(c Change) string {
	out := fmt.Sprintf("%s %s %s: %s", c.Section, c.Kind, c.What, c.How)
	if c.Field != "" {
		out += " " + c.Field
	}
	if c.Field != "" && c.How != Added && c.How != Removed && c.Lines == nil {
		out += fmt.Sprintf(" %v -> %v", c.Before, c.After)
	}
	return out
}

// replacedBy writes other IDs, wherever they stand.
func replacedBy(t *testing.T, l *Layout, pairs ...string) {
	t.Helper()
	raw, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	*l = Layout{}
	if err := json.Unmarshal([]byte(strings.NewReplacer(pairs...).Replace(string(raw))), l); err != nil {
		t.Fatal(err)
	}
}

var diffCases = []struct {
	name string
	edit func(*testing.T, *Layout)
	want []string
}{
	{"nothing", func(*testing.T, *Layout) {}, nil},
	{"other names from the kernel", func(t *testing.T, l *Layout) {
		replacedBy(t, l, "/dev/sda", "/dev/vdb", "/dev/sdb", "/dev/vda", "/dev/dm-1", "/dev/dm-7", "/dev/md127", "/dev/md0")
		l.Storage.Disks[0].Links = []string{"/dev/disk/by-path/pci-1"}
		slices.Reverse(l.Storage.Disks)
		slices.Reverse(l.Mounts)
	}, nil},
	{"a volume and its file system grow", func(_ *testing.T, l *Layout) {
		l.Storage.Groups[0].Volumes[0].Size = 512 << 20
		l.Storage.Groups[0].Volumes[0].Segments[0].Extents = 128
		l.Storage.FileSystems[1].Size = 512 << 20
	}, []string{
		"storage lv vg0/home: changed size 320MiB -> 512MiB",
		"storage lv vg0/home: changed segments[0].extents 80 -> 128",
		"storage filesystem /home: changed size 320MiB -> 512MiB",
	}},
	{"a file system is made anew", func(t *testing.T, l *Layout) {
		replacedBy(t, l, `"fs:h1"`, `"fs:h2"`)
		l.Storage.FileSystems[1].UUID = "h2"
		l.Storage.FileSystems[1].Type = "xfs"
		l.Storage.FileSystems[1].Ext = nil
	}, []string{
		"storage filesystem /home: replaced id fs:h1 -> fs:h2",
		"storage filesystem /home: changed type ext4 -> xfs",
		"storage filesystem /home: removed ext",
	}},
	{"btrfs is made anew with its subvolumes", func(t *testing.T, l *Layout) {
		replacedBy(t, l, `"fs:r1"`, `"fs:r2"`, "subvol:r1/", "subvol:r2/")
		l.Storage.FileSystems[2].UUID = "r2"
		for i := range l.Storage.FileSystems[2].Subvolumes {
			l.Storage.FileSystems[2].Subvolumes[i].Number += 7
		}
		l.Storage.FileSystems[2].Default += 7
		l.Mounts[0].Options[2] = "subvolid=263"
	}, []string{"storage filesystem /: replaced id fs:r1 -> fs:r2"}},
	{"an MBR gets another signature", func(t *testing.T, l *Layout) { replacedBy(t, l, "0b0b0b0b", "0c0c0c0c") },
		[]string{"storage table sdb (QEMU HARDDISK B-1): replaced id table:dos-0b0b0b0b -> table:dos-0c0c0c0c"}},
	{"a disk is copied to another one", func(t *testing.T, l *Layout) {
		replacedBy(t, l, "disk:wwn-a", "disk:wwn-n")
		l.Storage.Disks[0].WWN, l.Storage.Disks[0].Serial, l.Storage.Disks[0].Size = "n", "N-1", 20<<30
	}, []string{
		"storage disk sda (QEMU HARDDISK N-1): replaced id disk:wwn-a -> disk:wwn-n",
		"storage disk sda (QEMU HARDDISK N-1): changed size 10GiB -> 20GiB",
	}},
	{"an array's broken member gives way to a new disk", func(t *testing.T, l *Layout) {
		replacedBy(t, l, "disk:C-1", "disk:N-1")
		l.Storage.Disks[2].Serial = "N-1"
	}, []string{"storage disk sdc (QEMU HARDDISK N-1): replaced id disk:C-1 -> disk:N-1"}},
	{"a member's disk and its partitions give way to new ones", func(t *testing.T, l *Layout) {
		b := &l.Storage.Disks[1]
		b.Table.Partitions = b.Table.Partitions[1:]
		l.Storage.FileSystems, l.Mounts = l.Storage.FileSystems[:4], l.Mounts[:4]
		replacedBy(t, l, "disk:B-1", "disk:N-1", "0b0b0b0b", "0d0d0d0d")
		l.Storage.Disks[1].Serial = "N-1"
	}, []string{
		"storage disk sdb (QEMU HARDDISK N-1): replaced id disk:B-1 -> disk:N-1",
		"storage table sdb (QEMU HARDDISK N-1): replaced id table:dos-0b0b0b0b -> table:dos-0d0d0d0d",
		"storage partition sdb1: removed",
		"storage filesystem /srv: removed",
		"mounts mount /srv: removed",
	}},
	{"the same disk without its WWN", func(t *testing.T, l *Layout) {
		replacedBy(t, l, "disk:wwn-a", "disk:A-1")
		l.Storage.Disks[0].WWN = ""
	}, []string{"storage disk sda (QEMU HARDDISK A-1): changed id disk:wwn-a -> disk:A-1"}},
	{"a volume is made anew, without its file system", func(t *testing.T, l *Layout) {
		replacedBy(t, l, `"lv:h1"`, `"lv:h9"`)
		l.Storage.Groups[0].Volumes[0].UUID = "h9"
	}, []string{"storage lv vg0/home: replaced id lv:h1 -> lv:h9"}},
	{"a container is made anew, and what is in it", func(t *testing.T, l *Layout) {
		replacedBy(t, l, "luks:l1", "luks:l2", "fs:d1", "fs:d2")
		l.Storage.Crypts[0].UUID, l.Storage.FileSystems[3].UUID = "l2", "d2"
	}, []string{
		"storage crypt cr_data: replaced id luks:l1 -> luks:l2",
		"storage filesystem /data: replaced id fs:d1 -> fs:d2",
	}},
	{"a file system with a copy of it", func(t *testing.T, l *Layout) {
		home := &l.Storage.FileSystems[1]
		twin := *home
		home.ID, home.Identity = "fs:h1@lv:h1", "fs:h1"
		twin.ID, twin.Identity, twin.LiesOn = "fs:h1@part:x", "fs:h1", []storage.ID{"part:x"}
		l.Storage.FileSystems = append(l.Storage.FileSystems, twin)
		l.Mounts[3].Source, l.Usage[0].ID = "fs:h1@lv:h1", "fs:h1@lv:h1"
	}, []string{"storage filesystem home: added"}},
	{"two disks for one", func(t *testing.T, l *Layout) {
		c := l.Storage.Disks[2]
		n := c
		c.ID, c.Serial, n.ID, n.Serial = "disk:X", "X", "disk:Y", "Y"
		l.Storage.Disks = append(l.Storage.Disks[:2], c, n)
		l.Storage.Arrays[0].Members = append(l.Storage.Arrays[0].Members[:1], Member{LiesOn: "disk:X", Role: "1"}, Member{LiesOn: "disk:Y", Role: "spare"})
	}, []string{
		"storage disk sdc (QEMU HARDDISK X): added",
		"storage disk sdc (QEMU HARDDISK Y): added",
		"storage md data: added members[disk:X]",
		"storage md data: added members[disk:Y]",
		"storage md data: removed members[disk:C-1]",
		"storage disk sdc (QEMU HARDDISK C-1): removed",
	}},
	{"a new kernel", func(t *testing.T, l *Layout) { replacedBy(t, l, "6.1.0-13", "6.1.0-14") }, []string{
		"boot boot boot: changed default.kernel /boot/vmlinuz-6.1.0-13-amd64 -> /boot/vmlinuz-6.1.0-14-amd64",
		"boot boot boot: changed default.initrd [/boot/initrd.img-6.1.0-13-amd64] -> [/boot/initrd.img-6.1.0-14-amd64]",
		"machine machine machine: changed kernel 6.1.0-13-amd64 -> 6.1.0-14-amd64",
	}},
	{"EFI entries", func(_ *testing.T, l *Layout) {
		l.Boot.EFI.Order = []string{"0002", "0001", "0000"}
		l.Boot.EFI.Entries[0].Active = false
		l.Boot.EFI.Entries = append([]EFIEntry{{Number: "0002", Label: "other"}}, l.Boot.EFI.Entries...)
	}, []string{
		"boot boot boot: changed efi.order [0001 0000] -> [0002 0001 0000]",
		"boot boot boot: added efi.entries[0002]",
		"boot boot boot: changed efi.entries[0000].active true -> <nil>",
	}},
	{"network", func(_ *testing.T, l *Layout) {
		l.Network.Interfaces[0].Name = "enp1s0"
		slices.Reverse(l.Network.DNS.Servers)
	}, []string{
		"network network network: changed interfaces[enp1s0].name eth0 -> enp1s0",
		"network network network: changed dns.servers [192.0.2.1 192.0.2.2] -> [192.0.2.2 192.0.2.1]",
	}},
	{"snapshots", func(_ *testing.T, l *Layout) {
		r := &l.Storage.FileSystems[2]
		s := r.Subvolumes[1]
		s.Path, s.ID, s.UUID = "@/.snapshots/2/snapshot", "subvol:r1/@/.snapshots/2/snapshot", "s3"
		r.Subvolumes[1] = s
	}, []string{
		"snapshots subvolume @/.snapshots/2/snapshot of /: added",
		"snapshots subvolume @/.snapshots/1/snapshot of /: removed",
	}},
	{"a key slot", func(_ *testing.T, l *Layout) {
		h := l.Storage.Crypts[0].Header
		h.Slots = append(h.Slots, storage.LUKSSlot{Slot: 1, KDF: "pbkdf2"})
	}, []string{"storage crypt cr_data: added header.slots[1]"}},
	{"the rest", func(_ *testing.T, l *Layout) {
		l.Mounts[3].Options = []string{"noatime", "rw"}
		l.Files[0].Text = strings.Replace(l.Files[0].Text, "defaults\t0\t2\n", "noatime\t0\t2\n", 1)
		l.Tools[1].Version = "4.3"
		l.Uncovered[0].What, l.Uncovered[0].Reason = "/dev/sdz", "stratis"
		l.Usage[0].Used = 200 << 20
	}, []string{
		"mounts mount /home: changed options [rw relatime] -> [noatime rw]",
		"files file /etc/fstab: changed text",
		"tools tool mdadm: changed version 4.2 -> 4.3",
		"uncovered uncovered /dev/sdz: changed reason zfs -> stratis",
		"usage usage /home: changed used 100MiB -> 200MiB",
	}},
}

func TestDiff(t *testing.T) {
	for _, c := range diffCases {
		t.Run(c.name, func(t *testing.T) {
			l := harbour(t)
			c.edit(t, l)
			var got []string
			for _, change := range Diff(harbour(t), l, nil).Changes {
				got = append(got, oneLine(change))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSeverities: a new kernel needs a new rescue image, and no new save.
func TestSeverities(t *testing.T) {
	for name, want := range map[string]Severity{"a new kernel": ForRescue, "network": ForRescue, "a key slot": ForRecovery, "EFI entries": ForRecovery, "snapshots": ForNothing} {
		for _, c := range diffCases {
			if c.name != name {
				continue
			}
			l := harbour(t)
			c.edit(t, l)
			if d := Diff(harbour(t), l, nil); d.Count(want) != len(d.Changes) {
				t.Errorf("%s: not all are for %s: %+v", name, want, d.Changes)
			}
		}
	}
}

// TestDiffJSON: the form is the one of docs/json.md.
func TestDiffJSON(t *testing.T) {
	l := harbour(t)
	l.Storage.Groups[0].Volumes[0].Size = 512 << 20
	l.Storage.FileSystems[1].LiesOn = []storage.ID{"part:a2"}
	l.Files[0].Text += "#\n"
	l.Usage[0].Files++
	got, err := json.MarshalIndent(Diff(harbour(t), l, []string{"usage"}), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "changes": [
  {
   "section": "storage",
   "kind": "lv",
   "id": "lv:h1",
   "what": "vg0/home",
   "change": "changed",
   "field": "size",
   "before": "320MiB",
   "after": "512MiB",
   "severity": "recovery"
  },
  {
   "section": "storage",
   "kind": "filesystem",
   "id": "fs:h1",
   "what": "/home",
   "change": "changed",
   "field": "lies_on",
   "before": [
    "lv:h1"
   ],
   "after": [
    "part:a2"
   ],
   "severity": "recovery"
  },
  {
   "section": "files",
   "kind": "file",
   "what": "/etc/fstab",
   "change": "changed",
   "field": "text",
   "lines": [
    "@@ -4,3 +4,4 @@",
    " UUID=d1\t/data\txfs\tdefaults\t0\t0",
    " UUID=h1\t/home\text4\tdefaults\t0\t2",
    " UUID=b1\t/srv\text4\tdefaults\t0\t2",
    "+#"
   ],
   "severity": "recovery"
  }
 ],
 "ignored": [
  {
   "section": "usage",
   "changes": 1
  }
 ],
 "names": {
  "lv:h1": "vg0/home",
  "part:a2": "sda2"
 }
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	none, err := json.Marshal(Diff(l, l, nil))
	if err != nil || string(none) != `{"changes":[]}` {
		t.Errorf("%s, %v", none, err)
	}
}

// TestDiffOfNonsense: a layout that nobody has checked may lie on itself, or have
// one ID twice.
func TestDiffOfNonsense(t *testing.T) {
	a := &Layout{Storage: Storage{
		Crypts:      []Crypt{{Node: Node{ID: "x"}, LiesOn: "y"}, {Node: Node{ID: "y"}, LiesOn: "x"}},
		FileSystems: []FileSystem{{Node: Node{ID: "z"}, LiesOn: []storage.ID{"z"}}, {Node: Node{ID: "z"}}},
		PVs:         []PV{{}, {}},
	}}
	if d := Diff(a, a, nil); !d.Empty() {
		t.Errorf("%+v", d.Changes)
	}
	if d := Diff(a, &Layout{}, nil); len(d.Changes) != 6 {
		t.Errorf("%+v", d.Changes)
	}
}

// TestDiffOfManyDisks: a thousand of them, all renamed and half of them replaced.
func TestDiffOfManyDisks(t *testing.T) {
	many := func(generation int) *Layout {
		l := &Layout{}
		for i := range 1000 {
			n := i
			if i%2 == 0 {
				n = i + generation*1000
			}
			disk := storage.ID(fmt.Sprintf("disk:%d", n))
			pv := storage.ID(fmt.Sprintf("pv:%d", i))
			l.Storage.Disks = append(l.Storage.Disks, Disk{Node: Node{ID: disk, Device: fmt.Sprintf("/dev/sd%d-%d", i, generation)}})
			l.Storage.PVs = append(l.Storage.PVs, PV{Node: Node{ID: pv}, LiesOn: disk})
		}
		return l
	}
	d := Diff(many(0), many(1), nil)
	if len(d.Changes) != 500 || slices.ContainsFunc(d.Changes, func(c Change) bool { return c.How != Replaced }) {
		t.Errorf("%d changes", len(d.Changes))
	}
}

// TestSectionsAreDocumented: the table of docs/json.md is the one in the code.
func TestSectionsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(doc), "| section | severity | holds |\n| --- | --- | --- |\n")
	if !found {
		t.Fatal("docs/json.md has no table of sections")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var got, want []string
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		got = append(got, strings.TrimSpace(cells[1])+strings.TrimSpace(cells[2]))
	}
	for _, s := range sections {
		want = append(want, fmt.Sprintf("`%s``%s`", s.name, s.severity))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-code +docs/json.md):\n%s", diff)
	}
}
