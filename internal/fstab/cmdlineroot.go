package fstab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Root returns what is mounted as /: root=, rootfstype=, rootflags=, ro and rw.
// There are ro or rw in the options only if the line says so; without them a
// root is mounted read-only at first.
//
// Words that name no device are Virtual specs: gpt-auto (the root partition is
// found by its type, systemd-gpt-auto-generator(8)), tmpfs, a ZFS data set with
// the type zfs. A root on the network is a Network spec. A device number, in
// either form of the kernel's, is the path of udev's link for it.
func (c *Cmdline) Root() (Entry, bool) {
	return deref(c.root)
}

// Usr returns what is mounted as /usr before the system starts: mount.usr=,
// mount.usrfstype= and mount.usrflags=. If one of them is there, the others
// default to what is said of the root (systemd-fstab-generator(8)).
func (c *Cmdline) Usr() (Entry, bool) {
	return deref(c.usr)
}

// Resume returns where a hibernated system is looked for: resume=, and
// resume_offset= in pages of memory, which is where a swap file begins on its
// device. It is not ok where nothing is to be resumed: noresume, resume=none.
func (c *Cmdline) Resume() (device Spec, offset uint64, ok bool) {
	return c.resume, c.offset, !c.resume.IsZero()
}

// Extras returns the mounts and swap areas of systemd.mount-extra= and
// systemd.swap-extra=, which systemd ≥ 254 reads like lines of an fstab.
func (c *Cmdline) Extras() []Entry {
	return c.extras
}

func deref(e *Entry) (Entry, bool) {
	if e == nil {
		return Entry{}, false
	}
	return *e, true
}

func (p *cmdlineParser) readRoot() {
	text, _ := p.last("root")
	if text == "" {
		return
	}
	e := Entry{Raw: "root=" + text, File: "/", Type: p.orAuto("rootfstype"), Options: p.flags("rootflags")}
	if fsType, spec, ok := p.specialRoot(text, e.Type); ok {
		e.Spec = spec
		if e.Type == "auto" && fsType != "" {
			e.Type = fsType
		}
	} else {
		e.Spec = p.device(strings.TrimPrefix(text, "block:")) // dracut's prefix
	}
	if p.specUsable(e.Spec) {
		p.root = &e
	}
}

func (p *cmdlineParser) orAuto(name string) string {
	if v, _ := p.last(name); v != "" {
		return v
	}
	return "auto"
}

// flags joins the options of several words, as systemd does, and adds ro or rw,
// of which the last one holds.
func (p *cmdlineParser) flags(name string) Options {
	words := p.All(name)
	if len(words) > 1 {
		p.note(Disagreement, "%s= is there %d times: systemd joins them, the kernel and other initramfs take the last; they are joined", name, len(words))
	}
	options := ParseOptions(strings.Join(words, ","))
	for _, param := range slices.Backward(p.Params) {
		if !param.HasValue && (param.Name == "ro" || param.Name == "rw") {
			return append(options, param)
		}
	}
	return options
}

// specialRoot reads the words for a root that are no name of a device.
func (p *cmdlineParser) specialRoot(text, fsType string) (string, Spec, bool) {
	prefix, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "/dev/nfs":
		return "nfs", p.networkRoot("nfsroot", text), true
	case text == "/dev/cifs":
		return "cifs", p.networkRoot("cifsroot", text), true
	case text == "tmpfs":
		return "tmpfs", Spec{Kind: Virtual, Value: text, Text: text}, true
	case (prefix == "nfs" || prefix == "nfs4") && strings.Contains(rest, ":"):
		return prefix, Spec{Kind: Network, Value: rest, Text: rest}, true
	case prefix == "zfs" && rest != "":
		return "zfs", dataSet(rest), true
	case len(text) > 4 && strings.EqualFold(text[:4], "zfs="):
		return "zfs", dataSet(text[4:]), true
	case text == "zfs":
		name, _ := p.last("zfs")
		return "zfs", dataSet(name), true
	case fsType == "virtiofs" || fsType == "9p":
		return "", Spec{Kind: Virtual, Value: text, Text: text}, true
	}
	major, minor, ok := deviceNumber(text)
	if !ok {
		return "", Spec{}, false
	}
	p.note(Suspect, "root=%s is a device number, which the kernel gives in the order in which it finds devices", text)
	return "", ParseSpec(fmt.Sprintf("/dev/block/%d:%d", major, minor)), true
}

// networkRoot reads what names the share that root=/dev/nfs means: the text up
// to its options (kernel, Documentation/admin-guide/nfs/nfsroot.rst). What is
// not said comes from the DHCP server.
func (p *cmdlineParser) networkRoot(name, text string) Spec {
	share, _ := p.last(name)
	if share, _, _ = strings.Cut(share, ","); share == "" {
		share = text
	}
	return Spec{Kind: Network, Value: share, Text: Escape(share)}
}

func dataSet(name string) Spec {
	if name == "" {
		name = "zfs"
	}
	return Spec{Kind: Virtual, Value: name, Text: Escape(name)}
}

// deviceNumber reads the kernel's forms MAJOR:MINOR, in decimal, and the number
// as one, in hexadecimal (init/do_mounts.c; block/early-lookup.c, devt_from_devnum).
func deviceNumber(text string) (major, minor uint64, ok bool) {
	if a, b, found := strings.Cut(text, ":"); found {
		major, err1 := strconv.ParseUint(a, 10, 12)
		minor, err2 := strconv.ParseUint(b, 10, 20)
		return major, minor, err1 == nil && err2 == nil
	}
	n, err := strconv.ParseUint(text, 16, 32)
	return n >> 8 & 0xfff, n&0xff | n>>12&0xfff00, err == nil && len(text) > 2
}

func (p *cmdlineParser) readUsr() {
	text, given := p.last("mount.usr")
	fsType, givenType := p.last("mount.usrfstype")
	_, givenFlags := p.last("mount.usrflags")
	if !given && !givenType && !givenFlags {
		return
	}
	root, hasRoot := p.Root()
	e := Entry{Raw: "mount.usr=" + text, File: "/usr", Type: fsType, Spec: p.device(text)}
	if !given && hasRoot {
		e.Spec = root.Spec
	}
	if !givenType || fsType == "" {
		e.Type = p.orAuto("rootfstype")
	}
	if e.Options = p.flags("mount.usrflags"); !givenFlags {
		e.Options = root.Options
	}
	if !e.Spec.IsZero() && p.specUsable(e.Spec) {
		p.usr = &e
	}
}

func (p *cmdlineParser) readResume() {
	text, _ := p.last("resume")
	if text == "" || text == "none" || p.Has("noresume") {
		return
	}
	p.resume = p.device(text)
	if v, ok := p.last("resume_offset"); ok {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			p.note(Garbage, "resume_offset=%s is no number of pages", shorten(v))
		}
		p.offset = n
	}
}

func (p *cmdlineParser) readExtras() {
	for _, param := range p.Params {
		fields := colonFields(param.Value)
		switch {
		case sameParam(param.Name, "systemd.mount-extra") && param.HasValue:
			p.extra(param, fields, 4)
		case sameParam(param.Name, "systemd.swap-extra") && param.HasValue && len(fields) <= 2:
			p.extra(param, append([]string{fields[0], "none", "swap"}, fields[1:]...), 4)
		case sameParam(param.Name, "systemd.swap-extra"):
			p.note(Garbage, "%s is not WHAT[:OPTIONS]", shorten(param.String()))
		}
	}
}

// extra reads WHAT:WHERE[:TYPE[:OPTIONS]].
func (p *cmdlineParser) extra(param Option, fields []string, most int) {
	if len(fields) < 2 || len(fields) > most {
		p.note(Garbage, "%s is not WHAT:WHERE[:TYPE[:OPTIONS]]", shorten(param.String()))
		return
	}
	fields = append(fields, "", "")
	e := Entry{Raw: param.String(), Spec: p.device(fields[0]), Type: fields[2], Options: ParseOptions(fields[3])}
	if e.Type == "" {
		e.Type = "auto"
	}
	if p.specUsable(e.Spec) && p.mountPoint(&e, fields[1]) {
		p.extras = append(p.extras, e)
	}
}

// colonFields splits at colons. By a C escape a colon can be part of a field
// (systemd, src/fstab-generator/fstab-generator.c, mount_array_add).
func colonFields(s string) []string {
	fields := strings.Split(s, ":")
	for i, field := range fields {
		fields[i] = decodeEscapes(decodeHex(field), true, func(byte) bool { return true })
	}
	return fields
}
