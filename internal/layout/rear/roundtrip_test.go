package rear

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
)

// components gives the lines of a file that are no prose.
func components(f *File) []string {
	var out []string
	for _, l := range f.Lines {
		if l.Component != nil {
			out = append(out, l.String())
		}
	}
	return out
}

// TestRealRoundTrip: what ReaR wrote of a machine, imported and exported again, is
// what ReaR wrote, but for the line that it broke.
func TestRealRoundTrip(t *testing.T) {
	in := realFiles(t)
	l, gaps, err := Import(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Gap(nil), gaps); diff != "" {
		t.Error(diff)
	}
	out, _, err := Export(l, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(components(in.Layout), components(out.Layout)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(string(in.XFS["system-home"]), string(out.XFS["system-home"])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(in.Mounts, out.Mounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(in.Links, out.Links); diff != "" {
		t.Error(diff)
	}
	again, _, err := Import(out)
	if err != nil {
		t.Fatal(err)
	}
	again.Boot = l.Boot // ReaR's "GRUB" is one of several loaders, and says nothing
	again.Digest = l.Digest
	if diff := cmp.Diff(l, again); diff != "" {
		t.Error(diff)
	}
}

// TestRealGaps: what ReaR did not keep of that machine and would lose of it.
func TestRealGaps(t *testing.T) {
	l, _, err := Import(realFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	_, gaps, err := Export(l, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range gaps {
		got = append(got, g.What+": "+g.Cause)
	}
	want := []string{"/dev/mapper/cr_sys: ReaR does not keep its keys: a new passphrase is asked for"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLatest: the newer form says more of the same machine, and is read back.
func TestLatest(t *testing.T) {
	l, _, err := Import(realFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	l.Storage.Disks[0].Table.Partitions[1].UUID = "11111111-1111-4111-8111-111111111111"
	out, _, err := Export(l, ExportOptions{Dialect: Latest})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(components(out.Layout), "\n") + "\n"
	for _, want := range []string{
		"part /dev/vda 1048576 1048576 rear-noname bios_grub /dev/vda1 no-partuuid\n",
		"part /dev/vda 67108864 2097152 rear-noname boot,esp /dev/vda2 11111111-1111-4111-8111-111111111111\n",
		"lvmdev /dev/system /dev/mapper/cr_sys DBAPiM-AvJf-hSju-pLHM-jSZh-Qg8L-rnZqPb 3999251968\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
	again, gaps, err := Import(out)
	if err != nil || len(gaps) > 0 {
		t.Fatal(err, gaps)
	}
	at := slices.IndexFunc(again.Storage.Disks, func(d layout.Disk) bool { return d.Device == "/dev/vda" })
	if got := again.Storage.Disks[at].Table.Partitions[1].UUID; got != "11111111-1111-4111-8111-111111111111" {
		t.Errorf("PARTUUID %q", got)
	}
	if again.Storage.PVs[0].Size != l.Storage.PVs[0].Size {
		t.Errorf("the PV has %s, not %s", again.Storage.PVs[0].Size, l.Storage.PVs[0].Size)
	}
}
