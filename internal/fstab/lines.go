package fstab

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// lines is a file cut after each newline: joined again, it is the same file.
type lines []string

func splitLines(data []byte) lines {
	all := strings.SplitAfter(string(data), "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

func (l lines) bytes() []byte {
	return []byte(strings.Join(l, ""))
}

// appended returns the file with one more line, ended as the others are.
func (l lines) appended(text string) lines {
	end := "\n"
	if n := len(l); n > 0 {
		if strings.HasSuffix(l[0], "\r\n") {
			end = "\r\n"
		}
		if !strings.HasSuffix(l[n-1], "\n") {
			l = append(slices.Clone(l[:n-1]), l[n-1]+end)
		}
	}
	return append(slices.Clone(l), text+end)
}

func (l lines) removed(line int) (lines, error) {
	if line < 1 || line > len(l) {
		return nil, fmt.Errorf("cannot remove line %d: the file has %d lines", line, len(l))
	}
	return slices.Delete(slices.Clone(l), line-1, line), nil
}

// row is one line in parts that joined together are the line again.
type row struct {
	head string // byte order mark and blanks before the first column
	cols []column
	tail string // what follows the last column that is read, and the line end
}

type column struct {
	text string
	gap  string // the blanks after it
}

const byteOrderMark = "\uFEFF"

// splitRow cuts a line into at most limit columns at the given blanks.
func splitRow(line, blanks string, limit int) row {
	body, end := cutLineEnd(line)
	rest := strings.TrimLeft(strings.TrimPrefix(body, byteOrderMark), blanks)
	r := row{head: body[:len(body)-len(rest)]}
	for rest != "" && len(r.cols) < limit {
		var c column
		c.text, rest = cutAt(rest, strings.IndexAny(rest, blanks))
		next := strings.TrimLeft(rest, blanks)
		c.gap, rest = rest[:len(rest)-len(next)], next
		r.cols = append(r.cols, c)
	}
	r.tail = rest + end
	return r
}

// cutLineEnd takes one CR as part of the line end, as libmount does.
func cutLineEnd(line string) (body, end string) {
	body = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	return body, line[len(body):]
}

// cutAt cuts s before index i; a negative i is the end.
func cutAt(s string, i int) (before, after string) {
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

func (r row) String() string {
	var b strings.Builder
	b.WriteString(r.head)
	for _, c := range r.cols {
		b.WriteString(c.text)
		b.WriteString(c.gap)
	}
	b.WriteString(r.tail)
	return b.String()
}

// texts returns the columns as written.
func (r row) texts() []string {
	texts := make([]string, len(r.cols))
	for i, c := range r.cols {
		texts[i] = c.text
	}
	return texts
}

// set changes a column. Columns that are missing before it get the defaults.
func (r *row) set(col int, text string, defaults []string) {
	for len(r.cols) <= col {
		if last := &r.cols[len(r.cols)-1]; last.gap == "" {
			last.gap = " "
		}
		r.cols = append(r.cols, column{text: defaults[len(r.cols)]})
	}
	r.cols[col].text = text
}

// scanner cuts the lines of a file into rows and collects problems.
type scanner struct {
	blanks   string
	limit    int    // columns that are read; what follows is ignored
	atNUL    string // what systemd does at a NUL byte
	line     int
	problems []Problem
}

func (s *scanner) note(kind ProblemKind, format string, args ...any) {
	s.problems = append(s.problems, Problem{Line: s.line, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// next returns the columns of the next line; none for a comment, an empty line
// and one that cannot be read. It notes what is odd about the line as text.
func (s *scanner) next(line string) (row, bool) {
	s.line++
	if strings.HasPrefix(line, byteOrderMark) && s.line == 1 {
		s.note(Encoding, "the file starts with a byte order mark, which systemd and mount take as part of the first column; it is ignored")
	}
	if strings.IndexByte(line, 0) >= 0 {
		s.note(Garbage, "a NUL byte, at which systemd %s", s.atNUL)
		return row{}, false
	}
	r := splitRow(line, s.blanks, s.limit)
	if len(r.cols) == 0 || r.cols[0].text[0] == '#' {
		return row{}, false
	}
	if strings.HasSuffix(line, "\r\n") {
		s.note(Encoding, "the line ends in CR LF; the CR is not taken as part of the last column, as systemd's reader of fstab would")
	}
	if !utf8.ValidString(line) {
		s.note(Encoding, "the line is not UTF-8; its bytes are kept as they are")
	}
	return r, true
}

// commentInside notes a # that was meant to start a comment but is read as one
// of the columns from the given one on.
func (s *scanner) commentInside(cols []string, from int) {
	for i := from; i < len(cols); i++ {
		if strings.HasPrefix(cols[i], "#") {
			s.note(Suspect, "a # within a line starts no comment: %s is read as column %d", shorten(cols[i]), i+1)
			return
		}
	}
}

// shorten quotes s for a message, and cuts it where it would fill the screen.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
