package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"salvor/internal/machine"
	"salvor/internal/plan"
	"salvor/internal/storage"
)

// Dir is where the session is kept: in memory, so that it ends with the boot
// that it belongs to.
const Dir = "/run/salvor"

// Kind says what a record is.
type Kind string

// The kinds of records.
const (
	Begin   Kind = "begin"   // a command starts to act
	Intent  Kind = "intent"  // an operation is about to be carried out
	Done    Kind = "done"    // it was; Error says with what result
	Settled Kind = "settled" // the command came to its end
)

// Record is one line of the journal.
type Record struct {
	Time    time.Time       `json:"time"`
	Kind    Kind            `json:"kind"`
	Command string          `json:"command,omitempty"`
	Target  string          `json:"target,omitempty"`
	System  string          `json:"system,omitempty"`
	Root    string          `json:"root,omitempty"` // lineage of the system's root
	Made    bool            `json:"made,omitempty"` // the target directory did not exist
	Step    int             `json:"step,omitempty"`
	Op      string          `json:"op,omitempty"`
	Subject string          `json:"subject,omitempty"` // lineage of the node, or the mount point
	Args    json.RawMessage `json:"args,omitempty"`
	Error   string          `json:"error,omitempty"`
	Gaps    bool            `json:"gaps,omitempty"`
}

// Journal is the session's file on a machine.
type Journal struct {
	m       machine.Machine
	file    string
	records []Record
}

// Load reads the journal. That there is none is no error. A last line that was
// cut short by a crash is dropped: what it announced was not begun.
func Load(m machine.Machine) (*Journal, error) {
	j := &Journal{m: m, file: path.Join(Dir, "journal")}
	data, err := m.ReadFile(j.file)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the session's journal: %w", err)
	}
	for line := range bytes.Lines(data) {
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			if bytes.HasSuffix(line, []byte("\n")) {
				return nil, fmt.Errorf("cannot read the session's journal %s: %w", j.file, err)
			}
			break
		}
		j.records = append(j.records, r)
	}
	return j, nil
}

// Records gives what is in the journal.
func (j *Journal) Records() []Record { return j.records }

// Add writes a record durably before it returns.
func (j *Journal) Add(r Record) error {
	r.Time = j.m.Now()
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("internal error: cannot write a journal record: %w", err)
	}
	if err := j.m.MkdirAll(Dir, 0o700); err != nil {
		return fmt.Errorf("cannot keep the session's journal: %w", err)
	}
	if err := j.m.AppendFile(j.file, append(line, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot keep the session's journal: %w", err)
	}
	j.records = append(j.records, r)
	return nil
}

// Intend writes down that an operation is about to be carried out on the machine
// that now shows.
func (j *Journal) Intend(now *storage.Graph, s plan.Step) error {
	args, err := json.Marshal(s.Op)
	if err != nil {
		return fmt.Errorf("internal error: cannot write a journal record: %w", err)
	}
	return j.Add(Record{Kind: Intent, Step: s.Number, Op: s.Op.Name(), Subject: subject(now, s.Op), Args: args})
}

// subject names what an operation changes, by lineage.
func subject(now *storage.Graph, op plan.Op) string {
	if id, point := plan.Subject(op); point == "" {
		return now.Lineage(id)
	} else {
		return point
	}
}

// Finish writes down how it ended.
func (j *Journal) Finish(s plan.Step, result error) error {
	r := Record{Kind: Done, Step: s.Number, Op: s.Op.Name()}
	if result != nil {
		r.Error = result.Error()
	}
	return j.Add(r)
}

// Clear ends the session: nothing of it is left.
func (j *Journal) Clear() error {
	j.records = nil
	if err := j.m.Remove(j.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot end the session: %w", err)
	}
	return nil
}

// Lock keeps other salvor commands that act out until unlock.
func Lock(m machine.Machine) (unlock func(), err error) {
	if err := m.MkdirAll(Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep a session: %w", err)
	}
	unlock, err = m.Lock(path.Join(Dir, "lock"))
	if errors.Is(err, machine.ErrLocked) {
		return nil, ErrAnother
	}
	return unlock, err
}

// ErrAnother: another salvor is at work on this machine.
var ErrAnother = errors.New("another salvor is at work on this machine")

// Mounting tells where which system is mounted or was about to be.
func (j *Journal) Mounting() (target, system, root string, ok bool) {
	for i := len(j.records) - 1; i >= 0; i-- {
		if r := j.records[i]; r.Kind == Begin && r.Target != "" {
			return r.Target, r.System, r.Root, true
		}
	}
	return "", "", "", false
}

// MadeTarget reports whether salvor made the target directory.
func (j *Journal) MadeTarget() bool {
	for _, r := range j.records {
		if r.Kind == Begin && r.Made {
			return true
		}
	}
	return false
}

// interrupted: the last command that began did not come to its end.
func (j *Journal) interrupted() bool {
	for i := len(j.records) - 1; i >= 0; i-- {
		switch j.records[i].Kind {
		case Settled:
			return false
		case Begin:
			return true
		}
	}
	return false
}

// words for errors and status
func (r Record) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Kind, r.Command, r.Op, r.Target))
}
