package system

import (
	"cmp"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// FromOSTree is the source of lines that ostree-prepare-root(1) adds at boot.
const FromOSTree = "ostree"

// Deployment is a system that ostree has checked out in a directory of its root,
// one of several there (ostree, bootc, rpm-ostree).
type Deployment struct {
	OS       string `json:"os"` // the "stateroot", whose /var it has
	Checksum string `json:"checksum"`
	Serial   int    `json:"serial"`
	Origin   string `json:"origin,omitempty"` // the branch or image that it follows
	Index    int    `json:"index"`            // place in the order of booting; 0 is what boots by default
	Pinned   bool   `json:"pinned,omitempty"`
	Older    bool   `json:"older,omitempty"` // another one of the same OS boots rather than this

	booted int // rank among the boot links, lower first; unbooted for none
}

// unbooted ranks what no boot entry leads to after all that one does.
const unbooted = 1 << 30

// The bounds of what is read of a repository that anybody may have made.
const (
	maxDeployments = 64
	maxEntries     = 256
)

// isSysroot tells the root of an ostree machine, in which the systems are.
func isSysroot(tree fs.FS) bool { return isDir(tree, "ostree/repo") && isDir(tree, "ostree/deploy") }

// deployments lists what is deployed on a root, what boots by default first. boot
// is the tree of a separate /boot, or nil.
func deployments(tree, boot fs.FS) []*Deployment {
	var out []*Deployment
	names, _ := fs.ReadDir(tree, "ostree/deploy") // unreadable is as good as none
	for _, os := range names {
		out = append(out, deploymentsOf(tree, os.Name())...)
	}
	ranks := bootRanks(tree, boot)
	for _, d := range out {
		d.booted = unbooted
		if rank, ok := ranks[d.dir()]; ok {
			d.booted = rank
		}
	}
	slices.SortStableFunc(out, func(a, b *Deployment) int {
		return cmp.Or(cmp.Compare(a.booted, b.booted), cmp.Compare(a.OS, b.OS))
	})
	seen := map[string]bool{}
	for i, d := range out {
		d.Index, d.Older = i, seen[d.OS]
		seen[d.OS] = true
	}
	return out
}

// deploymentsOf lists the deployments of one OS, the youngest first.
func deploymentsOf(tree fs.FS, os string) []*Deployment {
	list, _ := fs.ReadDir(tree, path.Join("ostree/deploy", os, "deploy"))
	made := map[*Deployment]int64{}
	var out []*Deployment
	for _, e := range list {
		checksum, serial, ok := strings.Cut(e.Name(), ".")
		number, err := strconv.Atoi(serial)
		if !ok || err != nil || !e.IsDir() || !isHex(checksum) || len(out) == maxDeployments {
			continue
		}
		d := &Deployment{OS: os, Checksum: checksum, Serial: number}
		if info, err := fs.Stat(tree, d.dir()+".origin"); err == nil {
			made[d] = info.ModTime().UnixNano()
		}
		data, _ := readSmall(tree, d.dir()+".origin") // it is for people only
		d.Origin, d.Pinned = parseOrigin(data)
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b *Deployment) int { return cmp.Compare(made[b], made[a]) })
	return out
}

// letGo closes a tree that was opened for a look.
func letGo(tree fs.FS) {
	if c, ok := tree.(io.Closer); ok {
		c.Close()
	}
}

func isLink(tree fs.FS, name string) bool {
	info, err := fs.Lstat(tree, name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}

// dir is the directory that is the system's root.
func (d *Deployment) dir() string {
	return path.Join("ostree/deploy", d.OS, "deploy", d.Checksum+"."+strconv.Itoa(d.Serial))
}

// varDir is the directory that all deployments of the OS have as /var.
func (d *Deployment) varDir() string { return path.Join("ostree/deploy", d.OS, "var") }

// parseOrigin reads a key file (ostree-repo-config(5) has its form) for what the
// deployment follows and whether it is kept.
func parseOrigin(data []byte) (origin string, pinned bool) {
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		switch key = strings.TrimSpace(key); {
		case section == "origin" && (key == "refspec" || key == "baserefspec" || key == "container-image-reference"):
			origin = cmp.Or(origin, clean(value))
		case section == "libostree-transient" && key == "pinned":
			pinned = strings.TrimSpace(value) == "true"
		}
	}
	return origin, pinned
}

// bootRanks gives the directories that boot entries lead to, with their place in
// the boot menu. Entries name them by links ("ostree=/ostree/boot.1/OS/SUM/0");
// the links are there also where the entries are not to be seen, and then all rank
// alike.
func bootRanks(tree, boot fs.FS) map[string]int {
	out := map[string]int{}
	links, _ := fs.Glob(tree, "ostree/boot.[01]/*/*/*")
	for _, link := range links {
		if dir := linkedDir(tree, link); dir != "" && len(out) < maxDeployments {
			out[dir] = unbooted - 1
		}
	}
	for rank, link := range bootEntries(tree, boot) {
		if dir := linkedDir(tree, link); dir != "" {
			out[dir] = min(rank, cmp.Or(out[dir], unbooted))
		}
	}
	return out
}

// linkedDir follows a boot link to the deployment: it leads up and down again.
func linkedDir(tree fs.FS, link string) string {
	to, err := fs.ReadLink(tree, link)
	if err != nil {
		return ""
	}
	at, err := follow(path.Join("/", path.Dir(link), to), func(string) (string, error) { return "", nil })
	if err != nil || path.IsAbs(to) {
		return ""
	}
	// "boot.1" is a link itself, to "boot.1.0" beside it: as deep as that.
	return strings.TrimPrefix(at, "/")
}

// bootEntries gives the links that the entries of the boot menu name, the first
// in the menu first: entries are sorted by version, downwards (Boot Loader
// Specification; ostree writes how many there are, counting down).
func bootEntries(tree, boot fs.FS) []string {
	type entry struct {
		version int
		link    string
	}
	var all []entry
	for _, place := range []struct {
		tree fs.FS
		dir  string
	}{{tree, "boot/loader/entries"}, {boot, "loader/entries"}} {
		if place.tree == nil {
			continue
		}
		list, _ := fs.ReadDir(place.tree, place.dir)
		for _, f := range list[:min(len(list), maxEntries)] {
			data, err := readSmall(place.tree, path.Join(place.dir, f.Name()))
			if version, link := parseBootEntry(data); err == nil && link != "" && strings.HasSuffix(f.Name(), ".conf") {
				all = append(all, entry{version, link})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(b.version, a.version) })
	var out []string
	for _, e := range all {
		out = append(out, e.link)
	}
	return out
}

// parseBootEntry gives the version of an entry and the link in its "ostree=".
func parseBootEntry(data []byte) (version int, link string) {
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "version":
			version, _ = strconv.Atoi(words[1]) // any other text is of no ostree
		case len(words) > 1 && words[0] == "options":
			for _, w := range words[1:] {
				if to, ok := strings.CutPrefix(w, "ostree=/"); ok && fs.ValidPath(to) {
					link = to
				}
			}
		}
	}
	return version, link
}

// deployed finds the systems that are deployed on a root.
func (f *finder) deployed(root storage.ID, tree fs.FS) []Finding {
	var out []Finding
	for _, d := range deployments(tree, nil) {
		if x, ok := f.deployment(root, tree, d); ok {
			out = append(out, x)
		}
	}
	if len(out) == 0 || out[0].System.Deployment.booted < unbooted-1 {
		return out
	}
	return f.reordered(out, tree)
}

// reordered sorts the deployments by the boot entries of a separate /boot, which
// the fstab of the first one names.
func (f *finder) reordered(found []Finding, tree fs.FS) []Finding {
	_, boot, err := f.treeAt(found[0].System, "/boot")
	order := deployments(tree, boot)
	if err != nil || order[0].booted >= unbooted-1 {
		if s := found[0].System; len(found) > 1 {
			s.Notes = append(s.Notes, "no boot entry tells which of the deployments boots by default: the youngest is taken for it")
		}
		return found
	}
	place := func(x Finding) int {
		return slices.IndexFunc(order, func(d *Deployment) bool { return d.dir() == x.System.Dir })
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(place(a), place(b)) })
	for i := range found {
		*found[i].System.Deployment = *order[place(found[i])]
	}
	return found
}

func (f *finder) deployment(root storage.ID, tree fs.FS, d *Deployment) (Finding, bool) {
	top, err := fs.Sub(tree, d.dir())
	if err != nil {
		return Finding{}, false
	}
	defer letGo(top)
	s := inspect(top, nil)
	if s == nil {
		return Finding{}, false
	}
	s.Root, s.Dir, s.Deployment = root, d.dir(), d
	s.Running = f.isRunning(s)
	return Finding{Root: root, Class: Installed, System: s}, true
}
