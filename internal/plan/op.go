package plan

import (
	"cmp"
	"fmt"
	"strings"

	"salvor/internal/storage"
)

// Op is one operation. The set of types is closed: the pairs below and
// in image.go.
type Op interface {
	// Name is the operation's word in JSON and in the journal.
	Name() string
	// Text is the operation as a sentence for people, without a full stop.
	Text() string
	// item is what the operation changes.
	item() item
	// effect changes a graph as the operation would change the machine.
	effect(g *storage.Graph)
}

// StartArray assembles an MD array from the members that are there.
type StartArray struct {
	ID       storage.ID `json:"id"`
	UUID     string     `json:"uuid"`
	Device   string     `json:"device"` // /dev/mdN that it is to get
	Members  []string   `json:"members"`
	ReadOnly bool       `json:"read_only,omitempty"`
	Degraded bool       `json:"degraded,omitempty"` // start it although members are missing
	// Held is a device that somebody collected members in and did not start; it
	// has to be given up first.
	Held string `json:"held,omitempty"`
}

// StopArray stops an MD array.
type StopArray struct {
	ID     storage.ID `json:"id"`
	Device string     `json:"device"`
}

// ActivateLV activates one logical volume.
type ActivateLV struct {
	ID       storage.ID `json:"id"`
	VG       string     `json:"vg"`
	LV       string     `json:"lv"`
	VGUUID   string     `json:"vg_uuid"`
	Device   string     `json:"device"`
	PVs      []string   `json:"pvs"` // the devices that LVM is to see, and no others
	ReadOnly bool       `json:"read_only,omitempty"`
	Degraded bool       `json:"degraded,omitempty"` // its VG misses a PV
}

// DeactivateLV deactivates one logical volume.
type DeactivateLV struct {
	ID     storage.ID `json:"id"`
	VG     string     `json:"vg"`
	LV     string     `json:"lv"`
	VGUUID string     `json:"vg_uuid"`
	Device string     `json:"device"`
	PVs    []string   `json:"pvs"`
}

// Unlock opens an encrypted container. The key is not in the plan: whoever
// carries it out has it under the ID.
type Unlock struct {
	ID       storage.ID `json:"id"`
	Format   string     `json:"format"`
	Device   string     `json:"device"`
	MapName  string     `json:"map_name"`
	ReadOnly bool       `json:"read_only,omitempty"`
	// Terms is what else it takes; nil when the header on the device says all.
	// HeaderDevice is what a detached header is on.
	Terms        *storage.Terms `json:"terms,omitempty"`
	HeaderDevice string         `json:"header_device,omitempty"`
}

// Lock closes an encrypted container.
type Lock struct {
	ID      storage.ID `json:"id"`
	MapName string     `json:"map_name"`
}

// RenameMap gives an open encrypted container another device-mapper name.
type RenameMap struct {
	ID   storage.ID `json:"id"`
	From string     `json:"from"`
	To   string     `json:"to"`
}

// StartMultipath makes the map of a LUN.
type StartMultipath struct {
	ID    storage.ID `json:"id"`
	WWID  string     `json:"wwid"`
	Wires []string   `json:"wires"`
}

// StopMultipath removes the map of a LUN.
type StopMultipath struct {
	ID     storage.ID `json:"id"`
	Device string     `json:"device"`
}

// StartBcache registers the devices of a bcache with the kernel.
type StartBcache struct {
	ID      storage.ID `json:"id"`
	UUID    string     `json:"uuid"`
	Devices []string   `json:"devices"` // cache devices first, then the backing device
	Device  string     `json:"device"`  // /dev/bcacheN that it is expected to get
}

// StopBcache stops a bcache.
type StopBcache struct {
	ID      storage.ID `json:"id"`
	Device  string     `json:"device"`
	Backing []string   `json:"backing"`
}

// AddOverlay sets up a copy-on-write stand-in: reads go to the device, writes
// to memory. The device is not changed, whatever is done to the stand-in.
type AddOverlay struct {
	ID      storage.ID `json:"id"`
	Device  string     `json:"device"`
	MapName string     `json:"map_name"`
	Size    uint64     `json:"size"` // bytes
}

// RemoveOverlay takes the stand-in down, with all that was written to it.
type RemoveOverlay struct {
	ID      storage.ID `json:"id"`
	MapName string     `json:"map_name"`
}

// Freeze sets the kernel's read-only flag of a device.
type Freeze struct {
	ID     storage.ID `json:"id"`
	Device string     `json:"device"`
}

// Thaw clears it.
type Thaw struct {
	ID     storage.ID `json:"id"`
	Device string     `json:"device"`
}

// Mount mounts a file system, a subvolume, a virtual file system or a bound tree.
type Mount struct {
	Mount  storage.Mount `json:"mount"`
	Device string        `json:"device,omitempty"` // of the resolved node; empty for virtual and bound trees
	// Root is the target's directory: the mount point is resolved inside it.
	Root string `json:"root,omitempty"`
	// Subtree is the directory of the file system or subvolume that is shown,
	// without a slash at its front; "" for all of it.
	Subtree string `json:"subtree,omitempty"`
}

// Unmount unmounts what is seen at a point.
type Unmount struct {
	Mount storage.Mount `json:"mount"`
}

// Name implements Op.
func (StartArray) Name() string     { return "start-array" }
func (StopArray) Name() string      { return "stop-array" }
func (ActivateLV) Name() string     { return "activate-lv" }
func (DeactivateLV) Name() string   { return "deactivate-lv" }
func (Unlock) Name() string         { return "unlock" }
func (Lock) Name() string           { return "lock" }
func (RenameMap) Name() string      { return "rename-map" }
func (StartMultipath) Name() string { return "start-multipath" }
func (StopMultipath) Name() string  { return "stop-multipath" }
func (StartBcache) Name() string    { return "start-bcache" }
func (StopBcache) Name() string     { return "stop-bcache" }
func (AddOverlay) Name() string     { return "add-overlay" }
func (RemoveOverlay) Name() string  { return "remove-overlay" }
func (Freeze) Name() string         { return "freeze" }
func (Thaw) Name() string           { return "thaw" }
func (Mount) Name() string          { return "mount" }
func (Unmount) Name() string        { return "unmount" }

// Text implements Op.
func (o StartArray) Text() string {
	return fmt.Sprintf("assemble %s%s as %s from %s%s", o.ID, readOnly(o.ReadOnly), o.Device,
		strings.Join(o.Members, " "), mark(o.Degraded, ", degraded")+mark(o.Held != "", ", in place of "+o.Held+", which was not started"))
}
func (o StopArray) Text() string { return fmt.Sprintf("stop %s (%s)", o.ID, o.Device) }
func (o ActivateLV) Text() string {
	return fmt.Sprintf("activate %s%s (%s/%s)%s", o.Device, readOnly(o.ReadOnly), o.VG, o.LV, mark(o.Degraded, ", degraded"))
}
func (o DeactivateLV) Text() string {
	return fmt.Sprintf("deactivate %s (%s/%s)", o.Device, o.VG, o.LV)
}
func (o Unlock) Text() string {
	return fmt.Sprintf("unlock %s on %s%s as %q%s", o.ID, o.Device, readOnly(o.ReadOnly), o.MapName, o.headerText())
}
func (o Lock) Text() string { return fmt.Sprintf("lock %s (%q)", o.ID, o.MapName) }
func (o RenameMap) Text() string {
	return fmt.Sprintf("rename the map %q of %s to %q", o.From, o.ID, o.To)
}
func (o StartMultipath) Text() string {
	return fmt.Sprintf("make the multipath map %s of %s", o.WWID, strings.Join(o.Wires, " "))
}
func (o StopMultipath) Text() string { return fmt.Sprintf("remove the multipath map %s", o.Device) }
func (o StartBcache) Text() string {
	return fmt.Sprintf("register %s as %s", strings.Join(o.Devices, " "), o.Device)
}
func (o StopBcache) Text() string { return fmt.Sprintf("stop %s (%s)", o.ID, o.Device) }
func (o AddOverlay) Text() string {
	return fmt.Sprintf("put a copy-on-write stand-in %q before %s (writes go to memory)", o.MapName, o.Device)
}
func (o RemoveOverlay) Text() string { return fmt.Sprintf("remove the stand-in %q", o.MapName) }
func (o Freeze) Text() string        { return "set " + o.Device + " read-only" }
func (o Thaw) Text() string          { return "set " + o.Device + " writable again" }
func (o Mount) Text() string {
	return fmt.Sprintf("mount %s at %s%s", o.what(), o.Mount.Point, readOnly(o.Mount.ReadOnly))
}
func (o Unmount) Text() string { return "unmount " + o.Mount.Point }

// headerText says where a detached header is.
func (o Unlock) headerText() string {
	if o.Terms == nil || o.Terms.Header == "" {
		return ""
	}
	where := cmp.Or(o.HeaderDevice, string(o.Terms.HeaderOn))
	if o.Terms.HeaderFile != "" {
		where = fmt.Sprintf("%s, file %s", where, o.Terms.HeaderFile)
	}
	return ", with the header on " + where
}

func (o Mount) what() string {
	switch {
	case o.Mount.Bind != "":
		return "the tree " + o.Mount.Bind
	case o.Mount.Remote != "":
		return fmt.Sprintf("%s (%s)", o.Mount.Remote, o.Mount.Type)
	case o.Mount.Source == "":
		return o.Mount.Type
	case strings.Trim(o.Mount.Root, "/") != "":
		return fmt.Sprintf("%s (%s, %s)", o.Device, o.Mount.Type, o.Mount.Root)
	default:
		return fmt.Sprintf("%s (%s)", o.Device, o.Mount.Type)
	}
}

func readOnly(on bool) string { return mark(on, " read-only") }

func mark(on bool, text string) string {
	if on {
		return text
	}
	return ""
}
