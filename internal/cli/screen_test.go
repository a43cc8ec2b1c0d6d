package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if v, ok := strings.CutPrefix(p, name+"="); ok {
				return v
			}
		}
		return ""
	}
}

func TestScreenShowsWhatItCan(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer tty.Close()
	type want struct {
		colour, ascii, terminal bool
		width                   int
	}
	for name, c := range map[string]struct {
		file   bool
		colour string
		env    func(string) string
		cols   uint16
		want   want
	}{
		"a file":                       {true, "auto", env("LANG=de_DE.UTF-8"), 0, want{false, false, false, 100}},
		"a file in the C locale":       {true, "auto", env(), 0, want{false, true, false, 100}},
		"a file in colours":            {true, "always", env("NO_COLOR=1"), 0, want{true, true, false, 100}},
		"a terminal":                   {false, "auto", env("LANG=C.UTF-8", "TERM=xterm"), 80, want{true, false, true, 80}},
		"a wide terminal":              {false, "auto", env("LANG=C.utf8", "TERM=xterm"), 200, want{true, false, true, 100}},
		"a serial console":             {false, "auto", env("LANG=C", "TERM=vt220"), 0, want{true, true, true, 80}},
		"no colours":                   {false, "auto", env("NO_COLOR=1", "TERM=xterm"), 80, want{false, true, true, 80}},
		"never":                        {false, "never", env("TERM=xterm"), 80, want{false, true, true, 80}},
		"a dumb terminal":              {false, "auto", env("TERM=dumb"), 80, want{false, true, false, 80}},
		"LC_ALL comes before LANG":     {true, "auto", env("LANG=C.UTF-8", "LC_ALL=C"), 0, want{false, true, false, 100}},
		"LC_CTYPE comes before LANG":   {true, "auto", env("LANG=C", "LC_CTYPE=C.UTF-8"), 0, want{false, false, false, 100}},
		"an empty LC_ALL says nothing": {true, "auto", env("LANG=C.UTF-8", "LC_ALL="), 0, want{false, false, false, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: c.cols}); err != nil {
				t.Fatal(err)
			}
			s, err := newScreen(tty, c.colour, c.env)
			if c.file {
				s, err = newScreen(&bytes.Buffer{}, c.colour, c.env)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := (want{s.colour, s.ascii, s.terminal, s.width}); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestSafeSteersNoTerminal: what comes from a disk cannot send escapes.
func TestSafeSteersNoTerminal(t *testing.T) {
	for _, s := range []*screen{{}, {ascii: true}} {
		got := s.safe("a\x1b[2Jb\x07\u202e\xffé…\n")
		for _, r := range got {
			if r < ' ' || r == 0x7f || r == '\u202e' || s.ascii && r > 0x7e {
				t.Errorf("%q still has %q", got, r)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		room int
		want []string
	}{
		{"", 20, []string{""}},
		{"two words", 80, []string{"two words"}},
		{"one two three four five six", 20, []string{"one two three four", "five six"}},
		{"averyverylongwordthatfitsnowhere and more", 20, []string{"averyverylongwordthatfitsnowhere", "and more"}},
		{"日本語 日本語 日本語 日本語", 20, []string{"日本語 日本語 日本語", "日本語"}},
	} {
		if diff := cmp.Diff(c.want, wrap(c.text, c.room)); diff != "" {
			t.Errorf("wrap(%q, %d): -want +got\n%s", c.text, c.room, diff)
		}
	}
}
