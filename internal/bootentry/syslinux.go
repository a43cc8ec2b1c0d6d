package bootentry

import (
	"path"
	"slices"
	"strings"
)

// syslinuxPlaces are where the loaders of syslinux, and U-Boot, look for their
// configuration, below a boot directory or an ESP.
var syslinuxPlaces = []string{
	"extlinux/extlinux.conf", "extlinux.conf", "syslinux/extlinux.conf",
	"syslinux/syslinux.cfg", "syslinux.cfg", "EFI/syslinux/syslinux.cfg", "EFI/BOOT/syslinux.cfg",
}

// maxIncludes is how deep files may include others, and how many there may be:
// syslinux itself takes 16 levels.
const (
	maxIncludes      = 16
	maxIncludedFiles = 1000
)

func (r *reader) readSyslinux() {
	for _, point := range r.points {
		for _, place := range syslinuxPlaces {
			if file := r.fold(point, place); file != "" && r.isFile(file) {
				r.readSyslinuxFile(point, file)
			}
		}
	}
}

func (r *reader) readSyslinuxFile(point, file string) {
	loader := Syslinux
	if strings.HasPrefix(path.Base(file), "extlinux") {
		loader = Extlinux
	}
	s := &syslinux{r: r, loader: loader, dir: path.Dir(file)}
	if !slices.Contains(r.boot, point) {
		s.on.dir = point // an ESP; of /boot nobody says whether it is a file system of its own
	}
	s.parse(file, 0)
	s.finish()
	for _, e := range s.entries {
		r.add(e.Entry)
	}
	if len(s.entries) > 0 {
		r.out.Menus = append(r.out.Menus, Menu{Loader: loader, File: file, Default: s.chosen, Timeout: s.timeout})
	}
}

// syslinux is a configuration being read.
type syslinux struct {
	r       *reader
	loader  string
	on      volume
	dir     string // paths that are not absolute start here
	entries []label
	common  string // APPEND before the first LABEL
	submenu []string
	chosen  string
	ui      string
	timeout string
	files   int
	around  []string // the files that are being read
}

// label is an entry and what is said of it in passing.
type label struct {
	Entry
	hasAppend, marked bool
}

func (s *syslinux) parse(file string, depth int) {
	if s.files++; depth > maxIncludes || s.files > maxIncludedFiles || slices.Contains(s.around, file) {
		s.r.problem(file, 0, "included too deep or too often, or by itself: it is left out")
		return
	}
	s.around = append(s.around, file)
	defer func() { s.around = s.around[:len(s.around)-1] }()
	data, ok := s.r.read(file)
	if !ok {
		if depth > 0 {
			s.r.problem(file, 0, "it is included and is not there")
		}
		return
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), words[0]))
		s.command(place{file, number, depth}, strings.ToUpper(words[0]), rest)
	}
}

// place is where a line stands.
type place struct {
	file  string
	line  int
	depth int
}

func (s *syslinux) command(at place, key, rest string) {
	switch key {
	case "LABEL":
		e := Entry{Loader: s.loader, ID: rest, Title: rest, File: at.file, Line: at.line, TriesLeft: -1}
		e.Submenu = append(e.Submenu, s.submenu...)
		s.entries = append(s.entries, label{Entry: e})
	case "DEFAULT":
		s.chosen = rest
	case "TIMEOUT":
		s.timeout = rest
	case "INCLUDE":
		s.include(at, rest)
	case "MENU", "TEXT", "SAY":
		s.menu(at, key, rest)
	case "APPEND":
		s.append(rest)
	default:
		if n := len(s.entries); n > 0 {
			s.property(&s.entries[n-1], key, rest)
		}
	}
}

func (s *syslinux) include(at place, name string) {
	name, _, _ = strings.Cut(name, " ")
	f := s.locate(name)
	if f.Path == "" {
		s.r.problem(at.file, at.line, "the included file %q is not there", name)
		return
	}
	s.parse(f.Path, at.depth+1)
}

func (s *syslinux) menu(at place, key, rest string) {
	word, value, _ := strings.Cut(rest, " ")
	value = strings.TrimSpace(value)
	if key != "MENU" {
		return
	}
	n := len(s.entries)
	switch strings.ToUpper(word) {
	case "INCLUDE":
		s.include(at, value)
	case "LABEL":
		if n > 0 {
			s.entries[n-1].Title = strings.ReplaceAll(value, "^", "")
		}
	case "DEFAULT":
		if n > 0 {
			s.entries[n-1].marked = true
		}
	case "BEGIN":
		s.submenu = append(s.submenu, value)
	case "END":
		if len(s.submenu) > 0 {
			s.submenu = s.submenu[:len(s.submenu)-1]
		}
	case "TITLE":
		if k := len(s.submenu); k > 0 {
			s.submenu[k-1] = value
		}
	}
}

func (s *syslinux) append(rest string) {
	n := len(s.entries)
	if n == 0 {
		s.common = rest
		return
	}
	s.entries[n-1].Options, s.entries[n-1].hasAppend = rest, true
}

func (s *syslinux) property(e *label, key, rest string) {
	switch key {
	case "LINUX":
		e.Kernel = s.locate(rest)
	case "KERNEL", "FIT":
		name, config, _ := strings.Cut(rest, "#") // a FIT image's configuration
		if e.Kernel = s.locate(name); config != "" {
			e.Unknown = append(e.Unknown, "#"+config)
		}
		if strings.EqualFold(path.Ext(name), ".c32") {
			e.Kernel, e.Program = File{}, e.Kernel
		}
	case "COM32", "EFI":
		e.Program = s.locate(rest)
	case "INITRD":
		e.Initrds = s.initrds(rest)
	case "FDT", "DEVICETREE":
		e.DeviceTree = s.locate(rest)
	case "FDTDIR", "DEVICETREEDIR":
		e.Unknown = append(e.Unknown, "device tree in "+rest)
	}
}

func (s *syslinux) initrds(list string) (out []File) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, s.locate(name))
		}
	}
	return out
}

// locate finds a file as syslinux does: from the directory of the configuration,
// or from the top of the file system that it lies on.
func (s *syslinux) locate(name string) File {
	if !path.IsAbs(name) && name != "" {
		if at := path.Join(s.dir, name); s.r.isFile(at) {
			return File{Text: name, Path: at}
		}
	}
	return s.r.locate(name, s.on)
}

// finish settles what can be said only at the end: the common APPEND, the initrd
// that stands in a command line, the default.
func (s *syslinux) finish() {
	chosen := -1
	for i := range s.entries {
		e := &s.entries[i]
		if !e.hasAppend {
			e.Options = s.common
		}
		if e.Options == "-" {
			e.Options = ""
		}
		for word := range strings.FieldsSeq(e.Options) {
			if list, ok := strings.CutPrefix(word, "initrd="); ok && len(e.Initrds) == 0 {
				e.Initrds = s.initrds(list)
			}
		}
		if e.marked || chosen < 0 && e.ID == s.chosen {
			chosen = i
		}
	}
	if len(s.entries) == 0 {
		return
	}
	if chosen < 0 && s.chosen == "" || strings.HasSuffix(strings.ToLower(s.chosen), ".c32") && chosen < 0 {
		chosen = 0 // the first of the menu
	}
	if chosen >= 0 {
		s.entries[chosen].Default = true
	}
}
