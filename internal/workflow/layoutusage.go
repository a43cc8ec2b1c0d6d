package workflow

import (
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// usage tells how full the file systems are that are mounted.
func (w *Work) usage(g *storage.Graph) []layout.Usage {
	var out []layout.Usage
	for fsys := range storage.All[*storage.FileSystem](g) {
		point := askablePoint(g, fsys.ID)
		if point == "" {
			continue
		}
		u, err := w.Machine.Usage(point)
		if err != nil {
			w.tell(Note{storage.Printable(err.Error())})
			continue
		}
		out = append(out, layout.Usage{ID: fsys.ID, Used: layout.Size(u.Used), Files: u.Files})
	}
	return out
}

// askablePoint gives a place where the file system is mounted and can be asked for
// without waiting for anybody: the way there must not lead through a network file
// system, an automount or a FUSE, whose server may be gone, and it must not be one.
func askablePoint(g *storage.Graph, id storage.ID) string {
	for i := range g.Mounts {
		m := &g.Mounts[i]
		fsys := fileSystemOf(g, *m)
		if fsys == nil || fsys.ID != id || waits(m) || g.MountAt(m.Point) != m {
			continue
		}
		blocked := slices.ContainsFunc(g.Mounts, func(above storage.Mount) bool {
			return above.Point != m.Point && storage.PathContains(above.Point, m.Point) && waits(&above)
		})
		if !blocked {
			return m.Point
		}
	}
	return ""
}

// waits: whoever asks such a mount may wait for another program or machine.
func waits(m *storage.Mount) bool {
	return m.Remote != "" || m.Type == "autofs" || m.Type == "fuse" || m.Type == "fuseblk" || strings.HasPrefix(m.Type, "fuse.")
}
