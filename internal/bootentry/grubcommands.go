package bootentry

import (
	"slices"
	"strings"
)

// command carries out what matters of one command: what sets variables, finds
// file systems, reads files and makes menus. All else is GRUB's business.
func (g *grub) command(n *node) verdict {
	args := g.expand(n.words, n.line)
	if len(args) == 0 {
		if n.has {
			return g.run(n.block) // a function's body in braces, or a group
		}
		return yes
	}
	name, unknown := args[0].text, args[0].unknown
	args = args[1:]
	if variable, rest, ok := strings.Cut(name, "="); ok && isName(variable) {
		g.env.set(variable, value{rest, unknown})
		return yes
	}
	if body, ok := g.functions[name]; ok {
		return g.function(body, args, n.line)
	}
	switch name {
	case "set":
		return g.set(args)
	case "unset":
		for _, a := range args {
			delete(g.env.vars, a.text)
		}
		return yes
	case "true":
		return yes
	case "false":
		return no
	case "[", "test":
		if k := len(args); name == "[" && k > 0 && args[k-1].text == "]" {
			args = args[:k-1]
		}
		return g.test(args)
	case "load_env":
		return g.loadEnv(args)
	case "search", "search.fs_uuid", "search.fs_label", "search.file", "search.fs":
		return g.search(name, args)
	case "source", ".":
		if len(args) > 0 {
			return g.source(args[0].text, n.line)
		}
	case "configfile", "normal":
		if len(args) > 0 {
			return g.configfile(args[0], n.line)
		}
	case "menuentry", "submenu":
		return g.addItem(n, name == "submenu", args)
	case "blscfg":
		return g.blscfg(args, n.line)
	default:
		return g.load(name, args)
	}
	return maybe
}

// function calls one of the script's own with its arguments.
func (g *grub) function(body []*node, args []value, line int) verdict {
	outer := g.arguments()
	g.setArguments(args)
	status := g.call(body, line)
	g.setArguments(outer)
	return status
}

// mostArguments is how many can be named with one digit.
const mostArguments = 9

func (g *grub) arguments() (out []value) {
	for i := range mostArguments {
		out = append(out, g.env.get(string(rune('1'+i))))
	}
	return out
}

func (g *grub) setArguments(args []value) {
	for i := range mostArguments {
		name := string(rune('1' + i))
		delete(g.env.vars, name)
		if i < len(args) {
			g.env.set(name, args[i])
		}
	}
}

func (g *grub) set(args []value) verdict {
	for _, a := range args {
		if name, text, ok := strings.Cut(a.text, "="); ok {
			g.env.set(name, value{text, a.unknown})
		}
	}
	return yes
}

// loadEnv reads variables from an environment block: a file with a fixed size,
// filled up with #. Without the file, any variable may be set.
func (g *grub) loadEnv(args []value) verdict {
	name := g.env.get("prefix").text + "/grubenv"
	var only []string
	for i := 0; i < len(args); i++ {
		switch text := args[i].text; {
		case (text == "-f" || text == "--file") && i+1 < len(args):
			i++
			name = args[i].text
		case strings.HasPrefix(text, "--file="):
			name = strings.TrimPrefix(text, "--file=")
		case !strings.HasPrefix(text, "-"):
			only = append(only, text)
		}
	}
	f := g.find(name)
	data, ok := []byte(nil), false
	if f.Path != "" {
		data, ok = g.r.read(f.Path)
	}
	if !ok {
		g.env.open = true
		return maybe
	}
	for _, v := range parseGrubenv(data) {
		if len(only) == 0 || slices.Contains(only, v.name) {
			g.env.set(v.name, value{text: v.text})
		}
	}
	return yes
}

// setting is a variable of an environment block.
type setting struct{ name, text string }

// parseGrubenv reads an environment block (grub-core/lib/envblk.c): lines of
// name=value, with a backslash before backslashes and newlines of the value.
func parseGrubenv(data []byte) []setting {
	var out []setting
	text := string(data)
	for text != "" {
		var line strings.Builder
		i := 0
		for ; i < len(text) && text[i] != '\n'; i++ {
			if text[i] == '\\' && i+1 < len(text) {
				i++
			}
			line.WriteByte(text[i])
		}
		text = text[min(i+1, len(text)):]
		name, value, ok := strings.Cut(line.String(), "=")
		if ok && name != "" && name[0] != '#' {
			out = append(out, setting{name, value})
		}
	}
	return out
}

// search remembers what is searched for in place of the device that will be
// found.
func (g *grub) search(name string, args []value) verdict {
	kind := map[string]string{"search.fs_uuid": byUUID, "search.fs_label": byLabel, "search.file": byFile}[name]
	variable := ""
	var words []value
	for _, a := range args {
		option, set, hasValue := strings.Cut(a.text, "=")
		switch {
		case option == "--fs-uuid" || option == "-u":
			kind = byUUID
		case option == "--label" || option == "--fs-label" || option == "-l":
			kind = byLabel
		case option == "--file" || option == "-f":
			kind = byFile
		case option == "--set" && hasValue:
			variable = set
		case option == "--set" || option == "-s":
			variable = "root"
		case strings.HasPrefix(a.text, "-"):
			if kind == "" {
				kind = shortKind(a.text)
			}
		default:
			words = append(words, a)
		}
	}
	if strings.HasPrefix(name, "search.") && len(words) > 1 {
		variable = words[1].text
	}
	if len(words) == 0 || variable == "" || kind == "" {
		return maybe
	}
	g.env.set(variable, value{kind + words[0].text, words[0].unknown})
	return maybe
}

// shortKind reads joined options as -fnu.
func shortKind(option string) string {
	if strings.HasPrefix(option, "--") {
		return ""
	}
	for _, c := range option {
		switch c {
		case 'u':
			return byUUID
		case 'l':
			return byLabel
		case 'f':
			return byFile
		}
	}
	return ""
}

// configfile hands over to another configuration. Within an entry that is what
// the entry does; elsewhere its menu is GRUB's menu.
func (g *grub) configfile(arg value, line int) verdict {
	f := g.find(arg.text)
	device, _ := g.env.device(arg.text)
	on := volumeOf(device)
	f.Text = plain(f.Text)
	g.r.jump(Jump{File: g.file, Line: line, FSUUID: on.uuid, FSLabel: on.label, To: f})
	if g.entry != nil || f.Path == "" || g.visited[f.Path] {
		return maybe
	}
	return g.source(arg.text, line)
}

// jump notes a handing over.
func (r *reader) jump(j Jump) {
	if len(r.out.Jumps) < maxEntries {
		r.out.Jumps = append(r.out.Jumps, j)
	}
}

// addItem puts an entry or a menu into the menu. Its block is gone through at the
// end, as GRUB does when it is chosen: with the variables as they are then.
func (g *grub) addItem(n *node, submenu bool, args []value) verdict {
	i := &item{node: n, submenu: submenu, file: g.file, unsure: g.unsure}
	for k := 0; k < len(args); k++ {
		switch text := args[k].text; {
		case text == "--id" && k+1 < len(args):
			k++
			i.id = args[k].text
		case strings.HasPrefix(text, "--id="):
			i.id = strings.TrimPrefix(text, "--id=")
		case (text == "--class" || text == "--users" || text == "--hotkey" || text == "--source") && k+1 < len(args):
			k++
		case strings.HasPrefix(text, "--"):
		default:
			i.args = append(i.args, args[k]) // the title is the first
		}
	}
	if len(i.args) > 0 {
		i.title = i.args[0]
	}
	return g.append(i)
}

func (g *grub) append(i *item) verdict {
	if g.menu != nil && len(*g.menu) < maxEntries {
		*g.menu = append(*g.menu, i)
	}
	return yes
}
