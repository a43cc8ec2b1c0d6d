package machinetest

import (
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

func (m *Machine) cryptsetup(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"--batch-mode", "--readonly", "--token-only", "--veracrypt"}, []string{"--type", "--tries", "--key-file"})
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
	if !ok || strings.TrimRight(crypt.Format, "12") != l.options["--type"] {
		return says(c, 1, "Device %s is not a valid LUKS device.", name)
	}
	switch {
	case m.dmNameTaken(as):
		return says(c, 5, "Device %s already exists.", as)
	case crypt.Open != nil:
		return says(c, 5, "Cannot use device %s which is in use (already mapped or mounted).", name)
	case l.has("--token-only") && !m.tokens[crypt.ID]:
		return says(c, 1, "") // not a word, in batch mode
	case !l.has("--token-only") && !m.fits(crypt, stdin(c)):
		return says(c, 2, "No key available with this passphrase.")
	}
	// Like cryptsetup on a device whose read-only flag is set.
	readOnly := l.has("--readonly") || d.node.Base().ReadOnly && !d.overlay
	m.open(crypt, storage.Opening{Name: as, ReadOnly: readOnly}, "", d.shield)
	return done("")
}

func (m *Machine) fits(crypt *storage.Crypt, key string) bool {
	for _, id := range []storage.ID{crypt.ID, crypt.Identity} {
		if k, ok := m.keys[id]; ok && k == key {
			return true
		}
	}
	return false
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
