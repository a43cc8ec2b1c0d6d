package workflow

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/check"
	"salvor/internal/storage"
)

// TestCheckOfEverySystem finds what is wrong on a machine and leaves no trace.
func TestCheckOfEverySystem(t *testing.T) {
	l := newLab()
	parts := l.disk("sda", 4)
	root := l.fs("ext4", "root", "", parts[0])
	l.put(root, rootTree("One", "UUID=root / ext4 defaults 0 1\nUUID=gone /gone ext4 nofail 0 2\nUUID=home /home ext4 defaults 0 2\n", "cr_home UUID=vault none luks\n", "gone/", "home/"))
	l.put(l.fs("ext4", "home", "", l.luks("vault", passphrase, parts[1])), rootTree("", "", ""))
	other := l.fs("ext4", "other", "", parts[2])
	l.put(other, rootTree("Two", "/dev/sda3 / ext4 defaults 0 1\n", ""))
	b := l.bench(t)
	b.ask.keys = map[storage.ID][]string{"luks:vault": {passphrase}}
	before := b.state()

	report, err := b.w.Check(t.Context(), CheckOrder{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]check.Code{}
	for _, s := range report.Systems {
		for _, f := range s.Findings {
			if !slices.Contains(got[s.System.Name], f.Code) {
				got[s.System.Name] = append(got[s.System.Name], f.Code)
			}
		}
	}
	want := map[string][]check.Code{
		"One": {check.NoEntry, check.NofailFails},
		"Two": {check.NoEntry, check.KernelName},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !report.Wrong() {
		t.Error("nothing is said to be wrong")
	}
	b.clean(before)
	if w := b.Writes(); len(w) > 0 {
		t.Errorf("it wrote: %q", w)
	}
}
