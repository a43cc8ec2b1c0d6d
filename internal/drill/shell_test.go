package drill

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// talk gives both ends of a console.
func talk(t *testing.T) (*console, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	c := listen(ours)
	t.Cleanup(func() { c.close(); theirs.Close() })
	return c, theirs
}

func TestExpect(t *testing.T) {
	c, far := talk(t)
	a, b := regexp.MustCompile(`a(\d)?`), regexp.MustCompile(`b`)
	go func() {
		io.WriteString(far, "xx b then a")
		io.WriteString(far, "1 a end")
		far.Close()
	}()
	if m, err := c.expect(t.Context(), regexp.MustCompile("a1"), b); err != nil || m.pattern != b {
		t.Errorf("%+v, %v: the first in the text counts", m, err)
	}
	if m, err := c.expect(t.Context(), regexp.MustCompile(`a(1)`)); err != nil || m.parts[1] != "1" {
		t.Errorf("%+v, %v: a pattern that comes in two pieces", m, err)
	}
	if m, err := c.expect(t.Context(), a); err != nil || m.parts[1] != "" {
		t.Errorf("%+v, %v: what was read does not count again", m, err)
	}
	if _, err := c.expect(t.Context(), a); !errors.Is(err, errSilent) {
		t.Errorf("%v: the other end is gone", err)
	}
	if c.text() != "xx b then a1 a end" {
		t.Errorf("%q", c.text())
	}
}

func TestExpectEndsWithItsContext(t *testing.T) {
	c, _ := talk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.expect(ctx, ready); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestWake: a shell that does not hear the first lines, and shows them all the same.
func TestWake(t *testing.T) {
	c, far := talk(t)
	go func() {
		lines := bufio.NewReader(far)
		for n := 1; ; n++ {
			line, err := lines.ReadString('\r')
			if err != nil {
				return
			}
			io.WriteString(far, line+"\n")
			if n == 3 {
				io.WriteString(far, strings.NewReplacer(`echo "`, "", `""`, "", `"`, "").Replace(line)+"\n")
			}
		}
	}()
	if err := newShell(c, time.Minute/10).wake(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDeaf: a shell that never answers, though all is shown that is typed.
func TestDeaf(t *testing.T) {
	c, far := talk(t)
	go io.Copy(far, far)
	err := newShell(c, 300*time.Millisecond).wake(t.Context())
	if err == nil || inTime(err).Error() != "the shell on the console does not answer: it takes too long" {
		t.Error(err)
	}
}

// TestReadGivesUp: an answer that never comes through whole is none.
func TestReadGivesUp(t *testing.T) {
	c, far := talk(t)
	s := newShell(c, time.Minute)
	go func() {
		lines := bufio.NewReader(far)
		for {
			line, err := lines.ReadString('\r')
			if err != nil {
				return
			}
			word, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(line, `echo "`), `""`, ""), "-\"")
			io.WriteString(far, line+"\n"+word+"-\r\nnoise\r\nanswer\r\n"+word+".\r\n")
		}
	}()
	if text, err := s.read(t.Context(), "7"); err == nil {
		t.Errorf("it gave %q", text)
	}
	if text, err := s.read(t.Context(), "13"); err != nil || text != "noise\nanswer\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestFlood: of too much the newest is kept, and what follows is found.
func TestFlood(t *testing.T) {
	c := &console{more: make(chan struct{}, 1)}
	for range 3 * longestConsole / 1024 {
		c.hear([]byte(strings.Repeat("x", 1024)), false)
	}
	c.hear([]byte("salvor: ready\r\n"), true)
	if _, err := c.expect(t.Context(), ready); err != nil || len(c.text()) > longestConsole {
		t.Errorf("%v; %d bytes are kept", err, len(c.text()))
	}
}
