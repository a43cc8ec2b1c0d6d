package machine

import (
	"context"
	"errors"
	"io"
	"io/fs"
)

// recordedError is an error in a recording: its text, and what errors.Is and
// errors.As can tell of it.
type recordedError struct {
	Text    rawText        `json:"text"`
	Is      []string       `json:"is,omitempty"` // names in sentinels
	Missing string         `json:"missing_program,omitempty"`
	Exit    *recordedExit  `json:"exit,omitempty"`
	Mount   *recordedMount `json:"mount,omitempty"`
}

type recordedExit struct {
	Program string   `json:"program"`
	Args    []string `json:"args,omitempty"`
	Status  int      `json:"status"`
	Stdout  payload  `json:"stdout,omitempty"`
	Stderr  payload  `json:"stderr,omitempty"`
}

type recordedMount struct {
	Act    string         `json:"act"`
	Source string         `json:"source,omitempty"`
	Point  string         `json:"point,omitempty"`
	Kind   *recordedError `json:"kind"`
	Kernel []string       `json:"kernel,omitempty"`
}

// sentinels are the errors that callers tell apart, by their name in recordings.
var sentinels = []struct {
	name string
	err  error
}{
	{"not exist", fs.ErrNotExist},
	{"exist", fs.ErrExist},
	{"permission", fs.ErrPermission},
	{"invalid", fs.ErrInvalid},
	{"closed", fs.ErrClosed},
	{"canceled", context.Canceled},
	{"deadline", context.DeadlineExceeded},
	{"eof", io.EOF},
	{"unexpected eof", io.ErrUnexpectedEOF},
	{"unsupported", errors.ErrUnsupported},
	{"locked", ErrLocked},
	{"busy", ErrBusy},
	{"no mount point", ErrNoPoint},
	{"mount point not a directory", ErrPointNotDir},
	{"dirty", ErrDirty},
	{"read-only", ErrReadOnly},
	{"unknown type", ErrUnknownType},
	{"bad content", ErrBadContent},
	{"no such device", ErrNoSuchDevice},
	{"not mounted", ErrNotMounted},
	{"needs root", ErrPermission},
	{"only files", ErrOnlyFiles},
	{"not recorded", ErrNotRecorded},
}

func record(err error) *recordedError {
	if err == nil {
		return nil
	}
	r := &recordedError{Text: rawText(err.Error())}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			r.Is = append(r.Is, s.name)
		}
	}
	if e, ok := errors.AsType[*MissingProgram](err); ok {
		r.Missing = e.Program
	}
	if e, ok := errors.AsType[*ExitError](err); ok {
		r.Exit = &recordedExit{e.Cmd.Program, e.Cmd.Args, e.Status, e.Stdout, e.Stderr}
	}
	if e, ok := errors.AsType[*MountError](err); ok {
		r.Mount = &recordedMount{e.Act, e.Source, e.Point, record(e.Kind), e.Kernel}
	}
	return r
}

// replayedError says what was said, and answers errors.Is and errors.As as the
// first error did.
type replayedError struct {
	text  string
	wraps []error
}

func (e *replayedError) Error() string   { return e.text }
func (e *replayedError) Unwrap() []error { return e.wraps }

func (r *recordedError) decode() error {
	if r == nil {
		return nil
	}
	e := &replayedError{text: string(r.Text)}
	for _, name := range r.Is {
		for _, s := range sentinels {
			if s.name == name {
				e.wraps = append(e.wraps, s.err)
			}
		}
	}
	if r.Missing != "" {
		e.wraps = append(e.wraps, &MissingProgram{r.Missing})
	}
	if x := r.Exit; x != nil {
		c := Cmd{Program: x.Program, Args: x.Args}
		e.wraps = append(e.wraps, &ExitError{c, x.Status, Result{x.Stdout, x.Stderr}})
	}
	if m := r.Mount; m != nil {
		kind := m.Kind.decode()
		e.wraps = append(e.wraps, &MountError{m.Act, m.Source, m.Point, kind, m.Kernel})
	}
	return e
}
