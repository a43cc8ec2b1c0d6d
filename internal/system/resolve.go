package system

import (
	"errors"
	"fmt"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// Why says why a spec leads to no node.
type Why string

// The reasons.
const (
	Absent    Why = "missing"    // nothing on this machine answers to it
	NeedsKey  Why = "locked"     // it is known, and encrypted
	Twofold   Why = "ambiguous"  // several nodes answer to it
	StaysShut Why = "closed"     // it is known, and cannot be opened
	NotABlock Why = "no device"  // it names no device at all
	Contents  Why = "wrong type" // it is there, and holds something else
	MadeAnew  Why = "made anew"  // the booting system makes it on every boot
)

// ResolveError is a spec that leads to no node, with what it could have meant.
type ResolveError struct {
	Spec fstab.Spec
	Why  Why
	Text string       // cause in words, fit for a terminal
	IDs  []storage.ID // candidates, or the locked containers that may hold it
}

func (e *ResolveError) Error() string { return e.Text }

func (r *Resolver) fail(spec fstab.Spec, why Why, ids []storage.ID, format string, args ...any) error {
	return &ResolveError{spec, why, storage.Printable(fmt.Sprintf(format, args...)), ids}
}

// Resolver tells which node a spec means, with the names that a system's
// crypttab gives to its volumes (problem 1 of the upgrade document: the name in
// fstab need not exist on the rescuing machine).
type Resolver struct {
	g     *storage.Graph
	ix    *index
	names map[string]storage.ID  // map name, in every encoding → container
	gone  map[string]*CryptError // map name that crypttab gives to what is not there
	wants map[storage.ID]string  // container → name in crypttab
	entry map[storage.ID]fstab.CryptEntry
	lost  []*CryptError
	disks map[string]storage.ID // a disk's name on the system's own machine → the device
	none  *lockedHint
	saved *savedUse // nil without a saved layout
}

// CryptError is a crypttab line that leads to no container.
type CryptError struct {
	Entry fstab.CryptEntry
	Err   error
	From  string // FromSaved; "" for the system's own
}

func (e *CryptError) Error() string {
	if e.From != "" {
		return fmt.Sprintf("crypttab line %d in the %s: %v", e.Entry.Line, e.From, e.Err)
	}
	return fmt.Sprintf("crypttab line %d: %v", e.Entry.Line, e.Err)
}

func (e *CryptError) Unwrap() error { return e.Err }

// NewResolver makes a resolver for the graph; s may be nil.
func NewResolver(g *storage.Graph, s *System) *Resolver { return newResolver(newIndex(g), s) }

func newResolver(ix *index, s *System) *Resolver {
	r := &Resolver{
		g: ix.g, ix: ix, names: map[string]storage.ID{}, gone: map[string]*CryptError{},
		wants: map[storage.ID]string{}, entry: map[storage.ID]fstab.CryptEntry{}, disks: map[string]storage.ID{},
	}
	if s == nil {
		return r
	}
	r.anchorDisks(s)
	if s.Crypttab != nil {
		r.readCrypttab(s.Crypttab.Entries)
	}
	r.readCmdlines(s.Cmdlines)
	if s.Saved != nil {
		r.readSaved(s.Saved)
	}
	return r
}

// readCmdlines lets containers answer to the names that the kernel command lines
// of the system's boot entries give them, as far as crypttab does not use these
// names. Entries of other days may mean what is gone: that is no news here.
func (r *Resolver) readCmdlines(lines []*fstab.Cmdline) {
	for _, line := range lines {
		for _, e := range line.CryptEntries() {
			_, named := r.names[dmName(e.Name)]
			if named || r.gone[dmName(e.Name)] != nil {
				continue
			}
			if c, err := r.container(e); err == nil {
				r.give(c.ID, e)
			}
		}
	}
}

// readCrypttab finds the container of every line. A line may name the map of one
// that stands further down, so what is not found is tried once more. Of two
// lines with one name systemd opens only the first.
func (r *Resolver) readCrypttab(entries []fstab.CryptEntry) {
	var again []fstab.CryptEntry
	first := map[string]int{}
	for _, e := range entries {
		if line, twice := first[dmName(e.Name)]; twice {
			r.lost = append(r.lost, &CryptError{Entry: e, Err: fmt.Errorf("%w %d", errTwice, line)})
			continue
		}
		first[dmName(e.Name)] = e.Line
		if c, err := r.container(e); err == nil {
			r.give(c.ID, e)
		} else {
			again = append(again, e)
		}
	}
	for _, e := range again {
		c, err := r.container(e)
		if err == nil {
			r.give(c.ID, e)
			continue
		}
		lost := &CryptError{Entry: e, Err: err}
		r.lost = append(r.lost, lost)
		for _, name := range e.MapNames() {
			r.gone[name] = lost
		}
	}
}

var errTwice = errors.New("systemd opens only the first of two lines with this name, which is line")

// give lets the container answer to the names of a crypttab line.
func (r *Resolver) give(id storage.ID, e fstab.CryptEntry) {
	for _, name := range e.MapNames() {
		r.names[name] = id
	}
	if _, known := r.entry[id]; !known {
		r.wants[id], r.entry[id] = fstab.DecodeDM(e.Name), e
	}
}

// MapName is the name that crypttab gives to the map of a container, or "": as
// people write it, without device-mapper's \xNN, like the name of an open map in
// the graph.
func (r *Resolver) MapName(id storage.ID) string { return r.wants[id] }

// CryptEntry is the crypttab line that opens a container.
func (r *Resolver) CryptEntry(id storage.ID) (fstab.CryptEntry, bool) {
	e, ok := r.entry[id]
	return e, ok
}

// Container gives the encrypted container that a line of a crypttab opens.
func (r *Resolver) Container(e fstab.CryptEntry) (storage.ID, error) {
	c, err := r.container(e)
	if err != nil {
		return "", err
	}
	return c.ID, nil
}

// container finds the encrypted container that a crypttab line opens.
func (r *Resolver) container(e fstab.CryptEntry) (*storage.Crypt, error) {
	n, err := r.device(e.Source, r.carriesCrypt)
	if err != nil {
		return nil, err
	}
	// A tag is the container's own; any other name of it means what is open in it.
	if c, ok := n.(*storage.Crypt); ok && (e.Source.Kind == fstab.UUID || e.Source.Kind == fstab.Label) {
		return c, nil
	}
	for _, up := range r.g.Upper(n.Base().ID) {
		if c, ok := up.(*storage.Crypt); ok {
			return c, nil
		}
	}
	if _, _, detached := e.Header(); detached {
		return nil, r.fail(e.Source, NeedsKey, []storage.ID{n.Base().ID}, "%s is encrypted, and its header, which is elsewhere (header=), cannot be had", e.Source)
	}
	return nil, r.fail(e.Source, Contents, []storage.ID{n.Base().ID}, "%s holds no encrypted volume", e.Source)
}

// Node gives the node that holds what spec means: a file system, a swap area, or
// the block device itself when nothing is known of its content.
func (r *Resolver) Node(spec fstab.Spec) (storage.ID, error) {
	return r.node(spec, func(storage.Node) bool { return true })
}

func (r *Resolver) node(spec fstab.Spec, fits func(storage.Node) bool) (storage.ID, error) {
	n, err := r.device(spec, fits)
	if err != nil {
		return "", err
	}
	return r.content(spec, n)
}

// Source gives the node that an fstab line mounts: of a btrfs, the subvolume.
func (r *Resolver) Source(e fstab.Entry) (storage.ID, error) { return r.source(e, "") }

// source is Source; known is the device, if it is known without the spec.
func (r *Resolver) source(e fstab.Entry, known storage.ID) (id storage.ID, err error) {
	if n := r.g.Node(known); n != nil {
		id, err = r.content(e.Spec, n)
	} else {
		id, err = r.node(e.Spec, func(n storage.Node) bool { return r.holds(n, e.Type) })
	}
	if err != nil {
		return "", err
	}
	fs, ok := r.g.Node(id).(*storage.FileSystem)
	if !ok || fs.Type != "btrfs" {
		return id, nil
	}
	return r.subvolume(e, fs)
}

// content goes from a block device up to the file system or swap area on it.
func (r *Resolver) content(spec fstab.Spec, n storage.Node) (storage.ID, error) {
	id := n.Base().ID
	switch n.(type) {
	case *storage.FileSystem, *storage.Swap, *storage.Subvolume:
		return id, nil
	case *storage.Crypt:
		if spec.Kind == fstab.UUID || spec.Kind == fstab.Label {
			// blkid's tags name the container; what is in it has tags of its own.
			return "", r.fail(spec, Contents, []storage.ID{id}, "%s is the encrypted container itself, not the file system in it", spec)
		}
	}
	if storage.CanOpen(n) && storage.OpeningOf(n) == nil {
		return "", r.shut(spec, n)
	}
	for _, up := range r.g.Upper(id) {
		switch up := up.(type) {
		case *storage.FileSystem, *storage.Swap:
			return up.Base().ID, nil
		case *storage.Crypt:
			if up.Open == nil {
				return "", r.shut(spec, up)
			}
		}
	}
	return id, nil
}

func (r *Resolver) shut(spec fstab.Spec, n storage.Node) error {
	id := n.Base().ID
	if n.Kind() == storage.KindCrypt {
		return r.fail(spec, NeedsKey, []storage.ID{id}, "%s is locked", Describe(r.g, id))
	}
	return r.fail(spec, StaysShut, []storage.ID{id}, "%s cannot be opened: %s", Describe(r.g, id), because(n.Base()))
}

// device settles on a single node, or says why that cannot be done.
func (r *Resolver) device(spec fstab.Spec, fits func(storage.Node) bool) (storage.Node, error) {
	found, err := r.blocks(spec, fits)
	if err != nil {
		return nil, err
	}
	if len(found) > 1 {
		found = r.ix.tellApart(found)
	}
	if len(found) != 1 && r.saved != nil {
		found = r.ix.tellApart(r.bySaved(spec, found, fits))
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if lost := r.savedLost(spec); lost != nil {
			return nil, r.lostMap(nameOf(spec).value, lost)
		}
		return nil, r.absent(spec)
	}
	var ids []storage.ID
	for _, n := range found {
		ids = append(ids, n.Base().ID)
	}
	return nil, r.fail(spec, Twofold, ids, "%d devices answer to %s: %s", len(found), spec, describeSome(r.g, ids))
}

// lockedHint is what may hold whatever is not to be found.
type lockedHint struct {
	ids  []storage.ID
	text string
}

func (r *Resolver) absent(spec fstab.Spec) error {
	switch spec.Kind {
	case fstab.Virtual, fstab.Network, fstab.File, fstab.Unset:
		return r.fail(spec, NotABlock, nil, "%s names no device", spec)
	}
	if r.none == nil {
		r.none = &lockedHint{}
		for c := range storage.All[*storage.Crypt](r.g) {
			if c.Open == nil {
				r.none.ids = append(r.none.ids, c.ID)
			}
		}
		if len(r.none.ids) > 0 {
			r.none.text = fmt.Sprintf(" (it may lie in a locked volume: %s)", describeSome(r.g, r.none.ids))
		}
	}
	return r.fail(spec, Absent, r.none.ids, "nothing on this machine answers to %s%s", spec, r.none.text)
}

// blocks gives every node that answers to spec. Where the spec is a name that
// the kernel gave on another machine, only what fits can be meant.
func (r *Resolver) blocks(spec fstab.Spec, fits func(storage.Node) bool) ([]storage.Node, error) {
	v := spec.Value
	switch spec.Kind {
	case fstab.UUID:
		return r.ix.uuid[strings.ToLower(v)], nil
	case fstab.Label:
		return r.ix.label[v], nil
	case fstab.PartUUID:
		return r.ix.partUUID[strings.ToLower(v)], nil
	case fstab.PartLabel:
		return r.ix.partLabel[v], nil
	case fstab.Mapper:
		return r.mapper(v)
	case fstab.ID, fstab.ByID:
		return r.byID(v)
	case fstab.ByPath:
		return r.link("/dev/disk/by-path/", v), nil
	case fstab.DevicePath:
		return r.devicePath(v, fits), nil
	default:
		return nil, nil
	}
}
