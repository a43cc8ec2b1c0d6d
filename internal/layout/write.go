package layout

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"salvor/internal/document"
	"salvor/internal/storage"
)

// Write gives the file: YAML in an order of its own, with the digest of what it says and
// with comments for whoever edits it. Equal layouts give equal bytes.
func Write(l *Layout) ([]byte, error) {
	l = copied(l, func(s string) string { return s })
	l.sort()
	l.Digest = Digest(l)
	c := &commentator{l: l, about: map[storage.ID]string{}, comments: map[string]document.Comment{"": {Above: l.head()}}}
	c.describeNodes()
	c.walk(reflect.ValueOf(l).Elem(), "")
	out, err := document.Write(l, func(path string) document.Comment { return c.comments[path] })
	if err != nil {
		return nil, fmt.Errorf("cannot write the layout: %w", err)
	}
	return out, nil
}

// head is the comment at the top of the file.
func (l *Layout) head() string {
	m := l.Machine
	who := cmp.Or(m.Hostname, "a machine without a name")
	if os := strings.TrimSpace(m.OS.Name); os != "" {
		who += ", " + os
	}
	if hw := strings.TrimSpace(m.Hardware.Vendor + " " + m.Hardware.Product); hw != "" {
		who += ", on " + hw
	}
	return fmt.Sprintf(`The layout of %s: what salvor makes again when it recovers it.

salvor wrote it. It may be edited: sizes are exact and may be given in any unit,
what stands behind a # is for you alone, and salvor says on which line it cannot follow.
Things name each other by their id; what stands under device is a hint and no more.
salvor diff compares it with the machine as it is. All keys are explained in
docs/layout.md, and salvor save --schema prints a schema for editors.`, who)
}

// commentator finds the comments of the file.
type commentator struct {
	l        *Layout
	about    map[storage.ID]string // nodes in words
	comments map[string]document.Comment
}

var sizeType = reflect.TypeFor[Size]()

// walk goes through the file as document.Write does.
func (c *commentator) walk(v reflect.Value, path string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			c.walk(v.Field(i), path)
			continue
		}
		p := document.Join(path, name)
		c.field(f, v.Field(i), p, path)
	}
}

func (c *commentator) field(f reflect.StructField, v reflect.Value, p, in string) {
	isSection := in == "storage" || in == "" && isBig(v)
	if isSection && !v.IsZero() {
		c.comments[p] = document.Comment{Above: sentence(f.Tag.Get("doc")), Blank: true}
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		c.walk(v, p)
	case reflect.Slice:
		for i := range v.Len() {
			c.element(v.Index(i), document.Index(p, i))
		}
	default:
		c.beside(p, c.word(f, v))
	}
}

func (c *commentator) element(v reflect.Value, p string) {
	switch v.Kind() {
	case reflect.Struct:
		c.walk(v, p)
	case reflect.String:
		if v.Type() == idType {
			c.beside(p, c.about[storage.ID(v.String())])
		}
	}
}

func isBig(v reflect.Value) bool { return v.Kind() == reflect.Struct || v.Kind() == reflect.Slice }

func (c *commentator) beside(path, text string) {
	if text != "" {
		c.comments[path] = document.Comment{Beside: storage.Printable(text)}
	}
}

// word is what a single value means for a person.
func (c *commentator) word(f reflect.StructField, v reflect.Value) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case v.Type() == sizeType:
		return roundly(v.Uint())
	case v.CanUint() && strings.HasPrefix(f.Tag.Get("doc"), "bytes "):
		return roundly(v.Uint())
	case v.Type() == idType && name != "id" && name != "identity":
		return c.about[storage.ID(v.String())]
	case v.Type() == idType && name == "id" && f.Tag.Get("doc") != "what it is" && !strings.HasPrefix(f.Tag.Get("doc"), "what it is;"):
		return c.about[storage.ID(v.String())]
	case name == "type" && strings.HasPrefix(f.Tag.Get("doc"), "type GUID"):
		return storage.PartitionTypeName(v.String())
	}
	return ""
}

// roundly says a size that nobody can read at a glance: one of more than four digits.
func roundly(n uint64) string {
	s := Size(n).String()
	if digits := strings.TrimRight(s, "BiKMGTPE"); len(digits) <= 4 {
		return ""
	}
	return Size(n).About()
}

func sentence(doc string) string {
	r, n := utf8.DecodeRuneInString(doc)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + doc[n:] + "."
}

// describeNodes says of every node what its device is and what it is.
func (c *commentator) describeNodes() {
	s := &c.l.Storage
	for _, n := range s.Disks {
		c.describe(n.Node, "disk", n.Model, n.Serial)
	}
	for _, n := range s.Multipaths {
		c.describe(n.Node, "multipath map", n.Alias)
	}
	for _, n := range s.Arrays {
		c.describe(n.Node, n.Level, n.Name)
	}
	for _, n := range s.Crypts {
		c.describe(n.Node, n.Format, n.Name)
	}
	for _, n := range s.CacheSets {
		c.describe(n.Node, "bcache set")
	}
	for _, n := range s.Bcaches {
		c.describe(n.Node, "bcache", n.Label)
	}
	for _, n := range s.FileSystems {
		c.describe(n.Node, n.Type, n.Label, c.mountedAt(n.ID))
		for _, v := range n.Subvolumes {
			c.about[v.ID] = phrase("subvolume "+v.Path, c.mountedAt(v.ID))
		}
	}
	for _, n := range s.Swaps {
		c.describe(n.Node, "swap", n.Label)
	}
	for _, n := range s.Others {
		c.describe(n.Node, n.Format, n.Label)
	}
	c.describeVolumes()
	c.describePVs()
}

func (c *commentator) describeVolumes() {
	for _, g := range c.l.Storage.Groups {
		c.about[g.ID] = "volume group " + g.Name
		for _, n := range g.Volumes {
			c.describe(n.Node, n.Layout+" volume "+g.Name+"/"+n.Name)
		}
	}
}

// describePVs says on what device a physical volume is.
func (c *commentator) describePVs() {
	for _, n := range c.l.Storage.PVs {
		on, _, _ := strings.Cut(c.about[n.LiesOn], ",")
		if on == "" {
			on = "a device that is missing"
		}
		c.about[n.ID] = phrase(sized(n.Size), "physical volume on "+on)
	}
}

func (c *commentator) describe(n Node, words ...string) {
	c.about[n.ID] = phrase(n.Device, sized(n.Size), strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	if n.Table == nil {
		return
	}
	c.about[n.Table.ID] = phrase(n.Table.Format+" partition table", "on "+cmp.Or(n.Device, string(n.ID)))
	for _, p := range n.Table.Partitions {
		c.describe(p.Node, fmt.Sprintf("partition %d of %s", p.Number, carrierWord(n, words)))
	}
}

// carrierWord names what a partition is of: by the serial number of a disk, which is its
// last word.
func carrierWord(n Node, words []string) string {
	for i := len(words) - 1; i > 0; i-- {
		if words[i] != "" {
			return words[i]
		}
	}
	return cmp.Or(n.Device, string(n.ID))
}

func (c *commentator) mountedAt(id storage.ID) string {
	for _, m := range c.l.Mounts {
		if m.Source == id {
			return "at " + m.Point
		}
	}
	return ""
}

func sized(s Size) string {
	if s == 0 {
		return ""
	}
	return s.About()
}

func phrase(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}
