package layout

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"salvor/internal/storage"
)

// match is an element of the first list, and the same one of the second; either may be
// missing.
type match struct{ was, is reflect.Value }

// matchElements finds the elements of one list in the other.
func (d *differ) matchElements(a, b reflect.Value, key elementKey) []match {
	was, is := elements(a), elements(b)
	pair := map[int]int{} // index in is -> index in was
	taken := map[int]bool{}
	for _, k := range key.keys {
		left, right := indexBy(was, k, d.was.tell, taken), indexBy(is, k, d.is.tell, keysOf(pair))
		for word, l := range left {
			if r := right[word]; word != "" && len(l) == 1 && len(r) == 1 {
				pair[r[0]], taken[l[0]] = l[0], true
			}
		}
	}
	left, right := indexBy(was, key.name, d.was.tell, taken), indexBy(is, key.name, d.is.tell, keysOf(pair))
	for word, r := range right {
		for _, p := range inOrder(d.was.texts(was, left[word]), d.is.texts(is, r)) {
			pair[p[1]], taken[p[0]] = p[0], true
		}
	}
	var out []match
	for i, v := range is {
		m := match{is: v}
		if j, ok := pair[i]; ok {
			m.was = was[j]
		}
		out = append(out, m)
	}
	for j, v := range was {
		if !taken[j] {
			out = append(out, match{was: v})
		}
	}
	return out
}

func elements(list reflect.Value) []reflect.Value {
	out := make([]reflect.Value, list.Len())
	for i := range out {
		out[i] = list.Index(i)
	}
	return out
}

func keysOf(m map[int]int) map[int]bool {
	out := map[int]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}

// indexBy gives the elements by what key makes of them, without those in not.
func indexBy(list []reflect.Value, key func(any, func(storage.ID) string) string, tell idWord, not map[int]bool) map[string][]int {
	out := map[string][]int{}
	for i, v := range list {
		if !not[i] {
			word := key(v.Interface(), tell)
			out[word] = append(out[word], i)
		}
	}
	return out
}

// said is an element by its index, with what it says.
type said struct {
	index int
	text  string
}

// inOrder pairs elements of one name: those that say the same, and then the rest in an
// order that does not depend on their places.
func inOrder(was, is []said) [][2]int {
	var out [][2]int
	var rest []said
	for _, w := range was {
		if j := slices.IndexFunc(is, func(s said) bool { return s.text == w.text }); j >= 0 {
			out = append(out, [2]int{w.index, is[j].index})
			is = slices.Delete(is, j, j+1)
		} else {
			rest = append(rest, w)
		}
	}
	for i := range min(len(rest), len(is)) {
		out = append(out, [2]int{rest[i].index, is[i].index})
	}
	return out
}

// texts gives elements with what they say, in the order of that.
func (s *side) texts(list []reflect.Value, which []int) []said {
	var out []said
	for _, i := range which {
		out = append(out, said{i, s.text(list[i])})
	}
	slices.SortFunc(out, func(x, y said) int { return cmp.Or(cmp.Compare(x.text, y.text), cmp.Compare(x.index, y.index)) })
	return out
}

// text is all that is compared of a value, in one form for both sides.
func (s *side) text(v reflect.Value) string {
	return jsonText(s.compared(v, fieldOf{}))
}

// compared gives what is compared of a value: without hints, and with lists in an order
// of their own where theirs means nothing.
func (s *side) compared(v reflect.Value, f fieldOf) any {
	switch {
	case v.Type() == reflect.TypeFor[storage.ID]():
		return s.tell(v.Interface().(storage.ID))
	case isLeaf(v.Type()):
		return v.Interface()
	case v.Kind() == reflect.Pointer && v.IsNil():
		return nil
	case v.Kind() == reflect.Pointer:
		return s.compared(v.Elem(), f)
	case v.Kind() == reflect.Struct:
		return s.comparedFields(v)
	}
	out := []any{}
	for _, e := range elements(v) {
		out = append(out, s.compared(e, f))
	}
	if sequences[f] == "" {
		slices.SortFunc(out, func(x, y any) int { return cmp.Compare(jsonText(x), jsonText(y)) })
	}
	return out
}

func (s *side) comparedFields(v reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		f := fieldOf{v.Type(), sf.Name}
		switch read := readings[f]; {
		case hints[f] != "" || holdsNodes(sf.Type):
		case sf.Anonymous:
			maps.Copy(out, s.comparedFields(v.Field(i)))
		case read != nil:
			out[keyOf(sf)] = s.compared(reflect.ValueOf(read(v.Interface())), f)
		default:
			out[keyOf(sf)] = s.compared(v.Field(i), f)
		}
	}
	return out
}

// jsonText writes a value for ordering. What JSON has no form for still has a place.
func jsonText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
