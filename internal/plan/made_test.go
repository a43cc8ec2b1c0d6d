package plan

import (
	"testing"

	"salvor/internal/storage"
)

// TestHowItWasMadeIsNoDifference: no step could change it.
func TestHowItWasMadeIsNoDifference(t *testing.T) {
	graph := func(fs *storage.FileSystem, lv *storage.LVMade, header *storage.LUKSHeader) *storage.Graph {
		disk := &storage.Disk{Common: storage.Common{ID: "disk:1", Identity: "disk:1"}}
		crypt := &storage.Crypt{Common: storage.Common{ID: "luks:1", Identity: "luks:1", On: []storage.ID{"disk:1"}}, Format: "luks2", Header: header}
		crypt.Open = &storage.Opening{Name: "cr"}
		vol := &storage.LV{Common: storage.Common{ID: "lv:1", Identity: "lv:1", On: []storage.ID{"luks:1"}}, Made: lv}
		vol.Open = &storage.Opening{}
		fs.Common = storage.Common{ID: "fs:1", Identity: "fs:1", On: []storage.ID{"lv:1"}}
		g, err := storage.NewGraph([]storage.Node{disk, crypt, vol, fs}, []storage.Mount{{Point: "/mnt", Source: "fs:1", Type: "ext4"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	have := graph(&storage.FileSystem{Type: "ext4"}, nil, nil)
	want := graph(&storage.FileSystem{Type: "ext4", Used: 4096, Ext: &storage.Ext{BlockSize: 4096}}, &storage.LVMade{ReadOnly: true}, &storage.LUKSHeader{KeyBits: 512})
	p, err := Diff(have, want)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) > 0 {
		t.Errorf("the plan has steps: %+v", p.Steps)
	}
}
