package drill

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFacts(t *testing.T) {
	const memory = "MemTotal:         477368 kB\nMemFree: 1 kB\nMemAvailable:     300000 kB\nHugePages_Total:       0\n"
	for text, want := range map[string]facts{
		"12.25 20.01\n" + memory:          {12.25, 477368 << 10, 300000 << 10},
		"3 4\nMemTotal: 8 kB":             {3, 8 << 10, 0},
		"3 4\nMemTotal: 8 kB\nsalvor: hi": {3, 8 << 10, 0},
	} {
		got, err := parseFacts(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(facts{})); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", "cat: not found", "1.0 2.0\n", memory, "1 2\nMemTotal: x kB"} {
		if got, err := parseFacts(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add("12.25 20.01\nMemTotal: 477368 kB\nMemAvailable: 300000 kB\n")
	f.Add("1e999 0\nMemTotal: 18446744073709551615 kB")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := parseFacts(text); err == nil && got.total == 0 {
			t.Errorf("%q: %+v", text, got)
		}
	})
}

func TestFirmwareOf(t *testing.T) {
	for answer, want := range map[string]Firmware{
		"bios\n":                       BIOS,
		"uefi\n   6   0   0   0   1\n": SecureBoot,
		"uefi\n   6   0   0   0   0\n": UEFI,
		"uefi\n   1\n":                 UEFI,
		"uefi\nsh: od: not found\n[    0.000000] secureboot: Secure boot enabled\n": SecureBoot,
		"uefi\nsh: od: not found\n": UEFI,
		"":                          UEFI,
	} {
		if got := firmwareOf(answer); got != want {
			t.Errorf("%q is of %s, want %s", answer, got, want)
		}
	}
}
