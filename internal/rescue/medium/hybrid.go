package medium

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// espStart is where the FAT file system begins: at the first MiB, where every partitioning
// program would put it. All of ISO 9660 but the files lies in front of it.
const espStart = 1 << 20

// runOut is what follows the last file of a CD, as much as mkisofs(8) puts there (-pad): who reads
// a CD may read ahead. GRUB reads 32 KiB at a time; where these reach past the end, a BIOS may
// give it anything for the last sectors of the last file, without an error (seen with SeaBIOS 1.16).
const runOut = 150 * block

// hybrid makes an ISO or USB image: they differ in their partition table alone. The image
// of a USB stick has a GPT, which UEFI firmware likes better and to which partitions can
// be added; that of a CD an MBR, which some BIOSes want to see on a stick.
func hybrid(f Format, p Parts) (*io.SectionReader, error) {
	id, err := p.identity()
	if err != nil {
		return nil, err
	}
	files, aliases, err := p.layOut(id)
	if err != nil {
		return nil, err
	}
	esp, err := newFAT(files, p.label(), id.number("serial"), espStart/sector)
	if err != nil {
		return nil, err
	}
	bios, err := p.installBIOS(esp)
	if err != nil {
		return nil, err
	}
	cd, err := newISO(isoFiles(files, aliases, esp))
	switch {
	case err != nil:
		return nil, err
	case cd.end > espStart:
		return nil, fmt.Errorf("internal error: the directories of the ISO image take %d bytes", cd.end)
	}
	return assemble(f, p, id, esp, cd, bios), nil
}

// assemble puts the parts of an image at their places.
func assemble(f Format, p Parts, id identity, esp *fat, cd *iso, bios biosLoader) *io.SectionReader {
	espSectors := esp.size() / sector
	end := espStart + esp.size()
	size := up(end, block) + runOut
	if f == USB {
		size = up(end+gptSectors*sector, espStart)
	}
	m := slices.Concat(esp.pieces(espStart), cd.pieces(p.label(), size, bootCatalog(bios.at, espStart)))
	if f == USB {
		disk := size / sector
		m = append(m, piece{0, blob(mbr(bios.code, 0, mbrProtective, 1, disk-1))})
		m = append(m, gpt(id, espStart/sector, espSectors, disk)...)
	} else {
		m = append(m, piece{0, blob(mbr(bios.code, id.number("disk"), mbrESP, espStart/sector, espSectors))})
	}
	return m.section(size)
}

// isoFiles are the files of the FAT file system, and those that lie within one of them.
func isoFiles(files tree, aliases []alias, esp *fat) []isoFile {
	var out []isoFile
	at := map[string]extent{}
	for i, f := range files {
		e := esp.extent(i)
		if e.size > 0 {
			e.at += espStart
		}
		at[f.path] = e
		out = append(out, isoFile{f.path, e})
	}
	for _, a := range aliases {
		out = append(out, isoFile{a.path, extent{at[a.in].at + a.at, a.size}})
	}
	return out
}

// alias is a file of the ISO 9660 tree that is a part of another file.
type alias struct {
	path, in string
	extent
}

// biosLoader is what a BIOS starts, at its place in the image.
type biosLoader struct {
	at   int64  // where it lies; 0 if there is none
	code []byte // for the first sector of a disk
}

// installBIOS writes into the BIOS boot loader, and into its code for the first sector of a
// disk, where they lie. That is known only now that all places are: so it replaces a file
// of the tree that esp was made of. Without a loader, the code goes on to the next device.
func (p Parts) installBIOS(esp *fat) (biosLoader, error) {
	files := esp.tree
	at := slices.IndexFunc(files, func(f file) bool { return f.path == p.Loaders.biosPath() })
	if at < 0 {
		return biosLoader{code: bootCode}, nil
	}
	l := biosLoader{at: espStart + esp.extent(at).at}
	data, err := io.ReadAll(files[at].content)
	if err != nil {
		return l, fmt.Errorf("cannot read the BIOS boot loader: %w", err)
	}
	if data, err = bootInfo(data, l.at); err != nil {
		return l, err
	}
	if p.Loaders.ISOLINUX != nil {
		l.code, err = isolinuxMBR(p.Loaders.ISOLINUX.MBR.Data, data, l.at)
	} else {
		l.code, err = grubMBR(p.Loaders.GRUBPC.MBR.Data, data, l.at)
	}
	files[at].content = blob(data)
	return l, err
}

// mbrLoaderAt is where boot code keeps the number of the sector that it loads.
const mbrLoaderAt = 432

// isolinuxMBR sets where isolinux.bin lies (Syslinux: utils/isohybrid.c). The boot code
// starts only an isolinux.bin with a signature.
func isolinuxMBR(code, loader []byte, at int64) ([]byte, error) {
	switch {
	case len(code) != mbrLoaderAt:
		return nil, fmt.Errorf("cannot use isohdpfx.bin: it has %d bytes, not %d", len(code), mbrLoaderAt)
	case len(loader) < 68 || binary.LittleEndian.Uint32(loader[64:]) != 0x7078c0fb:
		return nil, errors.New("cannot use isolinux.bin: it cannot be started from a disk")
	}
	return binary.LittleEndian.AppendUint64(slices.Clone(code), uint64(at/sector)), nil
}

// grubMBR sets where GRUB's core image lies: behind cdboot.img, which takes 2048 bytes. The
// core's own first sector has to know where the rest is (GRUB: grub-core/boot/i386/pc/boot.S,
// diskboot.S; xorrisofs(1), --grub2-boot-info, --grub2-mbr).
func grubMBR(code, loader []byte, at int64) ([]byte, error) {
	const core, list = 4, 2548
	switch {
	case len(code) < 440:
		return nil, fmt.Errorf("cannot use boot_hybrid.img: it has %d bytes", len(code))
	case len(loader) < 2560:
		return nil, errors.New("cannot use GRUB's core image: it is too short")
	}
	code = slices.Clone(code[:440])
	binary.LittleEndian.PutUint64(code[mbrLoaderAt:], uint64(at/sector+core))
	binary.LittleEndian.PutUint64(loader[list:], uint64(at/sector+core+1))
	return code, nil
}
