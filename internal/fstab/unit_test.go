package fstab

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// All readings are those of "systemd --test" 252, measured with the unit in
// SYSTEMD_UNIT_PATH, but for the last one: what is not known here, %m, %v and
// %H, was known to systemd on the machine that it ran on.
func TestParseMountUnit(t *testing.T) {
	tests := []struct {
		name           string
		files          []string
		want, problems string
	}{
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nWhere=/a\nType=ext4\nOptions=ro\n"}, "device path:/dev/x on /a type ext4 (ro) 0 0", ""},
		{`home-my\x2ddata.mount`, []string{"[Mount]\nWhat=/dev/x\nWhere=/home//my-data/\n"}, "device path:/dev/x on /home/my-data type auto () 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x"}, "device path:/dev/x on /a type auto () 0 0", ""},
		{"-.mount", []string{"[Mount]\nWhat=UUID=1-2\nWhere=/\n"}, "UUID:1-2 on / type auto () 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=LABEL=\"a b\"\n"}, "LABEL:a b on /a type auto () 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=nas:/x\nType=nfs\nOptions=_netdev\n"}, "network:nas:/x on /a type nfs (_netdev) 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/srv/a\nOptions=bind\n"}, "file:/srv/a on /a type auto (bind) 0 0", ""},

		// Quotes and escapes are plain text.
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nType=\"ext4\"\n"}, `device path:/dev/x on /a type "ext4" () 0 0`, ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nWhere=\"/a\"\n"}, "device path:/dev/x on /a type auto () 0 0", "3:garbage"},
		{"a.mount", []string{"[Mount]\nWhat=/dev/a\\040b\nOptions=a\\040b\n"}, `device path:/dev/a\040b on /a type auto (a\040b) 0 0`, ""},

		// The last one counts, also an empty one.
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nOptions=a\nOptions=b\n"}, "device path:/dev/x on /a type auto (b) 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nOptions=a\nOptions=\n"}, "device path:/dev/x on /a type auto () 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nType=ext3\n", "[Mount]\nWhat=\nWhat=/dev/y\nOptions=ro\n", "[Mount]\nOptions=\nType=xfs"}, "device path:/dev/y on /a type xfs () 0 0", ""},

		// Lines.
		{"a.mount", []string{"# c\n ; c\n\n[Unit]\n\n  [Mount] \n  What = /dev/x   \nOptions==ro\n"}, "device path:/dev/x on /a type auto (=ro) 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/a\\\n  b\n"}, "device path:/dev/a   b on /a type auto () 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\\\nOptions=ro\n"}, "device path:/dev/x Options=ro on /a type auto () 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\\\n\nOptions=ro\n"}, "device path:/dev/x on /a type auto (ro) 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\\\\\nOptions=ro\n"}, `device path:/dev/x\\ on /a type auto (ro) 0 0`, ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nOptions=ro,\\\n#c\\\n;d\n  rw\n"}, "device path:/dev/x on /a type auto (ro,   rw) 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nOptions=ro,rw\\"}, "device path:/dev/x on /a type auto (ro,rw) 0 0", ""},
		{"a.mount", []string{"[Mount]\r\nWhat=/dev/x\r\nOptions=ro\\\r\n,b\r\n"}, "device path:/dev/x on /a type auto (ro ,b) 0 0", ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nOptions=a\x00Type=xfs\n"}, "device path:/dev/x on /a type xfs (a) 0 0", ""},
		{"a.mount", []string{"\uFEFF[Mount]\nWhat=/dev/x\n"}, "device path:/dev/x on /a type auto () 0 0", ""},

		// What is ignored.
		{"a.mount", []string{"What=/dev/1\n[Foo]\nWhat=/dev/2\n[Mount]\nWhat=/dev/x\nnonsense\n=x\nwhat=/dev/3\n[Unit ]"}, "device path:/dev/x on /a type auto () 0 0", "1:garbage 6:garbage 7:garbage"},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nWhere=rel\n"}, "device path:/dev/x on /a type auto () 0 0", "3:garbage"},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nWhere=/a/../a\n"}, "device path:/dev/x on /a type auto () 0 0", "3:garbage"},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\n", "[Mount]\nType=xfs\n[Broken\nOptions=ro\n", "[Mount]\nOptions=rw\n"}, "device path:/dev/x on /a type xfs (rw) 0 0", "3:garbage"},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\n", "[Mount]\nOptions=a\n\xff\nOptions=b\n"}, "device path:/dev/x on /a type auto (a) 0 0", "3:garbage"},

		// Specifiers.
		{`my-a\x2db.mount`, []string{"[Mount]\nWhat=/dev/%%\nOptions=%n,%N,%p,%P,%j,%J,%f,%i%I,%t,%S,%C,%L,%E,%T,%V,a%\n"}, `device path:/dev/% on /my/a-b type auto (my-a\x2db.mount,my-a\x2db,my-a\x2db,my/a-b,a\x2db,a-b,/my/a-b,,/run,/var/lib,/var/cache,/var/log,/etc,/tmp,/var/tmp,a%) 0 0`, ""},
		{"a.mount", []string{"[Mount]\nWhat=/dev/x\nWhere=/%m\nType=%v\nOptions=subvol=@,x=%H,ro\n"}, "device path:/dev/x on /a type auto (subvol=@,ro) 0 0", "3:suspect 4:suspect 5:suspect"},
	}
	for _, tt := range tests {
		u, err := ParseMountUnit(tt.name, texts(tt.files)...)
		if err != nil {
			t.Errorf("%s %q: %v", tt.name, tt.files, err)
			continue
		}
		if got := brief(u.Entry); got != tt.want {
			t.Errorf("%s %q:\n got %s\nwant %s", tt.name, tt.files, got, tt.want)
		}
		if got := kinds(u.Problems); got != tt.problems {
			t.Errorf("%s %q: problems %q, want %q: %v", tt.name, tt.files, got, tt.problems, u.Problems)
		}
	}
}

func texts(files []string) [][]byte {
	var all [][]byte
	for _, f := range files {
		all = append(all, []byte(f))
	}
	return all
}

// What systemd 252 refuses, measured; the last two are ours.
func TestRefusedUnits(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a.mount", "[Mount]\nWhere=/a\n", "What= is missing"},
		{"a.mount", "[Mount]\nWhat=/dev/x\nWhat=\n", "What= is missing"},
		{"a.mount", "[Mount]\nWhat=/dev/x\nWhere=/b\n", `Where="/b" does not fit its name`},
		{"a.mount", "[Mount\nWhat=/dev/x\n", `line 1: the section header "[Mount" is not closed`},
		{"a.mount", "[Mount]\nWhat=/dev/x\n[Mount]x\n", "line 3: the section header"},
		{"a.mount", "[Mount]\nWhat=/dev/caf\xe9\n", "line 2: the line is not UTF-8"},
		{"srv-.mount", "[Mount]\nWhat=/dev/x\nWhere=/srv\n", "not the name of a mount unit"},
		{"a@b.mount", "[Mount]\nWhat=/dev/x\n", "not the name of a mount unit"},
		{"a.swap", "[Mount]\nWhat=/dev/x\n", "not the name of a mount unit"},
		{"a.mount", "[Mount]\nWhat=/dev/%m\n", "cannot be known"},
	}
	for _, tt := range tests {
		_, err := ParseMountUnit(tt.name, []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %q: %v", tt.name, tt.text, err)
		}
	}
	for _, files := range [][][]byte{nil, {{}}, {{}, []byte("[Mount]\nWhat=/dev/x")}} {
		if _, err := ParseMountUnit("a.mount", files...); !errors.Is(err, ErrMasked) {
			t.Errorf("%q: %v", files, err)
		}
	}
}

// As in TestParseMountUnit; a priority that is given twice was not tried, the
// key is handed to swapon(2) as the priority and wins.
func TestParseSwapUnit(t *testing.T) {
	tests := []struct{ name, text, want, problems string }{
		{"dev-sdb.swap", "[Swap]\nWhat=/dev/sdb\nPriority=5\nOptions=discard\n", "device path:/dev/sdb on none type swap (discard,pri=5) 0 0", ""},
		{"dev-sdb.swap", "[Swap]\nOptions=pri=3\n", "device path:/dev/sdb on none type swap (pri=3) 0 0", ""},
		{"dev-sdb.swap", "[Swap]\nPriority=5\nOptions=pri=3\n", "device path:/dev/sdb on none type swap (pri=5) 0 0", ""},
		{"dev-sdb.swap", "[Swap]\nWhat=UUID=x\nPriority=x\n", "device path:/dev/sdb on none type swap () 0 0", "2:garbage 3:garbage"},
		{"dev-sdb.swap", "[Mount]\nWhat=/dev/sdc\n", "device path:/dev/sdb on none type swap () 0 0", ""},
		{`dev-disk-by\x2duuid-ab\x2dcd.swap`, "[Swap]\nWhat=/dev/disk/by-uuid/ab-cd\n", "UUID:ab-cd on none type swap () 0 0", ""},
		{"swapfile.swap", "[Swap]\nWhat=/swapfile\n", "file:/swapfile on none type swap () 0 0", ""},
	}
	for _, tt := range tests {
		u, err := ParseSwapUnit(tt.name, []byte(tt.text))
		if err != nil {
			t.Errorf("%s %q: %v", tt.name, tt.text, err)
			continue
		}
		if got := brief(u.Entry); got != tt.want {
			t.Errorf("%s %q:\n got %s\nwant %s", tt.name, tt.text, got, tt.want)
		}
		if got := kinds(u.Problems); got != tt.problems {
			t.Errorf("%s %q: problems %q, want %q", tt.name, tt.text, got, tt.problems)
		}
	}
	if _, err := ParseSwapUnit("dev-sdb.swap", []byte("[Swap]\nWhat=/dev/sdc\n")); err == nil {
		t.Error("another device than the name says is taken")
	}
}

func TestUnitSections(t *testing.T) {
	u, err := ParseMountUnit("a.mount", []byte(`[Unit]
DefaultDependencies=no
ConditionHost=gone
AssertPathExists=/z
ConditionPathExists=
ConditionPathExists=!/x
ConditionVirtualization=|vm
[Mount]
What=/dev/x
[Install]
WantedBy=gone.target
WantedBy=
WantedBy=local-fs.target "multi-user.target"
RequiredBy=a.service
`), []byte("[Install]\nRequiredBy=b.service\n[Unit]\nDefaultDependencies=maybe"))
	if err != nil {
		t.Fatal(err)
	}
	want := Unit{
		Name: "a.mount", Entry: u.Entry,
		WantedBy: []string{"local-fs.target", "multi-user.target"}, RequiredBy: []string{"a.service", "b.service"},
		Conditions: []string{"ConditionPathExists=!/x", "ConditionVirtualization=|vm", "AssertPathExists=/z"},
		Problems:   []Problem{{4, `drop-in 1: DefaultDependencies="maybe" is no boolean; it is ignored`, Garbage}},
	}
	if diff := cmp.Diff(want, *u); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// systemd-escape --path of systemd 252.
func TestUnitName(t *testing.T) {
	tests := []struct{ path, name string }{
		{"/", "-.mount"},
		{"/home", "home.mount"},
		{"/home/my-data", `home-my\x2ddata.mount`},
		{"/.hidden/.x", `\x2ehidden-.x.mount`},
		{"/a b/c\\d", `a\x20b-c\x5cd.mount`},
		{"/café", `caf\xc3\xa9.mount`},
		{"/a:b_c.d", "a:b_c.d.mount"},
		{"/a@b+c", `a\x40b\x2bc.mount`},
	}
	for _, tt := range tests {
		if got := UnitName(tt.path, ".mount"); got != tt.name {
			t.Errorf("UnitName(%s) = %s, want %s", tt.path, got, tt.name)
		}
		if got, ok := UnitPath(tt.name); got != tt.path || !ok {
			t.Errorf("UnitPath(%s) = %s, %v", tt.name, got, ok)
		}
	}
	if got := UnitName("//home//x/", ".swap"); got != "home-x.swap" {
		t.Errorf("slashes: %s", got)
	}
	for _, name := range []string{
		"", "home", ".mount", "home.service", "a--b.mount", "-a.mount", "a-.mount", `a\x2.mount`, `a\x61.mount`, "a b.mount",
		`a\x00b.mount`, "a/b.mount", "a-..-b.mount", "a@b.mount",
	} {
		if p, ok := UnitPath(name); ok {
			t.Errorf("UnitPath(%q) = %q", name, p)
		}
	}
}

func TestUnitNameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := cleanPath(rapid.OneOf(rapid.StringMatching(`(/[a\-._ é\\x2d]{1,4}){0,4}`), rapid.String()).Draw(t, "path"))
		if strings.Contains(p, "\x00") || strings.Contains(p+"/", "/../") {
			t.Skip()
		}
		got, ok := UnitPath(UnitName(p, ".mount"))
		if got != p || !ok {
			t.Fatalf("%q is %q, which is %q, %v", p, UnitName(p, ".mount"), got, ok)
		}
	})
}
