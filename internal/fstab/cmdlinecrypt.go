package fstab

import (
	"slices"
	"strings"
)

// CryptEntries returns the volumes that the command line has opened:
//
//   - luks.uuid=, luks.name=, luks.data=, luks.key=, luks.options= of
//     systemd-cryptsetup-generator(8), each also with "rd.", and dracut's forms
//     of them (dracut.cmdline(7));
//   - cryptdevice= and cryptkey= of mkinitcpio's encrypt hook;
//   - cryptopts= of Debian's initramfs up to cryptsetup 2.0.2;
//   - cryptroot=, cryptdm=, cryptheader=, cryptkey=, cryptdiscards of Alpine's.
//
// A volume that is named by its UUID alone is called luks-UUID. Where a crypttab
// has an entry with the same UUID, systemd takes name and key from there, and
// from here the luks.options= for that UUID alone. A KeyFile without a KeyDevice
// lies in the initramfs, which need not be the same file as in the system.
func (c *Cmdline) CryptEntries() []CryptEntry {
	return c.crypts
}

func (p *cmdlineParser) readCrypts() {
	p.readLUKS()
	p.readCryptDevice()
	p.readCryptOpts()
	p.readCryptRoot()
	first := map[string]bool{}
	for _, e := range p.crypts {
		if first[e.Name] {
			p.note(Duplicate, "two volumes are to be called %s", shorten(e.Name))
		}
		first[e.Name] = true
	}
}

// luksWords are the words of systemd for one volume, or, in the fields key and
// options of the one without UUID, for all that have none of their own.
type luksWords struct {
	uuid, name         string
	open               bool // luks.uuid= or luks.name= is there; the others open nothing
	data               string
	key, options       string
	hasKey, hasOptions bool
	discard            bool // dracut's rd.luks.allow-discards
}

// luksVolumes are in the order of the line, the one without UUID first.
type luksVolumes []*luksWords

func (l *luksVolumes) of(uuid string) *luksWords {
	i := slices.IndexFunc(*l, func(v *luksWords) bool { return strings.EqualFold(v.uuid, uuid) })
	if i < 0 {
		i, *l = len(*l), append(*l, &luksWords{uuid: uuid})
	}
	return (*l)[i]
}

// readLUKS: luks=no is for all words, rd.luks=no for those of the initramfs.
func (p *cmdlineParser) readLUKS() {
	if p.Disabled("luks") {
		return
	}
	rdOff := p.Disabled("rd.luks")
	volumes := luksVolumes{{}}
	for _, param := range p.Params {
		if word, rd := luksWord(param.Name); word != "" && !(rd && rdOff) {
			p.readLUKSWord(word, param, &volumes)
		}
	}
	for _, v := range volumes[1:] {
		if v.open {
			p.addLUKS(*v, *volumes[0])
		}
	}
}

// luksWord returns what follows "luks." in the name of a word.
func luksWord(name string) (word string, rd bool) {
	name = strings.ReplaceAll(name, "-", "_")
	if name == "rd_LUKS_UUID" { // dracut before 008
		return "uuid", true
	}
	name, rd = strings.CutPrefix(name, "rd.")
	if word, ok := strings.CutPrefix(name, "luks."); ok {
		return word, rd
	}
	return "", rd
}

func (p *cmdlineParser) readLUKSWord(word string, param Option, volumes *luksVolumes) {
	switch word {
	case "uuid":
		p.luksUUID(param, volumes)
	case "name", "data":
		uuid, value, ok := p.cutUUID(param)
		switch v := volumes.of(uuid); {
		case !ok:
		case uuid == "" || value == "":
			p.note(Garbage, "%s lacks a UUID or a value", shorten(param.String()))
		case word == "name":
			v.name, v.open = value, true
		default:
			v.data = value
		}
	case "key":
		p.luksKey(param, volumes)
	case "options":
		if uuid, value, ok := p.cutUUID(param); ok {
			v := volumes.of(uuid)
			v.options, v.hasOptions = value, true
		}
	case "allow_discards":
		volumes.of(strings.TrimPrefix(param.Value, "luks-")).discard = true
	case "partuuid", "serial":
		p.note(Suspect, "%s: dracut calls the volume after its UUID, which is not said here; it is not read", shorten(param.String()))
	}
}

func (p *cmdlineParser) luksUUID(param Option, volumes *luksVolumes) {
	uuid := strings.TrimPrefix(param.Value, "luks-")
	if uuid == "" {
		p.note(Garbage, "%s names no volume", shorten(param.String()))
		return
	}
	if !isUUID(uuid) {
		p.note(Disagreement, "%s is no whole UUID: dracut without systemd takes what begins with it, systemd waits for it in vain", shorten(param.String()))
	}
	volumes.of(uuid).open = true
}

// luksKey also reads dracut's PATH:KEYDEVICE[:LUKSDEVICE].
func (p *cmdlineParser) luksKey(param Option, volumes *luksVolumes) {
	uuid, key, ok := p.cutUUID(param)
	if !ok {
		return
	}
	file, device := splitPlainKey(key)
	if uuid == "" && !device.IsZero() {
		p.note(Disagreement, "%s: systemd takes a key on another device only with the UUID of a volume before it, dracut without; read as the latter", shorten(param.String()))
		if _, inner := splitPlainKey(file); !inner.IsZero() && device.Kind == UUID {
			uuid, key = device.Value, file
		}
	}
	v := volumes.of(uuid)
	v.key, v.hasKey = key, true
}

func (p *cmdlineParser) addLUKS(v, all luksWords) {
	if !v.hasKey {
		v.key = all.key
	}
	if !v.hasOptions {
		v.options = all.options
	}
	e := CryptEntry{Raw: "luks.uuid=" + v.uuid, Name: v.name, Source: p.device("UUID=" + v.uuid), Options: parseCryptOptions(v.options)}
	if e.Name == "" {
		e.Name = "luks-" + v.uuid
	}
	if v.data != "" {
		e.Source = p.device(v.data)
	}
	if v.discard || all.discard {
		e.Options = append(e.Options, Option{Name: "discard"})
	}
	e.setPlainKey(v.key)
	if p.specUsable(e.Source) {
		p.crypts = append(p.crypts, e)
	}
}

func (e *CryptEntry) setPlainKey(key string) {
	if !isNone(key) {
		e.KeyFile, e.KeyDevice = splitPlainKey(key)
	}
}

// splitPlainKey is splitKey for text in which nothing is escaped.
func splitPlainKey(key string) (file string, device Spec) {
	return splitKey(Escape(key))
}

// cutUUID splits UUID=VALUE; all is the value where there is no UUID. What looks
// like a part of a UUID is neither, as for systemd.
func (p *cmdlineParser) cutUUID(param Option) (uuid, value string, ok bool) {
	uuid, value, found := strings.Cut(param.Value, "=")
	switch {
	case found && isUUID(uuid):
		return uuid, value, true
	case found && uuid != "" && strings.Trim(uuid, hexDigits+"-") == "":
		p.note(Garbage, "%s: what stands before the = is no UUID; systemd ignores the word", shorten(param.String()))
		return "", "", false
	}
	return "", param.Value, true
}

// isUUID tells whether s is a whole UUID: 32 hexadecimal digits, or these with
// hyphens in their places (sd_id128_from_string(3)).
func isUUID(s string) bool {
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = strings.ReplaceAll(s, "-", "")
	}
	return len(s) == 32 && strings.Trim(s, hexDigits) == ""
}

const hexDigits = "0123456789abcdefABCDEF"
