package fstab

import "strings"

// readCryptDevice reads mkinitcpio's cryptdevice=DEVICE:NAME[:OPTIONS]. The hook
// takes the last one, and calls the volume "root" where no name is given.
func (p *cmdlineParser) readCryptDevice() {
	text, ok := p.last("cryptdevice")
	if !ok {
		return
	}
	fields := append(strings.SplitN(text, ":", 3), "", "")
	e := CryptEntry{
		Raw: "cryptdevice=" + text, Name: fields[1], Source: p.device(fields[0]), Options: parseCryptOptions(fields[2]),
	}
	if e.Name == "" {
		e.Name = "root"
		p.note(Suspect, `cryptdevice=%s names no volume: mkinitcpio calls it "root"`, shorten(text))
	}
	if key, ok := p.last("cryptkey"); ok {
		p.cryptKey(&e, key)
	}
	if p.specUsable(e.Source) {
		p.crypts = append(p.crypts, e)
	}
}

// cryptKey reads mkinitcpio's three forms: rootfs:PATH in the initramfs,
// DEVICE:FSTYPE:PATH, and DEVICE:OFFSET:SIZE, bytes of the device itself, for
// which KeyFile stays "".
func (p *cmdlineParser) cryptKey(e *CryptEntry, key string) {
	fields := append(strings.SplitN(key, ":", 3), "", "")
	switch _, offset := number(fields[1]); {
	case fields[0] == "rootfs":
		e.KeyFile = fields[1]
	case fields[2] == "":
		p.note(Garbage, "cryptkey=%s is not DEVICE:FSTYPE:PATH", shorten(key))
	case offset:
		e.KeyFile, e.KeyDevice = "", p.device(fields[0])
		e.Options = append(e.Options,
			Option{Name: "keyfile-offset", Value: fields[1], HasValue: true},
			Option{Name: "keyfile-size", Value: fields[2], HasValue: true})
	default:
		e.KeyFile, e.KeyDevice = fields[2], p.device(fields[0])
	}
}

// readCryptOpts reads Debian's cryptopts=target=NAME,source=DEVICE,key=PATH,….
func (p *cmdlineParser) readCryptOpts() {
	for _, text := range p.All("cryptopts") {
		o := parseCryptOptions(text)
		e := CryptEntry{Raw: "cryptopts=" + text, Name: "cryptroot", Options: o.Without("target", "source", "key")}
		if name, ok := o.Get("target"); ok {
			e.Name = name
		}
		source, _ := o.Get("source")
		key, _ := o.Get("key")
		if e.Source = p.device(source); e.Source.IsZero() || e.Name == "" {
			p.note(Garbage, "cryptopts=%s names no device", shorten(text))
			continue
		}
		e.setPlainKey(key)
		p.crypts = append(p.crypts, e)
	}
}

// readCryptRoot reads the words of Alpine's initramfs (mkinitfs, init.in).
func (p *cmdlineParser) readCryptRoot() {
	text, _ := p.last("cryptroot")
	if text == "" {
		return
	}
	name, ok := p.last("cryptdm")
	if !ok || name == "" {
		p.note(Suspect, "cryptroot=%s: cryptdm= does not say what the volume is called", shorten(text))
		return
	}
	e := CryptEntry{Raw: "cryptroot=" + text, Name: name, Source: p.device(text)}
	for _, option := range []string{"header", "offset"} {
		if v, _ := p.last("crypt" + option); v != "" {
			e.Options = append(e.Options, Option{Name: option, Value: v, HasValue: true})
		}
	}
	if p.Has("cryptdiscards") {
		e.Options = append(e.Options, Option{Name: "discard"})
	}
	if key, _ := p.Get("cryptkey"); key != "" && key != "yes" {
		e.KeyFile = key
	} else if p.Has("cryptkey") {
		e.KeyFile = "/crypto_keyfile.bin"
	}
	if p.specUsable(e.Source) {
		p.crypts = append(p.crypts, e)
	}
}
