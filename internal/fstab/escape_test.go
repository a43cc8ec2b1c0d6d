package fstab

import (
	"testing"

	"pgregory.net/rapid"
)

// The readings of glibc and libmount were measured: getmntent of glibc 2.36,
// and findmnt --tab-file of util-linux 2.38.1.
func TestUnescape(t *testing.T) {
	tests := []struct{ text, want, glibc, libmount string }{
		{`/plain`, `/plain`, `/plain`, `/plain`},
		{`/a\040b`, `/a b`, `/a b`, `/a b`},
		{`/a\011b`, "/a\tb", "/a\tb", "/a\tb"},
		{`/a\012b`, "/a\nb", "/a\nb", "/a\nb"},
		{`/tr\134040z`, `/tr\040z`, `/tr\040z`, `/tr\040z`},
		{`/h\043x`, `/h#x`, `/h\043x`, `/h#x`},
		{`/o\057x`, `/o/x`, `/o\057x`, `/o/x`},
		{`caf\303\251`, `café`, `caf\303\251`, `café`},
		{`/dev/mapper/cr\\x20a`, `/dev/mapper/cr\x20a`, `/dev/mapper/cr\x20a`, `/dev/mapper/cr\\x20a`},
		{`/dev/mapper/cr\134x20a`, `/dev/mapper/cr\x20a`, `/dev/mapper/cr\x20a`, `/dev/mapper/cr\x20a`},
		{`/e\\040x`, `/e\040x`, `/e\040x`, `/e\ x`},
		{`/trail\`, `/trail\`, `/trail\`, `/trail\`},
		{`/short\04`, `/short\04`, `/short\04`, `/short\04`},
		{`/not\089`, `/not\089`, `/not\089`, `/not\089`},
		{`/big\400x`, `/big\400x`, `/big\400x`, `/big\400x`}, // libmount cuts the name here
		{`a=b\,c`, `a=b\,c`, `a=b\,c`, `a=b\,c`},
	}
	for _, tt := range tests {
		for reader, got := range map[string][2]string{
			"Unescape": {Unescape(tt.text), tt.want},
			"glibc":    {unescapeGlibc(tt.text), tt.glibc},
			"libmount": {unescapeLibmount(tt.text), tt.libmount},
		} {
			if got[0] != got[1] {
				t.Errorf("%s reads %q as %q, want %q", reader, tt.text, got[0], got[1])
			}
		}
	}
}

func TestEscape(t *testing.T) {
	tests := []struct{ s, want string }{
		{"", ""},
		{"/srv/data", "/srv/data"},
		{"a b\tc\nd", `a\040b\011c\012d`},
		{`cr\x20home`, `cr\134x20home`},
		{"#start", `\043start`},
		{"in#side", "in#side"},
		{"cr\r", `cr\015`},
	}
	for _, tt := range tests {
		if got := Escape(tt.s); got != tt.want {
			t.Errorf("Escape(%q) = %q, want %q", tt.s, got, tt.want)
		}
	}
}

func TestEscapeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\\0-7 #xa]*`)).Draw(t, "s")
		if got := Unescape(Escape(s)); got != s {
			t.Fatalf("%q comes back as %q", s, got)
		}
		if got := unescapeLibmount(Escape(s)); got != s {
			t.Fatalf("libmount reads %q as %q", s, got)
		}
	})
}
