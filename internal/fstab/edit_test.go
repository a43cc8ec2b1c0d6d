package fstab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const editable = `# keep me
UUID=1-1	/	ext4	noatime	0 1	# root

  /dev/sdb1   /data ext4
/dev/sdc1 /two
not an entry`

func TestEditFstab(t *testing.T) {
	tests := []struct {
		name string
		edit func(f *Fstab) error
		old  string
		new  string
	}{
		{"spec", func(f *Fstab) error { return f.SetSpec(2, "UUID=2-2") },
			"UUID=1-1\t/", "UUID=2-2\t/"},
		{"spec with a blank", func(f *Fstab) error { return f.SetSpec(4, `LABEL="a b"`) },
			"/dev/sdb1   /data", `LABEL="a\040b"   /data`},
		{"spec with a hash", func(f *Fstab) error { return f.SetSpec(4, "#x") },
			"/dev/sdb1", `\043x`},
		{"options", func(f *Fstab) error { return f.SetOptions(2, ParseOptions("ro,context=\"a,b c\"")) },
			"\tnoatime\t", "\tro,context=\"a,b\\040c\"\t"},
		{"no options", func(f *Fstab) error { return f.SetOptions(2, nil) },
			"\tnoatime\t", "\tdefaults\t"},
		{"options where there were none", func(f *Fstab) error { return f.SetOptions(4, ParseOptions("ro")) },
			"/data ext4\n", "/data ext4 ro\n"},
		{"options where the type was missing", func(f *Fstab) error { return f.SetOptions(5, ParseOptions("ro")) },
			"/two\n", "/two auto ro\n"},
		{"remove", func(f *Fstab) error { return f.Remove(4) },
			"  /dev/sdb1   /data ext4\n", ""},
		{"remove the last", func(f *Fstab) error { return f.Remove(6) },
			"not an entry", ""},
		{"append", func(f *Fstab) error {
			return f.Append(Entry{Spec: Spec{Kind: Label, Value: "my disk"}, File: "/my disk", Type: "xfs", Pass: 2})
		}, "not an entry", "not an entry\nLABEL=my\\040disk /my\\040disk xfs defaults 0 2\n"},
		{"append with little", func(f *Fstab) error { return f.Append(Entry{Spec: ParseSpec("/swap"), File: "none"}) },
			"not an entry", "not an entry\n/swap none auto defaults 0 0\n"},
	}
	for _, tt := range tests {
		f := ParseFstab([]byte(editable))
		if err := tt.edit(f); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		want := strings.Replace(editable, tt.old, tt.new, 1)
		if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestEditErrors(t *testing.T) {
	f := ParseFstab([]byte(editable))
	c := ParseCrypttab([]byte("# x\ncr UUID=1\n"))
	tests := []struct {
		err  error
		want string
	}{
		{f.SetSpec(1, "UUID=1"), "cannot change line 1 of fstab: there is no entry"},
		{f.SetSpec(6, "UUID=1"), "cannot change line 6 of fstab: there is no entry"},
		{f.SetSpec(2, ""), "cannot set the spec of line 2: it is empty"},
		{f.SetSpec(2, "a\x00b"), "cannot change line 2: a NUL byte cannot be written"},
		{f.SetOptions(0, nil), "cannot change line 0 of fstab: there is no entry"},
		{f.Remove(0), "cannot remove line 0: the file has 6 lines"},
		{f.Remove(7), "cannot remove line 7: the file has 6 lines"},
		{f.Append(Entry{Spec: ParseSpec("/dev/a")}), "cannot append to fstab: column 2 is empty"},
		{f.Append(Entry{Spec: ParseSpec("/dev/a"), File: "/\x00"}), "cannot append to fstab: a NUL byte cannot be written"},
		{c.SetSource(1, "UUID=1"), "cannot change line 1 of crypttab: there is no entry"},
		{c.SetSource(2, ""), "cannot set the source of line 2: it is empty"},
		{c.SetOptions(2, ParseOptions("\x00")), "cannot change line 2: a NUL byte cannot be written"},
		{c.Remove(3), "cannot remove line 3: the file has 2 lines"},
		{c.Append(CryptEntry{Name: "x"}), "cannot append to crypttab: column 2 is empty"},
	}
	for _, tt := range tests {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("got %v, want %s", tt.err, tt.want)
		}
	}
	if string(f.Bytes()) != editable {
		t.Errorf("a refused change changed the file:\n%s", f.Bytes())
	}
}

func TestEntriesFollowTheText(t *testing.T) {
	f := ParseFstab([]byte("/dev/a /a ext4\n/dev/b /b ext4\n"))
	if err := f.Remove(1); err != nil {
		t.Fatal(err)
	}
	if len(f.Entries) != 1 || f.Entries[0].Line != 1 || f.Entries[0].File != "/b" {
		t.Errorf("after removal: %+v", f.Entries)
	}
}

func TestAppendKeepsLineEnds(t *testing.T) {
	f := ParseFstab([]byte("/dev/a /a ext4 defaults 0 0\r\n/dev/b /b ext4 defaults 0 0"))
	if err := f.Append(Entry{Spec: ParseSpec("/dev/c"), File: "/c", Type: "ext4"}); err != nil {
		t.Fatal(err)
	}
	want := "/dev/a /a ext4 defaults 0 0\r\n/dev/b /b ext4 defaults 0 0\r\n/dev/c /c ext4 defaults 0 0\r\n"
	if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendToNothing(t *testing.T) {
	var f Fstab
	if err := f.Append(Entry{Spec: ParseSpec("/dev/c"), File: "/c", Type: "ext4"}); err != nil {
		t.Fatal(err)
	}
	if got := string(f.Bytes()); got != "/dev/c /c ext4 defaults 0 0\n" {
		t.Errorf("got %q", got)
	}
}

func TestEditCrypttab(t *testing.T) {
	const text = "# keep\ncr_root\tUUID=1-1\tnone\tluks,discard\ncr_b  /dev/sdb1\n"
	tests := []struct {
		name     string
		edit     func(c *Crypttab) error
		old, new string
	}{
		{"source", func(c *Crypttab) error { return c.SetSource(2, "PARTLABEL=a b") }, "UUID=1-1", `PARTLABEL=a\040b`},
		{"options", func(c *Crypttab) error { return c.SetOptions(2, ParseOptions("luks")) }, "luks,discard", "luks"},
		{"new options", func(c *Crypttab) error { return c.SetOptions(3, ParseOptions("nofail")) }, "sdb1\n", "sdb1 none nofail\n"},
		{"no options", func(c *Crypttab) error { return c.SetOptions(2, nil) }, "luks,discard", "luks"},
		{"remove", func(c *Crypttab) error { return c.Remove(1) }, "# keep\n", ""},
		{"append", func(c *Crypttab) error {
			return c.Append(CryptEntry{Name: "cr home", Source: Spec{Kind: UUID, Value: "2"}, KeyFile: "/k",
				KeyDevice: Spec{Kind: Label, Value: "key disk"}})
		}, "sdb1\n", "sdb1\ncr\\040home UUID=2 /k:LABEL=key\\040disk luks\n"},
	}
	for _, tt := range tests {
		c := ParseCrypttab([]byte(text))
		if err := tt.edit(c); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(strings.Replace(text, tt.old, tt.new, 1), string(c.Bytes())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// What is set is read back, and no other line changes.
func TestSetSpecProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := rapid.StringMatching(`(UUID=|LABEL=|/dev/mapper/|)["'\\x0-9 #a-z\t]{1,12}`).Draw(t, "spec")
		f := ParseFstab([]byte(editable))
		before := f.lines
		if err := f.SetSpec(4, spec); err != nil {
			t.Fatal(err)
		}
		if ParseSpec(spec).Value != "" { // else the line is garbage now
			got, want := f.Entries[1].Spec, ParseSpec(spec)
			if got.Kind != want.Kind || got.Value != want.Value {
				t.Fatalf("set %q, read %v %q, want %v %q", spec, got.Kind, got.Value, want.Kind, want.Value)
			}
		}
		for i := range before {
			if i != 3 && f.lines[i] != before[i] {
				t.Fatalf("line %d changed", i+1)
			}
		}
	})
}
