package ondisk

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// BtrfsTree is what a btrfs file system consists of, without its files.
type BtrfsTree struct {
	Default    uint64 // the subvolume that is mounted when none is named
	Subvolumes []BtrfsSubvolume
	Notes      []string
	// Incomplete tells that a part could not be read, so that subvolumes may
	// be missing; the Notes say why.
	Incomplete bool
	// Lost tells what has fewer copies on the devices that were given than its
	// profile can do without: "data", "metadata" or "system".
	Lost []string
	// Data, Metadata and System are the profiles of what it stores.
	Data, Metadata, System string
	Devices                []BtrfsDevice // by number, those that are missing too
	Quota                  bool          // quotas are on
}

// BtrfsSubvolume is a subvolume or snapshot.
type BtrfsSubvolume struct {
	ID     uint64
	Parent uint64 // the subvolume that it lies in; 0 for the top level
	// Path is from the top level, without a leading slash. The top level
	// itself, 5, has "".
	Path                           string
	UUID, ParentUUID, ReceivedUUID string
	ReadOnly                       bool
	// NoCOW: files that are made at its top are not copied on write. It is not looked
	// for in one that is read-only.
	NoCOW      bool
	Generation uint64
}

// BtrfsTopLevel is the ID of the subvolume that all others lie in.
const BtrfsTopLevel = 5

// Item types and numbers (kernel: include/uapi/linux/btrfs_tree.h).
const (
	btrfsInodeItem   = 1
	btrfsInodeRef    = 12
	btrfsDirItem     = 84
	btrfsRootItem    = 132
	btrfsRootBackref = 144
	btrfsChunkItem   = 228

	btrfsFirstFree  = 256
	btrfsLastFree   = 1<<64 - 256
	btrfsRootDir    = 256 // the inode of a subvolume's root directory
	btrfsRootRDOnly = 1
	btrfsNoDataCOW  = 2    // of an inode's flags
	btrfsMaxPath    = 4096 // PATH_MAX, against loops
)

// btrfsKey orders the items of a tree.
type btrfsKey struct {
	object uint64
	kind   byte
	offset uint64
}

var btrfsLastKey = btrfsKey{1<<64 - 1, 255, 1<<64 - 1}

func parseBtrfsKey(b []byte) btrfsKey {
	return btrfsKey{le.Uint64(b), b[8], le.Uint64(b[9:])}
}

func (k btrfsKey) compare(o btrfsKey) int {
	return cmp.Or(cmp.Compare(k.object, o.object), cmp.Compare(k.kind, o.kind), cmp.Compare(k.offset, o.offset))
}

// btrfsPointer names a node.
type btrfsPointer struct {
	logical, generation uint64
	level               int
}

// walk visits the items from lo to hi of the tree. A subtree that cannot be
// read is noted and left out; the error is for the root.
func (r *btrfsReader) walk(root btrfsPointer, lo, hi btrfsKey, visit func(btrfsKey, []byte)) error {
	if root.level >= btrfsMaxLevel {
		return fmt.Errorf("the tree at logical address %d is too high", root.logical)
	}
	b, err := r.node(root)
	if err != nil {
		return err
	}
	if root.level == 0 {
		return r.walkLeaf(b, lo, hi, visit)
	}
	n := int(le.Uint32(b[btrfsNodeItems:]))
	if n > (r.nodeSize-btrfsNodeHeader)/btrfsPointerSize {
		return fmt.Errorf("the node at logical address %d has too many pointers", root.logical)
	}
	for i := range n {
		at := b[btrfsNodeHeader+i*btrfsPointerSize:]
		if parseBtrfsKey(at).compare(hi) > 0 {
			break
		}
		if i+1 < n && parseBtrfsKey(at[btrfsPointerSize:]).compare(lo) <= 0 {
			continue
		}
		// The level falls with each step, so no loop of pointers is endless.
		child := btrfsPointer{le.Uint64(at[btrfsKeySize:]), le.Uint64(at[btrfsKeySize+8:]), root.level - 1}
		if err := r.walk(child, lo, hi, visit); err != nil {
			r.incomplete = true
			r.notef("%v", err)
			if r.reads > btrfsMaxNodes {
				return err
			}
		}
	}
	return nil
}

func (r *btrfsReader) walkLeaf(b []byte, lo, hi btrfsKey, visit func(btrfsKey, []byte)) error {
	body := b[btrfsNodeHeader:]
	n := int(le.Uint32(b[btrfsNodeItems:]))
	if n > len(body)/btrfsItemSize {
		return fmt.Errorf("the leaf at logical address %d has too many items", le.Uint64(b[btrfsNodeBytenr:]))
	}
	for i := range n {
		at := body[i*btrfsItemSize:]
		key := parseBtrfsKey(at)
		if key.compare(lo) < 0 {
			continue
		}
		if key.compare(hi) > 0 {
			return nil
		}
		off, size := uint64(le.Uint32(at[btrfsKeySize:])), uint64(le.Uint32(at[btrfsKeySize+4:]))
		if off+size > uint64(len(body)) {
			return fmt.Errorf("an item of the leaf at logical address %d is out of bounds", le.Uint64(b[btrfsNodeBytenr:]))
		}
		visit(key, body[off:off+size:off+size])
	}
	return nil
}

// btrfsRoot is what the tree of roots says of a subvolume.
type btrfsRoot struct {
	BtrfsSubvolume
	top   btrfsPointer
	refs  uint32
	named bool
	dir   uint64 // inode of the directory that it lies in, in Parent's tree
	name  string
	state btrfsPathState
	err   error // why it has no path
}

type btrfsPathState int

const (
	btrfsPathNone btrfsPathState = iota
	btrfsPathMaking
	btrfsPathMade
)

// BtrfsSubvolumes reads the subvolumes of a file system without mounting it.
// devs are its devices by their number; one that is missing is no error as
// long as there is another copy of what lies on it. What an fsync wrote to
// the log tree after the last commit is not seen; it holds no subvolumes.
func BtrfsSubvolumes(devs map[uint64]io.ReaderAt) (*BtrfsTree, error) {
	r, err := newBtrfsReader(devs)
	if err != nil {
		return nil, err
	}
	profiles := r.profiles()
	tree := &BtrfsTree{
		Default: BtrfsTopLevel, Lost: r.lost(), Devices: r.devices(),
		Data: profiles["data"], Metadata: profiles["metadata"], System: profiles["system"],
	}
	roots := map[uint64]*btrfsRoot{}
	top := btrfsPointer{le.Uint64(r.super[0x50:]), le.Uint64(r.super[0x48:]), int(r.super[0xc6])}
	dir := le.Uint64(r.super[0x80:])
	err = r.walk(top, btrfsKey{}, btrfsLastKey, func(k btrfsKey, data []byte) {
		switch {
		case k.kind == btrfsDirItem && k.object == dir:
			if id := btrfsDefault(data); id != 0 {
				tree.Default = id
			}
		case k.object == btrfsQuotaTree && k.kind == btrfsRootItem:
			tree.Quota = true
		case k.object != BtrfsTopLevel && (k.object < btrfsFirstFree || k.object > btrfsLastFree):
		case k.kind == btrfsRootItem:
			rootOf(roots, k.object).parseItem(data)
		case k.kind == btrfsRootBackref:
			rootOf(roots, k.object).parseBackref(k.offset, data)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the root tree of btrfs: %w", err)
	}
	p := btrfsPaths{r: r, roots: roots, dirs: map[btrfsDirKey]string{}}
	tree.Subvolumes = p.all()
	tree.Notes, tree.Incomplete = r.notes, r.incomplete
	return tree, nil
}

func rootOf(roots map[uint64]*btrfsRoot, id uint64) *btrfsRoot {
	if roots[id] == nil {
		roots[id] = &btrfsRoot{BtrfsSubvolume: BtrfsSubvolume{ID: id}}
	}
	return roots[id]
}

// btrfsDefault returns where the entry "default" of a directory item points.
// Names with one hash share an item.
func btrfsDefault(b []byte) uint64 {
	for len(b) >= 30 {
		end := 30 + int(le.Uint16(b[25:])) + int(le.Uint16(b[27:]))
		if end > len(b) {
			return 0
		}
		if name := b[30 : 30+int(le.Uint16(b[27:]))]; string(name) == "default" {
			return le.Uint64(b)
		}
		b = b[end:]
	}
	return 0
}

// parseItem reads a root item (struct btrfs_root_item). Before kernel 3.6 it
// had 239 bytes and no UUIDs.
func (s *btrfsRoot) parseItem(b []byte) {
	if len(b) < 239 {
		return
	}
	s.Generation = le.Uint64(b[160:])
	s.top = btrfsPointer{le.Uint64(b[176:]), s.Generation, int(b[238])}
	s.ReadOnly = le.Uint64(b[208:])&btrfsRootRDOnly != 0
	s.refs = le.Uint32(b[216:])
	// The second generation proves that the UUIDs were not left as garbage by
	// an old kernel.
	if len(b) >= 295 && le.Uint64(b[239:]) == s.Generation {
		s.UUID, s.ParentUUID, s.ReceivedUUID = uuidString(b[247:263]), uuidString(b[263:279]), uuidString(b[279:295])
	}
}

// parseBackref reads where a subvolume lies (struct btrfs_root_ref).
func (s *btrfsRoot) parseBackref(parent uint64, b []byte) {
	if len(b) < 18 || int(le.Uint16(b[16:])) > len(b)-18 {
		return
	}
	s.Parent, s.dir, s.named = parent, le.Uint64(b), true
	s.name = string(b[18 : 18+int(le.Uint16(b[16:]))])
}

// btrfsPaths makes paths out of names and directories.
type btrfsPaths struct {
	r     *btrfsReader
	roots map[uint64]*btrfsRoot
	dirs  map[btrfsDirKey]string
}

type btrfsDirKey struct{ tree, inode uint64 }

// all returns the subvolumes that have a place. One that is being deleted has
// lost its reference or its name.
func (p *btrfsPaths) all() []BtrfsSubvolume {
	var list []BtrfsSubvolume
	for _, id := range slices.Sorted(maps.Keys(p.roots)) {
		s := p.roots[id]
		if id != BtrfsTopLevel && (!s.named || s.refs == 0) {
			continue
		}
		if err := p.resolve(s, 0); err != nil {
			p.r.incomplete = true
			p.r.notef("cannot name subvolume %d: %v", id, err)
			continue
		}
		s.NoCOW = !s.ReadOnly && p.r.isNoCOW(s.top)
		list = append(list, s.BtrfsSubvolume)
	}
	return list
}

// isNoCOW reads the flags of the directory at the top of a subvolume (struct
// btrfs_inode_item). Where they cannot be read, nothing depends on it that could be lost.
func (r *btrfsReader) isNoCOW(top btrfsPointer) bool {
	notes, incomplete := r.notes, r.incomplete
	defer func() { r.notes, r.incomplete = notes, incomplete }()
	key, flags := btrfsKey{btrfsRootDir, btrfsInodeItem, 0}, uint64(0)
	_ = r.walk(top, key, key, func(_ btrfsKey, b []byte) {
		if len(b) >= 72 {
			flags = le.Uint64(b[64:])
		}
	})
	return flags&btrfsNoDataCOW != 0
}

// resolve makes the path of a subvolume, once.
func (p *btrfsPaths) resolve(s *btrfsRoot, depth int) error {
	switch {
	case s.ID == BtrfsTopLevel:
		return nil
	case s.state == btrfsPathMade:
		return s.err
	case s.state == btrfsPathMaking:
		return errors.New("it lies in itself")
	case depth > btrfsMaxPath:
		return errors.New("it lies too deep")
	}
	s.state = btrfsPathMaking
	s.Path, s.err = p.path(s, depth)
	s.state = btrfsPathMade
	return s.err
}

// path joins the path of the parent, the directory in it and the name.
func (p *btrfsPaths) path(s *btrfsRoot, depth int) (string, error) {
	parent := p.roots[s.Parent]
	if parent == nil || (!parent.named && s.Parent != BtrfsTopLevel) {
		return "", fmt.Errorf("subvolume %d, which it lies in, is missing", s.Parent)
	}
	if err := p.resolve(parent, depth+1); err != nil {
		return "", err
	}
	dir, err := p.directory(parent, s.dir)
	if err != nil {
		return "", err
	}
	path := joinPath(parent.Path, dir, s.name)
	if len(path) > btrfsMaxPath {
		return "", errors.New("its path is too long")
	}
	return path, nil
}

func joinPath(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, "/")
}

// directory returns the path of a directory inside of a subvolume.
func (p *btrfsPaths) directory(tree *btrfsRoot, inode uint64) (string, error) {
	key := btrfsDirKey{tree.ID, inode}
	if path, ok := p.dirs[key]; ok {
		return path, nil
	}
	var names []string
	for at, length := inode, 0; at != btrfsRootDir; {
		name, up, err := p.inodeRef(tree, at)
		if err != nil {
			return "", err
		}
		if length += len(name) + 1; length > btrfsMaxPath {
			return "", fmt.Errorf("the path of directory %d of subvolume %d has no end", inode, tree.ID)
		}
		names = append(names, name)
		at = up
	}
	slices.Reverse(names)
	path := strings.Join(names, "/")
	p.dirs[key] = path
	return path, nil
}

// inodeRef returns the name of a directory, and the one that it lies in.
func (p *btrfsPaths) inodeRef(tree *btrfsRoot, inode uint64) (name string, up uint64, err error) {
	lo, hi := btrfsKey{inode, btrfsInodeRef, 0}, btrfsKey{inode, btrfsInodeRef, 1<<64 - 1}
	err = p.r.walk(tree.top, lo, hi, func(k btrfsKey, b []byte) {
		if len(b) < 10 || int(le.Uint16(b[8:])) > len(b)-10 {
			return
		}
		name, up = string(b[10:10+int(le.Uint16(b[8:]))]), k.offset
	})
	if err == nil && name == "" {
		err = fmt.Errorf("directory %d of subvolume %d has no name", inode, tree.ID)
	}
	return name, up, err
}
