package fstab

import (
	"slices"
	"strconv"
	"strings"
)

// Options are the fourth column, in the order written, which matters: of two
// options that contradict each other the last one holds.
type Options []Option

// Option is one word of the options. Value is without the quotes that guard
// commas, as in context="a,b"; the escape `\,` is kept, for its reader is the
// file system (overlayfs) or systemd.
type Option struct {
	Name     string
	Value    string
	HasValue bool
}

// ParseOptions splits at commas, except those in double quotes, as mount(8)
// does, and those escaped with a backslash, as systemd does (src/shared/
// fstab-util.c, fstab_filter_options). Where quotes are not closed, they are
// plain characters, as they are to systemd. Empty words are dropped.
func ParseOptions(s string) Options {
	words, closed := splitOptions(s, true)
	if !closed {
		words, _ = splitOptions(s, false)
	}
	return optionsOf(words, closed)
}

// parseCryptOptions splits at commas alone: no reader of a crypttab knows quotes.
func parseCryptOptions(s string) Options {
	words, _ := splitOptions(s, false)
	return optionsOf(words, false)
}

func optionsOf(words []string, quotes bool) Options {
	var o Options
	for _, w := range words {
		if w != "" {
			o = append(o, parseOption(w, quotes))
		}
	}
	return o
}

// splitOptions also tells whether every quote was closed.
func splitOptions(s string, quotes bool) (words []string, closed bool) {
	start, open := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && quotes:
			open = !open
		case open:
		case strings.HasPrefix(s[i:], `\,`), strings.HasPrefix(s[i:], `\\`):
			i++
		case c == ',':
			words = append(words, s[start:i])
			start = i + 1
		}
	}
	return append(words, s[start:]), !open
}

func parseOption(word string, quotes bool) Option {
	name, value, ok := strings.Cut(word, "=")
	if n := len(value); quotes && n >= 2 && strings.Count(value, `"`) == 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return Option{Name: name, Value: value, HasValue: ok}
}

// String writes the options so that ParseOptions reads them back.
func (o Options) String() string {
	words := make([]string, len(o))
	for i, opt := range o {
		words[i] = opt.word(i == len(o)-1)
	}
	return strings.Join(words, ",")
}

// String writes one option as it stands in a list of options.
func (o Option) String() string {
	return o.word(true)
}

// word quotes a value that would otherwise fall apart at a comma of its own,
// or, unless it is last, escape the comma after it.
func (o Option) word(last bool) string {
	if !o.HasValue {
		return o.Name
	}
	words, _ := splitOptions(o.Value, false)
	slashes := len(o.Value) - len(strings.TrimRight(o.Value, `\`))
	if strings.Contains(o.Value, `"`) || len(words) == 1 && (last || slashes%2 == 0) {
		return o.Name + "=" + o.Value
	}
	return o.Name + `="` + o.Value + `"`
}

// Has tells whether an option of exactly that name is there, with a value or
// without. A name with an = in it is compared with the value.
func (o Options) Has(name string) bool {
	want := parseOption(name, true)
	return slices.ContainsFunc(o, func(opt Option) bool {
		return opt.Name == want.Name && (!want.HasValue || opt == want)
	})
}

// Get returns the value of an option. Of several, the last one wins.
func (o Options) Get(name string) (string, bool) {
	all := o.All(name)
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// All returns the values of an option that may be given several times, such
// as x-systemd.requires-mounts-for.
func (o Options) All(name string) []string {
	var values []string
	for _, opt := range o {
		if opt.Name == name {
			values = append(values, opt.Value)
		}
	}
	return values
}

// Without returns the options but for those of the given names.
func (o Options) Without(names ...string) Options {
	return o.filter(func(opt Option) bool { return !slices.Contains(names, opt.Name) })
}

func (o Options) filter(keep func(Option) bool) Options {
	var kept Options
	for _, opt := range o {
		if keep(opt) {
			kept = append(kept, opt)
		}
	}
	return kept
}

// NoAuto tells whether the booting system leaves the line alone. Of noauto and
// auto the last one wins.
func (o Options) NoAuto() bool {
	return o.lastOf("noauto", "auto")
}

// NoFail tells whether the booting system goes on without it. To a rescuer
// that says nothing: a nofail line that fails has failed.
func (o Options) NoFail() bool {
	return o.lastOf("nofail", "fail")
}

// lastOf tells whether yes is there and no word no after it.
func (o Options) lastOf(yes, no string) bool {
	for _, opt := range slices.Backward(o) {
		if opt.Name == yes || opt.Name == no {
			return opt.Name == yes
		}
	}
	return false
}

// Subvolume returns what the options say of a btrfs subvolume: its path
// without slashes around it, which is "" for the top level, and its ID, which
// is 0 if not given and 5 for the top level. The kernel takes any number of
// leading slashes and zeros, and ID 0 for the top level (btrfs(5), subvol).
func (o Options) Subvolume() (path string, id uint64, ok bool) {
	if v, given := o.Get("subvolid"); given {
		n, err := strconv.ParseUint(v, 10, 64)
		ok = err == nil
		if id = n; ok && n == 0 {
			id = topLevel
		}
		if !ok {
			id = 0
		}
	}
	if v, given := o.Get("subvol"); given {
		path = strings.TrimPrefix(cleanPath(v), "/")
		ok = true
		if path == "" && id == 0 {
			id = topLevel
		}
	}
	return path, id, ok
}

// topLevel is btrfs's BTRFS_FS_TREE_OBJECTID.
const topLevel = 5
