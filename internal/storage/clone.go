package storage

import "slices"

// Kind implements Node.
func (*Image) Kind() Kind { return KindImage }

// Kind implements Node.
func (*Disk) Kind() Kind { return KindDisk }

// Kind implements Node.
func (*Table) Kind() Kind { return KindTable }

// Kind implements Node.
func (*Partition) Kind() Kind { return KindPartition }

// Kind implements Node.
func (*Multipath) Kind() Kind { return KindMultipath }

// Kind implements Node.
func (*MD) Kind() Kind { return KindMD }

// Kind implements Node.
func (*PV) Kind() Kind { return KindPV }

// Kind implements Node.
func (*VG) Kind() Kind { return KindVG }

// Kind implements Node.
func (*LV) Kind() Kind { return KindLV }

// Kind implements Node.
func (*Crypt) Kind() Kind { return KindCrypt }

// Kind implements Node.
func (*Bcache) Kind() Kind { return KindBcache }

// Kind implements Node.
func (*BcacheSet) Kind() Kind { return KindBcacheSet }

// Kind implements Node.
func (*FileSystem) Kind() Kind { return KindFileSystem }

// Kind implements Node.
func (*Subvolume) Kind() Kind { return KindSubvolume }

// Kind implements Node.
func (*Swap) Kind() Kind { return KindSwap }

// Kind implements Node.
func (*Opaque) Kind() Kind { return KindOpaque }

func (n *Image) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	c.Openable = n.Openable.cloned()
	return &c
}

func (n *Disk) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *Table) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *Partition) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *Multipath) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	c.Openable = n.Openable.cloned()
	return &c
}

func (n *MD) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	c.Openable = n.Openable.cloned()
	c.Members = slices.Clone(n.Members)
	return &c
}

func (n *PV) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *VG) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *LV) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	c.Openable = n.Openable.cloned()
	return &c
}

func (n *Crypt) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	c.Openable = n.Openable.cloned()
	c.Keyslots = slices.Clone(n.Keyslots)
	c.Tokens = slices.Clone(n.Tokens)
	c.ClevisSlots = slices.Clone(n.ClevisSlots)
	c.Terms = n.Terms.Clone()
	return &c
}

// Clone gives a copy that shares nothing with t.
func (t *Terms) Clone() *Terms {
	if t == nil {
		return nil
	}
	c := *t
	c.KeyFiles = slices.Clone(t.KeyFiles)
	if t.KeySlot != nil {
		slot := *t.KeySlot
		c.KeySlot = &slot
	}
	return &c
}

func (n *Bcache) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	c.Openable = n.Openable.cloned()
	return &c
}

func (n *BcacheSet) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *FileSystem) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *Subvolume) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *Swap) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

func (n *Opaque) clone() Node {
	c := *n
	c.Common = n.Common.cloned()
	return &c
}

// newNode gives an empty node of the kind, or nil for a kind that does not exist.
func newNode(k Kind) Node {
	switch k {
	case KindImage:
		return new(Image)
	case KindDisk:
		return new(Disk)
	case KindTable:
		return new(Table)
	case KindPartition:
		return new(Partition)
	case KindMultipath:
		return new(Multipath)
	case KindMD:
		return new(MD)
	case KindPV:
		return new(PV)
	case KindVG:
		return new(VG)
	case KindLV:
		return new(LV)
	case KindCrypt:
		return new(Crypt)
	case KindBcache:
		return new(Bcache)
	case KindBcacheSet:
		return new(BcacheSet)
	case KindFileSystem:
		return new(FileSystem)
	case KindSubvolume:
		return new(Subvolume)
	case KindSwap:
		return new(Swap)
	case KindOpaque:
		return new(Opaque)
	default:
		return nil
	}
}
