package system

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"salvor/internal/storage"
)

// The tools whose snapshots are known by what they write beside them.
const (
	Snapper   = "snapper"
	Timeshift = "timeshift"
)

// Snapshot is what is known of a snapshot. Its texts are a stranger's, without
// control characters and not too long.
type Snapshot struct {
	Tool        string            `json:"tool,omitempty"`   // Snapper, Timeshift; "" for one made by hand
	Number      int               `json:"number,omitempty"` // of snapper
	Name        string            `json:"name,omitempty"`   // of timeshift: when it was made, by the clock there
	Type        string            `json:"type,omitempty"`   // of snapper: single, pre or post
	Pre         int               `json:"pre,omitempty"`    // the number that a "post" belongs to
	Date        time.Time         `json:"date,omitzero"`
	Description string            `json:"description,omitempty"`
	Cleanup     string            `json:"cleanup,omitempty"`
	Tags        []string          `json:"tags,omitempty"` // of timeshift: daily, boot, ondemand…
	Userdata    map[string]string `json:"userdata,omitempty"`
	ReadOnly    bool              `json:"read_only,omitempty"`
}

// maxUserdata bounds how many words of snapper's userdata are kept.
const maxUserdata = 64

// parseSnapper reads an info.xml (snapper(8), "Snapshots"; snapper's
// Snapshot.cc writes it). Dates are UTC.
func parseSnapper(data []byte) (*Snapshot, error) {
	var info struct {
		XMLName     xml.Name `xml:"snapshot"`
		Type        string   `xml:"type"`
		Num         int      `xml:"num"`
		PreNum      int      `xml:"pre_num"`
		Date        string   `xml:"date"`
		Description string   `xml:"description"`
		Cleanup     string   `xml:"cleanup"`
		Userdata    []struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		} `xml:"userdata"`
	}
	if err := xml.Unmarshal(data, &info); err != nil {
		return nil, err
	}
	s := &Snapshot{Tool: Snapper, Number: info.Num, Pre: info.PreNum, Type: clean(info.Type), Description: clean(info.Description), Cleanup: clean(info.Cleanup)}
	s.Date, _ = time.Parse(time.DateTime, strings.TrimSpace(info.Date)) // none is better than a guess
	for _, u := range info.Userdata[:min(len(info.Userdata), maxUserdata)] {
		if s.Userdata == nil {
			s.Userdata = map[string]string{}
		}
		s.Userdata[clean(u.Key)] = clean(u.Value)
	}
	return s, nil
}

// parseTimeshift reads an info.json: all its values are texts, "created" counts
// seconds (timeshift, src/Core/Snapshot.vala).
func parseTimeshift(data []byte) (*Snapshot, error) {
	var info struct {
		Created  string `json:"created"`
		Tags     string `json:"tags"`
		Comments string `json:"comments"`
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return nil, err
	}
	s := &Snapshot{Tool: Timeshift, Description: clean(info.Comments), Tags: strings.Fields(clean(info.Tags))}
	if seconds, err := strconv.ParseInt(info.Created, 10, 64); err == nil && seconds > 0 && seconds < 1<<40 {
		s.Date = time.Unix(seconds, 0).UTC()
	}
	return s, nil
}

// madeBy tells by its path and by what lies beside it that a subvolume was made
// by a tool; nil for any other. Where the file beside it is lost, the path counts.
func (f *finder) madeBy(sub *storage.Subvolume) *Snapshot {
	dir, name := path.Split(sub.Path)
	dir = path.Clean(dir)
	number, err := strconv.Atoi(path.Base(dir))
	switch {
	case name == "snapshot" && err == nil && number > 0:
		s, err := readBeside(f, sub, path.Join(dir, "info.xml"), parseSnapper)
		if err != nil && path.Base(path.Dir(dir)) != ".snapshots" {
			return nil
		}
		s.Number, s.ReadOnly = number, sub.Frozen
		return s
	case strings.HasPrefix(name, "@") && strings.HasSuffix("/"+path.Dir(dir), "/timeshift-btrfs/snapshots"):
		s, _ := readBeside(f, sub, path.Join(dir, "info.json"), parseTimeshift)
		s.Name, s.ReadOnly, s.Tool = clean(path.Base(dir)), sub.Frozen, Timeshift
		return s
	}
	return nil
}

// readBeside reads a file that a tool has put next to a snapshot. With an error
// comes an empty Snapshot.
func readBeside(f *finder, sub *storage.Subvolume, name string, parse func([]byte) (*Snapshot, error)) (*Snapshot, error) {
	tree, rest := f.around(sub, name)
	if tree == nil {
		return &Snapshot{Tool: Snapper}, errors.New("what lies around it cannot be seen")
	}
	data, err := readSmall(tree, rest)
	if err != nil {
		return &Snapshot{Tool: Snapper}, err
	}
	s, err := parse(data)
	if err != nil {
		return &Snapshot{Tool: Snapper}, err
	}
	return s, nil
}

// around gives the tree of the subvolume that a path of a btrfs lies in, sub
// itself not counted, and the path in it.
func (f *finder) around(sub *storage.Subvolume, p string) (fs.FS, string) {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if dir == "." || dir == "/" {
			dir = ""
		}
		if s := f.byPath[subvolumePath{sub.On[0], dir}]; s != nil && s != sub {
			tree, _ := f.trees.Tree(s.ID)
			return tree, strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
		}
		if dir == "" {
			tree, _ := f.trees.Tree(sub.On[0])
			return tree, p
		}
	}
}

// subvolumePath is a path of one btrfs.
type subvolumePath struct {
	fs   storage.ID
	path string
}

// isBrief: the subvolume is a snapshot, so that a glance at it is enough. The
// default subvolume is not, although snapper makes it as one: it is the system.
func (f *finder) isBrief(sub *storage.Subvolume) (*Snapshot, bool) {
	fsys, ok := f.g.Node(sub.On[0]).(*storage.FileSystem)
	if !ok || sub.SubvolID == defaultSubvolume(fsys) || sub.Path == "" {
		return nil, false
	}
	if s := f.madeBy(sub); s != nil {
		return s, true
	}
	if sub.Frozen && sub.ParentUUID != "" && f.byUUID[sub.ParentUUID] != nil {
		return &Snapshot{ReadOnly: true}, true
	}
	return nil, false
}

// glanceAt looks at a snapshot just far enough to know what it is of. Its version
// is its own; what it has in common with its origin is taken from there later.
func (f *finder) glanceAt(sub *storage.Subvolume, as *Snapshot) {
	tree, err := f.trees.Tree(sub.ID)
	if tree == nil {
		f.add(Finding{Root: sub.ID, Class: Unknown, Cause: causeOf(err), Snapshot: as})
		return
	}
	s := glance(tree, nil)
	var stale *LookError
	if s == nil || s.needsUsr(tree) || errors.As(err, &stale) {
		f.look(sub.ID)
		x := &f.out[len(f.out)-1]
		if x.System != nil {
			x.System.Snapshot = as
		} else {
			x.Snapshot, x.SnapshotOf = as, f.takenOf(sub)
		}
		return
	}
	s.Root, s.Snapshot, s.Running = sub.ID, as, f.isRunning(&System{Root: sub.ID})
	f.add(Finding{Root: sub.ID, Class: Installed, System: s})
	f.brief[sub.ID] = true
}

// takenOf gives the subvolume that one without a system was taken of.
func (f *finder) takenOf(sub *storage.Subvolume) storage.ID {
	if o := f.byUUID[sub.ParentUUID]; o != nil && sub.ParentUUID != "" && slices.Equal(o.On, sub.On) {
		return o.ID
	}
	return ""
}

// complete fills in what a glance has left out: from the origin, or by a look if
// there is none.
func (f *finder) complete() {
	by := map[storage.ID]*System{}
	for _, x := range f.out {
		if x.System != nil && x.System.Dir == "" {
			by[x.Root] = x.System
		}
	}
	for _, x := range f.out {
		if x.System == nil || !f.brief[x.Root] {
			continue
		}
		if o := by[x.System.SnapshotOf]; o != nil {
			x.System.Arch = o.Arch
			continue
		}
		tree, err := f.trees.Tree(x.Root)
		if err != nil {
			continue
		}
		x.System.Arch, x.System.Kernels = arch(tree, nil), append(x.System.Kernels, kernels(tree, nil)...)
	}
}

// noteSnapshots says of every system that is a snapshot what is known of it.
func (f *finder) noteSnapshots() {
	for _, x := range f.out {
		if x.System == nil || x.System.SnapshotOf == "" || x.System.Snapshot != nil {
			continue
		}
		x.System.Snapshot = &Snapshot{}
		if sub, ok := f.g.Node(x.Root).(*storage.Subvolume); ok {
			if s := f.madeBy(sub); s != nil {
				x.System.Snapshot = s
			}
			x.System.Snapshot.ReadOnly = sub.Frozen
		}
	}
}
