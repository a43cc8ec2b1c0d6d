package bootentry

import (
	"path"
	"slices"
	"strings"
)

// blscfg takes in the entries of UAPI.1, the newest by the name of its file first
// (Fedora's blscfg.c), with variables in what they say.
func (g *grub) blscfg(args []value, line int) verdict {
	dir := "/loader/entries"
	if v := g.env.get("blsdir"); v.text != "" && len(v.unknown) == 0 {
		dir = v.text
	}
	if len(args) > 0 {
		dir = args[0].text
	}
	device, name := g.env.device(dir)
	on := volumeOf(device)
	at := g.blsDir(name, on)
	if at == "" {
		g.r.problem(g.file, line, "the directory %q of entries is not found", plain(dir))
		return maybe
	}
	g.finds.blsDirs[at] = true
	on.dir = path.Clean(strings.TrimSuffix(at, strings.Trim(path.Clean(name), "/")))
	entries := g.r.blsEntries(at, on, g.expandText)
	slices.SortStableFunc(entries, func(a, b Entry) int { return CompareVersions(b.ID, a.ID) })
	for _, e := range entries {
		e.Loader = GRUB
		e.Unknown = joinUnknown(e.Unknown, g.unsure...)
		g.append(&item{file: g.file, title: value{text: e.Title}, id: e.ID, entry: &e})
	}
	return yes
}

// blsDir finds the directory of entries. A single entry's file, which blscfg
// takes too, is not looked for.
func (g *grub) blsDir(name string, on volume) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	for _, base := range g.r.bases(name, on) {
		if at := path.Join(base, name); g.r.isDir(at) {
			return at
		}
	}
	return ""
}

// expandText puts variables into a text that stands outside the script.
func (g *grub) expandText(text string, e *Entry) string {
	if !strings.Contains(text, "$") {
		return text
	}
	l := lexer{text: text, line: 1}
	var b strings.Builder
	for l.at < len(l.text) {
		if l.peek() != '$' {
			b.WriteByte(l.peek())
			l.at++
			continue
		}
		p := l.variable(true)
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		v := g.env.get(p.text)
		b.WriteString(v.text)
		e.Unknown = joinUnknown(e.Unknown, v.unknown...)
		if !g.spend(0, len(v.text)+1) {
			break
		}
	}
	return strings.TrimSpace(b.String())
}
