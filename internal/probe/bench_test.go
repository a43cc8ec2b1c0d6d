package probe

import (
	"fmt"
	"testing"
	"time"
)

// thousandDevices is a server with 200 disks of two partitions each: a file
// system and a member of one of 100 mirrors, each with a group of two volumes.
func thousandDevices() *fake {
	f := newFake()
	for i := range 200 {
		im := newImage(1024)
		im.set = i
		im.ext4(1<<20, 1, "", false).gpt(9, gptPart{1, 1, 100, 1, "data"}, gptPart{2, 101, 900, 2, "raid"})
		im.set = 1000 + i/2
		im.md(101<<20, mdSpec{id: 1, member: byte(i % 2), level: 1, disks: 2, role: i % 2, events: 9, name: fmt.Sprint(i / 2), sizeMiB: 899})
		name := fmt.Sprintf("sd%d_", i)
		f.scsi(name, fmt.Sprintf("naa.6005%012d", i+1), im)
		f.partition(name, 1, 1, 100)
		f.partition(name, 2, 101, 900)
	}
	for i := range 100 {
		meta := vgText(fmt.Sprintf("vg%d", i), byte(i), 3, []byte{byte(i)}, lvText("a", byte(i), true, 10, linear(0)), lvText("b", byte(i+100), true, 10, linear(0)))
		md := fmt.Sprintf("md%d", i)
		f.md(md, "clean", "raid1", newImage(899).pv(0, byte(i), meta), fmt.Sprintf("sd%d_2", 2*i), fmt.Sprintf("sd%d_2", 2*i+1))
		for k, lv := range []string{"a", "b"} {
			fileSystem := newImage(40)
			fileSystem.set = 2000 + 2*i + k
			fileSystem.ext4(0, 1, "", false)
			uuid := "LVM-" + lvmID(byte(i)) + lvmID(byte(i+100*k))
			f.dm(fmt.Sprintf("dm-%d", 2*i+k), fmt.Sprintf("vg%d-%s", i, lv), uuid, fileSystem, md)
		}
	}
	return f
}

func TestThousandDevices(t *testing.T) {
	f := thousandDevices()
	g := probed(t, f)
	for n := range g.Nodes() {
		if len(g.Twins(n.Base().ID)) > 0 {
			t.Fatalf("%s was taken for a copy", n.Base().ID)
		}
	}
	// 200 disks, tables, file systems and twice as many partitions; 100 arrays,
	// PVs and VGs; 200 LVs and file systems.
	if want := 200*5 + 100*3 + 200*2; g.Len() != want {
		t.Errorf("%d nodes, want %d; notes: %q", g.Len(), want, g.Notes)
	}
}

func BenchmarkThousandDevices(b *testing.B) {
	f := thousandDevices()
	b.ReportMetric(float64(len(f.disks)), "devices")
	for b.Loop() {
		if g := probed(b, f); g.Len() == 0 {
			b.Fatal("nothing was found")
		}
	}
	b.ReportMetric(float64(b.Elapsed()/time.Millisecond)/float64(b.N), "ms/probe")
}
