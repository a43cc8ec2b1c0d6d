package layout

import (
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"salvor/internal/document"
)

// Read reads a layout from the text of a file, which the name is of. A file that somebody has
// changed by hand since it was written is as good as any other: edited tells of it. An error
// names all that is wrong, with lines.
func Read(file string, data []byte) (l *Layout, edited bool, err error) {
	if err := checkVersion(file, data); err != nil {
		return nil, false, err
	}
	l = &Layout{}
	src, err := document.Read(file, data, l)
	if err != nil {
		return nil, false, err
	}
	edited = l.Digest != Digest(l)
	if edited { // what salvor has seen on a machine may be odd, and is taken as it was
		if err := l.Validate(src); err != nil {
			return nil, false, err
		}
	}
	l.sort()
	return l, edited, nil
}

// checkVersion refuses a layout of a newer program before anything else is said of it:
// keys that are not known are then no mistake of whoever wrote it.
func checkVersion(file string, data []byte) error {
	var head struct {
		Version int `json:"version"`
	}
	src, err := document.Read(file, data, &head)
	if src == nil {
		return err
	}
	_, there := src.Line("version")
	switch {
	case head.Version > Version:
		return src.Problem("version", "cannot read a layout of version %d: this program knows version %d, and a newer one wrote it", head.Version, Version)
	case !there:
		return src.Problem("version", "cannot read this as a layout: it has no version")
	}
	return nil
}

// Schema gives the JSON Schema of the file.
func Schema() ([]byte, error) {
	out, err := document.Schema(Layout{}, "salvor's layout of a machine")
	if err != nil {
		return nil, fmt.Errorf("cannot make the schema of layouts: %w", err)
	}
	return out, nil
}

// JSONSchema tells what a size looks like.
func (Size) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Types:       []string{"string", "integer"},
		Pattern:     `^[0-9]+(\.[0-9]+)? ?([KMGTPE]iB|[kKMGTPE]B|B)?$`,
		Description: "a number of bytes with a unit, such as 96MiB or 1234B",
		Examples:    []any{"96MiB", "1234B"},
	}
}
