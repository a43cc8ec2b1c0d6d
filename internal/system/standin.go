package system

import (
	"fmt"
	"hash/fnv"
	"strings"

	"salvor/internal/storage"
)

// overlayPrefix begins the device-mapper names of salvor's stand-ins.
const overlayPrefix = "salvor-cow-"

// maxOverlayName keeps the name within device-mapper's 127 bytes
// (linux/dm-ioctl.h, DM_NAME_LEN), with room for the prefix, a hash and what
// tools append ("-cow").
const maxOverlayName = 80

// AddOverlay gives n a stand-in, named after what n is. Where the ID does not fit
// into a name, a hash of it keeps two names apart.
func AddOverlay(n storage.Node) {
	if n.Base().Overlay != nil {
		return
	}
	exact := true
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		case r != ':':
			exact = false
		}
		return '-'
	}, string(n.Base().ID))
	if len(name) > maxOverlayName || !exact {
		h := fnv.New64a()
		h.Write([]byte(n.Base().ID))
		name = fmt.Sprintf("%.*s-%016x", maxOverlayName, name, h.Sum64())
	}
	n.Base().Overlay = &storage.Opening{Name: overlayPrefix + name}
}

// standIns puts a stand-in before each of the devices. It reports false when that
// cannot be done: when none can be made, or when what is open already uses a
// device, which would go on past the stand-in. Opening for real needs none.
func (o *opener) standIns(devices []storage.Node) bool {
	if !o.way.ReadOnly {
		return true
	}
	if !o.way.Overlays {
		return false
	}
	for _, d := range devices {
		if d.Base().Overlay == nil && isUsed(o.have, d.Base().ID) {
			return false
		}
	}
	for _, d := range devices {
		AddOverlay(d)
	}
	return true
}

// isUsed: something rests on the device that may write to it, or must not be closed.
// A logical volume that is open read-only and not mounted can be closed and opened again
// above a stand-in, as a look opens them without a key and in any order; whatever
// else is open may be somebody's, and stays.
func isUsed(g *storage.Graph, id storage.ID) bool {
	for _, n := range g.Above(id) {
		as := storage.OpeningOf(n)
		if as != nil && !storage.IsPart(n) && (!as.ReadOnly || n.Kind() != storage.KindLV) {
			return true
		}
		if s, ok := n.(*storage.Swap); ok && s.Active {
			return true
		}
	}
	return len(g.MountsOf(id)) > 0
}

// isSealed: a file system on the device can write to no disk. The device itself
// has to be read-only: with only a lower one so, the kernel lets writes through
// (block/blk-core.c, bio_check_ro).
func isSealed(g *storage.Graph, device storage.Node) bool {
	return device.Base().ReadOnly || g.EndsInMemory(device)
}
