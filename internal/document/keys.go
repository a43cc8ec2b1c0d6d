package document

import (
	"fmt"
	"reflect"
	"strings"
)

// Key is a key that a document may have, as its reference describes it.
type Key struct {
	Path    string // of the elements of a list: exclude[].id; of the values of a map: marks.*
	Type    string // in words: "list of text", "one of a, b"
	Doc     string
	Default string // as it would stand in the document; "" for none
	Example string
	Section bool // it is a mapping whose keys follow
	// Value is what the key has in the value that Keys was given. It is not valid
	// for keys within lists, maps and nil pointers.
	Value reflect.Value
}

// Keys gives all keys of v, a pointer to a struct, in their order. The keys of a type
// within itself are not gone through again.
func Keys(v any) []Key {
	w := &walker{}
	value := reflect.ValueOf(v)
	w.structure(pointee(value.Type()), reflect.Indirect(value), "")
	return w.keys
}

type walker struct {
	keys   []Key
	within []reflect.Type
}

func (w *walker) structure(t reflect.Type, v reflect.Value, path string) {
	for _, outer := range w.within {
		if outer == t {
			return
		}
	}
	w.within = append(w.within, t)
	for _, f := range fieldsOf(t) {
		var fv reflect.Value
		if v.IsValid() {
			fv = reflect.Indirect(f.in(v, false))
		}
		w.key(f, fv, Join(path, f.name))
	}
	w.within = w.within[:len(w.within)-1]
}

func (w *walker) key(f field, v reflect.Value, path string) {
	inner := structOf(f.typ)
	w.keys = append(w.keys, Key{
		Path: path, Type: typeText(f.typ), Doc: f.tag.Get("doc"), Default: f.tag.Get("default"), Example: f.tag.Get("example"),
		Section: inner != nil, Value: v,
	})
	if inner != nil {
		w.structure(inner, v, path)
		return
	}
	for t := f.typ; ; {
		switch t = pointee(t); {
		case isText(t) || isJSON(t):
			return
		case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
			path += "[]"
		case t.Kind() == reflect.Map:
			path += ".*"
		default:
			return
		}
		t = t.Elem()
		if s := structOf(t); s != nil {
			w.structure(s, reflect.Value{}, path)
			return
		}
	}
}

// typeText says what a key takes.
func typeText(t reflect.Type) string {
	t = pointee(t)
	if s := ownSchema(t); s != nil && len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			words[i] = fmt.Sprint(e)
		}
		return "one of " + strings.Join(words, ", ")
	}
	if !isText(t) && !isJSON(t) {
		switch t.Kind() {
		case reflect.Slice, reflect.Array:
			if t.Elem().Kind() != reflect.Uint8 {
				return "list of " + plural(typeText(t.Elem()))
			}
		case reflect.Map:
			return "mapping of names to " + plural(typeText(t.Elem()))
		}
	}
	return typeWord(t)
}

func plural(word string) string {
	switch {
	case word == "text" || word == "true or false" || word == "base64" || strings.HasPrefix(word, "one of ") || strings.Contains(word, " of ") || strings.Contains(word, " from "):
		return word
	default:
		return word + "s"
	}
}

// SetDefaults gives every key of v, a pointer to a struct, that has no value the default
// of its tag.
func SetDefaults(v any) error {
	for _, k := range Keys(v) {
		if k.Default == "" || !k.Value.IsValid() || !k.Value.IsZero() {
			continue
		}
		if _, err := Read(k.Path+"'s default", []byte(k.Default), k.Value.Addr().Interface()); err != nil {
			return fmt.Errorf("internal error: %w", err)
		}
	}
	return nil
}
