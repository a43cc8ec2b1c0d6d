package storage

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const jsonDoc = "../../docs/json.md"

// TestFieldsAreDocumented: docs/json.md names every field of every kind.
func TestFieldsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile(jsonDoc)
	if err != nil {
		t.Fatal(err)
	}
	types := []reflect.Type{reflect.TypeFor[graphJSON](), reflect.TypeFor[Mount]()}
	for kind := range everyKind() {
		types = append(types, reflect.TypeOf(newNode(kind)).Elem())
		if !strings.Contains(string(doc), "| `"+string(kind)+"` |") {
			t.Errorf("docs/json.md does not have the kind %s", kind)
		}
	}
	for _, typ := range types {
		for _, f := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("docs/json.md does not tell of %s, a field of %s", name, typ.Name())
			}
		}
	}
}

// made are the types that say how a node was made, by where they stand.
var made = []struct {
	where string
	typ   reflect.Type
}{
	{"`ext` of a `filesystem`", reflect.TypeFor[Ext]()},
	{"`xfs` of a `filesystem`", reflect.TypeFor[XFS]()},
	{"`btrfs` of a `filesystem`", reflect.TypeFor[Btrfs]()},
	{"`devices` in `btrfs`", reflect.TypeFor[BtrfsDevice]()},
	{"`fat` of a `filesystem`: FAT and exFAT", reflect.TypeFor[FAT]()},
	{"`plain` of a `filesystem`: NTFS and F2FS", reflect.TypeFor[Plain]()},
	{"`header` of a `crypt`", reflect.TypeFor[LUKSHeader]()},
	{"`slots` in `header`", reflect.TypeFor[LUKSSlot]()},
	{"`tokens` in `header`", reflect.TypeFor[LUKSToken]()},
	{"`made` of an `md`", reflect.TypeFor[MDMade]()},
	{"`made` of a `pv`", reflect.TypeFor[PVMade]()},
	{"`made` of a `vg`", reflect.TypeFor[VGMade]()},
	{"`made` of an `lv`", reflect.TypeFor[LVMade]()},
	{"`segments` in `made` of an `lv`", reflect.TypeFor[LVSegment]()},
	{"`areas` and `metadata_areas` in a segment", reflect.TypeFor[LVArea]()},
	{"`made` of a `table`", reflect.TypeFor[TableMade]()},
	{"`made` of a `bcache` or `bcacheset`", reflect.TypeFor[BcacheMade]()},
	{"`made` of a `swap`", reflect.TypeFor[SwapMade]()},
}

// TestMadeIsDocumented: the section on how nodes were made is that of the types.
// With -update it is written anew.
func TestMadeIsDocumented(t *testing.T) {
	const from, to = "### How nodes were made\n", "### Mounts\n"
	raw, err := os.ReadFile(jsonDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), from)
	got, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("docs/json.md does not have the section")
	}
	want := madeTables(t)
	if *update {
		if err := os.WriteFile(jsonDoc, []byte(before+from+want+to+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/json.md (go test ./internal/storage -update):\n%s", diff)
	}
}

func madeTables(t *testing.T) string {
	var b strings.Builder
	b.WriteString("\nThe parameters that the tool of a node was given, or chose, as its superblock or header has them: what it\n" +
		"takes to make it again. They are left out where they are not known.\n\n")
	for _, m := range made {
		fmt.Fprintf(&b, "| %s | is |\n| --- | --- |\n", m.where)
		for i := range m.typ.NumField() {
			f := m.typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			doc := f.Tag.Get("doc")
			if name == "" || doc == "" {
				t.Errorf("%s.%s has no name or says nothing of itself", m.typ.Name(), f.Name)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", name, doc)
		}
		b.WriteString("\n")
	}
	return b.String()
}
