package config

import "unicode/utf8"

// Pattern is text in which * stands for any characters, also none and also slashes, ? for
// one, [abc], [a-z] and [!a] for one of these or none of these, and \ for the character
// behind it. It matches the whole of what it is compared with.
type Pattern string

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Pattern) UnmarshalText(b []byte) error {
	return take(p, b, func(s string) string {
		for s != "" {
			e, rest := element(s)
			if e.wrong != "" {
				return e.wrong
			}
			s = rest
		}
		return ""
	})
}

// Match tells whether the pattern matches s. A part of it that cannot be understood,
// which no file can have, matches nothing.
func (p Pattern) Match(s string) bool {
	pattern := string(p)
	var behindStar, tried string // where to go on when what follows the last * did not fit
	star := false
	for {
		if pattern == "" && s == "" {
			return true
		}
		e, rest := element(pattern)
		if e.any {
			behindStar, tried, star, pattern = rest, s, true, rest
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if s != "" && pattern != "" && e.takes(r) {
			pattern, s = rest, s[n:]
			continue
		}
		if !star || tried == "" {
			return false
		}
		_, n = utf8.DecodeRuneInString(tried)
		tried = tried[n:]
		pattern, s = behindStar, tried
	}
}

// part is what one character of the text is compared with; any is a *.
type part struct {
	any, one, not bool
	ranges        [][2]rune
	wrong         string
}

func (e part) takes(r rune) bool {
	if e.one || e.wrong != "" {
		return e.one
	}
	for _, x := range e.ranges {
		if x[0] <= r && r <= x[1] {
			return !e.not
		}
	}
	return e.not
}

// element cuts the first part off a pattern.
func element(pattern string) (part, string) {
	r, n := utf8.DecodeRuneInString(pattern)
	rest := pattern[n:]
	switch r {
	case '*':
		return part{any: true}, rest
	case '?':
		return part{one: true}, rest
	case '[':
		return class(rest)
	case '\\':
		if rest == "" {
			return part{wrong: `nothing follows the \ at its end`}, ""
		}
		r, n = utf8.DecodeRuneInString(rest)
		rest = rest[n:]
	}
	return part{ranges: [][2]rune{{r, r}}}, rest
}

// class reads what follows a [. A ] that comes first is one of the characters, as
// in glob(7).
func class(s string) (part, string) {
	var e part
	runes := []rune(s)
	i := 0
	if i < len(runes) && runes[i] == '!' {
		e.not = true
		i++
	}
	for first := i; i < len(runes); i++ {
		if runes[i] == ']' && i > first {
			return e, string(runes[i+1:])
		}
		low := runes[i]
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i+2] != ']' {
			if i += 2; runes[i] < low {
				return part{wrong: "it has a range that goes backwards"}, ""
			}
		}
		e.ranges = append(e.ranges, [2]rune{low, runes[i]})
	}
	return part{wrong: "it has a [ without a ]"}, ""
}
