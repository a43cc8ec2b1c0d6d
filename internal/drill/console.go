package drill

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"sync"
)

// longestConsole is how much of what a console said is kept. A kernel that has lost its mind
// writes for ever.
const longestConsole = 4 << 20

// errSilent: the other end of the console is gone.
var errSilent = errors.New("the virtual machine has ended")

// console is a serial line: what came over it, and how far that has been read.
type console struct {
	conn net.Conn

	mu   sync.Mutex
	said []byte
	read int
	gone bool
	more chan struct{}
}

func listen(conn net.Conn) *console {
	c := &console{conn: conn, more: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			c.hear(buf[:n], err != nil)
			if err != nil {
				return
			}
		}
	}()
	return c
}

// hear takes what was said. Of too much, the older half goes.
func (c *console) hear(piece []byte, last bool) {
	c.mu.Lock()
	c.said = append(c.said, piece...)
	if len(c.said) > longestConsole {
		drop := len(c.said) - longestConsole/2
		c.said = append([]byte(nil), c.said[drop:]...)
		c.read = max(0, c.read-drop)
	}
	c.gone = c.gone || last
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default: // who waits has not yet looked at the last piece
	}
}

// expect waits until one of the patterns stands in what has not been read yet, and gives it with
// its submatches. What comes before it, and the match, count as read.
func (c *console) expect(ctx context.Context, patterns ...*regexp.Regexp) (found match, err error) {
	for {
		if m, ok := c.look(patterns); ok {
			return m, nil
		}
		c.mu.Lock()
		gone := c.gone
		c.mu.Unlock()
		if gone {
			if m, ok := c.look(patterns); ok { // it came with the last piece
				return m, nil
			}
			return match{}, errSilent
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			return match{}, ctx.Err()
		}
	}
}

// match is a pattern that was found, and its submatches.
type match struct {
	pattern *regexp.Regexp
	parts   []string
}

// look finds the pattern that comes first.
func (c *console) look(patterns []*regexp.Regexp) (match, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var best []int
	var found match
	for _, p := range patterns {
		at := p.FindSubmatchIndex(c.said[c.read:])
		if at != nil && (best == nil || at[0] < best[0]) {
			best, found.pattern = at, p
		}
	}
	if best == nil {
		return match{}, false
	}
	for i := 0; i < len(best); i += 2 {
		part := ""
		if best[i] >= 0 {
			part = string(c.said[c.read+best[i] : c.read+best[i+1]])
		}
		found.parts = append(found.parts, part)
	}
	c.read += best[1]
	return found, true
}

// typed sends a line, as the key Enter does.
func (c *console) typed(line string) error {
	_, err := io.WriteString(c.conn, line+"\r")
	return err
}

// text is all that is kept.
func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.said)
}

func (c *console) close() { c.conn.Close() }
