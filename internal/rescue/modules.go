package rescue

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// kernelModules are the modules of one kernel release, as depmod(8) has listed them.
type kernelModules struct {
	root    root
	dir     string              // /lib/modules/RELEASE
	byName  map[string]string   // name, with underscores → path below dir
	needs   map[string][]string // name → names, from modules.dep
	softs   map[string]softdep
	builtin map[string]bool
	aliases aliases
	without map[string]bool // modules that stay out whatever is asked for
}

// softdep are modules that one wants loaded before and after it, if they are there.
type softdep struct{ pre, post []string }

// readModules reads the lists of a kernel's modules. A release without modules.dep is an
// error: depmod has not been run, and what a module needs cannot be told.
func readModules(r root, release string) (*kernelModules, error) {
	m := &kernelModules{
		root: r, dir: "/lib/modules/" + release,
		byName: map[string]string{}, needs: map[string][]string{}, softs: map[string]softdep{}, builtin: map[string]bool{},
		aliases: aliases{byPrefix: map[string][]moduleAlias{}}, without: map[string]bool{},
	}
	deps, err := r.read(path.Join(m.dir, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("cannot tell which modules the kernel %s has: %w", release, err)
	}
	m.readDeps(deps)
	m.readSoftdeps(m.list("modules.softdep"))
	for _, line := range m.list("modules.builtin") {
		m.builtin[moduleName(line)] = true
	}
	for _, line := range m.list("modules.alias") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "alias" {
			m.aliases.add(f[1], moduleName(f[2]))
		}
	}
	return m, nil
}

// list are the lines of one of depmod's files; none, if it is not there.
func (m *kernelModules) list(name string) []string {
	data, err := m.root.read(path.Join(m.dir, name))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// readDeps reads lines such as "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko …", in
// which all that a module needs is listed, directly or not.
func (m *kernelModules) readDeps(data []byte) {
	for line := range strings.Lines(string(data)) {
		file, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || file == "" {
			continue
		}
		name := moduleName(file)
		m.byName[name] = file
		for _, need := range strings.Fields(rest) {
			m.needs[name] = append(m.needs[name], moduleName(need))
		}
	}
}

// readSoftdeps reads lines such as "softdep btrfs pre: crc32c post: x" (modprobe.d(5)).
func (m *kernelModules) readSoftdeps(lines []string) {
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "softdep" {
			continue
		}
		name := moduleName(words[1])
		soft, into := m.softs[name], ""
		for _, w := range words[2:] {
			switch {
			case w == "pre:" || w == "post:":
				into = w
			case into == "pre:":
				soft.pre = append(soft.pre, moduleName(w))
			case into == "post:":
				soft.post = append(soft.post, moduleName(w))
			}
		}
		m.softs[name] = soft
	}
}

// moduleName is the name of a module by its file, in the spelling of the kernel: with
// underscores, without directory and suffixes.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// named gives the modules that a word means: a name, a directory or file below kernel/
// ("drivers/md", "crypto/"), or an alias ("fs-ext4", a device's MODALIAS). Without a slash a
// word is no directory: the kernel has modules that are called crypto and md. Modules that are built
// into the kernel are left out; known tells that the word meant something.
func (m *kernelModules) named(word string) (names []string, known bool) {
	name, isName := moduleName(word), !strings.Contains(word, "/")
	switch {
	case isName && m.byName[name] != "":
		return []string{name}, true
	case isName && m.builtin[name]:
		return nil, true
	}
	if !isName {
		names = m.below(strings.TrimSuffix(word, "/"))
	}
	if len(names) == 0 {
		names = m.byAlias(word)
	}
	slices.Sort(names)
	return slices.Compact(names), len(names) > 0
}

// below gives the modules in a directory of the kernel's source, or of one file.
func (m *kernelModules) below(dir string) (names []string) {
	for module, file := range m.byName {
		if below, ok := strings.CutPrefix(file, "kernel/"); ok && belowKernel(dir, below) {
			names = append(names, module)
		}
	}
	return names
}

// belowKernel: file is dir, lies below it, or is the module dir with a suffix.
func belowKernel(dir, file string) bool {
	return strings.HasPrefix(file, dir+"/") || file == dir || strings.HasPrefix(file, dir+".")
}

// byAlias gives the modules of a device's MODALIAS or of another alias.
func (m *kernelModules) byAlias(alias string) []string {
	var out []string
	for _, module := range m.aliases.of(alias) {
		if m.byName[module] != "" {
			out = append(out, module)
		}
	}
	return out
}

// exclude keeps the modules that the words mean out of all that is asked for, with those
// that cannot do without them.
func (m *kernelModules) exclude(words []string) {
	for _, word := range words {
		names, _ := m.named(word)
		for _, name := range names {
			m.without[name] = true
		}
	}
	for name, needs := range m.needs { // modules.dep lists indirect needs, too
		if slices.ContainsFunc(needs, func(need string) bool { return m.without[need] }) {
			m.without[name] = true
		}
	}
}

// closure adds to names all that they need: hard, and soft where it is there.
func (m *kernelModules) closure(names []string) []string {
	seen := map[string]bool{}
	todo := slices.Clone(names)
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[name] || m.byName[name] == "" || m.without[name] {
			continue
		}
		seen[name] = true
		todo = append(todo, m.needs[name]...)
		for _, soft := range slices.Concat(m.softs[name].pre, m.softs[name].post) {
			more, _ := m.named(soft)
			todo = append(todo, more...)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// file is the path of a module in the root.
func (m *kernelModules) file(name string) string { return path.Join(m.dir, m.byName[name]) }
