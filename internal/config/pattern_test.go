package config

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"/mnt/*", "/mnt/a/b", true}, {"/mnt/*", "/mnt", false}, {"/mnt*", "/mnt", true}, {"*", "", true}, {"", "", true}, {"", "a", false},
		{"/dev/sd[a-c]", "/dev/sdb", true}, {"/dev/sd[!a-c]", "/dev/sdb", false}, {"/dev/sd[!a-c]", "/dev/sdx", true}, {"[]]", "]", true}, {"[!]a]", "]", false},
		{"a-]", "a-]", true}, {"[a-]", "-", true}, {`\*`, "*", true}, {`\*`, "a", false}, {`a\?b`, "a?b", true}, {"é?", "éü", true}, {"?", "\xff", true},
		{"*a*b*", "xaxxb", true}, {"*a*b", "xbxa", false}, {"**x", "x", true}, {"[a", "[a", false}, {"a", "a*", false},
	} {
		if got := Pattern(c.pattern).Match(c.text); got != c.want {
			t.Errorf("%s matches %q: %v", c.pattern, c.text, got)
		}
	}
}

// TestPatternIsARegexp compares with a regular expression that means the same.
func TestPatternIsARegexp(t *testing.T) {
	pieces := map[string]string{"*": "(?s:.*)", "?": "(?s:.)", "[ab]": "[ab]", "[!a-b]": "[^a-b]", `\*`: `\*`, "a": "a", "b": "b", "/": "/"}
	var names []string
	for p := range pieces {
		names = append(names, p)
	}
	rapid.Check(t, func(t *rapid.T) {
		var pattern, re strings.Builder
		for _, p := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 8).Draw(t, "pattern") {
			pattern.WriteString(p)
			re.WriteString(pieces[p])
		}
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab/*é")), 0, 12, -1).Draw(t, "text")
		want := regexp.MustCompile("^(?:" + re.String() + ")$").MatchString(text)
		if got := Pattern(pattern.String()).Match(text); got != want {
			t.Fatalf("%s matches %q: %v, and %s does: %v", pattern.String(), text, got, re.String(), want)
		}
	})
}
