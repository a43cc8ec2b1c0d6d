package fstab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Words as systemd 252 cuts them: measured by what systemd-fstab-generator made
// of them with SYSTEMD_PROC_CMDLINE set. The kernel's own reading is in
// lib/cmdline.c, next_arg.
func TestCmdlineWords(t *testing.T) {
	tests := []struct{ text, want, problems string }{
		{"", "", ""},
		{"root=/dev/sda1 ro quiet", "root=/dev/sda1|ro|quiet", ""},
		{"  a\t b=1\n\rc \n", "a|b=1|c", ""},
		{`root="LABEL=a b" c`, "root=LABEL=a b|c", ""},
		{`"root=LABEL=a b" c`, "root=LABEL=a b|c", ""},
		{`root=LABEL="a b"`, "root=LABEL=a b", ""},
		{`ro"ot=/dev/"y`, "root=/dev/y", ""},
		{`a="b"c"d"`, "a=bcd", ""},
		{`root='/dev/a b'`, "root=/dev/a b", "0:disagreement"},
		{`root=/dev/a\ b`, `root=/dev/a\|b`, ""},
		{`a="b\"c d`, `a=b\c|d`, ""},
		{`root="/dev/open quiet`, "root=/dev/open quiet", "0:suspect"},
		{"a=b=c d= =e \"\"", "a=b=c|d=", ""},
		{"root=/dev/a -- root=/dev/b", "root=/dev/a|root=/dev/b", "0:disagreement"},
		{"quiet --", "quiet", ""},
		{"quiet --- splash", "quiet|---|splash", ""},
		{"a\x00\x00", "a", ""},
		{"a\x00b", "a", "0:garbage"},
		{"\uFEFFa b", "a|b", "0:encoding"},
		{"a=caf\xe9", "a=caf\xe9", "0:encoding"},
		{"a " + strings.Repeat("x", 4096), "a|" + strings.Repeat("x", 4096), "0:suspect"},
	}
	for _, tt := range tests {
		c := ParseCmdline(tt.text)
		var words []string
		for _, p := range c.Params {
			word := p.Name
			if p.HasValue {
				word += "=" + p.Value
			}
			words = append(words, word)
		}
		if got := strings.Join(words, "|"); got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, got, tt.want)
		}
		if got := kinds(c.Problems); got != tt.problems {
			t.Errorf("%q: problems %q, want %q: %v", tt.text, got, tt.problems, c.Problems)
		}
	}
}

func TestCmdlineLookup(t *testing.T) {
	c := ParseCmdline("a-b=1 a_b=2 rd.lvm.lv=vg/root rd.lvm.lv=vg/swap quiet a.b=3 Root=x")
	if v, ok := c.Get("a-b"); v != "2" || !ok {
		t.Errorf("Get(a-b) = %q, %v", v, ok)
	}
	if v, ok := c.Get("quiet"); v != "" || !ok {
		t.Errorf("Get(quiet) = %q, %v", v, ok)
	}
	if diff := cmp.Diff([]string{"vg/root", "vg/swap"}, c.All("rd.lvm.lv")); diff != "" {
		t.Errorf("All(rd.lvm.lv):\n%s", diff)
	}
	for name, want := range map[string]bool{"quiet": true, "a_b": true, "a.b": true, "root": false, "splash": false} {
		if got := c.Has(name); got != want {
			t.Errorf("Has(%s) = %v", name, got)
		}
	}
	if _, ok := c.Get("root"); ok {
		t.Error("Get(root) found Root")
	}
}

// Booleans: systemd, src/basic/parse-util.c, parse_boolean.
func TestCmdlineDisabled(t *testing.T) {
	tests := []struct {
		text, name string
		want       bool
	}{
		{"", "fstab", false},
		{"fstab=no", "fstab", true},
		{"fstab=0 fstab=yes", "fstab", false},
		{"fstab=off fstab", "fstab", false},
		{"fstab=no fstab=maybe", "fstab", true},
		{"rd.fstab=no", "fstab", false},
		{"rd.fstab=no", "rd.fstab", true},
		{"luks.crypttab=no", "luks.crypttab", true},
		{"rd.luks.crypttab=FALSE", "rd.luks.crypttab", true},
		{"systemd.gpt-auto=0", "systemd.gpt_auto", true},
		{"systemd.swap=n", "systemd.swap", true},
	}
	for _, tt := range tests {
		if got := ParseCmdline(tt.text).Disabled(tt.name); got != tt.want {
			t.Errorf("%q: Disabled(%s) = %v", tt.text, tt.name, got)
		}
	}
}
