package host

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/layout"
	"salvor/internal/machine"
)

// Outside is what is known of a system that is seen from outside and does not stand in
// its files.
type Outside struct {
	Architecture string // "" if it is not known
	Kernel       string // "" for the newest that has modules
	// Here is the machine that salvor runs on if it is the system's own one: its
	// hardware and its firmware are the system's then. Else nil.
	Here machine.Machine
}

// ReadTree reads an installed system by the tree of its files. How its network is set
// up while it runs is not known then; the names of its configuration files are kept.
func ReadTree(ctx context.Context, tree fs.FS, o Outside) (*layout.Host, []string) {
	r := &reader{files: treeFiles{tree}}
	h := &layout.Host{Machine: layout.Machine{
		Hostname: r.hostname("/etc/hostname"), Architecture: o.Architecture, OS: r.readOS(),
		Kernel: cmp.Or(o.Kernel, r.newestKernel()),
	}}
	h.Network = layout.Network{Domain: r.domain(h.Machine.Hostname), DNS: r.readDNS(), Files: r.networkFiles()}
	if o.Here != nil {
		here := &reader{files: o.Here}
		h.Machine.Hardware = here.readHardware()
		h.Boot = here.readBoot(cmp.Or(here.architecture(ctx, o.Here), o.Architecture))
		r.notes = append(r.notes, here.notes...)
	}
	return h, r.notes
}

// treeFiles reads a tree by absolute paths.
type treeFiles struct{ tree fs.FS }

// largest is the most that is read of a file: a text that configures something has
// kilobytes.
const largest = 1 << 20

func (t treeFiles) ReadFile(name string) ([]byte, error) {
	// What it is has to be known before it is opened: opening a FIFO waits.
	info, err := fs.Stat(t.tree, inTree(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is no regular file", name)
	}
	f, err := t.tree.Open(inTree(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, largest))
}

func (t treeFiles) ReadDir(name string) ([]string, error) {
	list, err := fs.ReadDir(t.tree, inTree(name))
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

func (t treeFiles) Readlink(name string) (string, error) { return fs.ReadLink(t.tree, inTree(name)) }

// inTree gives an absolute path as io/fs has it.
func inTree(name string) string { return cmp.Or(strings.Trim(path.Clean(name), "/"), ".") }

// newestKernel gives the release of the newest kernel that has modules.
func (r *reader) newestKernel() string {
	newest := ""
	for _, dir := range []string{"/lib/modules", "/usr/lib/modules"} {
		for _, release := range r.list(dir) {
			// A directory that a package left behind has no list of modules.
			if slices.Contains(r.list(path.Join(dir, release)), "modules.dep") && bootentry.CompareVersions(release, newest) > 0 {
				newest = release
			}
		}
	}
	return newest
}
