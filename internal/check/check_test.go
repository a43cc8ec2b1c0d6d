package check

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/bootentry"
	"salvor/internal/storage"
	"salvor/internal/system"
)

var update = flag.Bool("update", false, "write the golden files anew")

// machine is a disk with partitions, and what lies on them.
type machine struct {
	storage.Builder
	t     *testing.T
	table *storage.Table
	parts int
	trees trees
	saved *system.Saved // the layout that the system has
}

type trees map[storage.ID]fs.FS

func (t trees) Tree(root storage.ID) (fs.FS, error) {
	if tree, ok := t[root]; ok {
		return tree, nil
	}
	return nil, &system.LookError{Root: root, Cause: errors.New("it cannot be looked at")}
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, trees: trees{}}
	disk := &storage.Disk{Common: storage.Common{Identity: "disk:sda", Size: 1 << 40}, Transport: "nvme"}
	disk.AddName("/dev/sda", storage.FromKernel)
	m.table = &storage.Table{Common: storage.Common{Identity: "table:sda"}, Format: "gpt"}
	m.Add(disk)
	m.Add(m.table, disk)
	return m
}

func (m *machine) part(typ string) *storage.Partition {
	m.parts++
	p := &storage.Partition{Common: storage.Common{Identity: storage.ID(fmt.Sprintf("part:%d", m.parts)), Size: 1 << 30}, Number: m.parts, Type: typ}
	p.AddName(fmt.Sprintf("/dev/sda%d", m.parts), storage.FromKernel)
	m.Add(p, m.table)
	return p
}

// fs puts a file system, with its files, on a device.
func (m *machine) fs(typ, uuid string, on storage.Node, files map[string]string) *storage.FileSystem {
	n := &storage.FileSystem{Common: storage.Common{Identity: storage.ID("fs:" + uuid)}, Type: typ, UUID: uuid}
	m.Add(n, on)
	tree := fstest.MapFS{}
	for name, text := range files {
		switch to, link := strings.CutPrefix(text, "-> "); {
		case link:
			tree[name] = &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte(to)}
		case strings.HasSuffix(name, "/"):
			tree[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		default:
			tree[name] = &fstest.MapFile{Mode: 0o600, Data: []byte(text)}
		}
	}
	m.trees[n.Identity] = tree
	return n
}

func (m *machine) crypt(uuid string, on storage.Node, isOpen bool) *storage.Crypt {
	n := &storage.Crypt{Common: storage.Common{Identity: storage.ID("luks:" + uuid)}, Format: "luks2", UUID: uuid}
	if isOpen {
		n.Open = &storage.Opening{Name: "look-" + uuid}
	} else {
		n.Mark(storage.Locked)
	}
	m.Add(n, on)
	return n
}

// rootFiles are the files of a small system, changed by the given ones; an empty
// name takes a file away.
func rootFiles(change map[string]string) map[string]string {
	out := map[string]string{
		"etc/os-release": "ID=test\nPRETTY_NAME=\"Test Linux 1\"\n", "usr/": "", "bin/": "", "var/": "", "proc/": "", "sys/": "", "dev/": "", "run/": "",
		"boot/vmlinuz-6.1": "a kernel", "boot/initrd.img-6.1": "an initrd",
		"boot/loader/entries/test.conf": "title Test\nlinux /boot/vmlinuz-6.1\ninitrd /boot/initrd.img-6.1\noptions root=UUID=root\n",
		"lib/modules/6.1/modules.dep":   "", "lib/modules/6.1/modules.builtin": "kernel/fs/ext4/ext4.ko\nkernel/drivers/nvme/host/nvme.ko\n",
		"etc/fstab": "UUID=root / ext4 defaults 0 1\n",
	}
	for name, text := range change {
		if text == "" && !strings.HasSuffix(name, "/") {
			delete(out, name)
			continue
		}
		out[name] = text
	}
	return out
}

// subject is the first system found on the machine, as a look would have it.
func (m *machine) subject() Subject {
	m.t.Helper()
	g, err := m.Build(nil, nil, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	found := system.Systems(system.Find(g, m.trees))
	if len(found) == 0 {
		m.t.Fatal("no system was found")
	}
	sys := found[0]
	if m.saved != nil {
		system.Restore(g, sys, m.saved, m.trees)
	}
	return Subject{
		Graph: g, System: sys, Files: system.Files(g, sys, m.trees), Boot: sys.Boot,
		Mounting:  system.Mount(g, g, sys, system.Request{Target: "/", Trees: m.trees, Systems: found}),
		Initramfs: map[string]*bootentry.Initramfs{"boot/initrd.img-6.1": {}},
	}
}

// TestCheck compares what is found with the files in testdata.
func TestCheck(t *testing.T) {
	for name, build := range machines {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, f := range Check(build(newMachine(t))) {
				fmt.Fprintf(&b, "%s %s\n  %s: %s\n", f.Severity, f.Code, f.Where, f.Text)
				if f.Cause != "" {
					fmt.Fprintf(&b, "  why: %s\n", f.Cause)
				}
				fmt.Fprintf(&b, "  mend: %s %v\n", f.Remedy, f.IDs)
			}
			golden(t, name, b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestEveryCodeIsTried: a code that no machine brings up is not known to work.
func TestEveryCodeIsTried(t *testing.T) {
	tried := map[Code]bool{}
	for _, build := range machines {
		for _, f := range Check(build(newMachine(t))) {
			tried[f.Code] = true
			if _, known := codes[f.Code]; !known {
				t.Errorf("the code %s is not in the table", f.Code)
			}
		}
	}
	for code := range codes {
		if !tried[code] {
			t.Errorf("no machine brings up %s", code)
		}
	}
}
