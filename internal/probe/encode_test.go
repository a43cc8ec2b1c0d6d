package probe

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
)

// The functions of this file write superblocks, just enough of them that package
// ondisk takes them for real.

var le, be = binary.LittleEndian, binary.BigEndian

// uuid makes the bytes of "00000000-0000-0000-0000-0000000000nn".
func uuid(n byte) []byte { return append(make([]byte, 15), n) }

func uuidText(n byte) string { return fmt.Sprintf("00000000-0000-0000-0000-0000000000%02x", n) }

// uuid is that of the image's set.
func (im *image) uuid(n byte) []byte {
	b := uuid(n)
	be.PutUint32(b[8:], uint32(im.set))
	return b
}

// ext4 puts an ext4 onto the device at the offset.
func (im *image) ext4(off int64, id byte, label string, dirty bool) *image {
	b := make([]byte, 1024)
	le.PutUint32(b, 1)        // inodes; swap space would have its version here
	le.PutUint32(b[4:], 1024) // blocks
	le.PutUint32(b[0x18:], 2) // of 4 KiB
	le.PutUint16(b[0x38:], 0xef53)
	le.PutUint16(b[0x3a:], 1)
	le.PutUint32(b[0x4c:], 1)
	le.PutUint32(b[0x5c:], 4)
	incompat := uint32(0x42) // filetype, extents
	if dirty {
		incompat |= 4
	}
	le.PutUint32(b[0x60:], incompat)
	le.PutUint32(b[0xe0:], 8) // the journal's inode
	copy(b[0x68:], im.uuid(id))
	copy(b[0x78:0x88], label)
	return im.put(off+1024, b)
}

func (im *image) swap(off int64, id byte) *image {
	b := make([]byte, 4096)
	le.PutUint32(b[1024:], 1)
	le.PutUint32(b[1028:], 100)
	copy(b[1036:], uuid(id))
	copy(b[4086:], "SWAPSPACE2")
	return im.put(off, b)
}

// gptPart is a partition in a GPT.
type gptPart struct {
	number            int
	startMiB, sizeMiB int64
	id                byte
	name              string
}

const linuxData = "0fc63daf-8483-4772-8e79-3d69d8477de4"

func (im *image) gpt(id byte, parts ...gptPart) *image {
	entries := make([]byte, 128*128)
	for _, p := range parts {
		e := entries[(p.number-1)*128:]
		putGUID(e, linuxData)
		copy(e[16:], im.uuid(p.id))
		le.PutUint64(e[32:], uint64(p.startMiB<<20/512))
		le.PutUint64(e[40:], uint64((p.startMiB+p.sizeMiB)<<20/512-1))
		for i, c := range p.name {
			le.PutUint16(e[56+2*i:], uint16(c))
		}
	}
	last := im.size/512 - 1
	im.put(0, protectiveMBR(last))
	im.put(512, gptHeader(im.uuid(id), entries, 1, last, 2))
	im.put(1024, entries)
	im.put(last*512, gptHeader(im.uuid(id), entries, last, 1, last-32))
	return im.put((last-32)*512, entries)
}

func putGUID(b []byte, text string) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil {
		panic(err)
	}
	le.PutUint32(b, be.Uint32(raw))
	le.PutUint16(b[4:], be.Uint16(raw[4:]))
	le.PutUint16(b[6:], be.Uint16(raw[6:]))
	copy(b[8:16], raw[8:])
}

func protectiveMBR(last int64) []byte {
	b := make([]byte, 512)
	b[450] = 0xee
	le.PutUint32(b[454:], 1)
	le.PutUint32(b[458:], uint32(last))
	b[510], b[511] = 0x55, 0xaa
	return b
}

func gptHeader(id, entries []byte, self, other, at int64) []byte {
	h := make([]byte, 512)
	copy(h, "EFI PART\x00\x00\x01\x00")
	le.PutUint32(h[12:], 92)
	le.PutUint64(h[24:], uint64(self))
	le.PutUint64(h[32:], uint64(other))
	le.PutUint64(h[40:], 34)
	le.PutUint64(h[48:], uint64(max(self, other)-34))
	copy(h[56:], id)
	le.PutUint64(h[72:], uint64(at))
	le.PutUint32(h[80:], 128)
	le.PutUint32(h[84:], 128)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
	return h
}

// mdSpec is a member of an array with metadata 1.2 (or 1.0 with end set).
type mdSpec struct {
	id, member  byte
	level       int32
	disks, role int
	events      uint64
	name        string
	end         bool
	sizeMiB     uint64
	gone        []int  // places that it says nobody is in
	active      bool   // it was not stopped
	bitmap      uint64 // the events that its bitmap knows of; 0 for none
}

func (im *image) md(off int64, s mdSpec) *image {
	at := off + 4096
	if s.end {
		at = (im.size - 8<<10) &^ 4095
	}
	b := make([]byte, 256+2*s.disks+2)
	le.PutUint32(b, 0xa92b4efc)
	le.PutUint32(b[4:], 1)
	copy(b[16:], im.uuid(s.id))
	copy(b[32:64], s.name)
	le.PutUint32(b[72:], uint32(s.level))
	le.PutUint64(b[80:], s.sizeMiB<<20/512)
	le.PutUint32(b[92:], uint32(s.disks))
	le.PutUint64(b[128:], 2048)
	le.PutUint64(b[136:], s.sizeMiB<<20/512)
	le.PutUint64(b[144:], uint64(at-off)/512)
	le.PutUint32(b[160:], uint32(s.role))
	copy(b[168:], im.uuid(s.member))
	le.PutUint64(b[200:], s.events)
	le.PutUint64(b[208:], 1<<64-1)
	le.PutUint32(b[220:], uint32(s.disks+1))
	for i := range s.disks {
		le.PutUint16(b[256+2*i:], uint16(i))
	}
	le.PutUint16(b[256+2*s.disks:], 0xffff)
	for _, i := range s.gone {
		le.PutUint16(b[256+2*i:], 0xfffe)
	}
	if s.active {
		le.PutUint64(b[208:], 0)
	}
	if s.bitmap > 0 {
		b[8] |= 1
		le.PutUint32(b[96:], 8)
		head := make([]byte, 64)
		copy(head, "bitm")
		le.PutUint64(head[24:], s.bitmap)
		im.put(at+4096, head)
	}
	le.PutUint32(b[216:], mdChecksum(b))
	return im.put(at, b)
}

func mdChecksum(b []byte) uint32 {
	var sum uint64
	for i := 0; i+4 <= len(b); i += 4 {
		sum += uint64(le.Uint32(b[i:]))
	}
	if len(b)%4 != 0 {
		sum += uint64(le.Uint16(b[len(b)-2:]))
	}
	return uint32(sum&0xffffffff) + uint32(sum>>32)
}

// md090 puts a superblock of the old format, of a mirror with one member, onto the
// device that ends at end.
func (im *image) md090(end int64, id byte) *image {
	b := make([]byte, 4096)
	for word, value := range map[int]uint32{0: 0xa92b4efc, 2: 90, 7: 1, 8: 1024, 10: 1, 13: uint32(id), 33: 1, 39: 7, 992 + 4: 6, 128 + 4: 6} {
		le.PutUint32(b[4*word:], value)
	}
	le.PutUint32(b[4*38:], mdChecksum(b))
	return im.put(end&^(64<<10-1)-64<<10, b)
}

func (im *image) luks2(off int64, id byte) *image {
	return im.luks2With(off, id, `"type":"systemd-tpm2","keyslots":["0"]`, `"type":"crypt","offset":"16777216"`, "")
}

// luks2With puts a header with a token, the beginning of a segment, and requirements.
func (im *image) luks2With(off int64, id byte, token, segment, requirements string) *image {
	text := `{"keyslots":{"0":{"type":"luks2","key_size":64,"kdf":{"type":"argon2id"}}},` +
		`"tokens":{"0":{` + token + `}},` +
		`"segments":{"0":{` + segment + `,"size":"dynamic","encryption":"aes-xts-plain64"}},` +
		`"digests":{},"config":{"json_size":"12288","keyslots_size":"16744448"` + requirements + `}}`
	b := make([]byte, 16384)
	copy(b, "LUKS\xba\xbe\x00\x02")
	be.PutUint64(b[8:], uint64(len(b)))
	be.PutUint64(b[16:], 1)
	copy(b[72:], "sha256")
	copy(b[168:], uuidText(id))
	copy(b[4096:], text)
	sum := sha256.Sum256(b)
	copy(b[448:], sum[:])
	return im.put(off, b)
}

// lvmID makes an LVM identifier of 32 letters.
func lvmID(n byte) string { return strings.Repeat("0", 30) + fmt.Sprintf("%02x", n) }

func (im *image) pv(off int64, id byte, metadata string) *image {
	const mda = 4096
	label := make([]byte, 512)
	copy(label, "LABELONE")
	le.PutUint64(label[8:], 1)
	le.PutUint32(label[20:], 32)
	copy(label[24:], "LVM2 001")
	copy(label[32:], lvmID(id))
	le.PutUint64(label[64:], uint64(im.size))
	le.PutUint64(label[72:], 1<<20)
	le.PutUint64(label[104:], mda)
	le.PutUint64(label[112:], 1<<20-mda)
	le.PutUint32(label[16:], lvmCRC(label[20:]))
	h := make([]byte, 512)
	copy(h[4:], " LVM2 x[5A%r0N*>")
	le.PutUint32(h[20:], 1)
	le.PutUint64(h[24:], mda)
	le.PutUint64(h[32:], 1<<20-mda)
	if metadata != "" {
		le.PutUint64(h[40:], 512)
		le.PutUint64(h[48:], uint64(len(metadata)))
		le.PutUint32(h[56:], lvmCRC([]byte(metadata)))
		im.put(off+mda+512, []byte(metadata))
	}
	le.PutUint32(h, lvmCRC(h[4:]))
	return im.put(off+512, label).put(off+mda, h)
}

func lvmCRC(b []byte) uint32 {
	initial := uint32(0xf597a6cf)
	return ^crc32.Update(^initial, crc32.IEEETable, b)
}

// vgText writes the metadata of a group with the PVs and the LVs' sections.
func vgText(name string, id byte, seqno int, pvs []byte, lvs ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s {\nid = %q\nseqno = %d\nformat = \"lvm2\"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\nextent_size = 8192\n", name, dashLVM(lvmID(id)), seqno)
	b.WriteString("physical_volumes {\n")
	for i, pv := range pvs {
		fmt.Fprintf(&b, "pv%d {\nid = %q\ndevice = \"/dev/old%d\"\nstatus = [\"ALLOCATABLE\"]\nflags = []\ndev_size = 204800\npe_start = 2048\npe_count = 24\n}\n", i, dashLVM(lvmID(pv)), i)
	}
	b.WriteString("}\nlogical_volumes {\n" + strings.Join(lvs, "") + "}\n}\ncontents = \"Text Format Volume Group\"\nversion = 1\n")
	return b.String()
}

// lvText writes the section of an LV with one segment.
func lvText(name string, id byte, visible bool, extents int, segment string) string {
	status := `"READ", "WRITE"`
	if visible {
		status += `, "VISIBLE"`
	}
	return fmt.Sprintf("%s {\nid = %q\nstatus = [%s]\nflags = []\nsegment_count = 1\nsegment1 {\nstart_extent = 0\nextent_count = %d\n%s\n}\n}\n",
		name, dashLVM(lvmID(id)), status, extents, segment)
}

func linear(pv int) string {
	return fmt.Sprintf("type = \"striped\"\nstripe_count = 1\nstripes = [\"pv%d\", 0]", pv)
}

// btrfs puts a superblock without trees onto the device.
func (im *image) btrfs(id byte, devid, devices, generation uint64) *image {
	b := make([]byte, 4096)
	copy(b[0x20:], uuid(id))
	le.PutUint64(b[0x30:], 64<<10)
	copy(b[0x40:], "_BHRfS_M")
	le.PutUint64(b[0x48:], generation)
	le.PutUint64(b[0x70:], uint64(im.size)*devices)
	le.PutUint64(b[0x88:], devices)
	le.PutUint32(b[0x90:], 4096)
	le.PutUint32(b[0x94:], 16384)
	le.PutUint64(b[0xc9:], devid)
	le.PutUint64(b[0xd1:], uint64(im.size))
	copy(b[0x10b:], uuid(100+byte(devid)))
	le.PutUint32(b, crc32.Checksum(b[32:], crc32.MakeTable(crc32.Castagnoli)))
	return im.put(64<<10, b)
}

func (im *image) bcache(id, set byte, cache bool, state uint64) *image {
	b := make([]byte, 4096)
	le.PutUint64(b[8:], 8)
	if cache {
		le.PutUint64(b[16:], 3)
	} else {
		le.PutUint64(b[16:], 1)
	}
	copy(b[24:], "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81")
	copy(b[40:], uuid(id))
	copy(b[56:], uuid(set))
	le.PutUint64(b[104:], state<<61|1)
	return im.put(4096, b)
}

func compact(id string) string { return strings.ReplaceAll(id, "-", "") }
