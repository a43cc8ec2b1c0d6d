package drill

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// shell is the root shell on a console. Others write to the console as well: the kernel, and
// the init, to which the network comes late. So what a command writes goes to a file first, and
// the file is read until it came through whole.
type shell struct {
	console *console
	mark    string // stands in no text but ours
	asked   int
	patient time.Duration // for one command
}

func newShell(c *console, patient time.Duration) *shell {
	return &shell{console: c, mark: rand.Text()[:8], patient: patient}
}

// answer is what a command wrote to its standard output, and how it ended.
type answer struct {
	text   string
	status int
	when   time.Time // it ended
}

// result is the file in the rescue system that has what a command wrote.
const result = "/run/salvor-drill"

// readings is how often a file is read that others have written into.
const readings = 5

// next gives a word that the shell writes when it comes to it, and how that is typed: the
// console shows what is typed too, and that must not pass for the answer.
func (s *shell) next() (word, typed string) {
	s.asked++
	word = fmt.Sprintf("%s-%d", s.mark, s.asked)
	return "salvor-" + word, `sal""vor-` + word
}

// wake types until the shell answers: what is typed before it listens may be lost.
func (s *shell) wake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.patient)
	defer cancel()
	const tries = 6
	for {
		word, typed := s.next()
		if err := s.console.typed(`echo "` + typed + `"`); err != nil {
			return err
		}
		once, stop := context.WithTimeout(ctx, s.patient/tries)
		_, err := s.console.expect(once, regexp.MustCompile(word))
		stop()
		if err == nil || errors.Is(err, errSilent) || ctx.Err() != nil {
			return said("the shell on the console does not answer", err)
		}
	}
}

// said puts words before an error, if there is one.
func said(words string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", words, err)
}

// run runs a command, which is shell.
func (s *shell) run(ctx context.Context, command string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patient)
	defer cancel()
	word, typed := s.next()
	line := fmt.Sprintf(`( %s ) >%s 2>&1 </dev/null; echo "$?:$(wc -c <%s):%s"`, command, result, result, typed)
	if err := s.console.typed(line); err != nil {
		return answer{}, said(command, err)
	}
	m, err := s.console.expect(ctx, regexp.MustCompile(`(\d+):\s*(\d*)\s*:`+word))
	if err != nil {
		return answer{}, said(command, err)
	}
	a := answer{when: time.Now()}
	if a.status, err = strconv.Atoi(m.parts[1]); err != nil {
		return answer{}, said(command, err)
	}
	a.text, err = s.read(ctx, m.parts[2])
	return a, said(command, err)
}

// read reads the result; size is how many bytes it has, "" if that is not known.
func (s *shell) read(ctx context.Context, size string) (string, error) {
	for range readings {
		word, typed := s.next()
		if err := s.console.typed(fmt.Sprintf(`echo "%s-"; cat %s; echo "%s."`, typed, result, typed)); err != nil {
			return "", err
		}
		m, err := s.console.expect(ctx, regexp.MustCompile(`(?s)`+word+`-\r*\n(.*?)`+word+`\.`))
		if err != nil {
			return "", err
		}
		text := strings.ReplaceAll(m.parts[1], "\r\n", "\n")
		if size == "" || size == strconv.Itoa(len(text)) {
			return text, nil
		}
	}
	return "", errors.New("others write into the answer again and again")
}
