package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"salvor/internal/document"
)

// Format is a kind of rescue image.
type Format string

// The formats.
const (
	ISO       Format = "iso"
	USB       Format = "usb"
	Raw       Format = "raw"
	PXE       Format = "pxe"
	UKI       Format = "uki"
	Initramfs Format = "initramfs"
)

// Network is how the rescue system comes to its network.
type Network string

// The ways.
const (
	NetworkSaved Network = "saved"
	NetworkDHCP  Network = "dhcp"
	NetworkNone  Network = "none"
)

// Modular is which kernel modules are taken.
type Modular string

// The choices of modules.
const (
	ModulesNeeded Modular = "needed"
	ModulesAll    Modular = "all"
)

// Blobs is which firmware is taken.
type Blobs string

// The choices of firmware.
const (
	FirmwareNeeded Blobs = "needed"
	FirmwareAll    Blobs = "all"
	FirmwareNone   Blobs = "none"
)

// Engine is what makes the backup.
type Engine string

// The engines.
const (
	Tar      Engine = "tar"
	Restic   Engine = "restic"
	NoEngine Engine = "none"
)

// Refresh is when the rescue image is made anew.
type Refresh string

// The times.
const (
	RefreshChanged Refresh = "changed"
	RefreshNever   Refresh = "never"
)

var (
	formats   = []Format{ISO, USB, Raw, PXE, UKI, Initramfs}
	networks  = []Network{NetworkSaved, NetworkDHCP, NetworkNone}
	modulars  = []Modular{ModulesNeeded, ModulesAll}
	blobs     = []Blobs{FirmwareNeeded, FirmwareAll, FirmwareNone}
	engines   = []Engine{Tar, Restic, NoEngine}
	refreshes = []Refresh{RefreshChanged, RefreshNever}
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Format) UnmarshalText(b []byte) error { return choose(f, b, formats) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Network) UnmarshalText(b []byte) error { return choose(n, b, networks) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Modular) UnmarshalText(b []byte) error { return choose(m, b, modulars) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Blobs) UnmarshalText(b []byte) error { return choose(f, b, blobs) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *Engine) UnmarshalText(b []byte) error { return choose(e, b, engines) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Refresh) UnmarshalText(b []byte) error { return choose(r, b, refreshes) }

// JSONSchema gives the words.
func (Format) JSONSchema() *jsonschema.Schema { return oneOf(formats) }

// JSONSchema gives the words.
func (Network) JSONSchema() *jsonschema.Schema { return oneOf(networks) }

// JSONSchema gives the words.
func (Modular) JSONSchema() *jsonschema.Schema { return oneOf(modulars) }

// JSONSchema gives the words.
func (Blobs) JSONSchema() *jsonschema.Schema { return oneOf(blobs) }

// JSONSchema gives the words.
func (Engine) JSONSchema() *jsonschema.Schema { return oneOf(engines) }

// JSONSchema gives the words.
func (Refresh) JSONSchema() *jsonschema.Schema { return oneOf(refreshes) }

func choose[T ~string](to *T, b []byte, among []T) error {
	if slices.Contains(among, T(b)) {
		*to = T(b)
		return nil
	}
	words := make([]string, len(among))
	for i, a := range among {
		words[i] = string(a)
	}
	if near := document.Nearest(string(b), words); near != "" {
		return fmt.Errorf("cannot read %q: did you mean %s? It is one of %s", b, near, strings.Join(words, ", "))
	}
	return fmt.Errorf("cannot read %q: it is one of %s", b, strings.Join(words, ", "))
}

func oneOf[T ~string](among []T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, a := range among {
		s.Enum = append(s.Enum, string(a))
	}
	return s
}
