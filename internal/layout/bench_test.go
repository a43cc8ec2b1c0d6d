package layout

import (
	"fmt"
	"testing"

	"salvor/internal/storage"
)

// BenchmarkThousandDisks is a machine with a thousand LUNs: what a save costs beside looking.
func BenchmarkThousandDisks(b *testing.B) {
	g := manyDisks(b, 1000)
	for b.Loop() {
		l, _ := FromGraph(g, Facts{})
		text, err := Write(l)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := Read("layout.yaml", text); err != nil {
			b.Fatal(err)
		}
	}
}

func manyDisks(t testing.TB, count int) *storage.Graph {
	m := &bench{}
	for i := range count {
		disk, table, part, fs := storage.ID(fmt.Sprint("disk:", i)), storage.ID(fmt.Sprint("table:", i)), storage.ID(fmt.Sprint("part:", i)), storage.ID(fmt.Sprint("fs:", i))
		d := &storage.Disk{Serial: fmt.Sprint("S", i), Transport: "fc"}
		d.Size = 1 << 40
		d.AddName(fmt.Sprint("/dev/sd", i), storage.FromKernel)
		d.AddName(fmt.Sprint("/dev/disk/by-id/wwn-", i), storage.FromUdev)
		m.add(disk, d)
		m.add(table, &storage.Table{Format: "gpt"}, disk)
		m.add(part, &storage.Partition{Number: 1, Start: 1 << 20}, table)
		m.add(fs, &storage.FileSystem{Type: "xfs", XFS: &storage.XFS{BlockSize: 4096}}, part)
	}
	g, err := storage.NewGraph(m.nodes, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
