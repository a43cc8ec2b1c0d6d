package rescue

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Kind is what an entry of an image is.
type Kind string

// The kinds.
const (
	Dir    Kind = "dir"
	File   Kind = "file"
	Link   Kind = "link"
	Device Kind = "device" // a character device
)

// Entry is one file of an image.
type Entry struct {
	Path string `json:"path"` // in the image, absolute
	Kind Kind   `json:"kind"`
	// Mode are the permission bits, with set-user-ID and the like. Everything belongs
	// to root.
	Mode   fs.FileMode `json:"mode"`
	Size   int64       `json:"size,omitempty"`   // bytes, of a file
	Target string      `json:"target,omitempty"` // of a link
	Source string      `json:"source,omitempty"` // of a file: its path in the root; "" for one that salvor makes
	Why    string      `json:"why"`              // why it is in the image
	Major  uint32      `json:"major,omitempty"`
	Minor  uint32      `json:"minor,omitempty"`

	content []byte
}

// Manifest is what will be in an image, by path.
type Manifest struct {
	Kernel  string    `json:"kernel"` // its release
	Entries []Entry   `json:"entries"`
	Notes   []string  `json:"notes,omitempty"`
	Missing []Missing `json:"missing,omitempty"`
}

// Size is the sum of all files in bytes.
func (m *Manifest) Size() int64 {
	var sum int64
	for _, e := range m.Entries {
		sum += e.Size
	}
	return sum
}

// Has reports whether a path is in the image, whatever it is.
func (m *Manifest) Has(p string) bool {
	_, there := slices.BinarySearchFunc(m.Entries, p, func(e Entry, p string) int { return cmp.Compare(e.Path, p) })
	return there
}

// Group is a part of an image.
type Group struct {
	Name  GroupName `json:"name"`
	Files int       `json:"files"`
	Size  int64     `json:"size"` // bytes, unpacked
}

// GroupName says what a group is.
type GroupName string

// The groups.
const (
	GroupSalvor    GroupName = "made by salvor"
	GroupModules   GroupName = "kernel modules"
	GroupFirmware  GroupName = "firmware"
	GroupPrograms  GroupName = "programs"
	GroupLibraries GroupName = "libraries"
	GroupFiles     GroupName = "other files"
)

var groupNames = []GroupName{GroupSalvor, GroupModules, GroupFirmware, GroupPrograms, GroupLibraries, GroupFiles}

// Groups tells what the image is made of. All groups are there, also empty ones.
func (m *Manifest) Groups() []Group {
	out := make([]Group, len(groupNames))
	for i, name := range groupNames {
		out[i].Name = name
	}
	for _, e := range m.Entries {
		if e.Kind == File {
			g := &out[slices.Index(groupNames, e.Group())]
			g.Files++
			g.Size += e.Size
		}
	}
	return out
}

// Group is the group of a file.
func (e Entry) Group() GroupName {
	below := func(dir string) bool {
		return strings.HasPrefix(e.Path, dir) || strings.HasPrefix(e.Path, "/usr"+dir)
	}
	base := path.Base(e.Path)
	switch {
	case e.Source == "":
		return GroupSalvor
	case below("/lib/modules/"):
		return GroupModules
	case below("/lib/firmware/"):
		return GroupFirmware
	case strings.HasSuffix(base, ".so") || strings.Contains(base, ".so."):
		return GroupLibraries
	case e.Mode&0o111 != 0:
		return GroupPrograms
	}
	return GroupFiles
}
