package system

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/secret"
	"salvor/internal/storage"
)

// Block is the content of a device to be read.
type Block interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Blocks gives the content of the device that a node is. It is a Trees that can do
// that too: a key or a header may be a device.
type Blocks interface {
	Block(id storage.ID) (Block, error)
}

// ErrNoKeyFile: the line names no key file, and there is none where systemd looks
// for one then.
var ErrNoKeyFile = errors.New("no key file is named")

// defaultKeys is where the key of volume NAME is looked for, as NAME.key, when its
// line names none (crypttab(5)). The other place is in /run.
const defaultKeys = "/etc/cryptsetup-keys.d"

// KeyFile reads the key file that a crypttab line names: in the system's own file
// systems, on another device, or a device itself. Nothing is written for that.
func KeyFile(g *storage.Graph, s *System, e fstab.CryptEntry, trees Trees) (*secret.Secret, error) {
	if err := cannotBeKey(e); err != nil {
		return nil, err
	}
	name := e.KeyFile
	switch {
	case name == "":
		return defaultKey(g, s, e, trees)
	case e.KeyDevice.IsZero() && storage.PathContains("/dev", name):
		_, block, err := openBlock(NewResolver(g, s), fstab.ParseSpec(name), trees)
		if err != nil {
			return nil, err
		}
		defer block.Close()
		return readBlockKey(block, e)
	}
	tree, _, err := treeOf(g, s, e.KeyDevice, trees)
	if err != nil {
		return nil, err
	}
	return readKeyFile(tree, name, e)
}

// cannotBeKey says of a line whose key is made when the system boots why it cannot
// be had here.
func cannotBeKey(e fstab.CryptEntry) error {
	program, scripted := e.KeyScript()
	tokens := e.Tokens()
	switch {
	case e.RandomKey():
		return fmt.Errorf("%s gives a new key on every boot", e.KeyFile)
	case scripted:
		return fmt.Errorf("its key is printed by a program of the system, %s, which is not run here", program)
	case len(tokens) > 0 && e.KeyFile != "":
		return fmt.Errorf("it is sealed: only its %s token makes a key of it", strings.Join(tokens, " or "))
	case e.KeyDevice.IsZero() && storage.PathContains("/run", e.KeyFile):
		return fmt.Errorf("%s is made while the system boots, so it is on no disk", e.KeyFile)
	case e.KeyFile != "" && !path.IsAbs(e.KeyFile):
		return fmt.Errorf("%s is no file of the system", e.KeyFile)
	}
	return nil
}

func defaultKey(g *storage.Graph, s *System, e fstab.CryptEntry, trees Trees) (*secret.Secret, error) {
	if strings.ContainsRune(e.Name, '/') {
		return nil, ErrNoKeyFile
	}
	key, err := readKeyFile(Files(g, s, trees), path.Join(defaultKeys, e.Name+".key"), e)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKeyFile
	}
	return key, err
}

// TCryptKeyFiles reads the files that are mixed into the passphrase of a VeraCrypt
// container.
func TCryptKeyFiles(g *storage.Graph, s *System, names []string, trees Trees) ([]*secret.Secret, error) {
	files := Files(g, s, trees)
	var out []*secret.Secret
	for _, name := range names {
		key, err := readKeyFile(files, name, fstab.CryptEntry{})
		if err != nil {
			for _, k := range out {
				k.Wipe()
			}
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, key)
	}
	return out, nil
}

// treeOf gives the tree in which a key or a header is a file: the system's own, or
// that of the file system on a device.
func treeOf(g *storage.Graph, s *System, device fstab.Spec, trees Trees) (fs.FS, storage.ID, error) {
	if device.IsZero() {
		return Files(g, s, trees), s.Root, nil
	}
	id, err := NewResolver(g, s).Source(fstab.Entry{Spec: device, Type: "auto"})
	if err != nil {
		return nil, "", fmt.Errorf("the device that it is on: %w", err)
	}
	tree, err := trees.Tree(id)
	if tree == nil {
		return nil, "", fmt.Errorf("%s, which it is on, cannot be seen: %s", Describe(g, id), causeOf(err))
	}
	return tree, id, nil
}

// openBlock opens the device that a spec means.
func openBlock(r *Resolver, spec fstab.Spec, trees Trees) (storage.ID, Block, error) {
	blocks, ok := trees.(Blocks)
	if !ok {
		return "", nil, fmt.Errorf("%s is a device, and devices cannot be read here", spec)
	}
	n, err := r.device(spec, func(storage.Node) bool { return true })
	if err != nil {
		return "", nil, err
	}
	// A tag means what lies on a device.
	for n.Base().Path() == "" && len(n.Base().On) == 1 && r.g.DevicePath(n.Base().ID) == "" {
		n = r.g.Lower(n.Base().ID)[0]
	}
	block, err := blocks.Block(n.Base().ID)
	return n.Base().ID, block, err
}

func readKeyFile(tree fs.FS, name string, e fstab.CryptEntry) (*secret.Secret, error) {
	f, info, err := openRegular(tree, strings.TrimPrefix(path.Clean(name), "/"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readKey(f, info.Size(), e)
}

// openRegular opens a regular file. What it is is known before it is opened: a
// FIFO would wait for somebody who writes to it.
func openRegular(tree fs.FS, name string) (fs.File, fs.FileInfo, error) {
	info, err := fs.Stat(tree, name)
	switch {
	case err != nil:
		return nil, nil, bare(err)
	case info.Mode()&fs.ModeSocket != 0:
		return nil, nil, errors.New("it is a socket: a program of the system gives the key there, while it runs")
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("it is a %s, not a regular file", modeWord(info.Mode()))
	}
	f, err := tree.Open(name)
	return f, info, bare(err)
}

func readBlockKey(b Block, e fstab.CryptEntry) (*secret.Secret, error) {
	if e.KeySize() == 0 && b.Size() > secret.MaxKey {
		return nil, fmt.Errorf("%s is a device, and keyfile-size= does not say how much of it is the key", e.KeyFile)
	}
	return readKey(io.NewSectionReader(b, 0, b.Size()), b.Size(), e)
}

// readKey reads the part of a key file of that length that is the key, and no more
// of it: what is read may be recorded, and only a key is taken out again.
func readKey(f io.Reader, length int64, e fstab.CryptEntry) (*secret.Secret, error) {
	offset, size := int64(min(e.KeyOffset(), 1<<62)), int64(min(e.KeySize(), secret.MaxKey+1))
	if offset+size > length || offset == length && length > 0 {
		return nil, fmt.Errorf("it is too short: the key begins at byte %d and has at least %d bytes, but it has %d", offset, max(size, 1), length)
	}
	if size == 0 {
		size = length - offset
	}
	if at, ok := f.(io.ReaderAt); ok {
		f = io.NewSectionReader(at, offset, size)
	} else if _, err := io.CopyN(io.Discard, f, offset); err != nil {
		return nil, fmt.Errorf("cannot skip %d bytes of it: %w", offset, err)
	}
	return secret.Read(io.LimitReader(f, size))
}
