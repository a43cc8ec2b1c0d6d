package bootentry

import (
	"strings"
)

// readZipl reads zipl.conf(5) of s390: what the loader that zipl installs starts.
// It is the list as of the next run of zipl; what it ran on last is in blocks of
// the disk.
func (r *reader) readZipl() {
	const file = "etc/zipl.conf"
	data, ok := r.read(file)
	if !ok {
		return
	}
	z := ziplParser{r: r, file: file}
	z.parse(data)
	for i := range z.entries {
		e := z.entries[i]
		e.Default = e.ID == z.chosen && e.ID != ""
		if e.Kernel.Given() {
			r.add(e)
		}
	}
	if len(z.entries) > 0 || z.chosen != "" {
		r.out.Menus = append(r.out.Menus, Menu{Loader: Zipl, File: file, Default: z.chosen, Timeout: z.timeout})
	}
}

type ziplParser struct {
	r       *reader
	file    string
	entries []Entry
	at      *Entry // the section being read, nil in [defaultboot] and in a menu
	menu    map[string]string
	first   string // the entry that stands in the menu's default
	chosen  string
	timeout string
}

func (z *ziplParser) parse(data []byte) {
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			z.section(strings.Trim(line, "[]"), number)
		case line == "defaultauto": // the entries are those of UAPI.1
		case line[0] == ':':
			z.at, z.menu = nil, map[string]string{}
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok {
				z.r.problem(z.file, number, "it is no assignment, section or menu")
				continue
			}
			z.set(strings.TrimSpace(key), unquote(strings.TrimSpace(value)))
		}
	}
}

func (z *ziplParser) section(name string, line int) {
	z.menu, z.at = nil, nil
	if name == "defaultboot" {
		return
	}
	z.entries = append(z.entries, Entry{Loader: Zipl, Title: name, ID: name, File: z.file, Line: line, TriesLeft: -1})
	z.at = &z.entries[len(z.entries)-1]
}

func (z *ziplParser) set(key, value string) {
	switch {
	case z.at != nil:
		z.setEntry(key, value)
	case z.menu != nil:
		z.setMenu(key, value)
	case key == "default":
		z.chosen = value
	case key == "timeout":
		z.timeout = value
	}
}

// setMenu: a menu numbers the sections, and its default, the first number if it
// names none, goes before that of [defaultboot].
func (z *ziplParser) setMenu(key, value string) {
	z.menu[key] = value
	switch key {
	case "timeout":
		z.timeout = value
	case "default":
		z.first = value
	}
	if id := z.menu[z.first]; z.first != "" && id != "" {
		z.chosen = id
	} else if id := z.menu["1"]; z.first == "" && id != "" {
		z.chosen = id
	}
}

func (z *ziplParser) setEntry(key, value string) {
	// An address may follow: image=/boot/image,0x10000.
	name, _, _ := strings.Cut(value, ",")
	switch key {
	case "image":
		z.at.Kernel = z.r.locate(name, volume{dir: "."})
	case "ramdisk":
		z.at.Initrds = []File{z.r.locate(name, volume{dir: "."})}
	case "parameters":
		z.at.Options = joinWords(value, z.at.Options)
	case "parmfile":
		z.parmfile(name)
	}
}

// parmfile adds what stands in a file of parameters.
func (z *ziplParser) parmfile(name string) {
	f := z.r.locate(name, volume{dir: "."})
	if f.Path == "" {
		z.at.Unknown = append(z.at.Unknown, "parmfile "+name)
		return
	}
	if data, ok := z.r.read(f.Path); ok {
		z.at.Options = joinWords(z.at.Options, strings.Join(strings.Fields(string(data)), " "))
	}
}
