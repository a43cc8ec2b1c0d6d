package rescue

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// module is an ELF file with nothing but a .modinfo section.
func module(t *testing.T, info string) string {
	t.Helper()
	names := "\x00.shstrtab\x00.modinfo\x00"
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1}, Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1,
		Ehsize: 64, Shentsize: 64, Shnum: 3, Shstrndx: 1, Shoff: 64 + uint64(len(names)+len(info)),
	}
	var out bytes.Buffer
	for _, part := range []any{
		header, []byte(names), []byte(info), elf.Section64{},
		elf.Section64{Name: 1, Type: uint32(elf.SHT_STRTAB), Off: 64, Size: uint64(len(names)), Addralign: 1},
		elf.Section64{Name: 11, Type: uint32(elf.SHT_PROGBITS), Off: 64 + uint64(len(names)), Size: uint64(len(info)), Addralign: 1},
	} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestFirmware: what a module asks for goes in as it is there, compressed, by pattern, over links;
// what is not there is not missed, unless it was asked for by name.
func TestFirmware(t *testing.T) {
	root := small()
	root["usr/lib/modules/6.1/modules.dep"] = file("kernel/drivers/net/ethernet/a.ko:\n", 0o644)
	root["usr/lib/modules/6.1/kernel/drivers/net/ethernet/a.ko"] = file(module(t, "license=GPL\x00firmware=a/one.bin\x00firmware=a/two-*.bin\x00firmware=a/never.bin\x00firmware=/../x\x00"), 0o644)
	for _, name := range []string{"a/one.bin.xz", "a/two-1.bin", "a/two-2.bin", "real/three.bin", "b/own.bin"} {
		root["usr/lib/firmware/"+name] = file("x", 0o644)
	}
	root["usr/lib/firmware/a/two-3.bin"] = symlink("../real/three.bin")
	for _, x := range []struct {
		which Firmware
		more  []string
		want  string
		err   string
	}{
		{FirmwareNeeded, nil, "a/one.bin.xz a/two-1.bin a/two-2.bin real/three.bin", ""},
		{"", []string{"b/*"}, "a/one.bin.xz a/two-1.bin a/two-2.bin b/own.bin real/three.bin", ""},
		{FirmwareNone, []string{"b/own.bin", "b/gone.bin"}, "b/own.bin", "firmware b/gone.bin, for the configuration"},
		{FirmwareAll, nil, "a/one.bin.xz a/two-1.bin a/two-2.bin b/own.bin real/three.bin", ""},
	} {
		m, err := Plan(root, Spec{Kernel: "6.1", Image: "/boot/vmlinuz-6.1", Modules: []string{"a"}, Firmware: x.which, FirmwareFiles: x.more})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range paths(m) {
			if name, ok := strings.CutPrefix(p, "/usr/lib/firmware/"); ok {
				got = append(got, name)
			}
		}
		if slices.Sort(got); strings.Join(got, " ") != x.want {
			t.Errorf("%s %v: %v", x.which, x.more, got)
		}
		if err := m.Err(); (err != nil) != (x.err != "") || err != nil && !strings.Contains(err.Error(), x.err) {
			t.Errorf("%s %v: %v", x.which, x.more, err)
		}
	}
	if _, err := Plan(root, Spec{Kernel: "6.1", Image: "/boot/vmlinuz-6.1", Firmware: "some"}); err == nil {
		t.Error("some other word is a choice of firmware")
	}
}
