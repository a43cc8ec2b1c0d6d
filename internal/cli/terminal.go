package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"salvor/internal/workflow"
)

// openTerminal opens the terminal that the user sits at: the controlling one, or
// else the one that standard input is, since the shell of an initramfs has no
// controlling terminal (tty(4)). It fails with workflow.ErrNoAnswer.
func openTerminal() (*os.File, error) {
	if f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		return f, nil
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		// Opened anew, so that reads from it can be given a deadline.
		if f, err := os.OpenFile("/proc/self/fd/0", os.O_RDWR, 0); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no terminal", workflow.ErrNoAnswer)
}

// The keys that editing a line knows (termios(3), the usual ones).
const (
	keyInterrupt = 0x03
	keyEnd       = 0x04
	keyBackspace = 0x08
	keyDelete    = 0x7f
	keyKill      = 0x15
)

// errInterrupted is Ctrl-C at a question.
var errInterrupted = fmt.Errorf("%w by Ctrl-C", context.Canceled)

// question asks one line on the terminal. The answer is not shown unless echo is
// set. It ends with ctx.
func question(ctx context.Context, tty *os.File, prompt string, echo bool) (answer []byte, err error) {
	restore, err := raw(tty)
	if err != nil {
		return nil, err
	}
	defer restore()
	// Not every terminal knows deadlines; then a signal has to wait for the answer.
	_ = tty.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = tty.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	fmt.Fprint(tty, prompt)
	answer, err = readLine(tty, echo)
	fmt.Fprint(tty, "\r\n")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ctx.Err()
	}
	return answer, err
}

// raw switches echo, line editing and signals of the terminal off. The file stays
// in non-blocking mode, which Fd would end.
func raw(tty *os.File) (restore func(), err error) {
	conn, err := tty.SyscallConn()
	if err != nil {
		return nil, err
	}
	var before *term.State
	control := func(f func(fd int) error) error {
		var inner error
		if err := conn.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
			return err
		}
		return inner
	}
	err = control(func(fd int) (err error) {
		before, err = term.MakeRaw(fd)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask on the terminal: %w", err)
	}
	return func() { _ = control(func(fd int) error { return term.Restore(fd, before) }) }, nil
}

// readLine reads up to the end of a line. A line that was given up is wiped.
func readLine(tty io.ReadWriter, echo bool) (line []byte, err error) {
	// Growing the slice would leave copies of a passphrase behind.
	line = make([]byte, 0, 1024)
	var key [1]byte
	for {
		if _, err := tty.Read(key[:]); err != nil {
			clear(line)
			return nil, err
		}
		switch c := key[0]; {
		case c == '\r' || c == '\n', c == keyEnd:
			return line, nil
		case c == keyInterrupt:
			clear(line)
			return nil, errInterrupted
		case c == keyKill:
			line = erase(tty, line, utf8.RuneCount(line), echo)
		case c == keyBackspace || c == keyDelete:
			line = erase(tty, line, 1, echo)
		case c < ' ' && c != '\t' || len(line) == cap(line):
		default:
			line = append(line, c)
			if echo {
				_, _ = tty.Write(key[:])
			}
		}
	}
}

// erase takes characters away from the end of the line.
func erase(tty io.Writer, line []byte, characters int, echo bool) []byte {
	for range characters {
		_, size := utf8.DecodeLastRune(line)
		if size == 0 {
			break
		}
		clear(line[len(line)-size:])
		line = line[:len(line)-size]
		if echo {
			fmt.Fprint(tty, "\b \b")
		}
	}
	return line
}
