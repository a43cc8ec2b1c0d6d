package fstab

import (
	"testing"

	"pgregory.net/rapid"
)

func TestEncodeDM(t *testing.T) {
	tests := []struct{ name, want string }{
		{"cr_home", "cr_home"},
		{"cr home", `cr\x20home`},
		{`cr\home`, `cr\x5chome`},
		{"cr#+-.:=@_1", "cr#+-.:=@_1"},
		{"café", `caf\xc3\xa9`},
		{"a/b", `a\x2fb`},
	}
	for _, tt := range tests {
		if got := EncodeDM(tt.name); got != tt.want {
			t.Errorf("EncodeDM(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestEncodeUdev(t *testing.T) {
	tests := []struct{ s, want string }{
		{"my label", `my\x20label`},
		{"café", "café"},
		{"bad\xff", `bad\xff`},
		{"EFI System Partition", `EFI\x20System\x20Partition`},
		{"a/b", `a\x2fb`},
		{"\uFFFD", `\xef\xbf\xbd`},
	}
	for _, tt := range tests {
		if got := EncodeUdev(tt.s); got != tt.want {
			t.Errorf("EncodeUdev(%q) = %q, want %q", tt.s, got, tt.want)
		}
	}
}

func TestDecodeKeepsWhatIsNoEscape(t *testing.T) {
	for _, s := range []string{"", "plain", `\`, `\x`, `\x2`, `\x2g`, `\y20`, `x20`} {
		if got := DecodeDM(s); got != s {
			t.Errorf("DecodeDM(%q) = %q", s, got)
		}
	}
	if got := DecodeDM(`\x4A\x4a`); got != "JJ" {
		t.Errorf("upper and lower case digits: %q", got)
	}
}

func TestNamesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		if got := DecodeDM(EncodeDM(s)); got != s {
			t.Fatalf("dm: %q comes back as %q", s, got)
		}
		if got := DecodeDM(EncodeUdev(s)); got != s {
			t.Fatalf("udev: %q comes back as %q", s, got)
		}
	})
}

func TestLVMName(t *testing.T) {
	for _, tt := range []struct{ vg, lv, want string }{
		{"vg", "lv", "vg-lv"}, {"my-vg", "root-1", "my--vg-root--1"}, {"a-", "b", "a---b"},
	} {
		if got := LVMName(tt.vg, tt.lv); got != tt.want {
			t.Errorf("LVMName(%q, %q) = %q, want %q", tt.vg, tt.lv, got, tt.want)
		}
	}
}
