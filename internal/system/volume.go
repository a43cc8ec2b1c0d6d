package system

import (
	"errors"
	"slices"

	"salvor/internal/storage"
)

// Volume is an encrypted container that the system's crypttab names or that its
// file systems rest on.
type Volume struct {
	ID    storage.ID  `json:"id,omitempty"`
	Name  string      `json:"name"`           // of its map
	Line  int         `json:"line,omitempty"` // in crypttab
	From  string      `json:"from,omitempty"` // where the line or the name stands, if not in the system's own files
	State VolumeState `json:"state"`
	Text  string      `json:"text,omitempty"`
}

// VolumeState is what becomes of a volume.
type VolumeState string

// The states of volumes.
const (
	VolumeOpen    VolumeState = "open"
	VolumeLocked  VolumeState = "locked"
	VolumeMissing VolumeState = "missing"
	VolumeRefused VolumeState = "refused"
)

// volumes tells what becomes of every container that belongs to the system.
func (m *mounter) volumes() {
	for _, lost := range m.names.lost {
		v := Volume{Name: dmName(lost.Entry.Name), Line: lost.Entry.Line, State: VolumeMissing, Text: storage.Printable(lost.Err.Error())}
		if errors.Is(lost, errTwice) {
			v.State = VolumeRefused
		}
		if isMadeAnew(lost.Entry) {
			v.State, v.Text = VolumeRefused, "it is made anew on every boot, so it holds nothing to mount"
		}
		m.out.Volumes = append(m.out.Volumes, v)
	}
	carries := map[storage.ID]bool{}
	for _, p := range m.order {
		if p.Source != "" && !carries[p.Source] {
			for id := range m.names.ix.restsOn(p.Source) {
				carries[id] = true
			}
		}
	}
	for c := range storage.All[*storage.Crypt](m.out.Want) {
		if _, own := m.names.entry[c.ID]; own || carries[c.ID] {
			m.out.Volumes = append(m.out.Volumes, m.volume(c))
		}
	}
	slices.SortStableFunc(m.out.Volumes, func(a, b Volume) int { return a.Line - b.Line })
}

func (m *mounter) volume(c *storage.Crypt) Volume {
	e := m.names.entry[c.ID]
	v := Volume{ID: c.ID, Name: m.names.MapName(c.ID), Line: e.Line, State: VolumeLocked}
	if c.Open != nil {
		v.Name = c.Open.Name
	}
	if m.names.namedBySaved(c.ID) {
		v.From = FromSaved
	}
	seen, _ := m.seen.Node(c.ID).(*storage.Crypt)
	switch {
	case isMadeAnew(e):
		v.State, v.Text = VolumeRefused, "its crypttab line would destroy what it holds"
	case c.Open != nil:
		v.State = VolumeOpen
		if e.Options.Has("keyfile-erase") {
			v.Text = "the option keyfile-erase is refused"
		}
	case seen != nil && seen.Open != nil:
		v.Text = Describe(m.seen, c.ID) + " cannot be opened" + m.howFar()
	default:
		v.Text = "no key for " + Describe(m.seen, c.ID)
	}
	return v
}
