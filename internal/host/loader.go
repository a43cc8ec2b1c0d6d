package host

import "salvor/internal/layout"

// LoaderName gives the layout's word for the boot loader: by the loader that an entry
// is of (package bootentry), the firmware, and whether the entry is a unified kernel
// image. "" is a loader that nobody knows here.
func LoaderName(loader, firmware string, uki bool) string {
	switch loader {
	case "grub":
		return grubName(firmware)
	case "systemd-boot":
		if uki {
			return "uki"
		}
		return loader
	case "syslinux", "extlinux", "zipl":
		return loader
	case "firmware":
		return "raspberry-pi"
	}
	return ""
}

func grubName(firmware string) string {
	switch firmware {
	case layout.UEFI:
		return "grub2-efi"
	case layout.BIOSFirmware:
		return "grub2-bios"
	case layout.OpenFirmware, layout.OPAL: // petitboot reads what was made for GRUB
		return "grub2-ieee1275"
	case layout.IPL:
		return "grub2-emu" // SUSE's GRUB, which zipl starts
	}
	return "grub2"
}
