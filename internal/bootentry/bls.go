package bootentry

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
)

// grubFinds is what reading GRUB found out that others have to know.
type grubFinds struct {
	blsDirs map[string]bool // directories of entries that a blscfg has taken in
}

// readBLS reads the entries of the Boot Loader Specification (UAPI.1) that are
// another loader's than GRUB's.
func (r *reader) readBLS(grub grubFinds) {
	loader, installed := r.blsLoader()
	conf := r.loaderConf()
	var all []Entry
	for _, point := range r.points {
		dir := r.fold(point, "loader/entries")
		if dir == "" || grub.blsDirs[dir] && !installed {
			continue
		}
		on := volume{}
		if loader == SystemdBoot {
			on.dir = point // it starts nothing from another partition
		}
		for _, e := range r.blsEntries(dir, on, nil) {
			e.Loader = loader
			all = append(all, e)
		}
	}
	all = append(all, r.readUKIs(loader)...)
	slices.SortStableFunc(all, compareEntries)
	if len(all) > 0 {
		conf.choose(all)
		if conf.file != "" {
			r.out.Menus = append(r.out.Menus, conf.menu(loader))
		}
	}
	for _, e := range all {
		r.add(e)
	}
}

// blsLoader tells which loader reads the entries that lie on the ESP or in /boot:
// the one that is installed. Without a sign of any, it is systemd-boot, whose
// format it is.
func (r *reader) blsLoader() (loader string, installed bool) {
	for _, v := range r.out.Vendors {
		for _, p := range v.Programs {
			if strings.HasPrefix(strings.ToLower(p), "systemd-boot") {
				return SystemdBoot, true
			}
		}
	}
	if r.isFile("etc/zipl.conf") {
		return Zipl, false
	}
	for _, v := range r.out.Vendors {
		for _, p := range v.Programs {
			if strings.HasPrefix(strings.ToLower(p), "grub") {
				return GRUB, false
			}
		}
	}
	return SystemdBoot, false
}

// blsEntries reads the files of a directory of entries, unsorted. expand puts in
// what stands for variables, or is nil where the loader has none.
func (r *reader) blsEntries(dir string, on volume, expand func(string, *Entry) string) []Entry {
	var out []Entry
	for _, name := range r.list(dir) {
		if !strings.HasSuffix(strings.ToLower(name), ".conf") {
			continue
		}
		file := path.Join(dir, name)
		data, ok := r.read(file)
		if !ok {
			continue
		}
		b := blsFile{r: r, on: on, expand: expand}
		if e, ok := b.parse(file, data); ok {
			out = append(out, e)
		}
	}
	return out
}

// blsFile is one file being read.
type blsFile struct {
	r      *reader
	on     volume
	expand func(string, *Entry) string
}

func (b *blsFile) parse(file string, data []byte) (Entry, bool) {
	e := Entry{File: file, FSUUID: b.on.uuid, FSLabel: b.on.label}
	e.ID, e.TriesLeft, e.TriesDone = cutCounters(path.Base(file))
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		text = strings.Trim(text, " \t\r\n\x00")
		if text == "" || text[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
		if e.Line == 0 {
			e.Line = line
		}
		b.set(&e, key, strings.TrimSpace(value))
	}
	if !e.Kernel.Given() && !e.Program.Given() {
		b.r.problem(file, 0, "it names neither a kernel nor an EFI program: the loader leaves it out")
		return e, false
	}
	if e.UKI {
		b.r.lookInside(&e) // what the file says itself counts
	}
	return e, true
}

func (b *blsFile) set(e *Entry, key, value string) {
	if b.expand != nil {
		value = b.expand(value, e)
	}
	switch key {
	case "title":
		e.Title = value
	case "version":
		e.Version = value
	case "machine-id":
		e.MachineID = value
	case "architecture":
		e.Arch = value
	case "sort-key":
		e.sortKey = value
	case "linux":
		e.Kernel = b.r.locate(value, b.on)
	case "uki":
		e.Kernel, e.UKI = b.r.locate(value, b.on), true
	case "efi":
		e.Program = b.r.locate(value, b.on)
	case "devicetree":
		e.DeviceTree = b.r.locate(value, b.on)
	case "options":
		e.Options = joinWords(e.Options, value)
	case "initrd":
		// Fedora writes several on one line, the last of them a GRUB variable.
		for name := range strings.FieldsSeq(value) {
			e.Initrds = append(e.Initrds, b.r.locate(name, b.on))
		}
	}
}

// joinWords joins what several lines say.
func joinWords(a, b string) string { return strings.TrimSpace(a + " " + b) }

// cutCounters splits the name of an entry's file: fedora+3-1.conf has three tries
// left and one done.
func cutCounters(name string) (id string, left, done int) {
	id = strings.TrimSuffix(name, path.Ext(name))
	at := strings.LastIndexByte(id, '+')
	if at < 0 {
		return id, -1, 0
	}
	l, d, both := strings.Cut(id[at+1:], "-")
	left, err := strconv.Atoi(l)
	if err == nil && both {
		done, err = strconv.Atoi(d)
	}
	if err != nil || left < 0 || done < 0 {
		return id, -1, 0
	}
	return id[:at], left, done
}

// compareEntries is the order of the menu by UAPI.1, "Sorting".
func compareEntries(a, b Entry) int {
	if (a.TriesLeft == 0) != (b.TriesLeft == 0) {
		return order(b.TriesLeft == 0) // a bad entry comes last
	}
	if (a.sortKey == "") != (b.sortKey == "") {
		return order(b.sortKey == "")
	}
	byKey := 0
	if a.sortKey != "" {
		byKey = cmp.Or(
			strings.Compare(a.sortKey, b.sortKey),
			strings.Compare(a.MachineID, b.MachineID),
			CompareVersions(b.Version, a.Version))
	}
	return cmp.Or(byKey,
		CompareVersions(b.ID, a.ID),
		cmp.Compare(b.TriesLeft, a.TriesLeft),
		cmp.Compare(a.TriesDone, b.TriesDone))
}

// order is negative if the first of two comes first.
func order(first bool) int {
	if first {
		return -1
	}
	return 1
}
