package layout

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"salvor/internal/storage"
)

// escapeBytes makes text of a label or the name of a subvolume, which may be any bytes: one
// that is no UTF-8 is written as \xNN, and a backslash that would look so as \x5c.
func escapeBytes(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strings.HasPrefix(s[i:], `\x`):
			b.WriteString(`\x5c`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unescapeBytes undoes escapeBytes.
func unescapeBytes(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\x`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if n, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8); err == nil && len(after) >= 2 {
			b.WriteByte(byte(n))
			s = after[2:]
		} else {
			b.WriteString(`\x`)
			s = after
		}
	}
}

// validText leaves a text as it is, if it is UTF-8. Nothing depends on getting the others
// back byte for byte.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return escapeBytes(s)
}

// copied gives a copy of v that shares nothing with it, with all its texts changed by
// f. IDs are not texts: they are fit to be written from the start.
func copied[T any](v T, f func(string) string) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	copyInto(out, reflect.ValueOf(v), f)
	return out.Interface().(T)
}

var idType = reflect.TypeFor[storage.ID]()

func copyInto(to, from reflect.Value, f func(string) string) {
	switch from.Kind() {
	case reflect.String:
		if from.Type() == idType {
			to.Set(from)
		} else {
			to.SetString(f(from.String()))
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyInto(to.Elem(), from.Elem(), f)
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				copyInto(to.Index(i), from.Index(i), f)
			}
		}
	case reflect.Struct:
		for i := range from.NumField() {
			copyInto(to.Field(i), from.Field(i), f)
		}
	default:
		to.Set(from)
	}
}
