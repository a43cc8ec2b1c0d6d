package document

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// typeWord says what is wanted, in the words of this project's messages.
func typeWord(t reflect.Type) string {
	t = pointee(t)
	switch {
	case isText(t):
		return strings.ToLower(spaced(t.Name()))
	case isJSON(t):
		return "mapping"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "whole number" + limits(t)
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64"
		}
		return "list"
	case reflect.Struct, reflect.Map:
		return "mapping"
	default:
		return "text"
	}
}

// limits of the small and the unsigned numbers; nobody means those of 64 bits.
func limits(t reflect.Type) string {
	signed := t.Kind() <= reflect.Int64
	switch {
	case !signed && t.Bits() == 64:
		return " from 0"
	case !signed:
		return fmt.Sprintf(" from 0 to %d", uint64(1)<<t.Bits()-1)
	case t.Bits() == 64:
		return ""
	default:
		return fmt.Sprintf(" from -%d to %d", uint64(1)<<(t.Bits()-1), uint64(1)<<(t.Bits()-1)-1)
	}
}

// spaced is "MountPoint" as "Mount Point".
func spaced(name string) string {
	var b strings.Builder
	last := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

func article(word string) string {
	switch {
	case word == "true or false" || word == "text" || word == "base64":
		return word
	case strings.IndexByte("aeio", word[0]) >= 0:
		return "an " + word
	default:
		return "a " + word
	}
}
