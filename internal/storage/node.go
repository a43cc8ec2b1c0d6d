package storage

import (
	"fmt"
	"slices"
)

// ID is the key of a node in its graph: "part:<partuuid>", "luks:<uuid>", …
type ID string

// Dev is a device number as in stat(2). The zero Dev means "no device node".
type Dev struct {
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
}

// IsZero reports whether there is no device.
func (d Dev) IsZero() bool { return d == Dev{} }

// String gives "major:minor", as in /proc/self/mountinfo.
func (d Dev) String() string { return fmt.Sprintf("%d:%d", d.Major, d.Minor) }

// Origin tells who gave a name.
type Origin string

// The origins of names.
const (
	FromKernel   Origin = "kernel"   // /dev/sda1, /dev/dm-3
	FromDM       Origin = "dm"       // /dev/mapper/NAME
	FromUdev     Origin = "udev"     // a link below /dev that exists now
	FromMetadata Origin = "metadata" // a name that follows from what lies on the disk: /dev/VG/LV, /dev/md/NAME
	FromCrypttab Origin = "crypttab" // what a system's crypttab calls it
	FromLayout   Origin = "layout"   // what it was called when a layout of the machine was saved
)

// Name is one name that a node answers to.
type Name struct {
	Path   string `json:"path"`
	Origin Origin `json:"origin"`
}

// Health is a condition that a rescuer has to know of.
type Health string

// The conditions.
const (
	Degraded      Health = "degraded"       // works, without its full redundancy
	MemberMissing Health = "member-missing" // a device that belongs to it is not there
	Missing       Health = "missing"        // known by name only
	Incomplete    Health = "incomplete"     // too little is there to open it
	Dirty         Health = "dirty"          // it was not unmounted, or not stopped, cleanly
	Damaged       Health = "damaged"        // it is marked as faulty, and wants to be checked
	Full          Health = "full"           // nothing more can be written to it
	Locked        Health = "locked"         // a key is needed
	Hibernated    Health = "hibernated"     // holds the memory image of a suspended system
	Ambiguous     Health = "ambiguous"      // more than one signature
	Unreadable    Health = "unreadable"     // reading it failed or timed out
)

// Opening is how a node stands open now.
type Opening struct {
	// Name is the device-mapper name of an encrypted container or an overlay,
	// which the opener chooses, and the kernel name of the device that an image is
	// attached to. In a wanted graph it is also the kernel name that
	// an array or a bcache is expected to get ("md127"); in a probed one it is
	// empty for those, since Names tell.
	Name     string `json:"name,omitempty"`
	ReadOnly bool   `json:"read_only,omitempty"`
}

// Openable is part of every kind that has to be opened.
type Openable struct {
	Open *Opening `json:"open,omitempty"`
}

func (o *Openable) openable() *Openable { return o }

// Common is what all nodes have.
type Common struct {
	ID       ID       `json:"id"`
	Identity ID       `json:"identity,omitempty"` // differs from ID only for twins
	On       []ID     `json:"on,omitempty"`
	Names    []Name   `json:"names,omitempty"`
	Dev      Dev      `json:"dev,omitzero"`
	Size     uint64   `json:"size,omitempty"` // bytes
	ReadOnly bool     `json:"read_only,omitempty"`
	Health   []Health `json:"health,omitempty"`
	Notes    []string `json:"notes,omitempty"`
	// Overlay is set while a copy-on-write stand-in of the device exists:
	// reads go to the device, writes to memory. Its Name is its dm name.
	Overlay *Opening `json:"overlay,omitempty"`
}

// Base gives the common part of the node.
func (c *Common) Base() *Common { return c }

// Is reports whether the node is in the condition h.
func (c *Common) Is(h Health) bool { return slices.Contains(c.Health, h) }

// Mark adds the condition h once.
func (c *Common) Mark(h Health) {
	if !c.Is(h) {
		c.Health = append(c.Health, h)
	}
}

// AddName adds a name once; the first origin stays.
func (c *Common) AddName(path string, from Origin) {
	for _, n := range c.Names {
		if n.Path == path {
			return
		}
	}
	c.Names = append(c.Names, Name{path, from})
}

// HasName reports whether the node answers to path.
func (c *Common) HasName(path string) bool {
	return slices.ContainsFunc(c.Names, func(n Name) bool { return n.Path == path })
}

// Path is the best path to the device now, or "" when it has none. A
// device-mapper name is preferred to a kernel name, since it says more.
func (c *Common) Path() string {
	for _, from := range []Origin{FromDM, FromKernel} {
		for _, n := range c.Names {
			if n.Origin == from {
				return n.Path
			}
		}
	}
	return ""
}

// Node is one thing of the stack. The set of kinds is closed.
type Node interface {
	Base() *Common
	Kind() Kind
	clone() Node
}

// OpeningOf gives how n stands open, or nil when it is closed or is of a kind
// that is never opened.
func OpeningOf(n Node) *Opening {
	if o, ok := n.(interface{ openable() *Openable }); ok {
		return o.openable().Open
	}
	return nil
}

// SetOpening opens or (with nil) closes n in the graph; it reports whether n is
// of a kind that can be opened.
func SetOpening(n Node, as *Opening) bool {
	o, ok := n.(interface{ openable() *Openable })
	if ok {
		o.openable().Open = as.clone()
	}
	return ok
}

// CanOpen reports whether n is of a kind that has to be opened.
func CanOpen(n Node) bool {
	_, ok := n.(interface{ openable() *Openable })
	return ok
}

// IsPart tells logical volumes that are never opened by themselves, but by those
// that use them: the hidden parts of another volume, and pools.
func IsPart(n Node) bool {
	lv, ok := n.(*LV)
	return ok && (lv.Internal || lv.Layout == "thin-pool" || lv.Layout == "cache-pool")
}

func (o *Opening) clone() *Opening {
	if o == nil {
		return nil
	}
	c := *o
	return &c
}

func (c Common) cloned() Common {
	c.On = slices.Clone(c.On)
	c.Names = slices.Clone(c.Names)
	c.Health = slices.Clone(c.Health)
	c.Notes = slices.Clone(c.Notes)
	c.Overlay = c.Overlay.clone()
	return c
}

func (o Openable) cloned() Openable { return Openable{o.Open.clone()} }
