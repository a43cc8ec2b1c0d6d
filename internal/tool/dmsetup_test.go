package tool

import (
	"testing"
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

func FuzzParseOverlayTable(f *testing.F) {
	f.Add([]byte("0 131072 snapshot 8:16 7:0 N 8\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		origin, store, err := ParseOverlayTable(out)
		if err == nil && (!isDev(origin) || !isDev(store)) {
			t.Errorf("%q gives %q and %q", out, origin, store)
		}
	})
}
