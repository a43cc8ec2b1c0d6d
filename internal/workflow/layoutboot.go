package workflow

import (
	"cmp"
	"slices"
	"strings"

	"salvor/internal/bootentry"
	"salvor/internal/host"
	"salvor/internal/layout"
	"salvor/internal/machine"
)

// addBoot tells which boot loader starts the system, and what it starts when nobody
// chooses. Several may lie around; what the firmware starts first counts.
func addBoot(b *layout.Boot, read *bootentry.Boot) {
	if read == nil || len(read.Entries) == 0 {
		return
	}
	entries := slices.Clone(read.Entries)
	first := firmwareLoader(b.EFI)
	slices.SortStableFunc(entries, func(x, y bootentry.Entry) int {
		return cmp.Or(rank(x.Loader == first, y.Loader == first), rank(x.Default, y.Default))
	})
	e := entries[0]
	b.Loader = host.LoaderName(e.Loader, b.Firmware, e.UKI)
	line, _ := machine.HideSecrets(e.Options)
	b.Default = &layout.BootEntry{Title: e.Title, ID: e.ID, Kernel: inSystem(e.Kernel), CommandLine: line}
	for _, i := range e.Initrds {
		b.Default.Initrd = append(b.Default.Initrd, inSystem(i))
	}
}

// rank puts what is so before what is not.
func rank(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

// inSystem gives a file's path in the system, or what the loader calls it if it is not
// there.
func inSystem(f bootentry.File) string {
	if f.Path != "" {
		return "/" + f.Path
	}
	return f.Text
}

// firmwareLoader tells by the first entry of an UEFI firmware's menu that is active
// whose loader it starts; "" where that says nothing.
func firmwareLoader(efi *layout.EFIBoot) string {
	if efi == nil {
		return ""
	}
	for _, number := range efi.Order {
		at := slices.IndexFunc(efi.Entries, func(e layout.EFIEntry) bool { return e.Number == number })
		if at < 0 || !efi.Entries[at].Active || efi.Entries[at].File == "" {
			continue
		}
		switch file := strings.ToLower(efi.Entries[at].File); {
		case strings.Contains(file, "systemd-boot"), strings.Contains(file, `\efi\linux\`):
			return bootentry.SystemdBoot
		case strings.Contains(file, "grub"), strings.Contains(file, "shim"):
			return bootentry.GRUB
		case strings.Contains(file, "syslinux"), strings.Contains(file, "extlinux"):
			return bootentry.Syslinux
		}
		return ""
	}
	return ""
}
