package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
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
	Check   Kind = "check"   // a file system is about to be checked, by Command
	Checked Kind = "checked" // it was; Result or Error says what came of it
)

// Record is one line of the journal.
type Record struct {
	Time    time.Time       `json:"time"`
	Kind    Kind            `json:"kind"`
	Command string          `json:"command,omitempty"`
	Target  string          `json:"target,omitempty"`
	System  string          `json:"system,omitempty"`
	Root    string          `json:"root,omitempty"`   // lineage of the system's root
	Made    bool            `json:"made,omitempty"`   // the target directory did not exist
	Sealed  bool            `json:"sealed,omitempty"` // it is mounted without a byte reaching a disk
	Step    int             `json:"step,omitempty"`
	Op      string          `json:"op,omitempty"`
	Subject string          `json:"subject,omitempty"` // lineage of the node, or the mount point
	Source  storage.ID      `json:"source,omitempty"`  // identity of the file system that is mounted
	Args    json.RawMessage `json:"args,omitempty"`
	Error   string          `json:"error,omitempty"`
	Result  string          `json:"result,omitempty"` // of a check: its verdict
	Points  []string        `json:"points,omitempty"` // of a beginning mount: all that it is to mount
	Lacks   []Lack          `json:"lacks,omitempty"`  // of a settled mount: what it could not
	Gaps    bool            `json:"gaps,omitempty"`
}

// Lack is something that belongs to the system and could not be mounted.
type Lack struct {
	File string `json:"file"` // the mount point in the system
	Text string `json:"text"`
}

// Journal is the session's file on a machine.
type Journal struct {
	m       machine.Machine
	file    string
	records []Record
	torn    bool // the file does not end with a whole line
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
		whole := bytes.HasSuffix(line, []byte("\n"))
		j.torn = !whole
		var r Record
		switch err := json.Unmarshal(line, &r); {
		case err == nil:
			j.records = append(j.records, r)
		case whole:
			return nil, fmt.Errorf("cannot read the session's journal %s: record %d is damaged: %w", j.file, len(j.records)+1, err)
		}
	}
	return j, nil
}

// Records gives what is in the journal.
func (j *Journal) Records() []Record { return j.records }

// Add writes a record durably before it returns.
func (j *Journal) Add(r Record) error {
	r.Time = j.m.Now()
	if err := j.write(r); err != nil {
		return fmt.Errorf("cannot keep the session's journal: %w", err)
	}
	j.records = append(j.records, r)
	return nil
}

func (j *Journal) write(r Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("internal error: %w", err)
	}
	if err := j.m.MkdirAll(Dir, 0o700); err != nil {
		return err
	}
	if err := j.mend(); err != nil {
		return err
	}
	err = j.m.AppendFile(j.file, append(line, '\n'), 0o600)
	j.torn = err != nil
	return err
}

// mend writes the whole records anew when the file may end in the middle of one:
// a record appended to that would make a line that nobody can read.
func (j *Journal) mend() error {
	if !j.torn {
		return nil
	}
	var data bytes.Buffer
	all := json.NewEncoder(&data)
	for _, r := range j.records {
		if err := all.Encode(r); err != nil {
			return fmt.Errorf("internal error: %w", err)
		}
	}
	if err := j.m.WriteFile(j.file, data.Bytes(), 0o600); err != nil {
		return err
	}
	j.torn = false
	return nil
}

// Intend writes down that an operation is about to be carried out on the machine
// that now shows.
func (j *Journal) Intend(now *storage.Graph, s plan.Step) error {
	args, err := json.Marshal(s.Op)
	if err != nil {
		return fmt.Errorf("internal error: cannot write a journal record: %w", err)
	}
	r := Record{Kind: Intent, Step: s.Number, Op: s.Op.Name(), Subject: subject(now, s.Op), Args: args}
	if m, ok := s.Op.(plan.Mount); ok && m.Mount.Bind == "" && m.Mount.Source != "" {
		r.Source = wholeOf(now, m.Mount.Source)
	}
	return j.Add(r)
}

// subject names what an operation changes, by lineage.
func subject(now *storage.Graph, op plan.Op) string {
	id, point := plan.Subject(op)
	if point != "" {
		return point
	}
	return now.Lineage(id)
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
	if err := j.m.Remove(j.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot end the session: %w", err)
	}
	j.records, j.torn = nil, false
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

// Sealed reports whether the system is mounted without a byte reaching a disk.
func (j *Journal) Sealed() bool {
	return slices.ContainsFunc(j.records, func(r Record) bool { return r.Kind == Begin && r.Sealed })
}

// MadeTarget reports whether salvor made the target directory.
func (j *Journal) MadeTarget() bool {
	return slices.ContainsFunc(j.records, func(r Record) bool { return r.Kind == Begin && r.Made })
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

// Checks lists the checks of file systems: those that ended, and one that was cut
// short, without a result.
func (j *Journal) Checks() []Record {
	var out []Record
	for _, r := range j.records {
		switch r.Kind {
		case Check:
			out = append(out, r)
		case Checked:
			if n := len(out); n > 0 && out[n-1].Command == r.Command {
				out[n-1] = r
			}
		}
	}
	return out
}

// Wanted tells what the last mount was to mount, and what of the system it could
// not.
func (j *Journal) Wanted() (points []string, lacks []Lack) {
	for _, r := range j.records {
		switch {
		case r.Kind == Begin && r.Target != "":
			points, lacks = r.Points, nil
		case r.Kind == Settled:
			lacks = r.Lacks
		}
	}
	return points, lacks
}
