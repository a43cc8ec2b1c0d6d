package tool

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOverlayTable(t *testing.T) {
	origin, store, err := ParseOverlayTable([]byte("0 131072 snapshot 8:16 7:0 N 8\n"))
	if err != nil || origin != "8:16" || store != "7:0" {
		t.Errorf("got %q, %q, %v", origin, store, err)
	}
	for _, bad := range []string{
		"", "0 131072 linear 8:16 0\n", "0 131072 snapshot /dev/sda 7:0 N 8", "0 131072 snapshot 8:16 7 N 8",
		"0 131072 snapshot 8:16 7:0 N 8\n131072 8 snapshot 8:16 7:0 N 8\n",
	} {
		if _, _, err := ParseOverlayTable([]byte(bad)); err == nil {
			t.Errorf("%q is taken for the table of an overlay", bad)
		}
	}
}

func TestParseMaps(t *testing.T) {
	tests := []struct {
		name, out string
		want      []Map
	}{
		{"none", "No devices found\n", nil},
		{"captured", "253\t0\t35000c500aaaaaaaa\tmpath-35000c500aaaaaaaa\n253\t1\tcr\\x20a\tCRYPT-LUKS2-1-cr\\x20a\n253\t2\tbare\t\n", []Map{
			{"35000c500aaaaaaaa", "mpath-35000c500aaaaaaaa", 253, 0},
			{`cr\x20a`, `CRYPT-LUKS2-1-cr\x20a`, 253, 1},
			{"bare", "", 253, 2},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseMaps([]byte(tt.out))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, bad := range []string{"253\t0\tx\n", "a\t0\tx\ty\n", "253\t0\t\ty\n", "253\t-1\tx\ty\n"} {
		if _, err := ParseMaps([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a list of maps", bad)
		}
	}
}

func FuzzParseMaps(f *testing.F) {
	f.Add([]byte("253\t0\tx\ty\n"))
	f.Add([]byte("No devices found\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		maps, err := ParseMaps(out)
		if err != nil {
			return
		}
		for _, m := range maps {
			if m.Name == "" || strings.ContainsAny(m.Name+m.UUID, "\t\n") {
				t.Errorf("%q gives the map %+v", out, m)
			}
		}
	})
}

func FuzzParseOverlayTable(f *testing.F) {
	f.Add([]byte("0 131072 snapshot 8:16 7:0 N 8\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		origin, store, err := ParseOverlayTable(out)
		if err == nil && (!isDev(origin) || !isDev(store)) {
			t.Errorf("%q gives %q and %q", out, origin, store)
		}
	})
}
