package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/ondisk"
)

// readBoot reads what the firmware is and what it starts.
func (r *reader) readBoot(arch string) layout.Boot {
	b := layout.Boot{Firmware: r.firmware(arch)}
	if b.Firmware == layout.UEFI {
		b.FirmwareBits, _ = strconv.Atoi(r.text("/sys/firmware/efi/fw_platform_size"))
		r.readEFI(&b)
	}
	return b
}

// firmware is what the kernel shows of it, and else what starts machines of the kind.
func (r *reader) firmware(arch string) string {
	isX86 := arch == "x86_64" || len(arch) == 4 && arch[0] == 'i' && strings.HasSuffix(arch, "86")
	switch {
	case r.isDir("/sys/firmware/efi"):
		return layout.UEFI
	case strings.HasPrefix(arch, "s390"):
		return layout.IPL
	case r.isDir("/sys/firmware/opal"):
		return layout.OPAL
	case strings.HasPrefix(arch, "ppc"):
		return layout.OpenFirmware
	case isX86:
		return layout.BIOSFirmware
	case r.isDir("/proc/device-tree"):
		return layout.DeviceTree
	}
	return ""
}

const (
	efivars   = "/sys/firmware/efi/efivars"
	efiGlobal = "-8be4df61-93ca-11d2-aa0d-00e098032b8c" // EFI_GLOBAL_VARIABLE (UEFI 2.10, 3.3)
)

var efiBootVariable = regexp.MustCompile(`^Boot([0-9A-F]{4})` + efiGlobal + `$`)

// readEFI reads the variables of the firmware.
func (r *reader) readEFI(b *layout.Boot) {
	names := r.list(efivars)
	if len(names) == 0 {
		r.notef("the boot entries of the firmware are not known: %s shows no variables (mount efivarfs there)", efivars)
		return
	}
	if v := r.efiVariable("SecureBoot"); len(v) == 1 {
		on := v[0] == 1
		b.SecureBoot = &on
	}
	b.EFI = &layout.EFIBoot{Order: r.efiOrder()}
	if v := r.efiVariable("Timeout"); len(v) == 2 {
		seconds := int(v[0]) | int(v[1])<<8
		b.EFI.Timeout = &seconds
	}
	for _, name := range names { // sorted, and with them the entries
		if m := efiBootVariable.FindStringSubmatch(name); m != nil {
			r.readEFIEntry(b.EFI, m[1])
		}
	}
}

// efiVariable gives the value of a global variable, nil where there is none.
func (r *reader) efiVariable(name string) []byte {
	file := r.data(efivars + "/" + name + efiGlobal)
	if len(file) == 0 {
		return nil
	}
	v, err := ondisk.ParseEFIVariable(file)
	if err != nil {
		r.notef("%s: %v", name, err)
		return nil
	}
	return v.Data
}

func (r *reader) efiOrder() []string {
	numbers, err := ondisk.ParseEFINumbers(r.efiVariable("BootOrder"))
	if err != nil {
		r.notef("BootOrder: %v", err)
	}
	var order []string
	for _, n := range numbers {
		order = append(order, fmt.Sprintf("%04X", n))
	}
	return order
}

func (r *reader) readEFIEntry(menu *layout.EFIBoot, number string) {
	data := r.efiVariable("Boot" + number)
	if data == nil {
		return
	}
	o, err := ondisk.ParseEFILoadOption(data)
	if err != nil {
		r.notef("Boot%s: %v", number, err)
		return
	}
	path, _ := machine.HideSecrets(strings.ToValidUTF8(o.Path.String(), "\uFFFD")) // a URI may have a password
	e := layout.EFIEntry{
		Number: number, Label: o.Description, DevicePath: path, File: o.Path.File(),
		Active: o.Attributes&ondisk.EFIActive != 0, Hidden: o.Attributes&ondisk.EFIHidden != 0,
	}
	if p := o.Path.Partition(); p != nil {
		e.Partition = &layout.EFIPartition{UUID: p.UUID, Number: p.Number, Start: p.Start, Size: p.Size}
	}
	r.describeOptional(&e, o)
	menu.Entries = append(menu.Entries, e)
}

// largestOptional is the most that is kept of what a loader is given: the object of a
// Windows entry has 136 bytes, a kernel's command line at most 4 KiB.
const largestOptional = 4 << 10

// describeOptional: of a secret not even a digest is kept, since short ones can be
// guessed by it.
func (r *reader) describeOptional(e *layout.EFIEntry, o *ondisk.EFILoadOption) {
	_, secrets := machine.HideSecrets(o.OptionalText())
	switch {
	case len(o.Optional) == 0:
	case secrets > 0:
		r.notef("what the firmware gives to the loader of Boot%s holds a secret and is left out", e.Number)
	case len(o.Optional) <= largestOptional:
		e.OptionalData = hex.EncodeToString(o.Optional)
	default:
		sum := sha256.Sum256(o.Optional)
		e.OptionalSum = hex.EncodeToString(sum[:])
		r.notef("what the firmware gives to the loader of Boot%s has more than %d bytes and is left out", e.Number, largestOptional)
	}
}
