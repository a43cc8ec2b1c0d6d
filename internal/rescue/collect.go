package rescue

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/config"
)

// errExcluded: the configuration keeps out what is needed.
var errExcluded = errors.New("it is excluded")

// collector gathers the entries of an image from a root. What cannot be had is kept as
// missing, so that all of it can be told at once.
type collector struct {
	root    root
	libs    *libraries
	entries map[string]Entry
	missing []Missing
	notes   []string

	exclude   []config.Pattern
	out       map[string]bool // whether a path is excluded, once it was asked for
	rows      []companion
	told      map[string]bool // what rows brought already
	wholeDirs int             // how many directories are being taken with all in them
}

func newCollector(r root) *collector {
	return &collector{
		root: r, libs: newLibraries(r), entries: map[string]Entry{},
		out: map[string]bool{}, rows: companions, told: map[string]bool{},
	}
}

// manifest gives the entries in the order of their paths.
func (c *collector) manifest(kernel string) *Manifest {
	m := &Manifest{Kernel: kernel, Missing: c.missing, Notes: c.notes}
	for _, e := range c.entries {
		m.Entries = append(m.Entries, e)
	}
	slices.SortFunc(m.Entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(m.Missing, func(a, b Missing) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.For, b.For))
	})
	m.Missing = slices.Compact(m.Missing)
	return m
}

// put adds an entry, with the directories above it, unless one is there already.
func (c *collector) put(e Entry) {
	if _, there := c.entries[e.Path]; there || c.isExcluded(e.Path) {
		return
	}
	if dir := path.Dir(e.Path); dir != "/" {
		c.put(Entry{Path: dir, Kind: Dir, Mode: 0o755, Why: e.Why})
	}
	c.entries[e.Path] = e
}

// excludeAll keeps what fits the patterns out. A pattern may begin with a path that leads
// over links; those are followed, as in everything else that names a file.
func (c *collector) excludeAll(patterns []string) {
	for _, pattern := range patterns {
		c.exclude = append(c.exclude, config.Pattern(pattern))
		at := strings.IndexAny(pattern+"*", `*?[\`)
		dir := path.Dir(pattern[:at] + "x")
		if real, _, err := c.root.find(dir); err == nil && real != dir {
			c.exclude = append(c.exclude, config.Pattern(path.Join(real, pattern[len(strings.TrimSuffix(dir, "/")):])))
		}
	}
}

// isExcluded: p, or a directory that it lies in, fits a pattern of what stays out.
func (c *collector) isExcluded(p string) bool {
	if p == "/" || p == "." {
		return false
	}
	excluded, known := c.out[p]
	if !known {
		excluded = c.isExcluded(path.Dir(p)) || slices.ContainsFunc(c.exclude, func(pattern config.Pattern) bool { return pattern.Match(p) })
		c.out[p] = excluded
	}
	return excluded
}

// made adds a file that salvor makes. It goes where links of the root lead, so that it
// cannot hide the libraries behind them.
func (c *collector) made(m Made) {
	dir, links, err := c.root.find(path.Dir(m.Path))
	if err != nil {
		dir = path.Dir(m.Path)
	}
	c.addLinks(links, m.Why)
	e := Entry{Path: path.Join(dir, path.Base(m.Path)), Kind: File, Mode: m.Mode, Size: int64(len(m.Content)), Why: m.Why, content: m.Content}
	if m.Target != "" {
		e = Entry{Path: e.Path, Kind: Link, Mode: 0o777, Target: m.Target, Why: m.Why}
	}
	c.put(e)
}

func (c *collector) addLinks(links []link, why string) {
	for _, l := range links {
		c.put(Entry{Path: l.path, Kind: Link, Mode: 0o777, Target: l.target, Why: why})
	}
}

// add takes a file, a directory with all in it, or a link with what it leads to, and all
// that is needed to run it.
func (c *collector) add(p, why string) error {
	real, links, err := c.root.find(p)
	if err != nil {
		return err
	}
	if c.isExcluded(real) {
		return errExcluded
	}
	c.addLinks(links, why)
	if e, there := c.entries[real]; there && e.Kind != Dir {
		return nil
	}
	info, err := fs.Lstat(c.root.fsys, inFS(real))
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return c.addDir(real, info.Mode(), why)
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "add", Path: real, Err: fmt.Errorf("it is a %s, which does not go into an image", describe(info.Mode()))}
	}
	c.put(Entry{Path: real, Kind: File, Mode: permissions(info.Mode()), Size: info.Size(), Source: real, Why: why})
	c.addCompanions(p, real)
	return c.addNeeds(real)
}

func (c *collector) addDir(dir string, mode fs.FileMode, why string) error {
	c.put(Entry{Path: dir, Kind: Dir, Mode: permissions(mode), Why: why})
	c.wholeDirs++
	defer func() { c.wholeDirs-- }()
	for _, name := range c.root.names(dir) {
		p := path.Join(dir, name)
		err := c.add(p, why)
		switch {
		case err == nil, errors.Is(err, errExcluded):
		case errors.Is(err, fs.ErrNotExist) && c.addDangling(p, why):
		default:
			c.lack(p, why, err)
		}
	}
	return nil
}

// addDangling takes a link that leads nowhere as it is: in the image it leads where it led.
func (c *collector) addDangling(p, why string) bool {
	target, err := fs.ReadLink(c.root.fsys, inFS(p))
	if err != nil {
		return false
	}
	c.put(Entry{Path: p, Kind: Link, Mode: 0o777, Target: target, Why: why})
	c.notes = append(c.notes, fmt.Sprintf("%s leads to %s, which is not there", p, target))
	return true
}

// permissions are the bits of a mode that chmod(2) sets.
func permissions(m fs.FileMode) fs.FileMode {
	return m & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}

func describe(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	default:
		return "device"
	}
}

// addNeeds takes what the file at p needs to run: the loader and the libraries of a
// program, the interpreter of a script.
func (c *collector) addNeeds(p string) error {
	b, err := c.libs.objectAt(p)
	switch {
	case err != nil:
		return err
	case b != nil:
		c.addLibraries(p, b, nil)
		return nil
	case strings.HasSuffix(p, ".rules") && strings.Contains(p, "/udev/"):
		return c.addRulePrograms(p)
	case c.entries[p].Mode&0o111 == 0:
		return nil
	}
	f, err := c.root.open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	if program, argument := script(f.head(maxScriptLine)); program != "" {
		c.addInterpreter(p, program, argument)
	}
	return nil
}

func (c *collector) addInterpreter(p, program, argument string) {
	if path.Base(program) == "env" && argument != "" && argument[0] != '-' {
		found, ok := c.program(argument)
		if !ok {
			found = argument
		}
		c.needInterpreter(found, p)
	}
	c.needInterpreter(program, p)
}

// needInterpreter: a script that came along with its directory may be of no use on the
// root's machine, either (Python ships cgi.py for an interpreter in /usr/local). One that
// was asked for has to run.
func (c *collector) needInterpreter(program, p string) {
	if c.wholeDirs > 0 && !c.root.has(program) {
		c.notes = append(c.notes, fmt.Sprintf("%s cannot run: there is no %s", p, program))
		return
	}
	c.need(program, p)
}

// need adds what user needs.
func (c *collector) need(p, user string) {
	if err := c.add(p, "needed by "+user); err != nil {
		c.lack(p, user, err)
	}
}

// programDirs are where programs are looked for, in this order.
var programDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// program finds a program by name, or by its path.
func (c *collector) program(name string) (string, bool) {
	if strings.Contains(name, "/") {
		return name, c.root.has(name)
	}
	for _, dir := range programDirs {
		if p := path.Join(dir, name); c.root.has(p) {
			return p, true
		}
	}
	return "", false
}

// addLibraries takes the libraries of b, the file at p; inherited are the search paths of
// those that load it.
func (c *collector) addLibraries(p string, b *object, inherited []string) {
	if b.loader != "" {
		c.need(b.loader, p)
	}
	paths := inherited
	if !b.runpath {
		paths = append(slices.Clone(inherited), replaceOrigin(b.rpath, p)...)
	}
	for _, name := range b.needed {
		found, ok := c.libs.find(name, p, b, inherited)
		if !ok {
			c.lack(name, p, fs.ErrNotExist)
			continue
		}
		c.addLibrary(found, p, paths)
	}
	for _, group := range b.dlopen {
		c.addDlopened(group, p, b, paths)
	}
}

func (c *collector) addLibrary(lib, user string, paths []string) {
	real, _, err := c.root.find(lib)
	if err != nil {
		c.lack(lib, user, err)
		return
	}
	_, known := c.entries[real]
	c.need(lib, user)
	if b := c.libs.read[real]; b != nil && !known && len(paths) > 0 {
		c.addLibraries(real, b, paths)
	}
}

// addDlopened takes the first library of a group that is there. One that is not required
// may be missing: the program does without.
func (c *collector) addDlopened(group dlopened, p string, b *object, paths []string) {
	for _, name := range group.Soname {
		if found, ok := c.libs.find(name, p, b, paths); ok {
			c.addLibrary(found, p, paths)
			return
		}
	}
	if group.Priority == "required" && len(group.Soname) > 0 {
		c.lack(group.Soname[0], p, fs.ErrNotExist)
	}
}
