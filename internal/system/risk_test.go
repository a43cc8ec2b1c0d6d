package system

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/fstab"
	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// tellRisks gives the risks as "word id: text".
func tellRisks(m *Mounting) []string {
	var out []string
	for _, r := range m.Risks {
		if !slices.Contains(RiskWords, r.Health) {
			out = append(out, "no word accepts "+string(r.Health))
		}
		out = append(out, fmt.Sprintf("%s %s: %s", r.Health, r.ID, r.Text))
	}
	return out
}

// onRoot is sysOn before the graph is built, which gives the nodes their IDs.
func onRoot(root storage.Node, fstabText, crypttab string) *System {
	s := sysOn(root, fstabText, crypttab)
	s.Root = root.Base().Identity
	return s
}

// risky are machines with one thing wrong, and the risks that it makes.
var risky = map[string]struct {
	build func(l *lab) (root, wrong storage.Node)
	mark  []storage.Health
	want  []string // word, and words of the text
}{
	"dirty ext4": {plainRoot("ext4"), []storage.Health{storage.Dirty}, []string{"dirty", "replays its journal"}},
	"dirty f2fs": {plainRoot("f2fs"), []storage.Health{storage.Dirty}, []string{"dirty", "after its last checkpoint"}},
	"dirty jfs":  {plainRoot("jfs"), []storage.Health{storage.Dirty}, []string{"dirty", "until fsck.jfs"}},
	"dirty ext2": {plainRoot("ext2"), []storage.Health{storage.Dirty}, []string{"dirty", "it has no journal"}},
	"dirty xyz":  {plainRoot("xyz"), []storage.Health{storage.Dirty}, []string{"dirty", "may change it"}},
	"faulty":     {plainRoot("ext4"), []storage.Health{storage.Damaged}, []string{"dirty", "marked as faulty; it should be checked"}},
	"both":       {plainRoot("ext4"), []storage.Health{storage.Dirty, storage.Damaged}, []string{"dirty", "journal", "dirty", "faulty"}},
	"btrfs":      {plainRoot("btrfs"), []storage.Health{storage.MemberMissing}, []string{"degraded", "lacks a device"}},
	"an array": {func(l *lab) (storage.Node, storage.Node) {
		md := l.md("m", "h:m", "md0", l.disk("sda"))
		return l.fs("ext4", "root", md), md
	}, []storage.Health{storage.Degraded, storage.MemberMissing}, []string{"degraded", "lacks a member"}},
	"an unclean array": {func(l *lab) (storage.Node, storage.Node) {
		md := l.md("m", "h:m", "md0", l.disk("sda"), l.disk("sdb"))
		return l.fs("ext4", "root", md), md
	}, []storage.Health{storage.Dirty}, []string{"dirty", "makes its members equal"}},
	"a reshaping array": {func(l *lab) (storage.Node, storage.Node) {
		md := l.md("m", "h:m", "md0", l.disk("sda"), l.disk("sdb"))
		md.Reshaping = true
		return l.fs("ext4", "root", md), md
	}, nil, []string{"degraded", "in the middle of a reshape"}},
	"a volume": {func(l *lab) (storage.Node, storage.Node) {
		lv := l.lv(l.vg("vg", l.disk("sda")), "root", "raid1", true)
		return l.fs("ext4", "root", lv), lv
	}, []storage.Health{storage.Degraded}, []string{"degraded", "lacks a member"}},
	"a bcache": {func(l *lab) (storage.Node, storage.Node) {
		b := &storage.Bcache{Common: common("bcache:b", "/dev/bcache0", gib)}
		b.Open = &storage.Opening{}
		l.Add(b, l.disk("sda"))
		return l.fs("ext4", "root", b), b
	}, []storage.Health{storage.MemberMissing}, []string{"degraded", "lacks its cache"}},
	"a pool to be checked": {thinRoot, []storage.Health{storage.Damaged}, []string{"dirty", "lvconvert --repair vg/pool"}},
	"a full pool":          {thinRoot, []storage.Health{storage.Full}, []string{"degraded", "has no space left"}},
}

func plainRoot(fsType string) func(*lab) (storage.Node, storage.Node) {
	return func(l *lab) (storage.Node, storage.Node) {
		f := l.fs(fsType, "root", l.disk("sda"))
		return f, f
	}
}

func thinRoot(l *lab) (storage.Node, storage.Node) {
	vg := l.vg("vg", l.disk("sda"))
	pool := l.lv(vg, "pool", "thin-pool", true)
	thin := l.lv(vg, "root", "thin", true)
	thin.Pool = pool.Identity
	l.Lay(thin, pool)
	return l.fs("ext4", "root", thin), pool
}

func TestRisks(t *testing.T) {
	for name, c := range risky {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			root, wrong := c.build(l)
			for _, h := range c.mark {
				wrong.Base().Mark(h)
			}
			l.put(root, rootTree("", ""))
			ask := l.ask(onRoot(root, "", ""))
			got := tellRisks(Mount(ask.seen, ask.base, ask.sys, ask.req))
			if len(got) != len(c.want)/2 {
				t.Fatalf("it tells %q", got)
			}
			for i, g := range got {
				if !strings.HasPrefix(g, c.want[2*i]+" "+string(wrong.Base().ID)+":") || !strings.Contains(g, c.want[2*i+1]) {
					t.Errorf("it tells %q, want %q", g, c.want[2*i:2*i+2])
				}
			}
			ro := ask.readOnly(true)
			if got := tellRisks(Mount(ro.seen, ro.base, ro.sys, ro.req)); len(got) > 0 {
				t.Errorf("read-only it tells %q", got)
			}
			if got := tellRisks(Mount(ask.seen, ask.seen, ask.sys, ask.req)); storage.CanOpen(wrong) && len(got) > 0 {
				t.Errorf("of what stands open before it tells %q", got)
			}
			protect(ask.base)
			if got := tellRisks(Mount(ask.seen, ask.base, ask.sys, Request{Target: "/mnt/local", Trees: l.trees, Overlays: true})); len(got) > 0 {
				t.Errorf("of what is write-protected it tells %q", got)
			}
		})
	}
}

// protect write-protects all disks.
func protect(g *storage.Graph) {
	for d := range storage.All[*storage.Disk](g) {
		g.SetReadOnly(d, true)
	}
}

// TestWriteProtected: what lies on such a disk is opened and mounted without a write,
// and its line says so; the rest of the system is not.
func TestWriteProtected(t *testing.T) {
	for name, c := range map[string]struct {
		build   func(*lab) (storage.Node, storage.Node)
		dirty   bool
		overlay bool
	}{
		"a partition":       {plainRoot("ext4"), false, false},
		"a dirty one":       {plainRoot("ext4"), true, true},
		"an array":          {risky["an unclean array"].build, false, false},
		"a mirrored volume": {risky["a volume"].build, false, true},
		"a thin volume":     {thinRoot, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			root, _ := c.build(l)
			if c.dirty {
				root.Base().Mark(storage.Dirty)
			}
			home := l.fs("ext4", "home", l.disk("sdz"))
			l.put(root, rootTree("", "", "home/"))
			ask := l.ask(onRoot(root, "UUID=root / ext4\nUUID=home /home ext4\n", ""))
			protect(ask.base)
			ask.base.SetReadOnly(ask.base.Node("disk:sdz"), false)
			ask.req.Overlays = true
			m := Mount(ask.seen, ask.base, ask.sys, ask.req)
			mnt := m.Want.MountAt("/mnt/local")
			if mnt == nil || !mnt.ReadOnly || !strings.Contains(strings.Join(m.Lines[0].Notes, ""), "its device is read-only") {
				t.Fatalf("it mounts %+v: %+v", mnt, m.Lines[0])
			}
			for _, low := range m.Want.Lower(root.Base().ID) {
				if !isSealed(m.Want, low) || m.Want.EndsInMemory(low) != c.overlay {
					t.Errorf("%s is %+v", low.Base().ID, low)
				}
			}
			if mnt := m.Want.MountAt("/mnt/local/home"); mnt == nil || mnt.ReadOnly || m.Want.Node(home.ID) == nil {
				t.Errorf("/home is mounted so: %+v", mnt)
			}
			checkMounting(t, ask, m)
		})
	}
}

// swapPage is the first page of swap space with a memory image in it.
func swapPage(size int, magic string) []byte {
	b := make([]byte, max(size, 40<<10+1))
	copy(b[1024:], "\x01\x00\x00\x00\x09\x00\x00\x00")
	if magic == tuxOnIce {
		copy(b, magic)
		copy(b[size-10:], "SWAPSPACE2")
		return b
	}
	copy(b[size-10:], magic)
	return b
}

// TestImageMagic: the images that are known are those that package ondisk knows.
func TestImageMagic(t *testing.T) {
	for _, magic := range append([]string{"SWAPSPACE2", "SWAP-SPACE", tuxOnIce, "S1suspend", ""}, imageMagics...) {
		for _, size := range pageSizes {
			b := swapPage(size, magic)
			content, err := ondisk.Read(bytes.NewReader(b), int64(len(b)), 512)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			for _, s := range content.Signatures {
				if sw, is := s.(*ondisk.Swap); is {
					want = sw.Image
				}
			}
			if got := imageMagic(b); got != want {
				t.Errorf("%q in a page of %d is %q, and package ondisk says %q", magic, size, got, want)
			}
		}
	}
}

func FuzzImageMagic(f *testing.F) {
	f.Add([]byte(tuxOnIce))
	f.Add(swapPage(4096, "S1SUSPEND"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := imageMagic(b); got != "" && got != "TuxOnIce" && !slices.Contains(imageMagics, got) {
			t.Errorf("it is %q", got)
		}
	})
}

func TestHibernatedSwapFile(t *testing.T) {
	asleep := string(swapPage(4096, "S1SUSPEND"))
	for name, c := range map[string]struct {
		file, text string
		fstab      string
		cmdline    string
		want       string
	}{
		"named by fstab":         {"swapfile", asleep, "/swapfile none swap sw 0 0\n", "", "/swapfile, hibernated (S1SUSPEND)"},
		"of large pages":         {"swapfile", string(swapPage(64<<10, "LINHIB0001")), "/swapfile none swap sw 0 0\n", "", "LINHIB0001"},
		"on a file system":       {"@data/a/swap", asleep, "UUID=other /data btrfs subvol=@data 0 0\n/data/a/swap none swap sw 0 0\n", "", "in /data/a/swap"},
		"awake":                  {"swapfile", string(swapPage(4096, "SWAPSPACE2")), "/swapfile none swap sw 0 0\n", "", ""},
		"short":                  {"swapfile", "S1SUSPEND", "/swapfile none swap sw 0 0\n", "", ""},
		"another file":           {"swapfile", asleep, "/my.swap none swap sw 0 0\n", "", ""},
		"by the command line":    {"swap.img", asleep, "/my.swap none swap sw 0 0\n", "root=/dev/sda resume=UUID=root resume_offset=34816", "in /swap.img"},
		"usual, without a table": {"var/swapfile", asleep, "", "", "in /var/swapfile"},
		"not there":              {"x", "", "/swapfile none swap sw 0 0\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			root := l.fs("ext4", "root", l.disk("sda"))
			other := l.fs("btrfs", "other", l.disk("sdb"))
			data := l.subvol(other, 256, "@data")
			tree := rootTree("", "", "data/", "var/")
			dataTree := rootTree("", "")
			if below, is := strings.CutPrefix(c.file, "@data/"); is {
				dataTree[below] = file(c.text)
			} else {
				tree[c.file] = file(c.text)
			}
			l.put(root, tree)
			l.put(data, dataTree)
			s := onRoot(root, "UUID=root / ext4\n"+c.fstab, "")
			if c.cmdline != "" {
				s.Cmdlines = []*fstab.Cmdline{fstab.ParseCmdline(c.cmdline)}
			}
			ask := l.ask(s)
			got := tellRisks(Mount(ask.seen, ask.base, ask.sys, ask.req))
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], "hibernated fs:") || !strings.Contains(got[0], c.want)) {
				t.Errorf("it tells %q, want %q", got, c.want)
			}
		})
	}
}

// TestWhoseMemory: a machine with two systems and two swap areas, of which one is
// asleep.
func TestWhoseMemory(t *testing.T) {
	const a, b = "UUID=a / ext4\nUUID=home /home ext4\n", "UUID=b / ext4\n"
	for name, c := range map[string]struct {
		mine, theirs string // fstabs
		resume       string // of this system's command line
		want         string
	}{
		"its own":               {a + "UUID=asleep none swap\n", b + "UUID=awake none swap\n", "", "the memory of Mine (desk), hibernated; mounting its"},
		"by the command line":   {a + "UUID=awake none swap\n", b, "UUID=asleep", "the memory of Mine (desk), hibernated; mounting its"},
		"another's":             {a + "UUID=awake none swap\n", b + "UUID=asleep none swap\n", "", ""},
		"another's, shared":     {a, b + "UUID=asleep none swap\nUUID=home /h ext4\n", "", "the memory of Theirs, hibernated, which has /home mounted too"},
		"nobody's":              {a, b, "", "hibernated system, which may be this one"},
		"nobody's, and not its": {a + "UUID=awake none swap\n", b, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			mine, theirs := l.fs("ext4", "a", l.disk("sda")), l.fs("ext4", "b", l.disk("sdb"))
			l.fs("ext4", "home", l.disk("sdc"))
			l.swap("asleep", l.disk("sdd")).Mark(storage.Hibernated)
			l.swap("awake", l.disk("sde"))
			l.put(mine, rootTree("", "", "home/"))
			s, other := onRoot(mine, c.mine, ""), onRoot(theirs, c.theirs, "")
			s.Name, s.Hostname, other.Name = "Mine", "desk", "Theirs"
			if c.resume != "" {
				s.Cmdlines = []*fstab.Cmdline{fstab.ParseCmdline("resume=" + c.resume)}
			}
			ask := l.ask(s)
			ask.req.Systems = []*System{s, other}
			got := strings.Join(tellRisks(Mount(ask.seen, ask.base, ask.sys, ask.req)), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("it tells %q, want %q", got, c.want)
			}
		})
	}
}

func TestHibernatedWindows(t *testing.T) {
	for head, asleep := range map[string]bool{"hibr": true, "HIBR": true, "wake": false, "\x00\x00\x00\x00": false, "hi": false} {
		l := newLab(t)
		root, windows := l.fs("ext4", "root", l.disk("sda")), l.fs("ntfs", "C0", l.disk("sdb"))
		l.put(root, rootTree("", "", "c/"))
		tree := rootTree("", "")
		tree["hiberfil.sys"] = file(head)
		l.put(windows, tree)
		ask := l.ask(onRoot(root, "UUID=root / ext4\nUUID=C0 /c ntfs3 defaults 0 0\n", ""))
		got := tellRisks(Mount(ask.seen, ask.base, ask.sys, ask.req))
		if (len(got) == 1) != asleep || asleep && !strings.HasPrefix(got[0], "hibernated fs:C0: ntfs on sdb belongs to a Windows that is hibernated") {
			t.Errorf("%q gives %q", head, got)
		}
	}
}

// TestLostBtrfsIsReadOnly: the kernel mounts one of which a part is missing only so.
func TestLostBtrfsIsReadOnly(t *testing.T) {
	l := newLab(t)
	root := l.fs("btrfs", "root", l.disk("sda"))
	root.Mark(storage.MemberMissing)
	root.Mark(storage.Incomplete)
	l.put(root, rootTree("", ""))
	ask := l.ask(onRoot(root, "", ""))
	m := Mount(ask.seen, ask.base, ask.sys, ask.req)
	mnt := m.Want.MountAt("/mnt/local")
	if diff := cmp.Diff([]string{"degraded"}, mnt.Options); diff != "" || !mnt.ReadOnly || len(m.Risks) != 1 {
		t.Errorf("it mounts %+v, with the risks %+v", mnt, m.Risks)
	}
}
