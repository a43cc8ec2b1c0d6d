package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"salvor/internal/storage"
)

// widest is how many columns are used at most: longer lines are hard to read.
const widest = 100

// usualWidth is that of a terminal that does not tell, as serial consoles do not.
const usualWidth = 80

// screen is an output and what it can show.
type screen struct {
	io.Writer
	terminal bool // lines can be rewritten
	colour   bool
	ascii    bool
	width    int
}

// newScreen looks at an output. Colours are for terminals, unless asked for, and
// never with NO_COLOR (no-color.org).
func newScreen(w io.Writer, colour string, getenv func(string) string) (*screen, error) {
	s := &screen{Writer: w, width: widest, ascii: !isUTF8(getenv)}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.terminal = getenv("TERM") != "dumb"
		s.width = usualWidth
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			s.width = min(columns, widest)
		}
	}
	switch colour {
	case "auto":
		s.colour = s.terminal && getenv("NO_COLOR") == ""
	case "always":
		s.colour = true
	case "never":
	default:
		return nil, fmt.Errorf("cannot use --color %q: it is auto, always or never", colour)
	}
	return s, nil
}

// isUTF8 reports whether the locale's characters are UTF-8 (locale(7): LC_ALL
// before LC_CTYPE before LANG). The C locale of a serial console is not.
func isUTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// style is a way to write a word: an SGR parameter (console_codes(4)).
type style string

const (
	plain  style = ""
	bold   style = "1"
	faint  style = "2"
	red    style = "1;31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

func (s *screen) paint(st style, text string) string {
	if !s.colour || st == plain || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// line writes one line.
func (s *screen) line(format string, a ...any) {
	fmt.Fprintf(s, format+"\n", a...)
}

// note writes text that may be long, every line of it indented.
func (s *screen) note(indent int, st style, text string) {
	for _, l := range wrap(s.safe(text), s.width-indent) {
		fmt.Fprintf(s, "%s%s\n", strings.Repeat(" ", indent), s.paint(st, l))
	}
}

// safe makes text fit for this screen. Text from a disk must not steer a terminal,
// and a serial console cannot show more than ASCII.
func (s *screen) safe(text string) string {
	if s.ascii {
		text = strings.NewReplacer("…", "...", "–", "-").Replace(text)
	}
	text = storage.Printable(text)
	if !s.ascii {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, text)
}

// wrap breaks text into lines of at most room columns, between words where that
// can be done.
func wrap(text string, room int) []string {
	room = max(room, 20)
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && storage.TextWidth(line)+1+storage.TextWidth(word) > room {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// pad fills s up to a width.
func pad(s string, to int) string {
	return s + strings.Repeat(" ", max(0, to-storage.TextWidth(s)))
}
