package bootentry

import (
	"fmt"
	"path"
	"strings"
)

// grub goes through a configuration as GRUB would, as far as that can be done by
// reading: where a condition depends on what only the running GRUB knows, all its
// arms are gone through.
type grub struct {
	r         *reader
	finds     grubFinds
	env       env
	functions map[string][]*node
	file      string
	depth     int      // of files and functions
	unsure    []string // conditions around this place that may hold or not
	budget    *budget
	visited   map[string]bool   // files that were gone through
	mounted   map[string]string // where in the tree a device is, by the files found on it
	menu      *[]*item          // where entries go
	entry     *Entry            // the entry that is being started, if one is
}

// item is what stands in a menu: an entry, or a menu below it.
type item struct {
	node    *node
	title   value
	id      string
	args    []value
	submenu bool
	below   []*item
	file    string
	unsure  []string
	entry   *Entry // of a file of UAPI.1
}

// budget ends what would take too long: loops, and scripts that include each other.
type budget struct{ left int }

const (
	// enoughWork is what the scripts of a system may take, in bytes read and put
	// into words, and what a command, a call and a copy of the variables cost beside
	// them. A configuration with 300 snapshots of six entries takes 2 million.
	enoughWork  = 32 << 20
	commandCost = 32
	callCost    = 256
	copyCost    = 4 // for each variable
	// deepestFile is how deep files and functions may call each other.
	deepestFile = 20
)

// spend tells whether there is budget left. It notes the end of it once.
func (g *grub) spend(line, n int) bool {
	if g.budget.left < 0 {
		return false
	}
	if g.budget.left -= n; g.budget.left < 0 {
		g.r.problem(g.file, line, "the script does too much: the rest of it is not followed")
	}
	return g.budget.left >= 0
}

// run goes through commands, and gives what is known of the last one's status.
func (g *grub) run(list []*node) verdict {
	status := yes
	for _, n := range list {
		if !g.spend(n.line, commandCost) {
			return maybe
		}
		switch n.kind {
		case branch:
			status = g.branch(n)
		case forLoop:
			status = g.loop(n)
		case whileLoop:
			status = g.perhaps(n.block, "while")
		case function:
			if len(n.words) > 0 {
				g.functions[n.words[0].String()] = n.block
			}
		case simple:
			status = g.command(n)
		}
	}
	return status
}

// branch takes the arm that is certain, or, where none is, all that may be taken.
func (g *grub) branch(n *node) verdict {
	base := g.env
	var ways []env
	why := ""
	for _, a := range n.arms {
		holds := yes
		if a.condition != nil {
			g.env = base
			holds = g.run(a.condition)
			base = g.env
		}
		switch {
		case holds == no:
			continue
		case holds == yes && why == "":
			return g.run(a.body)
		}
		if why == "" {
			why = "if " + sourceOf(a.condition)
		}
		ways = append(ways, g.way(n, base, a.body, why))
		if holds == yes {
			g.env = merge(base, ways, why)
			return maybe
		}
	}
	if why == "" {
		return yes
	}
	g.env = merge(base, append(ways, base), why)
	return maybe
}

// way gives the variables as they are after an arm that may be taken or not.
func (g *grub) way(n *node, base env, body []*node, why string) env {
	if !g.spend(n.line, copyCost*len(base.vars)) {
		return base
	}
	g.env = base.clone()
	outer := g.unsure
	g.unsure = joinUnknown(outer, why)
	g.run(body)
	g.unsure = outer
	return g.env
}

// perhaps goes through a body of which nobody knows whether it is gone through.
func (g *grub) perhaps(body []*node, why string) verdict {
	base := g.env
	after := g.way(&node{}, base, body, why)
	g.env = merge(base, []env{after, base}, why)
	return maybe
}

// loop goes through the words of a for. A pattern is for the running GRUB.
func (g *grub) loop(n *node) verdict {
	if len(n.words) < 3 {
		return maybe
	}
	for _, v := range g.expand(n.words[2:], n.line) {
		if strings.ContainsAny(v.text, "*?") {
			v.unknown = joinUnknown(v.unknown, "for "+v.text)
		}
		g.env.set(n.words[0].String(), v)
		g.run(n.block)
	}
	return maybe
}

// sourceOf writes a condition as it stands in the script, shortened.
func sourceOf(list []*node) string {
	var parts []string
	for _, n := range list {
		for _, w := range n.words {
			parts = append(parts, w.String())
		}
	}
	const most = 120
	text := strings.Join(parts, " ")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// expand gives the arguments that words become. What an unquoted variable gives
// is cut at blanks, and nothing if it is empty.
func (g *grub) expand(words []word, line int) []value {
	var out []value
	for _, w := range words {
		out = append(out, g.expandWord(w)...)
		if n := len(out); n > 0 && !g.spend(line, len(out[n-1].text)+1) {
			return nil
		}
	}
	return out
}

func (g *grub) expandWord(w word) []value {
	var out []value
	var last value
	open := false // last is a word already
	push := func() {
		if open {
			out = append(out, last)
		}
		last, open = value{}, false
	}
	for _, p := range w {
		if !p.variable {
			last.text, open = last.text+p.text, true
			continue
		}
		v := g.env.get(p.text)
		if p.quoted || len(v.unknown) > 0 || !strings.ContainsAny(v.text, " \t\n") {
			last.text += v.text
			last.unknown = joinUnknown(last.unknown, v.unknown...)
			open = open || p.quoted || v.text != ""
			continue
		}
		for i, field := range strings.Fields(v.text) {
			if i > 0 || strings.ContainsAny(v.text[:1], " \t\n") {
				push()
			}
			last.text, open = last.text+field, true
		}
		if strings.TrimRight(v.text, " \t\n") != v.text {
			push()
		}
	}
	push()
	return out
}

// call goes through other commands in the same surroundings, at most so deep.
func (g *grub) call(list []*node, line int) verdict {
	if !g.spend(line, callCost) {
		return maybe
	}
	if g.depth++; g.depth > deepestFile {
		g.r.problem(g.file, line, "called too deep: it is left out")
		g.depth--
		return maybe
	}
	defer func() { g.depth-- }()
	return g.run(list)
}

// source goes through a file as if it stood here.
func (g *grub) source(name string, line int) verdict {
	f := g.find(name)
	if f.Path == "" {
		g.r.problem(g.file, line, "the file %q that it reads is not found", name)
		return maybe
	}
	data, ok := g.r.read(f.Path)
	if !ok || !g.spend(line, len(data)) {
		return maybe
	}
	outer := g.file
	defer func() { g.file = outer }()
	g.file = f.Path
	g.visited[f.Path] = true
	g.learn(name, f)
	note := func(at int, err error) { g.r.problem(f.Path, at, "%v", err) }
	directory, hadOne := g.env.vars["config_directory"]
	g.env.set("config_directory", value{text: path.Dir(name)})
	status := g.call(parseGRUB(string(data), note), line)
	if hadOne {
		g.env.set("config_directory", directory)
	}
	return status
}

// learn remembers where the device of a file that was found is mounted.
func (g *grub) learn(text string, f File) {
	device, name := g.env.device(text)
	below := strings.TrimPrefix(path.Clean("/"+name), "/")
	if f.Subvolume != "" {
		below = strings.TrimPrefix(below, f.Subvolume+"/")
	}
	if base, ok := strings.CutSuffix("/"+f.Path, "/"+below); ok && device != "" && device != inTree {
		g.mounted[device] = path.Clean("./" + strings.TrimPrefix(base, "/"))
	}
}

// find gives the file in the tree that a path of the script means.
func (g *grub) find(text string) File {
	device, name := g.env.device(text)
	if device != inTree {
		on := volumeOf(device)
		on.dir = g.mounted[device]
		f := g.r.locate(name, on)
		f.Text = text
		return f
	}
	f := File{Text: text}
	if at := strings.TrimPrefix(path.Clean("/"+name), "/"); g.r.isFile(at) {
		f.Path = at
	}
	return f
}

// plain gives a path as it is to be shown: without the device, which the entry
// tells as what is searched for.
func plain(text string) string {
	if rest, ok := strings.CutPrefix(text, "("); ok {
		if device, name, ok := strings.Cut(rest, ")"); ok && isSearched(device) {
			return name
		}
	}
	return text
}

func isSearched(device string) bool {
	if device == "" { // ($root), where root was not set
		return true
	}
	for _, kind := range []string{byUUID, byLabel, byFile, inTree} {
		if strings.HasPrefix(device, kind) {
			return true
		}
	}
	return false
}

// String says an item in a message.
func (i *item) String() string { return fmt.Sprintf("%q", i.title.text) }
