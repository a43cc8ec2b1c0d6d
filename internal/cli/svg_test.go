package cli

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"

	"salvor/internal/storage"
)

func fullGraph(t *testing.T, name string) *storage.Graph {
	t.Helper()
	m, err := labMachines[name].build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return m.Full()
}

// TestSVGIsXML draws every machine, one whose labels would break XML among them.
func TestSVGIsXML(t *testing.T) {
	for name := range labMachines {
		t.Run(name, func(t *testing.T) {
			g := fullGraph(t, name)
			for fsys := range storage.All[*storage.FileSystem](g) {
				fsys.Label = `</text><script>"&` + "\x01\xff"
			}
			d := xml.NewDecoder(bytes.NewReader(drawSVG(g)))
			for {
				tok, err := d.Token()
				if errors.Is(err, io.EOF) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "script" {
					t.Fatal("a label became an element")
				}
			}
		})
	}
}

// TestSVGBoxesDoNotOverlap looks at the places of all boxes of one column.
func TestSVGBoxesDoNotOverlap(t *testing.T) {
	for name := range labMachines {
		d := layOut(fullGraph(t, name))
		for _, a := range d.boxes {
			for _, b := range d.boxes {
				if a != b && a.column == b.column && a.y < b.y+b.height && b.y < a.y+a.height {
					t.Errorf("%s: %s and %s overlap", name, a.node.Base().ID, b.node.Base().ID)
				}
			}
		}
	}
}
