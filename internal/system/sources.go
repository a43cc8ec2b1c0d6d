package system

import (
	"io/fs"
	"iter"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// wish is a line on which the booting system acts, and where it stands.
type wish struct {
	fstab.Entry
	from string     // "" is fstab; else a unit's file, FromCmdline, FromGPT
	node storage.ID // what it mounts, where that is known without a spec
}

// FromCmdline is the source of lines that stand on the kernel command line.
const FromCmdline = "kernel command line"

// maxCmdlines bounds how many different command lines are kept: a menu with a line
// for each of a thousand snapshots says little that is new.
const maxCmdlines = 32

// learnSources reads what besides fstab says what the system mounts.
func (s *System) learnSources(tree, usr fs.FS) {
	s.MachineID = strings.TrimSpace(firstLine(s.config(tree, "etc/machine-id")))
	s.Units = readUnits(tree, usr)
	s.AutoGPT = existsUsr(tree, usr, "usr/lib/systemd/system-generators/systemd-gpt-auto-generator")
}

// existsUsr looks for a file below /usr, which may be a tree of its own, and at
// the place that it had before /usr was merged.
func existsUsr(tree, usr fs.FS, name string) bool {
	below := strings.TrimPrefix(name, "usr/")
	return exists(tree, name) || exists(tree, below) || usr != nil && exists(usr, below)
}

// learnBoot reads the boot entries of a system, whose command lines name devices
// and volumes as well.
func (s *System) learnBoot(ix *index, bare *storage.Graph, trees Trees) {
	s.Boot = readBoot(newFiles(ix, bare, s, trees))
	entries := slices.Clone(s.Boot.Entries)
	slices.SortStableFunc(entries, func(a, b bootentry.Entry) int { return defaultFirst(a) - defaultFirst(b) })
	seen := map[string]bool{"": true}
	for _, e := range entries {
		if !seen[e.Options] && len(s.Cmdlines) < maxCmdlines {
			seen[e.Options] = true
			s.Cmdlines = append(s.Cmdlines, fstab.ParseCmdline(e.Options))
		}
	}
}

// readBoot reads the boot entries of the systems. A snapshot is started by those
// of its origin.
func (f *finder) readBoot() {
	origins := map[storage.ID]*System{}
	for _, x := range f.out {
		if x.System != nil && x.System.SnapshotOf == "" {
			x.System.learnBoot(f.ix, f.bare(), f.trees)
			origins[x.Root] = x.System
		}
	}
	for _, x := range f.out {
		if s := x.System; s != nil && origins[s.SnapshotOf] != nil {
			s.Cmdlines = origins[s.SnapshotOf].Cmdlines
		}
	}
}

// ReadBoot reads what the boot loaders of a system would start. Which file system
// is seen where comes from its fstab, so a path is looked for on the one that the
// loader searches for.
func ReadBoot(g *storage.Graph, s *System, trees Trees) *bootentry.Boot {
	return readBoot(newFiles(newIndex(g), withoutMounts(g), s, trees))
}

func readBoot(files *files) *bootentry.Boot {
	g := files.m.seen
	points := bootentry.UsualPoints()
	points.FS = map[string][]string{}
	for inside, p := range files.m.at {
		if fsys, ok := g.Node(topOf(g, p.Source)).(*storage.FileSystem); ok && fsys.UUID != "" && p.Bind == "" {
			uuid := strings.ToLower(fsys.UUID)
			points.FS[uuid] = append(points.FS[uuid], relative(inside))
		}
	}
	for _, dirs := range points.FS {
		slices.Sort(dirs) // a map has no order, and the first that has the file counts
	}
	return bootentry.Read(files, points)
}

// relative gives an absolute path as io/fs has it.
func relative(p string) string {
	if p = strings.Trim(p, "/"); p == "" {
		return "."
	}
	return p
}

func defaultFirst(e bootentry.Entry) int {
	if e.Default {
		return 0
	}
	return 1
}

// disabled: the command line that starts the system when nobody chooses switches
// off what is on by default.
func (s *System) disabled(name string) bool {
	return len(s.Cmdlines) > 0 && s.Cmdlines[0].Disabled(name)
}

// wishes gives the lines in the order in which one hides another with the same
// mount point: units of the administrator's win over those that systemd makes of
// fstab, and these over the distribution's (systemd.unit(5), "Unit File Load Path").
// What a saved layout adds comes after all that the system says itself.
func (s *System) wishes() iter.Seq[wish] {
	return func(yield func(wish) bool) {
		if s == nil {
			return
		}
		for w := range s.ownWishes() {
			if !yield(w) {
				return
			}
		}
		if s.Saved == nil {
			return
		}
		for _, w := range s.Saved.lines {
			if !yield(w) {
				return
			}
		}
	}
}

// ownWishes are the lines that the system itself has.
func (s *System) ownWishes() iter.Seq[wish] {
	return func(yield func(wish) bool) {
		for w := range s.written() {
			if !yield(w) {
				return
			}
		}
		for _, w := range s.earlyWishes() {
			if !yield(w) {
				return
			}
		}
	}
}

// written gives the lines that stand in files.
func (s *System) written() iter.Seq[wish] {
	return func(yield func(wish) bool) {
		for _, w := range s.unitWishes(false) {
			if !yield(w) {
				return
			}
		}
		if s.Fstab != nil {
			for _, e := range s.Fstab.Entries {
				if !yield(wish{Entry: e}) {
					return
				}
			}
		}
		for _, w := range s.unitWishes(true) {
			if !yield(w) {
				return
			}
		}
	}
}

// earlyWishes gives the lines of the kernel command line.
func (s *System) earlyWishes() []wish {
	if len(s.Cmdlines) == 0 {
		return nil
	}
	first := s.Cmdlines[0]
	var out []wish
	for _, e := range first.Extras() {
		out = append(out, wish{Entry: e, from: FromCmdline})
	}
	for _, ask := range []func() (fstab.Entry, bool){first.Usr, first.Root} {
		e, ok := ask()
		at := func(w wish) bool { return w.File == e.File }
		if !ok || slices.ContainsFunc(out, at) || contains(s.written(), at) {
			continue // fstab says the same of the root, and more: that is no second line
		}
		// ro is for the check of the root at boot, before the system takes over.
		e.Options = e.Options.Without("ro", "rw")
		out = append(out, wish{Entry: e, from: FromCmdline})
	}
	return out
}

func contains(lines iter.Seq[wish], is func(wish) bool) bool {
	for w := range lines {
		if is(w) {
			return true
		}
	}
	return false
}

// wishAt gives the line for a mount point that hides all others, or nil.
func (s *System) wishAt(point string) *wish {
	for w := range s.wishes() {
		if w.File == point {
			return &w
		}
	}
	return nil
}

// entryAt is wishAt for those who do not mind where it stands.
func (s *System) entryAt(point string) *fstab.Entry {
	if w := s.wishAt(point); w != nil {
		return &w.Entry
	}
	return nil
}
