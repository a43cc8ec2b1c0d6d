package cli

import (
	"bytes"
	"os"
	"strings"
	"sync"

	"github.com/creack/pty"
)

// typist is a user at a terminal who types one line at every question.
type typist struct {
	mu    sync.Mutex
	lines []string
	seen  bytes.Buffer
	done  sync.WaitGroup
}

// sit gives the terminal that the user sits at.
func (t *typist) sit() (*os.File, error) {
	t.done.Wait() // what the question before has written is read first
	screen, tty, err := pty.Open()
	if err != nil {
		return nil, err
	}
	// The size decides where lines are wrapped.
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		return nil, err
	}
	t.done.Add(1)
	go func() {
		defer t.done.Done()
		defer screen.Close()
		t.answer(screen)
	}()
	return tty, nil
}

// answer types the next line whenever a question stands there.
func (t *typist) answer(screen *os.File) {
	var shown []byte
	buf := make([]byte, 4096)
	for {
		n, err := screen.Read(buf)
		if err != nil { // the program has closed the terminal
			return
		}
		t.mu.Lock()
		t.seen.Write(buf[:n])
		t.mu.Unlock()
		shown = append(shown, buf[:n]...)
		if !bytes.HasSuffix(shown, []byte(": ")) && !bytes.HasSuffix(shown, []byte("? ")) {
			continue
		}
		shown = nil
		line, ok := t.next()
		if !ok {
			continue
		}
		if _, err := screen.WriteString(line); err != nil {
			return
		}
	}
}

// next gives the keys for the next line.
func (t *typist) next() (keys string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return "", false
	}
	line := t.lines[0]
	t.lines = t.lines[1:]
	if line == "^C" {
		return "\x03", true
	}
	return line + "\r", true
}

// types adds a line.
func (t *typist) types(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
}

func (t *typist) hasLines() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.lines) > 0
}

// saw gives what was on the terminal, and clears it.
func (t *typist) saw() string {
	t.done.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.ReplaceAll(t.seen.String(), "\r\n", "\n")
	t.seen.Reset()
	return text
}
