package ondisk

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEFIDevicePaths: testdata/efipaths.tsv has device paths in hexadecimal digits, what
// they are called here, and what libefivar 37 calls them where that is something else. The
// forms are those of UEFI 2.10, 10.6.1, which libefivar writes otherwise in places.
func TestEFIDevicePaths(t *testing.T) {
	const file = "testdata/efipaths.tsv"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	for line := range strings.Lines(string(data)) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		p, err := ParseEFIDevicePath(unhex(t, columns[0]))
		if err != nil {
			t.Fatalf("%s: %v", columns[0], err)
		}
		columns[1] = p.String()
		now.WriteString(strings.Join(columns, "\t") + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(now.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(data), now.String()); diff != "" {
		t.Error(diff)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// efiOption builds a load option.
func efiOption(attributes uint32, description string, path, optional []byte) []byte {
	b := le.AppendUint32(nil, attributes)
	b = le.AppendUint16(b, uint16(len(path)))
	b = append(append(b, utf16z(description)...), path...)
	return append(b, optional...)
}

func utf16z(s string) []byte {
	var b []byte
	for _, c := range s + "\x00" {
		b = le.AppendUint16(b, uint16(c))
	}
	return b
}

const (
	debianPath = "04012a0001000000000800000000000000001000000000002873" +
		"2ac11ff8d211ba4b00a0c93ec93b0202" + "040434005c004500460049005c00640065006200690061006e005c007300680069006d007800360034002e006500660069000000" + "7fff0400"
	mbrPath = "04012a00020000003f00000000000000e803000000000000cdab010000000000000000000000000001017fff0400"
)

func TestEFILoadOption(t *testing.T) {
	// What OVMF 2022.11 writes of its own setup.
	ovmf, err := ParseEFIVariable(unhex(t, "07000000090100002c0055006900410070007000000004071400c9bdb87cebf8344faaea3ee4af6516a10406140021aa2c4614760345836e8ab6f46623317fff0400"))
	if err != nil || ovmf.Attributes != 7 {
		t.Fatalf("attributes %x, %v", ovmf.Attributes, err)
	}
	tests := []struct {
		name                    string
		data                    []byte
		description, path, file string
		attributes              uint32
		partition               *EFIPartition
		text                    string
	}{
		{"OVMF", ovmf.Data, "UiApp", "FvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)", "", 0x109, nil, ""},
		{"Debian", efiOption(1, "debian", unhex(t, debianPath), nil), "debian",
			`HD(1,GPT,c12a7328-f81f-11d2-ba4b-00a0c93ec93b,0x800,0x100000)/\EFI\debian\shimx64.efi`, `\EFI\debian\shimx64.efi`, 1,
			&EFIPartition{1, 2048, 1 << 20, "gpt", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"}, ""},
		{"MBR, with a command line", efiOption(1, "Linux ☃", unhex(t, mbrPath), utf16z("root=/dev/sda1")), "Linux ☃",
			"HD(2,MBR,0x0001abcd,0x3f,0x3e8)", "", 1, &EFIPartition{2, 63, 1000, "mbr", "0001abcd"}, "root=/dev/sda1"},
		{"data that are no text", efiOption(0, "", unhex(t, "7fff0400"), []byte("WINDOWS\x00x")), "", "", "", 0, nil, ""},
		{"data with something behind the text", efiOption(0, "", unhex(t, "7fff0400"), append(utf16z("a"), 'b', 0)), "", "", "", 0, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := ParseEFILoadOption(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			got := []any{o.Description, o.Path.String(), o.Path.File(), o.Attributes, o.Path.Partition(), o.OptionalText()}
			want := []any{tt.description, tt.path, tt.file, tt.attributes, tt.partition, tt.text}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEFIFileInParts: a path may lie in several nodes.
func TestEFIFileInParts(t *testing.T) {
	p := EFIDevicePath{{4, 4, utf16z(`\EFI\`)}, {4, 4, utf16z(`debian`)}, {4, 4, utf16z(`\shimx64.efi`)}}
	if got := p.File(); got != `\EFI\debian\shimx64.efi` {
		t.Errorf("the file is %q", got)
	}
}

func TestBadEFI(t *testing.T) {
	good := efiOption(1, "debian", unhex(t, debianPath), nil)
	for n := range len(good) {
		if _, err := ParseEFILoadOption(good[:n]); err == nil {
			t.Errorf("%d bytes of %d are taken for all", n, len(good))
		}
	}
	for _, path := range []string{"04", "0404", "04040300", "0404ff00", "040404", "01010600021f", "00000000"} {
		if p, err := ParseEFIDevicePath(unhex(t, path)); err == nil {
			t.Errorf("%s is taken for the path %v", path, p)
		}
	}
	if _, err := ParseEFIVariable([]byte{7, 0, 0}); err == nil {
		t.Error("three bytes are taken for a variable")
	}
	if _, err := ParseEFINumbers([]byte{1, 0, 2}); err == nil {
		t.Error("three bytes are taken for numbers")
	}
	numbers, err := ParseEFINumbers([]byte{1, 0, 0x0a, 0xff})
	if diff := cmp.Diff([]uint16{1, 0xff0a}, numbers); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func FuzzEFILoadOption(f *testing.F) {
	f.Add(efiOption(1, "debian", unhex(f, debianPath), utf16z("quiet")))
	data, err := os.ReadFile("testdata/efipaths.tsv")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		path, _, _ := strings.Cut(line, "\t")
		f.Add(efiOption(1, "x", unhex(f, path), nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ParseEFILoadOption(data)
		if err != nil {
			return
		}
		size := 0
		for _, n := range o.Path {
			size += 4 + len(n.Data)
		}
		if size+len(o.Optional) > len(data) {
			t.Errorf("of %d bytes, %d are path and data", len(data), size+len(o.Optional))
		}
		if p := o.Path.Partition(); p != nil && p.Format == "mbr" && len(p.UUID) != 8 && len(p.UUID) != 36 && p.UUID != "" {
			t.Errorf("the partition is %+v", p)
		}
		if len(o.Path) > 0 && o.Path.String() == "" && o.Path[0].kind() != efiFilePath {
			t.Errorf("the path %v has no text", o.Path)
		}
		o.Path.File()
		o.OptionalText()
	})
}
