package system

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// FromGPT is the source of lines that stand in no file: the types of the
// partitions beside the root say where they belong.
const FromGPT = "gpt-auto"

// The partition types that systemd mounts by themselves (Discoverable Partitions
// Specification).
const (
	typeESP      = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	typeXBOOTLDR = "bc13c2ff-59e6-4262-a352-b275fd6f7172"
	typeHome     = "933ac7e1-2eb4-4f13-b844-0e14e2aef915"
	typeSrv      = "3b8f8425-20e0-4f3b-907f-1a25a76f98e8"
	typeVar      = "4d21b016-b534-45c2-a9fb-5c16e091fd2d"
	typeVarTmp   = "7ec6f557-3bc5-4aca-b293-16ef5df639d1"
)

// The bits that the same specification gives to a partition's attributes.
const (
	attrReadOnly = 1 << 60
	attrNoAuto   = 1 << 63
)

// discoverable is where a partition type belongs, in the order of the generator.
var discoverable = []struct{ typ, point string }{
	{typeXBOOTLDR, "/boot"}, {typeESP, "/efi"}, {typeHome, "/home"}, {typeSrv, "/srv"}, {typeVar, "/var"}, {typeVarTmp, "/var/tmp"},
}

// gptAuto gives the lines that systemd-gpt-auto-generator(8) would add: partitions
// on the root's own disk, by their type, where nothing else has a line and the
// directory is empty.
func (m *mounter) gptAuto(taken map[string]*Line) []wish {
	table := m.rootTable()
	if table == nil || !m.sys.AutoGPT || m.sys.disabled("systemd.gpt_auto") {
		return nil
	}
	var out []wish
	boot := false
	for _, d := range discoverable {
		p := m.firstOfType(table, d.typ)
		if p == nil || p.Attributes&attrNoAuto != 0 || m.isRoot(p) || d.typ == typeVar && p.UUID != m.varUUID() {
			continue
		}
		point := d.point
		if d.typ == typeESP && !m.isFreeDir(point) && !boot {
			point = "/boot" // without /efi and XBOOTLDR the ESP is /boot
		}
		if taken[point] != nil || !m.isFreeDir(point) {
			continue
		}
		boot = boot || point == "/boot"
		out = append(out, m.autoLine(p, point))
	}
	return out
}

func (m *mounter) autoLine(p *storage.Partition, point string) wish {
	options := "defaults"
	if p.Attributes&attrReadOnly != 0 {
		options = "ro"
	}
	if (p.Type == typeESP || p.Type == typeXBOOTLDR) && m.typeOn(p) == "vfat" {
		options += ",umask=0077"
	}
	return wish{from: FromGPT, node: p.ID, Entry: fstab.Entry{
		Spec: fstab.Spec{Kind: fstab.PartUUID, Value: p.UUID}, File: point, Type: "auto", Options: fstab.ParseOptions(options),
	}}
}

func (m *mounter) typeOn(p *storage.Partition) string {
	for _, up := range m.seen.Upper(p.ID) {
		if fsys, ok := up.(*storage.FileSystem); ok {
			return fsys.Type
		}
	}
	return ""
}

// rootTable gives the GPT of the disk that the root lies on, through an encrypted
// container at most, as the generator does (systemd, src/shared/blockdev-util.c,
// get_block_device_harder).
func (m *mounter) rootTable() *storage.Table {
	at := m.seen.Lower(topOf(m.seen, m.sys.Root))
	for len(at) == 1 {
		switch n := at[0].(type) {
		case *storage.Crypt, *storage.Partition:
			at = m.seen.Lower(n.Base().ID)
		case *storage.Table:
			if n.Format == "gpt" {
				return n
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}

// firstOfType gives the partition of a type with the lowest number.
func (m *mounter) firstOfType(table *storage.Table, typ string) *storage.Partition {
	var first *storage.Partition
	for _, up := range m.seen.Upper(table.ID) {
		if p, ok := up.(*storage.Partition); ok && p.Type == typ && (first == nil || p.Number < first.Number) {
			first = p
		}
	}
	return first
}

func (m *mounter) isRoot(p *storage.Partition) bool {
	return slices.ContainsFunc(m.seen.Below(topOf(m.seen, m.sys.Root)), func(n storage.Node) bool { return n.Base().ID == p.ID })
}

// isFreeDir: the root has an empty directory there. What fills it would be hidden,
// so the generator leaves it alone.
func (m *mounter) isFreeDir(point string) bool {
	t := m.tree(m.sys.Root)
	if t.tree == nil {
		return false
	}
	list, err := fs.ReadDir(t.tree, m.sys.inRoot(point))
	return err == nil && len(list) == 0
}

// varUUID is the PARTUUID that a /var of this very system has: a keyed hash of the
// partition type, the key being the machine's ID (Discoverable Partitions
// Specification; systemd, src/libsystemd/sd-id128, sd_id128_get_machine_app_specific).
func (m *mounter) varUUID() string {
	key, err := hex.DecodeString(m.sys.MachineID)
	if err != nil || len(key) != 16 {
		return ""
	}
	typ, err := hex.DecodeString(noHyphens(typeVar))
	if err != nil {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(typ)
	id := mac.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x40 // version 4, as every UUID of systemd's (sd-id128(3))
	id[8] = id[8]&0x3f | 0x80
	h := hex.EncodeToString(id)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
