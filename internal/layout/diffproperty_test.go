package layout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"salvor/internal/storage"
)

// drawer makes layouts of which hardly one makes sense: names and serials are few, so
// that they clash, and references lead to whatever is there. IDs are unique, as a layout's are. It
// draws a seed alone: a layout has thousands of values, and to shrink them one by one
// would take longer than to read them.
type drawer struct {
	*rand.Rand
	ids []storage.ID
}

func drawLayout(t *rapid.T) *Layout {
	d := &drawer{Rand: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))}
	l := &Layout{}
	d.fill(reflect.ValueOf(l).Elem(), 0)
	below := 0 // nothing lies on itself
	for _, s := range spots(l) {
		switch {
		case s.value.Type() != reflect.TypeFor[storage.ID]():
		case s.field.name == "ID" && isID(s.field):
			below = slices.Index(d.ids, s.value.Interface().(storage.ID))
		case !isID(s.field):
			s.value.SetString(string(d.reference(below)))
		}
	}
	return l
}

func (d *drawer) reference(below int) storage.ID {
	if below < 1 {
		return "none"
	}
	return d.ids[d.IntN(below)]
}

func (d *drawer) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Type().Field(i); {
			case f.Name == "Identity":
			case isID(fieldOf{v.Type(), f.Name}):
				d.ids = append(d.ids, storage.ID(fmt.Sprintf("id:%d", len(d.ids))))
				v.Field(i).SetString(string(d.ids[len(d.ids)-1]))
			default:
				d.fill(v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*Table]() {
			depth++
		}
		if depth < 3 && d.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			d.fill(v.Elem(), depth)
		}
	case reflect.Slice:
		n := d.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			d.fill(v.Index(i), depth)
		}
	case reflect.String:
		v.SetString([]string{"", "a", "b", "c"}[d.IntN(4)])
	case reflect.Bool:
		v.SetBool(d.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(d.Int64N(4))
	default:
		v.SetUint(d.Uint64N(4))
	}
}

// shuffled gives the same layout with its lists in another order.
func shuffled(t *rapid.T, l *Layout) *Layout {
	out := cloneOf(l)
	order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
	for _, s := range spots(out) {
		if s.value.Kind() == reflect.Slice && sequences[s.field] == "" {
			order.Shuffle(s.value.Len(), reflect.Swapper(s.value.Interface()))
		}
	}
	return out
}

// edited changes a few places of a layout.
func edited(t *rapid.T, l *Layout) *Layout {
	out := shuffled(t, l)
	for range rapid.IntRange(0, 3).Draw(t, "edits") {
		all := spots(out)
		all[rapid.IntRange(0, len(all)-1).Draw(t, "spot")].change()
	}
	return out
}

// canonical is all of a layout that counts, as one text. It knows the hints and nothing
// else of how layouts are compared.
func canonical(l *Layout) string {
	raw, err := json.Marshal(canonicalOf(reflect.ValueOf(*l), fieldOf{}))
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func canonicalOf(v reflect.Value, f fieldOf) any {
	switch {
	case isLeaf(v.Type()), v.Kind() == reflect.Pointer && v.IsNil():
		return v.Interface()
	case v.Kind() == reflect.Pointer:
		return canonicalOf(v.Elem(), f)
	case v.Kind() == reflect.Slice:
		list := []string{}
		for i := range v.Len() {
			raw, _ := json.Marshal(canonicalOf(v.Index(i), f))
			list = append(list, string(raw))
		}
		if sequences[f] == "" {
			slices.Sort(list)
		}
		return list
	}
	out := map[string]any{}
	for i := range v.NumField() {
		f := fieldOf{v.Type(), v.Type().Field(i).Name}
		switch read := readings[f]; {
		case f.name == "ID" && isID(f):
			id, _ := v.Field(i).Interface().(storage.ID)
			if twin := v.FieldByName("Identity"); twin.IsValid() {
				id = cmp.Or(storage.ID(twin.String()), id)
			}
			out[f.name] = id
		case hints[f] != "":
		case read != nil:
			out[f.name] = canonicalOf(reflect.ValueOf(read(v.Interface())), f)
		default:
			out[f.name] = canonicalOf(v.Field(i), f)
		}
	}
	return out
}

// TestDiffOfTheSameIsEmpty, whatever is in it and in whatever order.
func TestDiffOfTheSameIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		if d := Diff(l, shuffled(t, l), nil); !d.Empty() {
			t.Fatalf("%+v", d.Changes)
		}
	})
}

// TestDiffIsEmptyForOneFormAlone: nothing is told of what says the same, and something
// of everything else.
func TestDiffIsEmptyForOneFormAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawLayout(t)
		b := edited(t, a)
		if d := Diff(a, b, nil); d.Empty() != (canonical(a) == canonical(b)) {
			t.Fatalf("%+v\n%s\n%s", d.Changes, canonical(a), canonical(b))
		}
	})
}

// TestOneDigestIsNoDifference: what is bound to a layout by its digest stays good as long
// as the digest is the same.
func TestOneDigestIsNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawLayout(t)
		b := edited(t, a)
		if d := Diff(a, b, []string{"usage"}); Digest(a) == Digest(b) && !d.Empty() {
			t.Fatalf("%+v", d.Changes)
		}
	})
}

// TestDiffMirrors: seen from the other side, what was added is removed.
func TestDiffMirrors(t *testing.T) {
	other := map[How]How{Added: Removed, Removed: Added, Changed: Changed, Replaced: Replaced}
	word := func(c Change, how How, before, after any) string {
		raw, _ := json.Marshal([]any{before, after})
		return fmt.Sprintf("%s %s %s %s", c.Section, c.Kind, how, raw)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := drawLayout(t)
		b := edited(t, a)
		var there, back []string
		for _, c := range Diff(a, b, nil).Changes {
			there = append(there, word(c, c.How, c.Before, c.After))
		}
		for _, c := range Diff(b, a, nil).Changes {
			back = append(back, word(c, other[c.How], c.After, c.Before))
		}
		slices.Sort(there)
		slices.Sort(back)
		if !slices.Equal(there, back) {
			t.Fatalf("%q\n%q", there, back)
		}
	})
}

// TestIgnoreTakesItsSectionOut, and no other.
func TestIgnoreTakesItsSectionOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawLayout(t), drawLayout(t)
		ignore := rapid.SliceOf(rapid.SampledFrom(Sections())).Draw(t, "ignore")
		all, some := Diff(a, b, nil), Diff(a, b, ignore)
		want := slices.DeleteFunc(slices.Clone(all.Changes), func(c Change) bool { return slices.Contains(ignore, c.Section) })
		if !reflect.DeepEqual(want, some.Changes) {
			t.Fatalf("without %q:\n%+v\n%+v", ignore, want, some.Changes)
		}
		left := len(some.Changes)
		for _, i := range some.Ignored {
			left += i.Changes
		}
		if left != len(all.Changes) {
			t.Fatalf("%d changes, but %+v are ignored of %d", len(some.Changes), some.Ignored, len(all.Changes))
		}
	})
}

// TestLinesLeadFromOneTextToTheOther: a text with its hunks applied is the other text.
func TestLinesLeadFromOneTextToTheOther(t *testing.T) {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "\n", "d"}), 0, 30)
	rapid.Check(t, func(t *rapid.T) {
		before, after := textFrom(lines.Draw(t, "before")), textFrom(lines.Draw(t, "after"))
		hunks := lineDiff(before, after)
		if got := patch(before, hunks); got != after {
			t.Fatalf("%q\n%q\n%q\n%q", before, after, got, hunks)
		}
		if len(hunks) == 0 != (before == after) {
			t.Fatalf("%q and %q: %q", before, after, hunks)
		}
	})
}
