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
	if got := DecodeUdev(`\x4A\x4a`); got != "JJ" {
		t.Errorf("upper and lower case digits: %q", got)
	}
}

func TestNamesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		if got := DecodeDM(EncodeDM(s)); got != s {
			t.Fatalf("dm: %q comes back as %q", s, got)
		}
		if got := DecodeUdev(EncodeUdev(s)); got != s {
			t.Fatalf("udev: %q comes back as %q", s, got)
		}
	})
}

func TestSplitLVMName(t *testing.T) {
	tests := []struct {
		dm, vg, lv string
		ok         bool
	}{
		{"vg-lv", "vg", "lv", true},
		{"my--vg-root--1", "my-vg", "root-1", true},
		{"a---b", "a-", "b", true},
		{"vg", "", "", false},
		{"my--vg", "", "", false},
		{"vg-pool-tpool", "", "", false},
		{"-lv", "", "", false},
		{"vg-", "", "", false},
		{"", "", "", false},
	}
	for _, tt := range tests {
		vg, lv, ok := SplitLVMName(tt.dm)
		if vg != tt.vg || lv != tt.lv || ok != tt.ok {
			t.Errorf("SplitLVMName(%q) = %q, %q, %v", tt.dm, vg, lv, ok)
		}
	}
}

func TestLVMNameRoundTrip(t *testing.T) {
	// Names of groups and volumes never begin with a hyphen (lvm(8)).
	name := rapid.StringMatching(`[a-z0-9_.+][a-z0-9_.+-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		vg, lv := name.Draw(t, "vg"), name.Draw(t, "lv")
		gotVG, gotLV, ok := SplitLVMName(LVMName(vg, lv))
		if !ok || gotVG != vg || gotLV != lv {
			t.Fatalf("%s/%s comes back as %s/%s, %v", vg, lv, gotVG, gotLV, ok)
		}
	})
}
