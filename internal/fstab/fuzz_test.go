package fstab

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzFstab(f *testing.F) {
	f.Add([]byte("# c\nUUID=1 / ext4 defaults 0 1\r\n\n/dev/a\t/b\\040c auto context=\"a,b\",x\\,y"))
	f.Add([]byte("\uFEFF/dev/a none swap\n\x00\x00\n/dev/b /b\n #\n/x ../y z 1 2 3 4"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tab := ParseFstab(data)
		if !bytes.Equal(tab.Bytes(), data) {
			t.Fatalf("%q is written as %q", data, tab.Bytes())
		}
		for _, e := range tab.Entries {
			if diff := cmp.Diff(e.Options, ParseOptions(e.Options.String())); diff != "" {
				t.Errorf("the options are not read back:\n%s", diff)
			}
			checkRewrite(t, tab, e)
		}
	})
}

// checkRewrite sets the spec and options of an entry to what they are: the
// text may change, its meaning and that of other lines must not.
func checkRewrite(t *testing.T, tab *Fstab, e Entry) {
	again := ParseFstab(tab.Bytes())
	if err := again.SetOptions(e.Line, e.Options); err != nil {
		t.Fatal(err)
	}
	if err := again.SetSpec(e.Line, e.Spec.Text); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(meaning(tab), meaning(again)); diff != "" {
		t.Fatalf("rewriting line %d of %q changed (-want +got):\n%s", e.Line, tab.Bytes(), diff)
	}
}

func meaning(tab *Fstab) []string {
	var all []string
	for _, e := range tab.Entries {
		e.Options = e.Options.Without("defaults")
		all = append(all, brief(e))
	}
	return all
}

func FuzzCrypttab(f *testing.F) {
	f.Add([]byte("# c\ncr UUID=1 none luks\r\n\ncr\\040b\t/dev/a /k:LABEL=x swap,tmp=ext4"))
	f.Add([]byte("\uFEFFcr\v/dev/a\f-\n\x00\n a:b c:d e:/f:/g"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tab := ParseCrypttab(data)
		if !bytes.Equal(tab.Bytes(), data) {
			t.Fatalf("%q is written as %q", data, tab.Bytes())
		}
		for _, e := range tab.Entries {
			if len(e.MapNames()) == 0 {
				t.Errorf("line %d: no names", e.Line)
			}
		}
	})
}

func FuzzSpec(f *testing.F) {
	for _, s := range []string{"UUID=\"x\"", "/dev/disk/by-label/a\\x20b", "/dev/mapper/a\\\\x20b", "//h/s", "[::1]:/x", "LABEL=''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkSpecRoundTrip(t, text)
	})
}

func FuzzCmdline(f *testing.F) {
	for _, s := range []string{
		`root="LABEL=a b" rootflags=subvol=@ ro -- x`, "luks.name=" + uuidU + "=cr rd.luks.options=discard luks.key=/k:LABEL=q",
		"cryptdevice=UUID=1:cr cryptkey=/dev/sdb:1:2", "systemd.mount-extra=a:/b:c:d resume=8:1 resume_offset=5",
		"root=zfs:a/b mount.usrflags='x", "cryptopts=target=a,source=b cryptroot=a cryptdm=b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := ParseCmdline(text)
		var entries []Entry
		if root, ok := c.Root(); ok {
			entries = append(entries, root)
		}
		if usr, ok := c.Usr(); ok {
			entries = append(entries, usr)
		}
		for _, e := range append(entries, c.Extras()...) {
			if e.Spec.IsZero() || e.Spec.Value == "" || e.File == "" || e.Type == "" || e.Line != 0 {
				t.Errorf("an entry lacks something: %+v", e)
			}
			checkSpecMeansItself(t, e.Spec)
		}
		for _, e := range c.CryptEntries() {
			if e.Name == "" || e.Source.Value == "" || e.Line != 0 {
				t.Errorf("an entry lacks something: %+v", e)
			}
			checkSpecMeansItself(t, e.Source)
		}
		for _, p := range c.Params {
			if p.Name == "" {
				t.Error("a word has no name")
			}
		}
	})
}

// checkSpecMeansItself: what is written of a spec into a column is read as it.
// Of words that are no devices the type tells what they are, not the text alone.
func checkSpecMeansItself(t *testing.T, s Spec) {
	if s.Kind == Virtual || s.Kind == Network {
		return
	}
	if back := ParseSpec(oneColumn(s.String())); back.Kind != s.Kind || back.Value != s.Value {
		t.Errorf("%v %q is written as %q, read as %v %q", s.Kind, s.Value, s, back.Kind, back.Value)
	}
}

func FuzzMountUnit(f *testing.F) {
	f.Add("a.mount", []byte("[Mount]\nWhat=/dev/x\nWhere=/a\nOptions=a,%n,%m\n"), []byte("[Unit]\nDefaultDependencies=no\n[Broken"))
	f.Add(`a\x2db.swap`, []byte("[Swap]\nWhat=/a-b\\\n\n;c\nPriority=5"), []byte("[Install]\nWantedBy='x y' \"z"))
	f.Add("-.mount", []byte("\uFEFF[Mount]\r\nWhere=/\x00#"), []byte(nil))
	f.Fuzz(func(t *testing.T, name string, unit, dropIn []byte) {
		for _, parse := range []func(string, ...[]byte) (*Unit, error){ParseMountUnit, ParseSwapUnit} {
			u, err := parse(name, unit, dropIn)
			if (u == nil) == (err == nil) {
				t.Fatalf("unit %v, error %v", u, err)
			}
			if err != nil {
				continue
			}
			if u.Entry.File == "" || strings.IndexByte(u.Entry.File, 0) >= 0 {
				t.Errorf("the mount point is %q", u.Entry.File)
			}
			if !u.Entry.Spec.IsZero() {
				checkSpecMeansItself(t, u.Entry.Spec)
			}
		}
	})
}

func FuzzUnitPath(f *testing.F) {
	for _, s := range []string{`home-my\x2ddata.mount`, "-.mount", `\x2ehidden.automount`, "a--b.swap", `a\x61.device`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, ok := UnitPath(name)
		if !ok {
			return
		}
		if back := UnitName(p, name[strings.LastIndexByte(name, '.'):]); back != name || cleanPath(p) != p {
			t.Errorf("%q is the path %q, whose name is %q", name, p, back)
		}
	})
}
