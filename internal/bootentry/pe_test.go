package bootentry

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type peSection struct{ name, data string }

// sectionsOf reads the lines of a case: .name=text, \n in it is a newline.
func sectionsOf(text string) []peSection {
	var out []peSection
	for line := range strings.Lines(text) {
		name, data, _ := strings.Cut(strings.TrimSpace(line), "=")
		out = append(out, peSection{name, strings.ReplaceAll(data, `\n`, "\n")})
	}
	return out
}

// efiProgram builds the smallest PE file that has the sections.
func efiProgram(sections []peSection) []byte {
	const headers, align = 1024, 512
	b := make([]byte, headers)
	le := binary.LittleEndian
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], 0x40)
	copy(b[0x40:], "PE\x00\x00")
	coff := b[0x44:]
	le.PutUint16(coff[0:], 0x8664)
	le.PutUint16(coff[2:], uint16(len(sections)))
	for i, s := range sections {
		h := b[0x58+40*i:]
		copy(h[:8], s.name)
		size := (len(s.data) + align - 1) / align * align
		le.PutUint32(h[8:], uint32(len(s.data)))
		le.PutUint32(h[16:], uint32(size))
		le.PutUint32(h[20:], uint32(len(b)))
		b = append(b, s.data...)
		b = append(b, make([]byte, size-len(s.data))...)
	}
	return b
}

func TestReadUKI(t *testing.T) {
	u, err := ReadUKI(bytes.NewReader(efiProgram([]peSection{
		{".osrel", "ID=arch\nPRETTY_NAME=\"Arch Linux\"\n"}, {".cmdline", "root=UUID=1 rw\x00"}, {".uname", "6.9.1-arch1-1"},
		{".linux", "MZ kernel"}, {".initrd", "0707"},
		{".profile", "ID=main"}, {".profile", "ID=reset"}, {".cmdline", "factory reset"},
	})))
	if err != nil {
		t.Fatal(err)
	}
	initrd, err := io.ReadAll(u.Initrd())
	got := []string{u.Cmdline, u.Release["ID"], u.Release["PRETTY_NAME"], u.Uname, string(initrd)}
	if diff := cmp.Diff([]string{"root=UUID=1 rw", "arch", "Arch Linux", "6.9.1-arch1-1", "0707"}, got); diff != "" || err != nil {
		t.Errorf("(-want +got, %v):\n%s", err, diff)
	}
}

func TestReadUKIRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"another program": {efiProgram([]peSection{{".text", "x"}}), "it has no section .linux"},
		"text":            {[]byte("hello"), "cannot read it as an EFI program"},
		"a huge section":  {efiProgram([]peSection{{".linux", ""}, {".cmdline", strings.Repeat("x", maxSection+1)}}), "cannot read its section .cmdline"},
		"cut off":         {efiProgram([]peSection{{".linux", ""}, {".cmdline", strings.Repeat("x", 600)}})[:1100], "it ends early"},
	} {
		if _, err := ReadUKI(bytes.NewReader(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
