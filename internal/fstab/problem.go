package fstab

import "fmt"

// Problem is what a person should know of a line.
type Problem struct {
	Line int // 1-based; 0 for what has no lines, such as a kernel command line
	Text string
	Kind ProblemKind
}

// ProblemKind tells what a Problem means for the line.
type ProblemKind int

const (
	// Garbage cannot be read: the line has no Entry.
	Garbage ProblemKind = iota
	// Disagreement: systemd and another reader make different things of the
	// line. The Entry is systemd's reading, unless the text says otherwise.
	Disagreement
	// Duplicate: an earlier line has the same mount point or volume name.
	Duplicate
	// Encoding: a byte order mark, bytes that are no UTF-8, DOS line ends.
	Encoding
	// Suspect was read, but is hardly what was meant.
	Suspect
)

// String returns the kind in one lower-case word.
func (k ProblemKind) String() string {
	switch k {
	case Garbage:
		return "garbage"
	case Disagreement:
		return "disagreement"
	case Duplicate:
		return "duplicate"
	case Encoding:
		return "encoding"
	case Suspect:
		return "suspect"
	}
	return fmt.Sprintf("problem kind %d", int(k))
}

// String returns the problem as "line 7: garbage: …".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.Kind, p.Text)
	}
	return fmt.Sprintf("line %d: %s: %s", p.Line, p.Kind, p.Text)
}
