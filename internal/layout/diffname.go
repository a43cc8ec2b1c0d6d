package layout

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"salvor/internal/storage"
)

// nameOfID is what people call the node with an ID.
func (s *side) nameOfID(id storage.ID) string {
	if t := s.byID[id]; t != nil {
		return s.nameOf(t)
	}
	return string(id)
}

// nameOf is what people call a node, without its kind: a mount point, the name that was
// given to it, the name of its device. One that lies on itself, as nobody has checked
// the layout, is called by its ID.
func (s *side) nameOf(t *thing) string {
	if t == nil {
		return "nothing"
	}
	if _, known := s.names[t]; !known {
		s.names[t] = string(t.id)
		s.names[t] = s.newName(t)
	}
	return s.names[t]
}

func (s *side) newName(t *thing) string {
	switch v := t.value.Interface().(type) {
	case Disk:
		return nameOfDisk(v)
	case Table:
		return s.nameOf(t.parent)
	case Partition:
		return cmp.Or(deviceName(v.Device), fmt.Sprintf("%d of %s", v.Number, s.nameOf(t.parent)))
	case Multipath:
		return cmp.Or(v.Alias, v.WWID)
	case Array:
		_, name, hosted := strings.Cut(v.Name, ":")
		if !hosted {
			name = v.Name
		}
		return cmp.Or(name, deviceName(v.Device), v.UUID)
	case Crypt:
		return cmp.Or(v.Name, v.Label, s.below(v.LiesOn))
	case Group:
		return v.Name
	case Volume:
		return s.nameOf(t.parent) + "/" + v.Name
	case Bcache:
		return cmp.Or(v.Label, deviceName(v.Device), s.below(v.LiesOn))
	case FileSystem:
		return s.nameOfMounted(t, v.Label)
	case Subvolume:
		if points := unique(s.points[t.id]); len(points) > 0 {
			return strings.Join(points, ", ")
		}
		return cmp.Or(v.Path, "/") + " of " + s.nameOf(t.parent)
	case Swap:
		return cmp.Or(v.Label, s.below(v.LiesOn))
	default:
		return s.below(t.carriers()...)
	}
}

// nameOfDisk tells the device, and what is printed on the disk.
func nameOfDisk(d Disk) string {
	printed := d.Model
	if d.Serial != "" {
		printed = strings.TrimSpace(printed + " " + d.Serial)
	}
	switch name := deviceName(d.Device); {
	case name == "":
		return cmp.Or(printed, string(d.ID))
	case printed == "":
		return name
	default:
		return name + " (" + printed + ")"
	}
}

// nameOfMounted is a mount point, "/" before all others, or a label.
func (s *side) nameOfMounted(t *thing, label string) string {
	if points := unique(s.points[t.id]); len(points) > 0 {
		return points[0]
	}
	return cmp.Or(label, s.below(t.carriers()...))
}

// below names the devices that something lies on.
func (s *side) below(ids ...storage.ID) string {
	var out []string
	for _, id := range ids {
		out = append(out, s.nameOfID(id))
	}
	return cmp.Or(strings.Join(out, " + "), "no device")
}

func deviceName(device string) string {
	if device == "" {
		return ""
	}
	return path.Base(device)
}
