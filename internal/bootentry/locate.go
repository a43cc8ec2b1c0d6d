package bootentry

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// volume is the file system that a loader takes a path from, as far as it says.
// The zero volume says nothing.
type volume struct {
	uuid, label string
	dir         string // where in the tree it is mounted, if that is known
}

// deepestSubvolume is how many leading names of a path may be those of a btrfs
// subvolume: openSUSE's snapshots lie in @/.snapshots/N/snapshot.
const deepestSubvolume = 4

// locate finds the file that a loader means by a path. A loader sees the top of a
// file system, where the tree has it mounted somewhere, and may see it from above
// the subvolume that is mounted.
func (r *reader) locate(text string, on volume) File {
	f := File{Text: text}
	rest := strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(text, `\`, "/")), "/")
	if text == "" || rest == "" || strings.Contains(rest, "${") {
		return f
	}
	bases := r.bases(rest, on)
	for below, cut := rest, 0; cut <= deepestSubvolume; cut++ {
		for _, base := range bases {
			if f.Path = r.fileIn(base, below); f.Path != "" {
				f.Subvolume = strings.TrimSuffix(strings.TrimSuffix(rest, below), "/")
				return f
			}
		}
		var ok bool
		if _, below, ok = strings.Cut(below, "/"); !ok {
			break
		}
	}
	return f
}

// fileIn gives the file that name is below base. On an ESP letters' case does not
// count.
func (r *reader) fileIn(base, name string) string {
	if at := path.Join(base, name); fs.ValidPath(at) && r.isFile(at) {
		return at
	}
	if slices.Contains(r.esp, base) {
		if at := r.fold(base, name); at != "" && r.isFile(at) {
			return at
		}
	}
	return ""
}

// bases gives the directories at which the file system may be mounted, the
// likeliest first. A path that begins with boot/ is one of a root file system;
// for any other, the root comes last, since Debian has a link /vmlinuz there.
func (r *reader) bases(rest string, on volume) []string {
	if on.uuid != "" && len(r.fs) > 0 {
		return r.fs[strings.ToLower(on.uuid)]
	}
	if on.dir != "" {
		return []string{on.dir}
	}
	out := slices.Clone(r.points)
	if strings.HasPrefix(rest, "boot/") {
		return slices.Insert(out, 0, ".")
	}
	return append(out, ".")
}
