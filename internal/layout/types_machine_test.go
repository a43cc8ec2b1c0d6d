package layout

import (
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/document"
)

// TestMachineKeys: every key has a name in small letters and says what it means, and no
// key is written where there is nothing to say unless it is one that people look for.
func TestMachineKeys(t *testing.T) {
	always := map[string]bool{
		"number": true, "active": true, "start": true, "size": true, "name": true, "kind": true, "mode": true, "id": true,
		"parent": true, "to": true, "version": true,
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for f := range fieldsOf(typ) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || strings.ContainsFunc(name, unicode.IsUpper) {
				t.Errorf("%s.%s has the key %q", typ, f.Name, name)
			}
			if f.Tag.Get("doc") == "" || strings.HasSuffix(f.Tag.Get("doc"), ".") {
				t.Errorf("%s.%s says %q of itself", typ, f.Name, f.Tag.Get("doc"))
			}
			if options == "" && !always[name] {
				t.Errorf("%s.%s is written also where it says nothing", typ, f.Name)
			}
			walk(f.Type)
		}
	}
	for _, v := range []any{Machine{}, Boot{}, Network{}, Tool{}} {
		walk(reflect.TypeOf(v))
	}
	if len(seen) < 15 {
		t.Errorf("only %d types were found", len(seen))
	}
}

func fieldsOf(typ reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range typ.NumField() {
			if !yield(typ.Field(i)) {
				return
			}
		}
	}
}

// TestMachineRoundTrip: what is written is read as it was.
func TestMachineRoundTrip(t *testing.T) {
	on, seconds := false, 0
	type sections struct {
		Machine Machine `json:"machine" doc:"x"`
		Boot    Boot    `json:"boot" doc:"x"`
		Network Network `json:"network,omitzero" doc:"x"`
		Tools   []Tool  `json:"tools,omitempty" doc:"x"`
	}
	want := sections{
		Machine: Machine{Hostname: "on", Architecture: "x86_64", OS: OS{ID: "debian", Version: "12", Name: "Debian: 12 #1"}, Kernel: "6.10",
			Hardware: Hardware{Serial: "0123", UUID: "1e3", Board: Board{Serial: "~"}, BIOS: BIOS{Version: "1.10", Date: "2020-01-01"}}},
		Boot: Boot{Firmware: UEFI, FirmwareBits: 64, SecureBoot: &on, Loader: "grub2-efi", CommandLine: "root=UUID=a  quiet",
			Default: &BootEntry{Title: "Linux", Kernel: "/vmlinuz", Initrd: []string{"/initrd"}},
			EFI: &EFIBoot{Order: []string{"0001", "000A", "1E10"}, Timeout: &seconds, Entries: []EFIEntry{
				{Number: "0001", Active: true, Partition: &EFIPartition{UUID: "0001abcd", Number: 1, Start: 2048, Size: 1 << 40}, File: `\EFI\x.efi`, OptionalData: "00"},
				{Number: "000A", Label: "\x01", DevicePath: "Uri()"},
			}}},
		Network: Network{
			Interfaces: []Interface{{Name: "on", Kind: BondKind, Bond: &Bond{Mode: "802.3ad", Options: []string{"miimon=100"}}, Members: []string{"eth0"}},
				{Name: "b", Kind: BridgeKind, Bridge: &Bridge{}}, {Name: "v", Kind: VLANKind, VLAN: &VLAN{ID: 7, Parent: "on"}}},
			Routes: []Route{{To: "::/0", Hops: []Hop{{Via: "::1", Weight: 2}}}}, DNS: DNS{Servers: []string{"::1"}},
		},
		Tools: []Tool{{Name: "tar", Version: "1.30"}},
	}
	text, err := document.Write(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got sections
	if _, err := document.Read("x.yaml", text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}
