package probe

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/ondisk"
)

// settle decides for every device what of its content counts. What the kernel
// does with the device now is stronger than the order of signatures: a file
// system that is mounted is one, whatever is left over beside it.
func (inv *inventory) settle() {
	for _, d := range inv.devices {
		if d.content == nil {
			continue
		}
		d.sig = chooseSignature(d)
		if left := d.signatures(); d.sig == nil && len(left) > 0 {
			d.content.Notes = append(d.content.Notes, fmt.Sprintf("the signature of %s is there too; it is not used, as what lies on the device now owns all of it", left[0].Format()))
		}
		if d.number == 0 && d.role != roleMapPartition && (d.sig != nil || !d.claimed()) {
			d.table = d.content.Table
		}
		if d.table != nil && d.sig != nil {
			settleTable(d)
		}
	}
}

// chooseSignature takes the signature that fits the present use, else the first.
// On a device that belongs to something whose header is not on it (plain
// dm-crypt, a detached header) a signature is left over, or chance.
func chooseSignature(d *device) ondisk.Signature {
	sigs := d.signatures()
	if len(sigs) == 0 {
		return nil
	}
	for _, s := range sigs {
		if d.inUse() && fits(d, s) {
			return s
		}
	}
	if d.claimed() {
		return nil
	}
	return sigs[0]
}

// signatures are those that can mean something on the device. The metadata of a
// firmware's array lies at the end of a disk, where the last partition shows it too.
func (d *device) signatures() []ondisk.Signature {
	if d.role == roleDisk {
		return d.content.Signatures
	}
	return slices.DeleteFunc(slices.Clone(d.content.Signatures), func(s ondisk.Signature) bool {
		_, firmware := s.(*ondisk.FirmwareRAID)
		return firmware
	})
}

// fits tells whether the signature explains how the device is used now.
func fits(d *device, s ondisk.Signature) bool {
	switch s.(type) {
	case *ondisk.Swap:
		return d.swapping
	case *ondisk.MD, *ondisk.FirmwareRAID:
		return d.heldBy(roleArray)
	case *ondisk.LVM2PV:
		return d.heldBy(roleVolume)
	case *ondisk.LUKS, *ondisk.BitLocker:
		return d.heldBy(roleCrypt)
	case *ondisk.Bcache:
		return d.heldBy(roleBcache)
	default:
		return d.mounted != "" && ondisk.UsageOf(s.Format()) == ondisk.FileSystem
	}
}

// settleTable decides between a partition table and a signature on the same
// device. The order of the questions is the rule.
func settleTable(d *device) {
	switch {
	case isHybrid(d.sig):
		// An ISO image made for USB sticks is both, by design.
	case d.inUse() && fits(d, d.sig):
		d.dropTable()
	case slices.ContainsFunc(d.partitions, (*device).inUse):
		d.dropSignature()
	case len(d.table.Entries) == 0 || (d.table.Format == "gpt" && !d.table.Protected && len(d.partitions) == 0):
		d.dropTable()
	case onLastPartition(d):
		d.dropSignature()
	case claims(d.sig):
		d.dropTable()
	default:
		d.dropSignature()
	}
}

// isHybrid tells formats that leave room for a table in front of them.
func isHybrid(s ondisk.Signature) bool {
	return slices.Contains([]string{"iso9660", "udf", "hfs", "hfsplus"}, s.Format())
}

// claims tells signatures that own the whole device, tables included. LVM's does
// not: lvm itself leaves devices with a partition table alone
// (lib/device/dev-type.c, dev_is_partitioned).
func claims(s ondisk.Signature) bool {
	u := ondisk.UsageOf(s.Format())
	_, lvm := s.(*ondisk.LVM2PV)
	_, bcache := s.(*ondisk.Bcache)
	return (u == ondisk.RAID && !lvm) || u == ondisk.Crypto || bcache
}

// onLastPartition tells the superblock of a partition that reaches the end of
// the disk, and so is found at the end of the disk as well (md(4), "version 0.90").
func onLastPartition(d *device) bool {
	disk, ok := d.sig.(*ondisk.MD)
	if !ok {
		return false
	}
	return slices.ContainsFunc(d.partitions, func(part *device) bool {
		if part.content == nil || len(part.content.Signatures) == 0 {
			return false
		}
		m, ok := part.content.Signatures[0].(*ondisk.MD)
		return ok && m.UUID == disk.UUID && m.Role == disk.Role
	})
}

// tableBelongsToMembers tells RAID formats with the metadata at the end of the
// disk: the table at its start is the array's, and nothing to talk about.
func tableBelongsToMembers(s ondisk.Signature) bool {
	switch s := s.(type) {
	case *ondisk.MD:
		return s.Version == "0.90" || s.Version == "1.0"
	case *ondisk.FirmwareRAID:
		return true
	}
	return false
}

func (d *device) dropTable() {
	if !tableBelongsToMembers(d.sig) {
		d.content.Notes = append(d.content.Notes, fmt.Sprintf("a %s partition table is there too; it is not used, as this is %s", d.table.Format, d.sig.Format()))
	}
	d.table = nil
}

func (d *device) dropSignature() {
	d.content.Notes = append(d.content.Notes, fmt.Sprintf("the signature of %s is there too; it is not used, as this is a partitioned disk", d.sig.Format()))
	d.sig = nil
}

// otherSignatures describes those that do not count, "" when there are none.
func (d *device) otherSignatures() string {
	var others []string
	for _, s := range d.signatures() {
		if s != d.sig {
			others = append(others, s.Format())
		}
	}
	switch len(others) {
	case 0:
		return ""
	case 1:
		return "another signature: " + others[0]
	default:
		return fmt.Sprintf("%d other signatures: %s", len(others), strings.Join(others, ", "))
	}
}
