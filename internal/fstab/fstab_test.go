package fstab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brief is an entry without its place in the file.
func brief(e Entry) string {
	return fmt.Sprintf("%v:%s on %s type %s (%s) %d %d", e.Spec.Kind, e.Spec.Value, e.File, e.Type, e.Options, e.Freq, e.Pass)
}

func kinds(problems []Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, fmt.Sprintf("%d:%v", p.Line, p.Kind))
	}
	return strings.Join(all, " ")
}

// The readings are those of systemd-fstab-generator 252, measured, except that
// octal escapes which glibc does not know are decoded.
func TestParseFstabLine(t *testing.T) {
	tests := []struct{ line, want, problems string }{
		{"", "", ""},
		{"# comment", "", ""},
		{"\t # indented comment", "", ""},
		{"UUID=1-2 / ext4 rw,noatime 0 1", "UUID:1-2 on / type ext4 (rw,noatime) 0 1", ""},
		{"  LABEL=\"a\\040b\"\t/q\text4\tdefaults", "LABEL:a b on /q type ext4 (defaults) 0 0", ""},
		{"/dev/a /a ext4 defaults 0 2 # data disk", "device path:/dev/a on /a type ext4 (defaults) 0 2", ""},
		{"/dev/a /a ext4", "device path:/dev/a on /a type ext4 () 0 0", ""},
		{"/dev/a /a ext4 defaults 1", "device path:/dev/a on /a type ext4 (defaults) 1 0", ""},
		{"/dev/a /f11//x/ ext4 context=\"a,b\\040c\",ro", "device path:/dev/a on /f11/x type ext4 (context=\"a,b c\",ro) 0 0", ""},
		{"/dev/a none swap sw,pri=3 0 0", "device path:/dev/a on none type swap (sw,pri=3) 0 0", ""},
		{"/dev/a swap swap", "device path:/dev/a on none type swap () 0 0", ""},
		{"tmpfs /tmp tmpfs size=50% 0 0", "virtual:tmpfs on /tmp type tmpfs (size=50%) 0 0", ""},
		{"/srv/x /y none bind", "file:/srv/x on /y type none (bind) 0 0", ""},
		{"/dev/a /neg ext4 defaults -1 +2", "device path:/dev/a on /neg type ext4 (defaults) -1 2", ""},

		{"garbage", "", "1:garbage"},
		{"/dev/a", "", "1:garbage"},
		{"/dev/a none ext4 defaults", "", "1:garbage"},
		{"LABEL=\"a b\" /q ext4 defaults", "", "1:disagreement 1:garbage"},
		{"/dev/a /dot/../x ext4", "", "1:garbage"},
		{"UUID= /a ext4", "", "1:garbage"},
		{"UUID=\"\" /a ext4", "", "1:garbage"},
		{"/dev/a /nu\x00l ext4", "", "1:garbage"},
		{strings.Repeat("\x00", 64), "", "1:garbage"},

		{"/dev/a /two", "device path:/dev/a on /two type auto () 0 0", "1:disagreement"},
		{"/dev/a /a ext4 noauto 0x 2", "device path:/dev/a on /a type ext4 (noauto) 0 0", "1:disagreement"},
		{"/dev/a /a ext4 defaults 0 foo", "device path:/dev/a on /a type ext4 (defaults) 0 0", "1:disagreement"},
		{"/dev/a /a ext4 defaults foo 1", "device path:/dev/a on /a type ext4 (defaults) 0 0", "1:disagreement"},
		{"/dev/a /a ext4 defaults 0 1junk", "device path:/dev/a on /a type ext4 (defaults) 0 1", "1:disagreement"},
		{`/dev/mapper/cr\\x20a /a ext4 defaults 0 2`, "mapper:cr a on /a type ext4 (defaults) 0 2", "1:disagreement"},
		{`/dev/a /h\043x ext4`, "device path:/dev/a on /h#x type ext4 () 0 0", "1:disagreement"},
		{"ID=wwn-0x5 /a ext4", "ID:wwn-0x5 on /a type ext4 () 0 0", "1:disagreement"},
		{"/dev/a rel/path ext4 defaults", "device path:/dev/a on /rel/path type ext4 (defaults) 0 0", "1:disagreement"},
		{"/dev/a /a ext4 # comment", "device path:/dev/a on /a type ext4 (#) 0 0", "1:disagreement 1:suspect"},
		{"/dev/a /a # comment", "device path:/dev/a on /a type # (comment) 0 0", "1:suspect"},
		{"uuid=1-2 /a ext4", "virtual:uuid=1-2 on /a type ext4 () 0 0", "1:suspect"},

		{"/dev/a /a ext4 defaults\r\n", "device path:/dev/a on /a type ext4 (defaults) 0 0", "1:encoding"},
		{"\r\n", "", ""},
		{"\uFEFF/dev/a /a ext4", "device path:/dev/a on /a type ext4 () 0 0", "1:encoding"},
		{"\uFEFF# comment", "", "1:encoding"},
		{"LABEL=caf\xe9 /a ext4", "LABEL:caf\xe9 on /a type ext4 () 0 0", "1:encoding"},
		{"# caf\xe9", "", ""},
	}
	for _, tt := range tests {
		f := ParseFstab([]byte(tt.line))
		got := ""
		for _, e := range f.Entries {
			got += brief(e)
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.line, got, tt.want)
		}
		if got := kinds(f.Problems); got != tt.problems {
			t.Errorf("%q: problems %q, want %q: %v", tt.line, got, tt.problems, f.Problems)
		}
		if string(f.Bytes()) != tt.line {
			t.Errorf("%q is written as %q", tt.line, f.Bytes())
		}
	}
}

func TestParseFstabFile(t *testing.T) {
	const text = `# /etc/fstab

UUID=1-1 /     btrfs subvol=@ 0 0
UUID=1-1 /home/ btrfs subvol=@home
oops
/dev/b   none  swap
/dev/c   none  swap
/dev/d   //home ext4`
	f := ParseFstab([]byte(text))
	var got []string
	for _, e := range f.Entries {
		got = append(got, fmt.Sprintf("%d %s", e.Line, e.File))
	}
	want := []string{"3 /", "4 /home", "6 none", "7 none", "8 /home"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if got := f.Entries[1].Raw; got != "UUID=1-1 /home/ btrfs subvol=@home" {
		t.Errorf("raw: %q", got)
	}
	wantProblems := []Problem{
		{5, `only one column, "oops": no mount point`, Garbage},
		{8, `the mount point "/home" stands on line 4 already: systemd mounts only that one, mount -a both`, Duplicate},
	}
	if diff := cmp.Diff(wantProblems, f.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestDisagreementSaysBothReadings(t *testing.T) {
	f := ParseFstab([]byte(`/dev/mapper/cr\\x20a /a ext4 defaults 0 2`))
	want := `line 1: disagreement: the spec is "/dev/mapper/cr\\x20a" to systemd, "/dev/mapper/cr\\\\x20a" to libmount; ` +
		`read as "/dev/mapper/cr\\x20a"`
	if len(f.Problems) != 1 || f.Problems[0].String() != want {
		t.Errorf("got %v\nwant %s", f.Problems, want)
	}
}

func TestLongLine(t *testing.T) {
	option := "x-long=" + strings.Repeat("y", 64<<10)
	f := ParseFstab([]byte("/dev/a /a ext4 " + option + ",noauto 0 2\n/dev/b /b ext4\n"))
	if len(f.Entries) != 2 || !f.Entries[0].Options.NoAuto() || f.Entries[0].Pass != 2 {
		t.Errorf("the long line was not read to its end: %d entries", len(f.Entries))
	}
	if got := kinds(f.Problems); got != "1:disagreement" {
		t.Errorf("problems: %s", got)
	}
	f = ParseFstab([]byte("/dev/a /a ext4 defaults 0 2 # " + option))
	if len(f.Problems) != 0 {
		t.Errorf("trailing text is not read, however long: %v", kinds(f.Problems))
	}
}

func TestGarbageTextIsShortened(t *testing.T) {
	f := ParseFstab([]byte(strings.Repeat("x", 64<<10)))
	if len(f.Problems) != 1 || len(f.Problems[0].Text) > 200 {
		t.Errorf("%d problems, the text has %d bytes", len(f.Problems), len(f.Problems[0].Text))
	}
}

func TestEntryKinds(t *testing.T) {
	f := ParseFstab([]byte(`/a /b none bind
/a /c none ro,rbind
/a /d bind
/dev/a none swap
/dev/a /e ext4 x-bind
`))
	var got []string
	for _, e := range f.Entries {
		got = append(got, fmt.Sprintf("%s bind=%v swap=%v", e.File, e.IsBind(), e.IsSwap()))
	}
	want := []string{
		"/b bind=true swap=false", "/c bind=true swap=false", "/d bind=true swap=false",
		"none bind=false swap=true", "/e bind=false swap=false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblemKindNames(t *testing.T) {
	for k := Garbage; k <= Suspect; k++ {
		if strings.HasPrefix(k.String(), "problem kind") {
			t.Errorf("kind %d has no name", int(k))
		}
	}
	if got := ProblemKind(99).String(); got != "problem kind 99" {
		t.Errorf("unknown kind: %s", got)
	}
}

func BenchmarkParseFstab(b *testing.B) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "UUID=%08x /srv/data\\040%d ext4 noatime,nofail 0 2\n", i, i)
	}
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if n := len(ParseFstab(data).Entries); n != 10_000 {
			b.Fatalf("%d entries", n)
		}
	}
}
