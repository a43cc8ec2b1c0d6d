package system

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

const snapperInfo = `<?xml version="1.0"?>
<snapshot>
  <type>post</type>
  <num>%d</num>
  <date>2024-05-0%d 12:30:00</date>
  <pre_num>1</pre_num>
  <description>zypp(zypper) &amp; more</description>
  <cleanup>number</cleanup>
  <userdata>
    <key>important</key>
    <value>yes</value>
  </userdata>
</snapshot>
`

func TestParseSnapper(t *testing.T) {
	got, err := parseSnapper([]byte(fmt.Sprintf(snapperInfo, 7, 3)))
	want := &Snapshot{Tool: Snapper, Number: 7, Pre: 1, Type: "post", Date: time.Date(2024, 5, 3, 12, 30, 0, 0, time.UTC),
		Description: "zypp(zypper) & more", Cleanup: "number", Userdata: map[string]string{"important": "yes"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for _, text := range []string{"", "<snapshot>", "<other/>", "<snapshot><num>x</num></snapshot>", "\x00", `<!DOCTYPE x [<!ENTITY a "b">]><snapshot><description>&a;</description></snapshot>`} {
		if got, err := parseSnapper([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestParseTimeshift(t *testing.T) {
	got, err := parseTimeshift([]byte(`{"created":"1714739400","sys-uuid":"x","tags":"ondemand daily ","comments":"before\u001b[2J"}`))
	want := &Snapshot{Tool: Timeshift, Date: time.Unix(1714739400, 0).UTC(), Description: "before[2J", Tags: []string{"ondemand", "daily"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for _, text := range []string{"", "[]", `{"created":1}`} {
		if got, err := parseTimeshift([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got, _ := parseTimeshift([]byte(`{"created":"-99999999999999999999"}`)); !got.Date.IsZero() {
		t.Errorf("the date is %v", got.Date)
	}
}

func FuzzSnapshotInfo(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(snapperInfo, 7, 3)))
	f.Add([]byte(`{"created":"1714739400","tags":"daily","comments":"x"}`))
	f.Add([]byte("<snapshot><userdata><key>\u202e</key></userdata></snapshot>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, errA := parseSnapper(data)
		b, errB := parseTimeshift(data)
		for _, s := range []*Snapshot{a, b} {
			if s == nil {
				continue
			}
			texts := append([]string{s.Description, s.Cleanup, s.Type}, s.Tags...)
			for k, v := range s.Userdata {
				texts = append(texts, k, v)
			}
			for _, text := range texts {
				if strings.ContainsAny(text, "\x00\n\r\x1b\u202e") {
					t.Errorf("%q would steer the terminal", text)
				}
			}
		}
		if (a == nil) != (errA != nil) || (b == nil) != (errB != nil) {
			t.Error("a result and an error, or neither")
		}
	})
}

// told writes what is told of snapshots.
func told(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		of, s, name := f.SnapshotOf, f.Snapshot, string(f.Class)
		if f.System != nil {
			of, s, name = f.System.SnapshotOf, f.System.Snapshot, fmt.Sprintf("%d %s %s", f.System.Number, f.System.Name, f.System.Arch)
		}
		fmt.Fprintf(&b, "%s: %s", strings.TrimPrefix(string(f.Root), "subvol:"), strings.TrimSpace(name))
		if s != nil {
			fmt.Fprintf(&b, ", snapshot of %q", strings.TrimPrefix(string(of), "subvol:"))
			if s.Tool != "" {
				fmt.Fprintf(&b, " by %s %d%s %q", s.Tool, s.Number, s.Name, s.Description)
			}
			if !s.Date.IsZero() {
				fmt.Fprintf(&b, " of %s", s.Date.Format(time.DateOnly))
			}
			if s.ReadOnly {
				b.WriteString(" read-only")
			}
		} else if f.Cause != "" {
			fmt.Fprintf(&b, " (%s)", f.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func checkTold(t *testing.T, l *lab, g *storage.Graph, want string) []*System {
	t.Helper()
	got := Find(g, l.trees)
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(told(got))); diff != "" {
		t.Error(diff)
	}
	return Systems(got)
}

// suseMachine is openSUSE as installed: the system is the snapshot that is the
// default subvolume, and its home has snapshots, too.
func suseMachine(l *lab) *storage.Graph {
	fsys := l.fs("btrfs", "s", l.part(l.table("gpt", l.disk("sda")), 1))
	fsys.Default = 300
	l.put(l.subvol(fsys, 5, ""), tree("@/", "home/"))
	l.put(l.subvol(fsys, 256, "@"), tree(".snapshots/"))
	infos := tree("1/")
	infos["1/info.xml"], infos["2/info.xml"], infos["10/info.xml"] = file(fmt.Sprintf(snapperInfo, 1, 1)), file("<snapshot><type>single</type><num>2</num><date>2024-05-02 10:00:00</date><description>boot</description></snapshot>"), file(fmt.Sprintf("<snapshot><num>%d</num><date>2024-05-09 10:00:00</date></snapshot>", 10))
	l.put(l.subvol(fsys, 257, "@/.snapshots"), infos)
	root := func(version string) fs.FS {
		return with(rootTree("UUID=s / btrfs defaults\nUUID=s /home btrfs subvol=@home\n", ""), fstest.MapFS{
			"etc/os-release": file("ID=suse\nPRETTY_NAME=\"SUSE " + version + "\"\n"), "bin/sh": amd64,
		})
	}
	l.put(l.subvol(fsys, 300, "@/.snapshots/1/snapshot"), root("3"))
	for id, number := range map[uint64]string{301: "2", 302: "10", 303: "11"} {
		s := l.subvol(fsys, id, "@/.snapshots/"+number+"/snapshot")
		s.ParentUUID, s.Frozen = "u300", number != "11"
		l.put(s, root(number))
	}
	home := l.subvol(fsys, 400, "@home")
	l.put(home, tree("ada/"))
	l.put(l.subvol(fsys, 401, "@home/.snapshots"), tree("1/"))
	old := l.subvol(fsys, 402, "@home/.snapshots/1/snapshot")
	old.ParentUUID, old.Frozen = "u400", true
	l.put(old, tree("ada/"))
	return l.graph()
}

func TestFindSnapper(t *testing.T) {
	l := newLab(t)
	g := suseMachine(l)
	systems := checkTold(t, l, g, `
s/: data
s/@: data
s/@/.snapshots: data
s/@/.snapshots/1/snapshot: 1 SUSE 3 x86_64
s/@/.snapshots/10/snapshot: 4 SUSE 10 x86_64, snapshot of "s/@/.snapshots/1/snapshot" by snapper 10 "" of 2024-05-09 read-only
s/@/.snapshots/11/snapshot: 2 SUSE 11 x86_64, snapshot of "s/@/.snapshots/1/snapshot" by snapper 11 ""
s/@/.snapshots/2/snapshot: 3 SUSE 2 x86_64, snapshot of "s/@/.snapshots/1/snapshot" by snapper 2 "boot" of 2024-05-02 read-only
s/@home: data
s/@home/.snapshots: data
s/@home/.snapshots/1/snapshot: data, snapshot of "s/@home" by snapper 1 "" read-only`)
	for which, want := range map[string]string{
		"last": "SUSE 10", "2": "SUSE 2", "11": "SUSE 11", "@/.snapshots/2/snapshot": "SUSE 2", "/@/.snapshots/10/snapshot": "SUSE 10", "2/snapshot": "SUSE 2",
		"subvol:s/@/.snapshots/2/snapshot": "SUSE 2", "snapshot": "3 systems", "1": "none", "99": "none", "": "none",
	} {
		checkChoice(t, which, want, func() (*System, error) { return ChooseSnapshot(g, systems, systems[0], which) })
	}
	if _, err := ChooseSnapshot(g, systems, systems[1], "last"); !errors.Is(err, ErrNoSystem) {
		t.Errorf("a snapshot of a snapshot: %v", err)
	}
}

func checkChoice(t *testing.T, what, want string, choose func() (*System, error)) {
	t.Helper()
	s, err := choose()
	got := "none"
	var choice *ChoiceError
	switch {
	case err == nil:
		got = s.Name
	case errors.As(err, &choice):
		got = fmt.Sprintf("%d systems", len(choice.Among))
	case !errors.Is(err, ErrNoSystem):
		got = err.Error()
	}
	if got != want {
		t.Errorf("%q gives %s, want %s", what, got, want)
	}
}

// TestFindTimeshift: with btrfs its snapshots are subvolumes, with rsync trees.
func TestFindTimeshift(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	fsys := l.fs("btrfs", "m", l.part(table, 1))
	const date = "2024-05-03_12-30-00"
	top := tree("@/", "timeshift-btrfs/snapshots/"+date+"/@/")
	top["timeshift-btrfs/snapshots/"+date+"/info.json"] = file(`{"created":"1714739400","tags":"ondemand","comments":"before the upgrade"}`)
	l.put(l.subvol(fsys, 5, ""), top)
	root := func() fs.FS { return named(rootTree("UUID=m / btrfs subvol=@\n", ""), "Mint") }
	l.put(l.subvol(fsys, 256, "@"), root())
	l.put(l.subvol(fsys, 257, "@home"), tree("ada/"))
	l.put(l.subvol(fsys, 258, "timeshift-btrfs/snapshots/"+date+"/@"), root())
	saved := l.subvol(fsys, 259, "timeshift-btrfs/snapshots/"+date+"/@home")
	saved.ParentUUID = "u257"
	l.put(saved, tree("ada/"))
	trees := fstest.MapFS{}
	under(trees, "timeshift/snapshots/"+date+"/localhost", rootTree("UUID=m / btrfs subvol=@\n", ""))
	l.put(l.fs("ext4", "backup", l.part(table, 2)), trees)
	g := l.graph()
	systems := checkTold(t, l, g, `
fs:backup: data
m/: data
m/@: 1 Mint
m/@home: data
m/timeshift-btrfs/snapshots/2024-05-03_12-30-00/@: 2 Mint, snapshot of "m/@" by timeshift 02024-05-03_12-30-00 "before the upgrade" of 2024-05-03
m/timeshift-btrfs/snapshots/2024-05-03_12-30-00/@home: data, snapshot of "m/@home" by timeshift 02024-05-03_12-30-00 "before the upgrade" of 2024-05-03`)
	for which, want := range map[string]string{date: "Mint", "last": "Mint", "timeshift-btrfs/snapshots/" + date + "/@": "Mint", "2024-05-03": "none"} {
		checkChoice(t, which, want, func() (*System, error) { return ChooseSnapshot(g, systems, systems[0], which) })
	}
}

// TestFindOtherSnapshots: a flat layout, snapshots made by hand, of which only the
// file system knows, those whose system is gone, and copies on another disk.
func TestFindOtherSnapshots(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	fsys := l.fs("btrfs", "a", l.part(table, 1))
	root := func(name, subvol string) fstest.MapFS {
		return with(named(rootTree("UUID=a / btrfs subvol="+subvol+"\n", ""), name), fstest.MapFS{"bin/sh": amd64})
	}
	frozen := func(n *storage.Subvolume, parent string) *storage.Subvolume {
		n.Frozen, n.ParentUUID = true, parent
		return n
	}
	l.put(l.subvol(fsys, 256, "@"), root("Arch", "@"))
	flat := tree("1/", "2/")
	flat["1/info.xml"] = file(fmt.Sprintf(snapperInfo, 1, 1))
	l.put(l.subvol(fsys, 257, "@snapshots"), flat)
	l.put(l.subvol(fsys, 258, "@snapshots/1/snapshot"), root("Arch", "@"))
	l.put(l.subvol(fsys, 259, "@snapshots/2/snapshot"), root("NoInfo", "@"))
	l.put(frozen(l.subvol(fsys, 260, "btrbk/@.20240501"), "u256"), root("Arch", "@"))
	l.put(frozen(l.subvol(fsys, 261, "btrbk/@gone.20240501"), "gone"), root("Gone", "@gone"))
	l.put(frozen(l.subvol(fsys, 262, "mine"), "u256"), root("Mine", "mine")) // made of it, and one of its own
	l.trees["subvol:a/hung"] = lookedTree{err: &LookError{Root: "subvol:a/hung", Cause: errors.New("it hangs")}}
	frozen(l.subvol(fsys, 263, "hung"), "u256")
	disk := l.fs("btrfs", "b", l.part(table, 2))
	l.put(frozen(l.subvol(disk, 256, "received/@.1"), ""), root("Copied", "@"))
	l.put(l.subvol(disk, 257, "writable"), root("Other", "@"))
	checkTold(t, l, l.graph(), `
a/@: 1 Arch x86_64
a/@snapshots: data
a/@snapshots/1/snapshot: 8 Arch x86_64, snapshot of "a/@" by snapper 1 "zypp(zypper) & more" of 2024-05-01
a/@snapshots/2/snapshot: 5 NoInfo x86_64, snapshot of "a/@"
a/btrbk/@.20240501: 6 Arch x86_64, snapshot of "a/@" read-only
a/btrbk/@gone.20240501: 2 Gone x86_64
a/hung: unknown, snapshot of "" read-only
a/mine: 3 Mine x86_64, snapshot of "" read-only
b/received/@.1: 7 Copied x86_64, snapshot of "a/@" read-only
b/writable: 4 Other x86_64`)
}

// TestSnapshotNeedsUsr: a snapshot whose os-release lies in a separate /usr.
func TestSnapshotNeedsUsr(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	fsys := l.fs("btrfs", "a", l.part(table, 1))
	root := func() fs.FS {
		r := tree("etc/", "usr/", "bin/sh", "var/", "etc/os-release -> ../usr/lib/os-release")
		r["etc/fstab"] = file("UUID=a / btrfs subvol=@\nUUID=u /usr ext4\n")
		return r
	}
	l.put(l.subvol(fsys, 256, "@"), root())
	s := l.subvol(fsys, 257, "@/.snapshots/4/snapshot")
	s.Frozen = true
	l.put(s, root())
	l.put(l.fs("ext4", "u", l.part(table, 2)), fstest.MapFS{"lib/os-release": file("ID=u\nNAME=Usr\n"), "bin/sh": amd64})
	checkTold(t, l, l.graph(), `
fs:u: data
a/@: 1 Usr x86_64
a/@/.snapshots/4/snapshot: 2 Usr x86_64, snapshot of "a/@" by snapper 4 "" read-only`)
}
