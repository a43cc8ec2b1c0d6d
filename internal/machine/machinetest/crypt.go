package machinetest

import (
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Headless is a container that no header on its device tells of: a probe sees it
// only while it is open. Header is the content of a detached one.
type Headless struct{ Header string }

// WithHeadless names containers without a header on their device. The key of a plain
// one is "HASH:KEY", since it opens with any, onto noise if it is another.
func WithHeadless(all map[storage.ID]Headless) Option { return func(m *Machine) { m.headless = all } }

// WithPINs gives the PINs that the tokens of containers want.
func WithPINs(pins map[storage.ID]string) Option { return func(m *Machine) { m.pins = pins } }

// WithKeySlots tells in which slot the key of a container is.
func WithKeySlots(slots map[storage.ID]string) Option { return func(m *Machine) { m.slots = slots } }

// WithClevis gives the passphrases that clevis can fetch.
func WithClevis(passes map[storage.ID]string) Option { return func(m *Machine) { m.clevis = passes } }

func (m *Machine) cryptsetup(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"--batch-mode", "--readonly", "--token-only", "--veracrypt", "--tcrypt-hidden", "--tcrypt-system"},
		[]string{"--type", "--tries", "--key-file", "--header", "--key-slot", "--cipher", "--key-size", "--hash", "--offset", "--skip", "--sector-size", "--veracrypt-pim"})
	if err != nil {
		return machine.Result{}, err
	}
	switch {
	case len(l.words) == 3 && l.words[0] == "open":
		return m.openCrypt(c, l, l.words[1], l.words[2])
	case len(l.words) == 2 && l.words[0] == "close":
		return m.closeCrypt(c, l.words[1])
	}
	return unknown(c)
}

func (m *Machine) openCrypt(c machine.Cmd, l line, name, as string) (machine.Result, error) {
	d := m.device(name)
	if d == nil {
		return says(c, 4, "Device %s does not exist or access denied.", name)
	}
	crypt, ok := on[*storage.Crypt](m, d)
	if !ok || strings.TrimRight(crypt.Format, "12") != l.options["--type"] || !m.headerFits(crypt, l) {
		return says(c, 1, "Device %s is not a valid LUKS device.", name)
	}
	switch {
	case m.dmNameTaken(as):
		return says(c, 5, "Device %s already exists.", as)
	case crypt.Open != nil:
		return says(c, 5, "Cannot use device %s which is in use (already mapped or mounted).", name)
	}
	if r, err := m.unlock(c, l, crypt); err != nil {
		return r, err
	}
	// Like cryptsetup on a device whose read-only flag is set.
	readOnly := l.has("--readonly") || d.node.Base().ReadOnly && !d.overlay
	if crypt.OpenWrites != "" && !d.shield {
		m.wrote("unlock %s", crypt.ID)
	}
	m.open(crypt, storage.Opening{Name: as, ReadOnly: readOnly}, "", d.shield)
	return done("")
}

// headerFits: a detached header is handed over, and is the right one.
func (m *Machine) headerFits(crypt *storage.Crypt, l line) bool {
	want := m.headless[crypt.ID].Header
	file := m.files[strings.TrimPrefix(l.options["--header"], "/")]
	if want == "" {
		return !l.has("--header")
	}
	return file != nil && string(file.Data) == want && file.Mode.Perm() == 0o600
}

// unlock checks what is given to open a container with.
func (m *Machine) unlock(c machine.Cmd, l line, crypt *storage.Crypt) (machine.Result, error) {
	key := stdin(c)
	slot, known := m.slots[crypt.ID]
	pin := m.pins[crypt.ID]
	switch {
	case l.has("--token-only") && pin != "" && key == "":
		return says(c, 1, "Token 0 requires PIN.\nNothing to read on input.")
	case l.has("--token-only") && pin != "" && pin != key:
		return says(c, 2, "No token could be unlocked with this PIN.")
	case l.has("--token-only") && pin == "" && !m.tokens[crypt.ID]:
		return says(c, 1, "") // not a word, in batch mode
	case l.has("--token-only"):
	case crypt.Format == "plain":
		m.noise[crypt.ID] = !m.fits(crypt, l.options["--hash"]+":"+key)
	case l.has("--key-file") && key == "":
		return says(c, 1, "Nothing to read on input.")
	case !l.has("--key-file") && key == "\n" && m.fits(crypt, ""):
	case !m.fits(crypt, key+m.mixed(c)), known && l.has("--key-slot") && l.options["--key-slot"] != slot:
		return says(c, 2, "No key available with this passphrase.")
	}
	return done("")
}

// mixed is what comes with the passphrase of a VeraCrypt container.
func (m *Machine) mixed(c machine.Cmd) string {
	out := ""
	for _, k := range c.Keys {
		out += "+" + stdin(machine.Cmd{Stdin: k})
	}
	return out
}

func (m *Machine) fits(crypt *storage.Crypt, key string) bool {
	for _, id := range []storage.ID{crypt.ID, crypt.Identity} {
		if k, ok := m.keys[id]; ok && k == key {
			return true
		}
	}
	return false
}

// runClevis gives the passphrase of a container that clevis is bound to.
func (m *Machine) runClevis(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, nil, []string{"-d", "-s"})
	if err != nil {
		return machine.Result{}, err
	}
	crypt, ok := on[*storage.Crypt](m, m.device(l.options["-d"]))
	if !ok || !c.Secret || strings.Join(l.words, " ") != "luks pass" {
		return unknown(c)
	}
	pass, ok := m.clevis[crypt.ID]
	if !ok {
		return says(c, 1, "It was not possible to decrypt the passphrase associated to slot %s in %s!", l.options["-s"], l.options["-d"])
	}
	return done(pass + "\n")
}

func (m *Machine) closeCrypt(c machine.Cmd, name string) (machine.Result, error) {
	d := m.device(storage.DMPath(name))
	if d == nil || d.node == nil || d.node.Kind() != storage.KindCrypt || d.overlay {
		return says(c, 4, "Device %s is not active.", name)
	}
	if m.inUse(d.node.Base().ID) {
		return says(c, 5, "Device %s is still in use.", name)
	}
	m.shut(d.node)
	return done("")
}
