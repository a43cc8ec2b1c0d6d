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

// isCryptLayer tells the map of dm-integrity that cryptsetup puts below a LUKS
// volume from one that was made by itself with integritysetup: it has the volume's
// UUID. cryptsetup 2.6 calls it INTEGRITY (measured with 2.6.1), later ones SUBDEV.
func isCryptLayer(uuid string) bool {
	return strings.HasPrefix(uuid, "CRYPT-SUBDEV-") || strings.HasPrefix(uuid, "CRYPT-INTEGRITY-") && cryptUUID(uuid) != ""
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
			if carrier := a.on(d); carrier != nil && n.UUID == "" {
				n.Identity = n.IdentityOn(carrier)
			}
		}
	}
}

// cryptFromHeader makes the node of a container whose header was read, or nil. A
// header whose data are elsewhere is no container.
func cryptFromHeader(sig ondisk.Signature) *storage.Crypt {
	switch s := sig.(type) {
	case *ondisk.LUKS:
		if s.Detached() {
			return nil
		}
		return CryptFromLUKS(s)
	case *ondisk.BitLocker:
		n := &storage.Crypt{Format: "bitlk", UUID: s.GUID}
		n.Identity = storage.ID("crypt:bitlk-" + s.GUID)
		if s.Vista {
			addNote(n, "cryptsetup cannot open it: it is of the first version, that of Windows Vista")
		}
		return n
	}
	return nil
}

// CryptFromLUKS makes the node that a LUKS header stands for.
func CryptFromLUKS(s *ondisk.LUKS) *storage.Crypt {
	n := &storage.Crypt{Format: fmt.Sprintf("luks%d", s.Version), UUID: s.UUID, Label: s.Label, Cipher: s.Cipher}
	n.Identity = storage.ID("luks:" + s.UUID)
	n.Header = luksMade(s)
	for _, k := range s.Keyslots {
		n.Keyslots = append(n.Keyslots, fmt.Sprintf("%d:%s", k.ID, k.KDF))
	}
	for _, t := range s.Tokens {
		n.Tokens = append(n.Tokens, fmt.Sprintf("%d:%s", t.ID, t.Type))
		if t.Type == "clevis" {
			n.ClevisSlots = append(n.ClevisSlots, t.Keyslots...)
		}
	}
	for _, r := range s.Requirements {
		addNotef(n, "only a cryptsetup that knows %q can open it", r)
	}
	if s.Opal {
		addNote(n, "the disk itself encrypts it (OPAL), so only a cryptsetup of at least 2.7 can open it, and the disk stays locked without")
	}
	for _, row := range writingOpens {
		if n.OpenWrites == "" && row.is(s) {
			n.OpenWrites = row.why
		}
	}
	return n
}

// writingOpens are the containers that change the disk although they are opened
// read-only; the first row that fits counts. docs/tables.md has the table.
//
// dm-integrity looks at no flag when it is resumed: it replays its journal, and
// clears it where there is nothing to replay (drivers/md/dm-integrity.c,
// dm_integrity_resume and replay_journal).
var writingOpens = []struct {
	is  func(*ondisk.LUKS) bool
	why string
}{
	{func(l *ondisk.LUKS) bool { return l.Integrity != "" }, "dm-integrity writes to its journal"},
	{(*ondisk.LUKS).Reencrypting, "an interrupted reencryption goes on"},
	{func(l *ondisk.LUKS) bool { return l.Secondary }, "the damaged first copy of its header is repaired"},
}

// newDetachedHeader makes the node of a LUKS header without data. It is no
// container: what it opens has a node on the device that has the data, as soon as
// a crypttab leads there or it is open.
func newDetachedHeader(s *ondisk.LUKS) *storage.Opaque {
	n := &storage.Opaque{Format: "luks-header", UUID: s.UUID, Label: s.Label}
	n.Identity = storage.ID("opaque:luks-header-" + s.UUID)
	addNote(n, "a LUKS header whose data are on another device; a crypttab's header= leads from there to it")
	return n
}

// unlocked connects an open container with its header, or makes a node for one
// without: plain dm-crypt, VeraCrypt, a LUKS header kept elsewhere.
func (a *assembly) unlocked(d *device, onDevice map[*device]*storage.Crypt) *storage.Crypt {
	var n *storage.Crypt
	if len(d.slaves) > 0 {
		n = onDevice[d.slaves[0]]
	}
	if n != nil && isOther(n, d) {
		n = nil
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

// isOther tells a map whose LUKS header is not the one on its device: that is left
// over there, or stands for somebody else's data.
func isOther(n *storage.Crypt, d *device) bool {
	uuid := cryptUUID(d.dm.uuid)
	return strings.HasPrefix(n.Format, "luks") && uuid != "" && !strings.EqualFold(uuid, n.UUID)
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
