package system

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// unknownLinux is the name of a system that tells none.
const unknownLinux = "unknown Linux"

// maxText is how much is kept of a text that a system tells of itself, in
// characters. Real ones have less than half of it.
const maxText = 200

// osRelease finds the file as os-release(5) says: /etc first, then /usr/lib. A
// link from /etc that leads into a separate /usr is followed there. What cannot
// be read is noted.
func (s *System) osRelease(tree, usr fs.FS) map[string]string {
	type place struct {
		tree fs.FS
		name string
	}
	places := []place{{tree, "etc/os-release"}, {tree, "usr/lib/os-release"}}
	if usr != nil {
		places = append(places, place{usr, "lib/os-release"})
	}
	for _, p := range places {
		data, err := readSmall(p.tree, p.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.Notes = append(s.Notes, fmt.Sprintf("cannot read /%s: %v", p.name, err))
		}
		if r := parseOSRelease(data); r != nil {
			return r
		}
	}
	return s.oldRelease(tree)
}

// parseOSRelease reads the shell-like assignments of os-release(5). Text that
// holds no assignment gives nil.
func parseOSRelease(data []byte) map[string]string {
	var out map[string]string
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || !isVariable(key) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = clean(unquote(value))
	}
	return out
}

// isVariable: a name as the shell takes it.
func isVariable(key string) bool {
	for i, r := range key {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return key != ""
}

// unquote undoes the shell quoting that os-release(5) allows: nothing is special
// in single quotes, and within double quotes a backslash is, before these four.
func unquote(s string) string {
	special := func(byte) bool { return true }
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		quote := s[0]
		s = s[1 : n-1]
		if quote == '\'' {
			return s
		}
		special = func(c byte) bool { return strings.IndexByte("\"\\`$", c) >= 0 }
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && special(s[i+1]) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// clean keeps a stranger's text from steering the terminal it is shown on, and
// from filling it: control characters, those that turn the direction of writing,
// and what goes beyond maxText are dropped.
func clean(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return s
}

func (s *System) nameFrom(release map[string]string) {
	s.Distro, s.Version = release["ID"], release["VERSION_ID"]
	s.Name = release["PRETTY_NAME"]
	if s.Name == "" {
		s.Name = strings.TrimSpace(release["NAME"] + " " + release["VERSION"])
	}
	if s.Name == "" {
		s.Name = s.Distro
	}
	if s.Name == "" {
		s.Name = unknownLinux
	}
}

// firstLine gives the first line that is no comment (hostname(5)).
func firstLine(data []byte) string {
	for line := range bytes.Lines(data) {
		if text := clean(string(line)); text != "" && !strings.HasPrefix(text, "#") {
			return text
		}
	}
	return ""
}
