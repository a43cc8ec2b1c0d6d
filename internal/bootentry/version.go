package bootentry

import (
	"cmp"
	"strings"
)

// CompareVersions orders two versions as UAPI.10 says, which is how loaders find
// the newest entry: positive if a is newer.
func CompareVersions(a, b string) int {
	for {
		a, b = skipSeparators(a), skipSeparators(b)
		if c, end := compareMarks(&a, &b); end || c != 0 {
			return c
		}
		c := 0
		if leadsDigit(a) || leadsDigit(b) {
			c = compareNumbers(cutRun(&a, isDigit), cutRun(&b, isDigit))
		} else {
			c = compareLetters(cutRun(&a, isLetter), cutRun(&b, isLetter))
		}
		if c != 0 {
			return c
		}
	}
}

// compareMarks compares what stands before the next number or word: the end of
// the version and the marks ~ - ^ and dot, each of which makes a version older
// than the ones after it in this order.
func compareMarks(a, b *string) (c int, end bool) {
	rank := func(s string) int {
		if s == "" {
			return 1
		}
		return strings.IndexByte("~\x00-^.", s[0])
	}
	for {
		ra, rb := rank(*a), rank(*b)
		switch {
		case *a == "" && *b == "":
			return 0, true
		case ra < 0 && rb < 0:
			return 0, false
		case ra < 0:
			return 1, false
		case rb < 0:
			return -1, false
		case ra != rb:
			return cmp.Compare(ra, rb), false
		}
		*a, *b = skipSeparators((*a)[1:]), skipSeparators((*b)[1:])
	}
}

// skipSeparators drops what takes no part in a comparison.
func skipSeparators(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool {
		return r > 127 || !isLetter(byte(r)) && !isDigit(byte(r)) && !strings.ContainsRune("~-^.", r)
	})
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func leadsDigit(s string) bool { return s != "" && isDigit(s[0]) }

// cutRun cuts off the leading bytes of a class.
func cutRun(s *string, class func(byte) bool) string {
	n := 0
	for n < len(*s) && class((*s)[n]) {
		n++
	}
	run := (*s)[:n]
	*s = (*s)[n:]
	return run
}

// compareNumbers: a number is newer than none, and any length of it counts.
func compareNumbers(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(len(a), len(b))
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return strings.Compare(a, b)
}

// compareLetters goes by ASCII, so that capitals are older.
func compareLetters(a, b string) int { return strings.Compare(a, b) }
