package medium

// Complete takes from other, the loaders of another tree, those that l lacks for images of a
// format, and tells the files that it took.
//
// A loader for the BIOS, systemd's and a GRUB that stands alone start any kernel. shim
// starts only what its vendor has signed, the kernel included: it is taken from the same
// distribution or not at all. GRUB for the BIOS is always that of other, where the program
// runs that puts it together: program and modules have to be of one version.
func (l Loaders) Complete(f Format, other Loaders) (Loaders, []string) {
	b := borrower{Loaders: l, other: other, related: l.Vendor != "" && l.Vendor == other.Vendor}
	switch f {
	case ISO, USB:
		b.bios()
		b.uefi()
	case UKI:
		b.take(&b.Stub, other.Stub)
	case PXE:
		b.network()
	}
	return b.Loaders, b.taken
}

// borrower completes loaders by those of another tree.
type borrower struct {
	Loaders
	other   Loaders
	related bool // both are of one distribution
	taken   []string
}

// take takes a file, unless there is one.
func (b *borrower) take(to *LoaderFile, from LoaderFile) {
	if !to.there() && from.there() {
		*to = from
		b.taken = append(b.taken, from.Source)
	}
}

// takeSyslinux takes a loader of the Syslinux project, unless there is one.
func (b *borrower) takeSyslinux(to **Syslinux, from *Syslinux) {
	if *to == nil && from != nil {
		*to = from
		b.taken = append(b.taken, from.Program.Source)
	}
}

func (b *borrower) bios() {
	b.takeSyslinux(&b.ISOLINUX, b.other.ISOLINUX)
	if b.ISOLINUX != nil {
		return
	}
	if b.GRUBPC = b.other.GRUBPC; b.GRUBPC != nil {
		b.taken = append(b.taken, b.GRUBPC.CDBoot.Source)
	}
}

func (b *borrower) uefi() {
	switch have, there := b.Loaders.uefi(), b.other.uefi(); {
	case have == uefiShim:
	case there == uefiShim && b.related:
		b.GRUB, b.MokManager = LoaderFile{}, LoaderFile{} // this shim starts its own alone
		b.take(&b.Shim, b.other.Shim)
		b.take(&b.MokManager, b.other.MokManager)
		b.take(&b.GRUB, b.other.GRUB)
	case have == uefiGRUB, have == uefiSystemdBoot:
	case b.other.GRUB.there():
		b.take(&b.GRUB, b.other.GRUB)
	case b.other.SystemdBoot.there():
		b.take(&b.SystemdBoot, b.other.SystemdBoot)
	default:
		b.take(&b.Stub, b.other.Stub)
	}
}

func (b *borrower) network() {
	b.takeSyslinux(&b.PXELINUX, b.other.PXELINUX)
	if b.related {
		b.take(&b.Shim, b.other.Shim)
	}
	if b.related || !b.Shim.there() {
		b.take(&b.GRUBNet, b.other.GRUBNet)
	}
}
