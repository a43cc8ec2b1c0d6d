package system

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// Declaration is what a system's crypttab says of a container and no header on its
// device does: that it is there at all (plain dm-crypt, VeraCrypt, a LUKS whose
// header is elsewhere), or on what terms it opens.
type Declaration struct {
	// On is the lineage of the device that the container lies on, so that it is
	// found again in another graph.
	On string
	// Crypt is the container without its place: its ID and On are not set.
	Crypt *storage.Crypt
}

// DetachedHeader is a LUKS header that was read: the container that it stands for,
// with where it is among its terms.
type DetachedHeader func(e fstab.CryptEntry) (*storage.Crypt, error)

// Declarations gives what the crypttab of s, and the kernel command lines of its
// boot entries, say of containers. Lines whose device is not there are the
// resolver's to report; what else is wrong is in the notes.
func Declarations(g *storage.Graph, s *System, header DetachedHeader) (out []Declaration, notes []string) {
	d := &declarer{Resolver: NewResolver(g, s), header: header}
	for _, e := range s.cryptEntries() {
		c, carrier, err := d.declare(e)
		switch {
		case err != nil:
			notes = append(notes, storage.Printable(fmt.Sprintf("crypttab, %s: %v", e.Name, err)))
		case c != nil && !d.isDeclared(out, c, carrier):
			out = append(out, Declaration{g.Lineage(carrier.Base().ID), c})
		}
	}
	return out, notes
}

// ownCryptEntries are the lines of the system's own that open containers.
func (s *System) ownCryptEntries() []fstab.CryptEntry {
	var out []fstab.CryptEntry
	if s.Crypttab != nil {
		out = append(out, s.Crypttab.Entries...)
	}
	for _, line := range s.Cmdlines {
		out = append(out, line.CryptEntries()...)
	}
	return out
}

// cryptEntries are the lines that open containers, each name once.
func (s *System) cryptEntries() []fstab.CryptEntry {
	out := s.ownCryptEntries()
	if s.Saved != nil {
		out = append(out, s.Saved.crypt...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(e fstab.CryptEntry) bool {
		twice := seen[dmName(e.Name)]
		seen[dmName(e.Name)] = true
		return twice || isMadeAnew(e)
	})
}

type declarer struct {
	*Resolver
	header DetachedHeader
}

// declare gives what a line declares, and the device that it means; nothing when
// it says no more than the header on the device does.
func (d *declarer) declare(e fstab.CryptEntry) (*storage.Crypt, storage.Node, error) {
	_, _, detached := e.Header()
	format := e.Format()
	if format != "plain" && format != "tcrypt" && !detached {
		return d.terms(e)
	}
	carrier := d.carrier(e)
	if carrier == nil {
		return nil, nil, nil
	}
	var c *storage.Crypt
	switch {
	case detached && format != "tcrypt":
		var err error
		if c, err = d.header(e); err != nil {
			return nil, nil, fmt.Errorf("its header cannot be had: %w", err)
		}
	case format == "plain":
		c = plainCrypt(e)
	default:
		c = tcryptCrypt(e)
	}
	c.Identity = c.IdentityOn(carrier)
	setKeySlot(c, e)
	if known := d.knownOn(carrier); known != nil && known.Format != c.Format && !detached {
		return nil, nil, fmt.Errorf("it says %s, but the device holds %s", format, Describe(d.g, known.ID))
	}
	return c, carrier, nil
}

// terms declares what a line adds to a container that is known without it.
func (d *declarer) terms(e fstab.CryptEntry) (*storage.Crypt, storage.Node, error) {
	if _, ok := e.KeySlot(); !ok {
		return nil, nil, nil
	}
	known, err := d.container(e)
	if err != nil || len(d.g.Lower(known.ID)) != 1 {
		return nil, nil, nil // the resolver says why
	}
	c := &storage.Crypt{Format: known.Format, UUID: known.UUID}
	c.Identity = known.Identity
	setKeySlot(c, e)
	return c, d.g.Lower(known.ID)[0], nil
}

func setKeySlot(c *storage.Crypt, e fstab.CryptEntry) {
	slot, ok := e.KeySlot()
	if !ok || !strings.HasPrefix(c.Format, "luks") {
		return
	}
	if c.Terms == nil {
		c.Terms = &storage.Terms{}
	}
	c.Terms.KeySlot = &slot
}

// carrier finds the device that a line means, or nil. Where its name is one that
// the kernel gave, only a device can be meant on which nothing is recognised.
func (d *declarer) carrier(e fstab.CryptEntry) storage.Node {
	n, err := d.device(e.Source, func(n storage.Node) bool { return len(d.g.Upper(n.Base().ID)) == 0 || d.knownOn(n) != nil })
	if err != nil {
		return nil
	}
	if c, ok := n.(*storage.Crypt); ok && (e.Source.Kind == fstab.UUID || e.Source.Kind == fstab.Label) {
		if lower := d.g.Lower(c.ID); len(lower) == 1 {
			return lower[0]
		}
	}
	switch n.(type) {
	case *storage.FileSystem, *storage.Swap, *storage.Opaque, *storage.Subvolume:
		return nil // a tag of what lies there: it is no container then
	}
	return n
}

// knownOn gives the container that is known to lie on a device, or nil.
func (d *declarer) knownOn(carrier storage.Node) *storage.Crypt {
	for _, up := range d.g.Upper(carrier.Base().ID) {
		if c, ok := up.(*storage.Crypt); ok {
			return c
		}
	}
	return nil
}

// isDeclared: a line above has declared the same. Of two plain ones on a device
// nobody could tell afterwards which is which.
func (d *declarer) isDeclared(all []Declaration, c *storage.Crypt, carrier storage.Node) bool {
	on := d.g.Lineage(carrier.Base().ID)
	return slices.ContainsFunc(all, func(o Declaration) bool { return o.On == on && o.Crypt.Identity == c.Identity })
}

func plainCrypt(e fstab.CryptEntry) *storage.Crypt {
	p := e.Plain()
	return &storage.Crypt{Format: "plain", Cipher: p.Cipher, Terms: &storage.Terms{
		Cipher: p.Cipher, Hash: p.Hash, KeyBits: p.KeyBits, Offset: p.Offset, Skip: p.Skip, SectorSize: p.SectorSize,
	}}
}

func tcryptCrypt(e fstab.CryptEntry) *storage.Crypt {
	t := e.TCrypt()
	return &storage.Crypt{Format: "tcrypt", Terms: &storage.Terms{Hidden: t.Hidden, System: t.System, PIM: t.PIM, KeyFiles: t.KeyFiles}}
}

// Declare gives the graph with all that is declared: containers that are not in it,
// as locked ones, and terms for those that are. A container has the same ID before
// it is opened and when a probe sees it open.
func Declare(g *storage.Graph, all []Declaration) (*storage.Graph, error) {
	if len(all) == 0 {
		return g, nil
	}
	g = g.Clone()
	carriers := map[string]storage.Node{}
	var nodes []storage.Node
	taken := map[storage.ID]bool{}
	for n := range g.Nodes() {
		carriers[g.Lineage(n.Base().ID)] = n
		taken[n.Base().ID] = true
		nodes = append(nodes, n)
	}
	for _, d := range all {
		carrier := carriers[d.On]
		switch {
		case carrier == nil:
		case !complete(g, carrier, d.Crypt):
			n := declared(d.Crypt, carrier, taken)
			taken[n.ID] = true
			nodes = append(nodes, n)
		}
	}
	return storage.NewGraph(nodes, g.Mounts, g.Notes)
}

// complete adds what is declared to the container that is there already; it reports
// false when there is none.
func complete(g *storage.Graph, carrier storage.Node, d *storage.Crypt) bool {
	for _, up := range g.Upper(carrier.Base().ID) {
		c, ok := up.(*storage.Crypt)
		if !ok || c.Identity != d.Identity {
			continue
		}
		c.Terms = d.Terms.Clone()
		if len(c.Keyslots) == 0 { // it is known by being open only
			c.Label, c.Cipher = d.Label, d.Cipher
			c.Keyslots, c.Tokens, c.ClevisSlots = d.Keyslots, d.Tokens, d.ClevisSlots
			c.OpenWrites = d.OpenWrites
		}
		return true
	}
	return false
}

func declared(d *storage.Crypt, carrier storage.Node, taken map[storage.ID]bool) *storage.Crypt {
	n := *d
	n.Terms = d.Terms.Clone()
	n.ID, n.On, n.Size = n.Identity, []storage.ID{carrier.Base().ID}, carrier.Base().Size
	if taken[n.ID] { // as storage.Builder names twins
		n.ID += "@" + carrier.Base().ID
	}
	n.Health, n.Notes = []storage.Health{storage.Locked}, []string{"only a crypttab tells of it"}
	return &n
}

// HeaderSource is a detached header to be read.
type HeaderSource struct {
	io.ReaderAt
	Size int64
	On   storage.ID // file system or device
	File string     // in the file system
	End  func() error
}

// maxHeader bounds a header that is a file; those of LUKS2 have 16 MiB mostly, and
// 132 MiB at most (LUKS2 on-disk format, 2.2 and 3.1).
const maxHeader = 256 << 20

// OpenHeader finds the detached header that a line names: a file in the system, a
// file on another device, or a device.
func OpenHeader(g *storage.Graph, s *System, e fstab.CryptEntry, trees Trees) (*HeaderSource, error) {
	name, device, ok := e.Header()
	switch {
	case !ok:
		return nil, errors.New("the line names none")
	case name == "":
		id, block, err := openBlock(NewResolver(g, s), device, trees)
		if err != nil {
			return nil, err
		}
		return &HeaderSource{ReaderAt: block, Size: block.Size(), On: id, End: block.Close}, nil
	}
	tree, on, err := treeOf(g, s, device, trees)
	if err != nil {
		return nil, err
	}
	f, info, err := openRegular(tree, strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil, err
	}
	if info.Size() > maxHeader {
		f.Close()
		return nil, fmt.Errorf("%s is too large for a header", name)
	}
	return headerFile(f, info, on, name)
}

// headerFile reads at any place of a file, also of one that can only be read from
// its start.
func headerFile(f fs.File, info fs.FileInfo, on storage.ID, name string) (*HeaderSource, error) {
	h := &HeaderSource{Size: info.Size(), On: on, File: name, End: f.Close}
	if at, ok := f.(io.ReaderAt); ok {
		h.ReaderAt = at
		return h, nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHeader))
	if err != nil {
		return nil, bare(err)
	}
	h.ReaderAt, h.End = bytes.NewReader(data), func() error { return nil }
	return h, nil
}
