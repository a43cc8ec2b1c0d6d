package system

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// hibernated lists the memory images of suspended systems that would destroy the
// file systems that are to be mounted: a system that resumes goes on with what it
// knew of them.
func (m *mounter) hibernated() {
	for sw := range storage.All[*storage.Swap](m.seen) {
		if sw.Is(storage.Hibernated) {
			m.imageIn(sw)
		}
	}
	told := map[storage.ID]bool{}
	for _, file := range m.swapFiles() {
		if fsys, image := m.hibernatedFile(file); image != "" && !told[fsys] {
			told[fsys] = true
			m.addRisk(storage.Hibernated, fsys, fmt.Sprintf("has the memory of %s in %s, hibernated (%s); %s", m.sys.who(), file, image, resumeText))
		}
	}
	for _, p := range m.order {
		if top := topOf(m.seen, p.Source); p.Source != "" && fsType(m.seen, top) == "ntfs" && !told[top] && m.windowsSleeps(top) {
			told[top] = true
			m.addRisk(storage.Hibernated, top, "belongs to a Windows that is hibernated, or was shut down for a fast startup; changing its files destroys them when it resumes")
		}
	}
}

const resumeText = "mounting its file systems read-write destroys them when it resumes"

// who names a system for people.
func (s *System) who() string {
	if s.Hostname != "" && s.Hostname != s.Name {
		return fmt.Sprintf("%s (%s)", s.Name, s.Hostname)
	}
	return s.Name
}

// imageIn tells of a memory image on a swap area: whose it is decides what it
// endangers.
func (m *mounter) imageIn(sw *storage.Swap) {
	switch owner := m.ownerOf(sw.ID); {
	case owner == m.sys:
		m.addRisk(storage.Hibernated, sw.ID, fmt.Sprintf("holds the memory of %s, hibernated; %s", owner.who(), resumeText))
	case owner != nil:
		if point := m.shares(owner); point != "" {
			m.addRisk(storage.Hibernated, sw.ID, fmt.Sprintf("holds the memory of %s, hibernated, which has %s mounted too; mounting that read-write destroys it when it resumes", owner.who(), point))
		}
	case m.mayResume():
		m.addRisk(storage.Hibernated, sw.ID, "holds the memory of a hibernated system, which may be this one; "+resumeText)
	}
}

// ownerOf finds the system that uses the swap area: the one that is to be mounted,
// or another one that was found.
func (m *mounter) ownerOf(swap storage.ID) *System {
	for _, s := range append([]*System{m.sys}, m.req.Systems...) {
		names := newResolver(m.names.ix, s)
		if slices.ContainsFunc(s.swaps(), func(e fstab.Entry) bool {
			id, err := names.Source(e)
			return err == nil && id == swap
		}) {
			return s
		}
	}
	return nil
}

// swaps gives the swap areas and files of a system, those that it resumes from too.
func (s *System) swaps() []fstab.Entry {
	var out []fstab.Entry
	for w := range s.wishes() {
		if w.IsSwap() {
			out = append(out, w.Entry)
		}
	}
	for _, c := range s.Cmdlines {
		if spec, offset, ok := c.Resume(); ok && offset == 0 {
			out = append(out, fstab.Entry{Spec: spec, File: "none", Type: "swap"})
		}
	}
	return out
}

// shares gives a mount point of this system whose file system the other one mounts
// as well, or "".
func (m *mounter) shares(other *System) string {
	theirs := map[storage.ID]bool{topOf(m.seen, other.Root): true}
	names := newResolver(m.names.ix, other)
	for w := range other.wishes() {
		if id, err := names.Source(w.Entry); err == nil && !w.IsSwap() {
			theirs[topOf(m.seen, id)] = true
		}
	}
	for _, p := range m.order {
		if p.Source != "" && theirs[topOf(m.seen, p.Source)] {
			return p.line.File
		}
	}
	return ""
}

// mayResume: nothing says that the system has its swap space elsewhere. One whose
// fstab names none that is there may find it by itself
// (systemd-gpt-auto-generator(8)).
func (m *mounter) mayResume() bool {
	return !slices.ContainsFunc(m.sys.swaps(), func(e fstab.Entry) bool {
		_, err := m.names.Source(e)
		return err == nil
	})
}

// usualSwapFiles are where installers and handbooks put swap files; where a system
// resumes from one, its command line tells the place on the device and no name.
var usualSwapFiles = []string{"/swapfile", "/swap.img", "/swap/swapfile", "/var/swap", "/var/swapfile", "/.swapfile"}

// swapFiles are the paths in the system at which a swap file may be.
func (m *mounter) swapFiles() []string {
	var out []string
	for _, e := range m.sys.swaps() {
		if e.Spec.Kind == fstab.File {
			out = append(out, path.Clean(e.Spec.Value))
		}
	}
	resumesFromFile := slices.ContainsFunc(m.sys.Cmdlines, func(c *fstab.Cmdline) bool {
		_, offset, ok := c.Resume()
		return ok && offset > 0
	})
	if resumesFromFile || len(out) == 0 {
		for _, name := range usualSwapFiles {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// hibernatedFile reads the head of a swap file and gives the file system that it
// lies on and the name of the image in it, "" for none.
func (m *mounter) hibernatedFile(name string) (fsys storage.ID, image string) {
	owner, rest := m.owner(name)
	if owner == nil || owner.Source == "" {
		return "", ""
	}
	head := m.headOf(owner.Source, m.below(owner, rest), largestPage)
	return topOf(m.seen, owner.Source), imageMagic(head)
}

// headOf reads the first bytes of a file, as many as there are.
func (m *mounter) headOf(root storage.ID, name string, n int) []byte {
	if m.req.Trees == nil || !fs.ValidPath(name) {
		return nil
	}
	tree, _ := m.req.Trees.Tree(root)
	if tree == nil {
		return nil
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, n)
	got, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return head[:got]
}

// The kernel puts the image's magic where that of the swap space was, at the end of
// the first page, and keeps that inside (kernel/power/swap.c, mark_swapfiles).
// Pages have been of these sizes on one machine or another.
const largestPage = 64 << 10

var (
	pageSizes   = []int{4 << 10, 8 << 10, 16 << 10, 32 << 10, largestPage}
	imageMagics = []string{"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"}
)

const tuxOnIce = "\xed\xc3\x02\xe9\x98\x56\xe5\x0c"

// imageMagic names the memory image that begins with these bytes, "" for none.
func imageMagic(head []byte) string {
	if strings.HasPrefix(string(head), tuxOnIce) {
		return "TuxOnIce"
	}
	for _, size := range pageSizes {
		for _, magic := range imageMagics {
			if len(head) >= size && strings.HasPrefix(string(head[size-10:size]), magic) {
				return magic
			}
		}
	}
	return ""
}

// windowsSleeps reads the head of hiberfil.sys: other words than these stand there
// when it is awake ("wake"), or nothing.
func (m *mounter) windowsSleeps(root storage.ID) bool {
	head := string(m.headOf(root, "hiberfil.sys", 4))
	return head == "hibr" || head == "HIBR"
}
