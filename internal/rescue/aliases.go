package rescue

import (
	"path"
	"slices"
	"strings"
)

// aliases are the patterns that modules have for the devices that they drive. A kernel
// has twenty thousand, so they are looked up by the text before their first wildcard.
type aliases struct {
	byPrefix map[string][]moduleAlias
	lengths  []int // of the prefixes, ascending
}

type moduleAlias struct{ pattern, module string }

// slashless lets an asterisk stand for a slash in path.Match, as in fnmatch(3).
var slashless = strings.NewReplacer("/", "\x01")

func (a *aliases) add(pattern, module string) {
	pattern = slashless.Replace(pattern)
	prefix := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		prefix = pattern[:i]
	}
	a.byPrefix[prefix] = append(a.byPrefix[prefix], moduleAlias{pattern, module})
	if at, known := slices.BinarySearch(a.lengths, len(prefix)); !known {
		a.lengths = slices.Insert(a.lengths, at, len(prefix))
	}
}

// of gives the modules with a pattern that fits.
func (a *aliases) of(alias string) []string {
	alias = slashless.Replace(alias)
	var out []string
	for _, n := range a.lengths {
		if n > len(alias) {
			break
		}
		for _, candidate := range a.byPrefix[alias[:n]] {
			if ok, err := path.Match(candidate.pattern, alias); ok && err == nil {
				out = append(out, candidate.module)
			}
		}
	}
	return out
}
