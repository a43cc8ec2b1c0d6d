package probe

import (
	"fmt"
	"strconv"
	"strings"

	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// cryptFormats are cryptsetup's device-mapper UUID prefixes (lib/utils_dm.h and
// lib/libdevmapper.c, dm_prepare_uuid: "CRYPT-TYPE-[UUID-]NAME").
var cryptFormats = map[string]string{
	"LUKS1": "luks1", "LUKS2": "luks2", "PLAIN": "plain", "BITLK": "bitlk", "TCRYPT": "tcrypt",
	"LOOPAES": "loopaes", "FVAULT2": "fvault2",
}

// cryptFormat gives the format of an open container by its UUID, or "".
func cryptFormat(uuid string) string {
	rest, ok := strings.CutPrefix(uuid, "CRYPT-")
	if !ok {
		return ""
	}
	kind, _, _ := strings.Cut(rest, "-")
	return cryptFormats[kind]
}

// cryptUUID gives the UUID of the container, where it has one.
func cryptUUID(uuid string) string {
	parts := strings.SplitN(uuid, "-", 4)
	if len(parts) < 4 || len(parts[2]) != 32 {
		return ""
	}
	h := parts[2]
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// addCrypts makes the encrypted containers: those with a header, and those that
// are known because they are open.
func (a *assembly) addCrypts() (lay func()) {
	onDevice := map[*device]*storage.Crypt{}
	lower := map[*storage.Crypt]*device{}
	for _, d := range a.inv.devices {
		if n := cryptFromHeader(d.sig); n != nil {
			a.Add(n)
			n.Mark(storage.Locked)
			onDevice[d], lower[n] = n, d
			a.content[d] = n
		}
	}
	for _, d := range a.inv.devices {
		if d.role != roleCrypt {
			continue
		}
		n := a.unlocked(d, onDevice)
		for _, s := range d.slaves[:min(1, len(d.slaves))] {
			lower[n] = s
		}
	}
	return func() {
		for n, d := range lower {
			a.Lay(n, a.on(d))
			if carrier := a.on(d); carrier != nil && strings.HasSuffix(string(n.Identity), "-") {
				n.Identity = onCarrier("crypt:"+n.Format, carrier) // it names no UUID
			}
		}
	}
}

// cryptFromHeader makes the node of a container whose header was read, or nil.
func cryptFromHeader(sig ondisk.Signature) *storage.Crypt {
	switch s := sig.(type) {
	case *ondisk.LUKS:
		n := &storage.Crypt{Format: fmt.Sprintf("luks%d", s.Version), UUID: s.UUID, Label: s.Label, Cipher: s.Cipher}
		n.Identity = storage.ID("luks:" + s.UUID)
		for _, k := range s.Keyslots {
			n.Keyslots = append(n.Keyslots, fmt.Sprintf("%d:%s", k.ID, k.KDF))
		}
		for _, t := range s.Tokens {
			n.Tokens = append(n.Tokens, fmt.Sprintf("%d:%s", t.ID, t.Type))
		}
		for _, r := range s.Requirements {
			addNotef(n, "only a cryptsetup that knows %q can open it", r)
		}
		return n
	case *ondisk.BitLocker:
		n := &storage.Crypt{Format: "bitlk", UUID: s.GUID}
		n.Identity = storage.ID("crypt:bitlk-" + s.GUID)
		return n
	}
	return nil
}

// unlocked connects an open container with its header, or makes a node for one
// without: plain dm-crypt, VeraCrypt, a LUKS header kept elsewhere.
func (a *assembly) unlocked(d *device, onDevice map[*device]*storage.Crypt) *storage.Crypt {
	var n *storage.Crypt
	if len(d.slaves) > 0 {
		n = onDevice[d.slaves[0]]
	}
	switch {
	case n == nil:
		n = cryptFromMapping(d)
		a.Add(n)
	case n.Open != nil:
		addNotef(n, "it is open a second time, as %s", storage.DMPath(d.dm.name))
		a.node[d] = n
		return n
	}
	n.Health = nil // Locked is all that it can have had
	a.is(n, d)
	n.Open = &storage.Opening{Name: unmangle(d.dm.name), ReadOnly: d.readOnly}
	return n
}

// unmangle gives the name that a person gave: libdevmapper hands "cr root" to the
// kernel as "cr\x20root" (dmsetup(8), "--manglename").
func unmangle(name string) string {
	parts := strings.Split(name, `\x`)
	for i, p := range parts[1:] {
		if len(p) >= 2 {
			if c, err := strconv.ParseUint(p[:2], 16, 8); err == nil {
				parts[i+1] = string([]byte{byte(c)}) + p[2:]
				continue
			}
		}
		parts[i+1] = `\x` + p
	}
	return strings.Join(parts, "")
}

func cryptFromMapping(d *device) *storage.Crypt {
	n := &storage.Crypt{Format: cryptFormat(d.dm.uuid), UUID: cryptUUID(d.dm.uuid)}
	if strings.HasPrefix(n.Format, "luks") && n.UUID != "" {
		n.Identity = storage.ID("luks:" + n.UUID)
		addNote(n, "its header is not on the device")
		return n
	}
	n.Identity = storage.ID("crypt:" + n.Format + "-" + d.dm.name)
	return n
}
