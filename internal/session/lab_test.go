package session

import (
	"testing"

	"salvor/internal/plan"
	"salvor/internal/storage"
)

// lab builds graphs in few words.
type lab struct{ storage.Builder }

func newLab() *lab { return &lab{} }

func common(id, path string) storage.Common {
	c := storage.Common{Identity: storage.ID(id)}
	if path != "" {
		c.AddName(path, storage.FromKernel)
	}
	return c
}

func (l *lab) disk(name string) storage.Node {
	return l.Add(&storage.Disk{Common: common("disk:"+name, "/dev/sd"+name)})
}

// crypt makes a container, open under a name or closed.
func (l *lab) crypt(uuid, open string, on storage.Node) *storage.Crypt {
	c := &storage.Crypt{Common: common("luks:"+uuid, ""), Format: "luks2", UUID: uuid}
	if open != "" {
		c.Open = &storage.Opening{Name: open}
	}
	l.Add(c, on)
	return c
}

func (l *lab) fs(uuid string, on storage.Node) *storage.FileSystem {
	f := &storage.FileSystem{Common: common("fs:"+uuid, ""), Type: "ext4", UUID: uuid}
	l.Add(f, on)
	return f
}

func (l *lab) graph(t *testing.T, mounts ...storage.Mount) *storage.Graph {
	t.Helper()
	g, err := l.Build(mounts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// did is an act in the journal, announced and done.
func did(op plan.Op, subject string) []Record {
	return []Record{{Kind: Intent, Step: 1, Op: op.Name(), Subject: subject}, {Kind: Done, Step: 1, Op: op.Name()}}
}

// tried is an act that failed.
func tried(op plan.Op, subject string) []Record {
	r := did(op, subject)
	r[1].Error = "device or resource busy"
	return r
}

// begun is an act after whose announcement salvor was killed.
func begun(op plan.Op, subject string) []Record { return did(op, subject)[:1] }
