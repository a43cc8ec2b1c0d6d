package ondisk

import (
	"errors"
	"fmt"
)

// EFIVariable is a variable of UEFI's as efivarfs shows it: four bytes of attributes,
// then the value (kernel: Documentation/filesystems/efivarfs.rst).
type EFIVariable struct {
	Attributes uint32
	Data       []byte
}

// ParseEFIVariable reads a file of efivarfs.
func ParseEFIVariable(file []byte) (EFIVariable, error) {
	if len(file) < 4 {
		return EFIVariable{}, fmt.Errorf("cannot read the EFI variable: it has %d bytes, fewer than its attributes", len(file))
	}
	return EFIVariable{le.Uint32(file), file[4:]}, nil
}

// ParseEFINumbers reads a list of 16-bit numbers, such as BootOrder (UEFI 2.10, 3.3).
func ParseEFINumbers(data []byte) ([]uint16, error) {
	if len(data)%2 != 0 {
		return nil, fmt.Errorf("cannot read the list of EFI boot entries: it has %d bytes, which is odd", len(data))
	}
	var out []uint16
	for ; len(data) > 0; data = data[2:] {
		out = append(out, le.Uint16(data))
	}
	return out, nil
}

// The attributes of a load option (UEFI 2.10, 3.1.3).
const (
	EFIActive = 1 << 0
	EFIHidden = 1 << 3
)

// EFILoadOption is the value of a variable Boot####: an entry of the firmware's boot
// menu. Texts are as the firmware has them, control characters included.
type EFILoadOption struct {
	Attributes  uint32
	Description string
	Path        EFIDevicePath
	Optional    []byte // what the program that is started gets, in a form of its own
}

// ParseEFILoadOption reads an EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): attributes, the
// length of the list of device paths, the description, the paths, and all the rest.
// Paths behind the first are the firmware's own business.
func ParseEFILoadOption(data []byte) (*EFILoadOption, error) {
	bad := func(what string) error { return errors.New("cannot read the EFI boot entry: " + what) }
	if len(data) < 6 {
		return nil, bad("it is too short")
	}
	pathLength := int(le.Uint16(data[4:]))
	end := utf16End(data[6:])
	if end < 0 {
		return nil, bad("its description has no end")
	}
	description, _ := utf16String(data[6:], le)
	rest := data[6+end:]
	if pathLength > len(rest) {
		return nil, bad(fmt.Sprintf("its device path would have %d bytes, and %d are there", pathLength, len(rest)))
	}
	path, err := ParseEFIDevicePath(rest[:pathLength])
	if err != nil {
		return nil, bad(err.Error())
	}
	return &EFILoadOption{le.Uint32(data), description, path, rest[pathLength:]}, nil
}

// utf16End gives the length of a UTF-16 string with its NUL, -1 if there is none.
func utf16End(b []byte) int {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return i + 2
		}
	}
	return -1
}

// OptionalText gives the optional data as text, "" where it is none: a kernel that
// the firmware starts itself gets its command line so (kernel: Documentation/
// admin-guide/efi-stub.rst).
func (o *EFILoadOption) OptionalText() string {
	if len(o.Optional) == 0 || len(o.Optional)%2 != 0 {
		return ""
	}
	s, valid := utf16String(o.Optional, le)
	if n := utf16End(o.Optional); !valid || n >= 0 && n < len(o.Optional) {
		return ""
	}
	return s
}
