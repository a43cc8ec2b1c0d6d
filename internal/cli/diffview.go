package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// showDifference writes what is different for people.
func (a *app) showDifference(d *layout.Difference) { renderDifference(a.out, d) }

func renderDifference(s *screen, d *layout.Difference) {
	renderChanges(s, d)
	if len(d.Changes) > 0 {
		s.line("")
	}
	for _, text := range summary(d) {
		s.note(0, plain, text)
	}
}

// renderChanges leaves out what has to be done.
func renderChanges(s *screen, d *layout.Difference) {
	v := &differenceView{screen: s, d: d}
	section := ""
	for i, c := range d.Changes {
		if c.Section != section {
			v.heading(section, c.Section)
			section = c.Section
		}
		if c.What != c.Section && (i == 0 || !sameThing(d.Changes[i-1], c)) {
			v.thing(c)
		}
		v.change(c)
	}
}

type differenceView struct {
	*screen
	d *layout.Difference
}

func (v *differenceView) heading(before, section string) {
	if before != "" {
		v.line("")
	}
	v.line("%s", v.paint(bold, section))
}

// sameThing tells changes that stand below one line. What is new or gone as a whole has
// a line of its own.
func sameThing(x, y layout.Change) bool {
	return x.Section == y.Section && x.Kind == y.Kind && x.ID == y.ID && x.What == y.What && !isWhole(x) && !isWhole(y)
}

func isWhole(c layout.Change) bool { return c.Field == "" }

// kindWords are kinds as people say them; the others are words already.
var kindWords = map[string]string{
	string(storage.KindTable): "partition table", string(storage.KindMultipath): "multipath map",
	string(storage.KindMD): "array", string(storage.KindPV): "physical volume on", string(storage.KindVG): "volume group",
	string(storage.KindLV): "volume", string(storage.KindCrypt): "encrypted volume", string(storage.KindBcacheSet): "bcache set on",
	string(storage.KindFileSystem): "file system", string(storage.KindSwap): "swap area", string(storage.KindOpaque): "content of",
	"tool": "program", "header": "header backup of",
}

// thing writes what the changes that follow are about: its name, then its ID.
func (v *differenceView) thing(c layout.Change) {
	sign, st, end := "~", plain, ""
	switch {
	case isWhole(c) && c.How == layout.Added:
		sign, st, end = "+", green, "is new"
	case isWhole(c) && c.How == layout.Removed:
		sign, st, end = "-", red, "is gone"
	}
	name := c.What
	if word, is := kindWords[c.Kind]; is {
		name = word + " " + name
	} else if c.Kind != c.Section && c.Kind+"s" != c.Section {
		name = c.Kind + " " + name
	}
	text := v.paint(st, strings.TrimSpace(sign+" "+v.safe(name)+" "+end))
	if c.ID != "" {
		text += "  " + v.paint(faint, v.safe(string(c.ID)))
	}
	v.line("  %s", text)
}

// change writes one difference of a thing.
func (v *differenceView) change(c layout.Change) {
	switch {
	case len(c.Lines) > 0:
		for _, l := range c.Lines {
			v.line("      %s", v.paint(lineStyle(l), v.safe(expandTabs(l))))
		}
	case !isWhole(c):
		v.note(6, plain, v.sentence(c))
	}
}

func lineStyle(line string) style {
	switch line[0] {
	case '+':
		return green
	case '-':
		return red
	case '@':
		return cyan
	default:
		return plain
	}
}

// expandTabs puts blanks in the place of tabs, to columns of eight as terminals do, not
// counting the sign before the line.
func expandTabs(line string) string {
	var b strings.Builder
	column := -1
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			column++
			continue
		}
		n := 8 - column%8
		b.WriteString(strings.Repeat(" ", n))
		column += n
	}
	return b.String()
}

// sentence says what is different in a field.
func (v *differenceView) sentence(c layout.Change) string {
	words := v.fieldWords(c.Field)
	was, is := v.values(c)
	switch before, after := c.Before, c.After; {
	case c.How == layout.Replaced:
		return "another one is in its place: it was " + v.former(c)
	case c.How == layout.Added:
		return words + " is new"
	case c.How == layout.Removed:
		return words + " is gone"
	case c.Field == "on":
		return fmt.Sprintf("is on %s, was on %s", is, was)
	case c.Bytes && before != nil && after != nil:
		return growth(words, before, after, was, is)
	case isSet(before) || isSet(after):
		return words + map[bool]string{true: " is set", false: " is no longer set"}[isSet(after)]
	case isList(before) || isList(after):
		return v.lists(words, before, after)
	default:
		return fmt.Sprintf("%s: %s, was %s", words, is, was)
	}
}

// former names what was replaced: by its name, if that tells the two apart, and its ID.
func (v *differenceView) former(c layout.Change) string {
	id, _ := c.Before.(storage.ID)
	if name := v.name(id); name != c.What && name != string(id) {
		return name + ", " + string(id)
	}
	return string(id)
}

func isSet(value any) bool {
	b, is := value.(bool)
	return is && b
}

func isList(value any) bool { return value != nil && reflect.TypeOf(value).Kind() == reflect.Slice }

// growth says how a size became another one: "grew from 320 MiB to 512 MiB".
func growth(words string, before, after any, was, is string) string {
	verb := "grew"
	if bytesOf(after) < bytesOf(before) {
		verb = "shrank"
	}
	if words != "size" {
		verb = words + " " + verb
	}
	return fmt.Sprintf("%s from %s to %s", verb, was, is)
}

func bytesOf(value any) layout.Size { return layout.Size(reflect.ValueOf(value).Uint()) }

// fieldWords writes a path as words: "header.slots[1].kdf" is "header slots 1 kdf".
func (v *differenceView) fieldWords(field string) string {
	if at, rest, found := strings.Cut(field, "["); found {
		if end := strings.LastIndex(rest, "]"); end >= 0 {
			key, tail := rest[:end], rest[end+1:]
			return v.fieldWords(at) + " " + v.name(storage.ID(key)) + v.fieldWords(tail)
		}
	}
	return strings.NewReplacer("_", " ", ".", " ").Replace(field)
}

// name is what people call a node; other words are themselves.
func (v *differenceView) name(id storage.ID) string {
	if name, known := v.d.Names[id]; known {
		return name
	}
	return string(id)
}

// values writes both values, so that they can be told apart: sizes in full if they are
// nearly the same, nodes by their IDs if they have one name.
func (v *differenceView) values(c layout.Change) (was, is string) {
	was, is = v.value(c.Before, c.Bytes), v.value(c.After, c.Bytes)
	if was != is {
		return was, is
	}
	if c.Bytes && c.Before != nil && c.After != nil {
		return bytesOf(c.Before).String(), bytesOf(c.After).String()
	}
	return fmt.Sprint(c.Before), fmt.Sprint(c.After)
}

func (v *differenceView) value(value any, bytes bool) string {
	switch x := value.(type) {
	case nil:
		return "none"
	case storage.ID:
		return v.name(x)
	case string:
		return x
	}
	if bytes {
		return bytesOf(value).About()
	}
	return fmt.Sprint(value)
}

// lists says what a list got and lost, or how many it has, or that its order is another.
func (v *differenceView) lists(words string, before, after any) string {
	was, is := v.members(before), v.members(after)
	if was == nil && is == nil {
		return fmt.Sprintf("%s: %d, was %d", words, length(after), length(before))
	}
	var parts []string
	if got := without(is, was); len(got) > 0 {
		parts = append(parts, "with "+strings.Join(got, ", "))
	}
	if lost := without(was, is); len(lost) > 0 {
		parts = append(parts, "without "+strings.Join(lost, ", "))
	}
	if parts == nil {
		return fmt.Sprintf("%s: %s; was %s", words, strings.Join(is, ", "), strings.Join(was, ", "))
	}
	return words + ": " + strings.Join(parts, ", ")
}

func length(list any) int {
	if list == nil {
		return 0
	}
	return reflect.ValueOf(list).Len()
}

// members are the values of a list as text; nil for a list of other things.
func (v *differenceView) members(list any) []string {
	var out []string
	for i := range length(list) {
		item := reflect.ValueOf(list).Index(i)
		if item.Kind() == reflect.Struct {
			return nil
		}
		out = append(out, v.value(item.Interface(), false))
	}
	return out
}

func without(list, not []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(not, s) })
}

// summary says what has to be done, and what was not asked for.
func summary(d *layout.Difference) []string {
	out := []string{needs(d)}
	if len(d.Ignored) > 0 {
		var parts []string
		for _, i := range d.Ignored {
			parts = append(parts, fmt.Sprintf("%s (%d)", i.Section, i.Changes))
		}
		out = append(out, "Not shown, since they are ignored: "+strings.Join(parts, ", ")+".")
	}
	return out
}

// staleWords say what has to be made anew for changes of a severity.
var staleWords = []struct {
	severity  layout.Severity
	all, some string // of changes that are all alike, and of some
}{
	{layout.ForRecovery, "a new save and a new rescue image", "a new save and a new rescue image"},
	{layout.ForRescue, "a new rescue image", "a new rescue image"},
	{layout.ForNothing, "neither a new save nor a new rescue image", "neither"},
}

// needs says what the changes make stale.
func needs(d *layout.Difference) string {
	n := len(d.Changes)
	if n == 0 {
		return "Nothing is different."
	}
	changes, need := fmt.Sprintf("%d changes", n), "need"
	if n == 1 {
		changes, need = "1 change", "needs"
	}
	var parts []string
	for _, s := range staleWords {
		switch count := d.Count(s.severity); {
		case count == n:
			return fmt.Sprintf("%s, which %s %s.", changes, need, s.all)
		case count == 1 && parts == nil:
			parts = append(parts, "1 needs "+s.some)
		case count > 0 && parts == nil:
			parts = append(parts, fmt.Sprintf("%d need %s", count, s.some))
		case count > 0:
			parts = append(parts, fmt.Sprintf("%d %s", count, s.some))
		}
	}
	return changes + ": " + strings.Join(parts, ", ") + "."
}
