package rear

import (
	"regexp"
	"slices"
	"strings"
)

// Setting is what a configuration of ReaR assigns to a variable in the end.
type Setting struct {
	Name   string
	Values []string // of an array, else one
	Array  bool
	Adds   bool   // it only adds to ReaR's default
	Secret bool   // a password or key: Values are empty
	Unsure string // why the value may be another one in the end; "" if it is certain
	File   string // where it was last assigned
	Line   int

	used bool // another one is made of it
}

// Value is the value of a variable that is no array; of an array it is the first,
// as for bash.
func (s *Setting) Value() string {
	if s == nil || len(s.Values) == 0 {
		return ""
	}
	return s.Values[0]
}

// Unread is a statement that assigns nothing that can be known without executing
// it. Its text is not kept, since there may be a password in it.
type Unread struct {
	File  string
	Line  int
	Last  int    // the line that it ends on
	Word  string // its first word
	Cause string
}

// Settings are what one or several files assign, in the order of the first
// assignment. Nothing is executed: what a file would make of them by commands,
// conditions or other files is Unread.
type Settings struct {
	All    []*Setting
	Unread []Unread
}

// Get gives the setting of a name, or nil.
func (s *Settings) Get(name string) *Setting {
	if at := slices.IndexFunc(s.All, func(v *Setting) bool { return v.Name == name }); at >= 0 {
		return s.All[at]
	}
	return nil
}

// secretName matches variables that hold a password or a key. PASSWORD_FILE and
// the like name a place and not a secret, but nothing is lost by not copying them.
var secretName = regexp.MustCompile(`PASS(WORD|WD|PHRASE)|CRYPT_KEY|SECRET|TOKEN|(^|_)PW$`)

// Read takes the assignments of one more file in.
func (s *Settings) Read(file string, data []byte) {
	// bash drops bytes that are zero; here they are the end.
	p := &shell{file: file, src: strings.ReplaceAll(string(data), "\x00", ""), line: 1, set: s}
	for p.at < len(p.src) {
		p.statement()
	}
}

// assignment is what a statement says of a variable, before it is known whether the
// statement counts.
type assignment struct {
	name   string
	values []string
	array  bool
	add    bool // +=, or the variable itself stands first in its own value
	line   int
}

func (s *Settings) assign(file string, a assignment) {
	v := s.Get(a.name)
	switch {
	case v == nil:
		v = &Setting{Name: a.name, Adds: a.add}
		s.All = append(s.All, v)
	case !a.add:
		*v = Setting{Name: a.name}
	}
	v.File, v.Line, v.Array = file, a.line, v.Array || a.array
	if v.Secret = v.Secret || secretName.MatchString(a.name); v.Secret {
		v.Values = nil
		return
	}
	if a.add && !a.array && len(v.Values) > 0 {
		v.Values[0] += a.values[0]
		return
	}
	v.Values = append(v.Values, a.values...)
}

// unread notes a statement, and that the variables that it touches are unsure.
func (s *Settings) unread(u Unread, touched []string) {
	s.Unread = append(s.Unread, u)
	for _, name := range touched {
		v := s.Get(name)
		if v == nil {
			v = &Setting{Name: name, File: u.File, Line: u.Line, Secret: secretName.MatchString(name)}
			s.All = append(s.All, v)
		}
		if v.Unsure == "" {
			v.Unsure = "it is also assigned where that cannot be known: " + u.Cause
		}
	}
}

// assigns matches the beginning of an assignment.
var assigns = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(\[[^]]*\])?(\+?)=`)

// setters are commands that set or unset the variables that stand behind them, and
// how many of them.
var setters = map[string]int{"unset": 99, "read": 99, "readarray": 1, "mapfile": 1, "for": 1, "select": 1}

// touchedBy gives the names that are assigned or unset anywhere in a piece of shell.
func touchedBy(src string) []string {
	var out []string
	words := strings.FieldsFunc(src, func(r rune) bool { return strings.ContainsRune(" \t\n;&|(){}", r) })
	left := 0
	for _, w := range words {
		m := assigns.FindStringSubmatch(w)
		switch {
		case setters[w] > 0:
			left = setters[w]
		case m != nil:
			out = append(out, m[1])
		case blocks[w] != 0 || w == "do" || w == "then":
			left = 0
		case left > 0 && variable.MatchString(w):
			out = append(out, w)
			left--
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
