package layout

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func textFrom(lines []string) string { return strings.Join(lines, "") }

// patch does what patch(1) does with a unified diff.
func patch(text string, hunks []string) string {
	lines := strings.SplitAfter(text, "\n")
	var out []string
	at := 0
	for i := 0; i < len(hunks); i++ {
		h := hunks[i]
		if strings.HasPrefix(h, "@@") {
			first, n := 0, 1
			if _, err := fmt.Sscanf(h, "@@ -%d,%d", &first, &n); err != nil && first == 0 {
				panic(h)
			}
			if n == 0 {
				first++
			}
			out = append(out, lines[at:first-1]...)
			at = first - 1
			continue
		}
		if h[0] == '\\' {
			continue
		}
		end := "\n"
		if i+1 < len(hunks) && hunks[i+1][0] == '\\' {
			end = ""
		}
		if h[0] != '+' {
			if lines[at] != h[1:]+end {
				return fmt.Sprintf("line %d is %q, not %q", at+1, lines[at], h[1:]+end)
			}
			at++
		}
		if h[0] != '-' {
			out = append(out, h[1:]+end)
		}
	}
	return textFrom(append(out, lines[at:]...))
}

// TestLineDiff: the form is that of diff -u.
func TestLineDiff(t *testing.T) {
	long := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n"
	for _, c := range []struct{ name, before, after, want string }{
		{"nothing", long, long, ""},
		{"a line", "a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c"},
		{"from nothing", "", "a\n", "@@ -0,0 +1 @@\n+a"},
		{"to nothing", "a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b"},
		{"at the end", long, long + "15\n", "@@ -12,3 +12,4 @@\n 12\n 13\n 14\n+15"},
		{"no last newline", "a\n", "a", "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file"},
		{"two places", long, strings.NewReplacer("2\n3", "2\nx\n3", "13\n", "").Replace(long), "@@ -1,5 +1,6 @@\n 1\n 2\n+x\n 3\n 4\n 5\n@@ -10,5 +11,4 @@\n 10\n 11\n 12\n-13\n 14"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, strings.Join(lineDiff(c.before, c.after), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLineDiffOfLongFiles stays within bounds: beyond them all is told as different.
func TestLineDiffOfLongFiles(t *testing.T) {
	before, after := "", ""
	for i := range 3000 {
		before, after = before+fmt.Sprintf("a%d\nsame\n", i), after+fmt.Sprintf("b%d\nsame\n", i)
	}
	hunks := lineDiff(before, after)
	if got := patch(before, hunks); got != after {
		t.Error("the hunks do not lead from one text to the other")
	}
	if len(hunks) < 11000 {
		t.Errorf("%d lines", len(hunks))
	}
}
