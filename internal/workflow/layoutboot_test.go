package workflow

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/bootentry"
	"salvor/internal/layout"
)

// TestWhichLoaderStartsTheSystem where several lie around.
func TestWhichLoaderStartsTheSystem(t *testing.T) {
	grub := bootentry.Entry{Loader: bootentry.GRUB, Title: "Debian", Kernel: bootentry.File{Text: "/vmlinuz", Path: "boot/vmlinuz"}, Options: "root=UUID=x password=sesame", Default: true}
	sd := bootentry.Entry{Loader: bootentry.SystemdBoot, ID: "one", Kernel: bootentry.File{Text: "/gone"}, Initrds: []bootentry.File{{Path: "boot/initrd"}}}
	uki := bootentry.Entry{Loader: bootentry.SystemdBoot, ID: "two", UKI: true, Default: true}
	entry := func(file string, active bool) *layout.EFIBoot {
		return &layout.EFIBoot{Order: []string{"0007", "0001"}, Entries: []layout.EFIEntry{{Number: "0001", File: file, Active: active}}}
	}
	for name, tt := range map[string]struct {
		boot    layout.Boot
		entries []bootentry.Entry
		loader  string
		want    *layout.BootEntry
	}{
		"nothing": {boot: layout.Boot{Firmware: layout.BIOSFirmware}},
		"a BIOS": {layout.Boot{Firmware: layout.BIOSFirmware}, []bootentry.Entry{sd, grub}, "grub2-bios",
			&layout.BootEntry{Title: "Debian", Kernel: "/boot/vmlinuz", CommandLine: "root=UUID=x password=xxxxxx"}},
		"the firmware starts GRUB": {layout.Boot{Firmware: layout.UEFI, EFI: entry(`\EFI\debian\shimx64.efi`, true)}, []bootentry.Entry{sd, grub}, "grub2-efi",
			&layout.BootEntry{Title: "Debian", Kernel: "/boot/vmlinuz", CommandLine: "root=UUID=x password=xxxxxx"}},
		"the firmware starts systemd-boot": {layout.Boot{Firmware: layout.UEFI, EFI: entry(`\EFI\systemd\systemd-bootx64.efi`, true)}, []bootentry.Entry{grub, sd}, "systemd-boot",
			&layout.BootEntry{ID: "one", Kernel: "/gone", Initrd: []string{"/boot/initrd"}}},
		"its entry is not active": {layout.Boot{Firmware: layout.UEFI, EFI: entry(`\EFI\systemd\systemd-bootx64.efi`, false)}, []bootentry.Entry{sd, uki}, "uki",
			&layout.BootEntry{ID: "two"}},
		"POWER": {layout.Boot{Firmware: layout.OpenFirmware}, []bootentry.Entry{grub}, "grub2-ieee1275",
			&layout.BootEntry{Title: "Debian", Kernel: "/boot/vmlinuz", CommandLine: "root=UUID=x password=xxxxxx"}},
	} {
		addBoot(&tt.boot, &bootentry.Boot{Entries: tt.entries})
		if tt.boot.Loader != tt.loader {
			t.Errorf("%s: the loader is %q, want %q", name, tt.boot.Loader, tt.loader)
		}
		if diff := cmp.Diff(tt.want, tt.boot.Default); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
