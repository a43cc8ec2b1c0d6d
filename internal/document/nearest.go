package document

import "strings"

// unknown says that there is no such key, and which is meant perhaps.
func unknown(fields []field, name string) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	if near := Nearest(name, names); near != "" {
		return "there is no such key; did you mean " + near + "?"
	}
	const few = 12
	if len(names) > 0 && len(names) <= few {
		return "there is no such key here; there are " + strings.Join(names, ", ")
	}
	return "there is no such key here"
}

// Nearest is the one of names that differs from name by so little that it may be meant; ""
// if none does.
func Nearest(name string, names []string) string {
	if len(name) > 64 {
		return "" // nobody mistypes that, and the work grows with its length
	}
	fold := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
	best, least := "", 1+min(2, len(name)/3)
	for _, n := range names {
		if d := distance(fold(name), fold(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance counts the letters that are to be added, left out, changed or swapped with their
// neighbour (optimal string alignment).
func distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, above[j]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
