package drill

import (
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/rescue/medium"
)

// Firmware is what starts a machine.
type Firmware string

// The kinds of firmware.
const (
	BIOS       Firmware = "bios"
	UEFI       Firmware = "uefi"
	SecureBoot Firmware = "secure-boot" // UEFI that starts only what is signed
)

// Firmwares are all of them.
var Firmwares = []Firmware{BIOS, UEFI, SecureBoot}

// flash is firmware for UEFI: its code, and the template of the variables that a machine has
// when it is new.
type flash struct{ code, vars string }

func (f flash) format() string {
	if strings.HasSuffix(f.code, ".qcow2") {
		return "qcow2"
	}
	return "raw"
}

// firmwareRow is a row of the table "Firmware for virtual machines" in docs/rescue.md.
type firmwareRow struct {
	firmware Firmware
	arch     medium.Arch
	files    []flash
	packages Packages
}

// Packages are those that have something on Debian, Fedora, SUSE and Arch, "" where none has.
type Packages [4]string

// firmwares is the table. Those of Secure Boot have templates with the keys of Microsoft, which
// sign shim; the firmware of Arch comes without any.
var firmwares = []firmwareRow{
	{BIOS, medium.X64, []flash{
		{code: "/usr/share/seabios/bios-256k.bin"}, {code: "/usr/share/qemu/bios-256k.bin"},
	}, Packages{"seabios", "seabios-bin", "qemu-seabios", "seabios"}},
	{UEFI, medium.X64, []flash{
		{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
		{"/usr/share/edk2/ovmf/OVMF_CODE_4M.qcow2", "/usr/share/edk2/ovmf/OVMF_VARS_4M.qcow2"},
		{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
		{"/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"},
		{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},
		{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
		{"/usr/share/edk2/x64/OVMF_CODE.fd", "/usr/share/edk2/x64/OVMF_VARS.fd"},
		{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	}, Packages{"ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", "edk2-ovmf"}},
	{SecureBoot, medium.X64, []flash{
		{"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"},
		{"/usr/share/edk2/ovmf/OVMF_CODE_4M.secboot.qcow2", "/usr/share/edk2/ovmf/OVMF_VARS_4M.secboot.qcow2"},
		{"/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"},
		{"/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin", "/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin"},
		{"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"},
	}, Packages{"ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", ""}},
	{UEFI, medium.AA64, []flash{
		{"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
		{"/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", "/usr/share/edk2/aarch64/vars-template-pflash.raw"},
		{"/usr/share/qemu/aavmf-aarch64-code.bin", "/usr/share/qemu/aavmf-aarch64-vars.bin"},
		{"/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"},
	}, Packages{"qemu-efi-aarch64", "edk2-aarch64", "qemu-uefi-aarch64", "edk2-aarch64"}},
	{SecureBoot, medium.AA64, []flash{
		{"/usr/share/AAVMF/AAVMF_CODE.secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.ms.fd"},
		{"/usr/share/AAVMF/AAVMF_CODE.ms.fd", "/usr/share/AAVMF/AAVMF_VARS.ms.fd"},
	}, Packages{"qemu-efi-aarch64", "", "", ""}},
}

// rowOf is the row of a firmware; there is no BIOS but for PCs.
func rowOf(f Firmware, arch medium.Arch) (firmwareRow, bool) {
	at := slices.IndexFunc(firmwares, func(r firmwareRow) bool { return r.firmware == f && r.arch == arch })
	if at < 0 {
		return firmwareRow{}, false
	}
	return firmwares[at], true
}

// installed gives the first of the files that are there.
func (r firmwareRow) installed(m machine.Machine) (flash, bool) {
	at := slices.IndexFunc(r.files, func(f flash) bool {
		return isFile(m, f.code) && (f.vars == "" || isFile(m, f.vars))
	})
	if at < 0 {
		return flash{}, false
	}
	return r.files[at], true
}

func isFile(m machine.Machine, name string) bool {
	info, err := m.Stat(name)
	return err == nil && info.Mode.IsRegular()
}

// arguments tell QEMU of the firmware. What a machine writes to its variables goes with it;
// with secure on, only code in system management mode may write (OVMF's README, "SMM support").
func (r firmwareRow) arguments(f flash) []string {
	if f.vars == "" {
		return []string{"-bios", f.code}
	}
	args := []string{
		"-drive", "if=pflash,unit=0,readonly=on,format=" + f.format() + ",file=" + escape(f.code),
		"-drive", "if=pflash,unit=1,snapshot=on,format=" + f.format() + ",file=" + escape(f.vars),
	}
	if r.firmware == SecureBoot && r.arch == medium.X64 {
		args = append(args, "-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1")
	}
	return args
}

// escape makes a value of an option of QEMU of a text (qemu(1): commas are doubled).
func escape(value string) string { return strings.ReplaceAll(value, ",", ",,") }
