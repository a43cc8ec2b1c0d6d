package machine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// recordingVersion is raised when older programs would read a recording wrongly.
const recordingVersion = 1

// Recording is what a machine answered, question by question. A question that
// was asked several times has its answers in order, because a machine changes
// while it is worked on.
type Recording struct {
	started time.Time
	euid    int
	asked   *ledger
}

// recordingFile is the JSON form of a Recording.
type recordingFile struct {
	Version   int       `json:"version"`
	Started   time.Time `json:"started"`
	Euid      int       `json:"euid"`
	Questions *ledger   `json:"questions"`
}

// Save writes the recording as JSON, sorted by question.
func (r *Recording) Save(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(recordingFile{recordingVersion, r.started, r.euid, r.asked})
	if err != nil {
		return fmt.Errorf("cannot save the recording: %w", err)
	}
	return nil
}

// LoadRecording reads what Save wrote.
func LoadRecording(from io.Reader) (*Recording, error) {
	var file recordingFile
	if err := json.NewDecoder(from).Decode(&file); err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	if file.Version != recordingVersion {
		return nil, fmt.Errorf("cannot read the recording: its version is %d, known is %d", file.Version, recordingVersion)
	}
	if file.Questions == nil {
		file.Questions = newLedger()
	}
	return &Recording{file.Started, file.Euid, file.Questions}, nil
}

// ledger is questions with their answers: of a machine, or of a tree in it.
type ledger struct {
	mu      sync.Mutex
	answers map[string][]*answer
	taken   map[string]int // how many answers were given back
}

func newLedger() *ledger {
	return &ledger{answers: map[string][]*answer{}, taken: map[string]int{}}
}

// answer is what came back. Which fields are set depends on the question.
type answer struct {
	Error   *recordedError  `json:"error,omitempty"`
	Text    rawText         `json:"text,omitempty"` // a path or a link
	Data    payload         `json:"data,omitempty"`
	Stderr  payload         `json:"stderr,omitempty"`
	Status  int             `json:"status,omitempty"`
	Was     bool            `json:"was,omitempty"`
	Names   []rawText       `json:"names,omitempty"`
	Info    *Info           `json:"info,omitempty"`
	Sector  int             `json:"sector,omitempty"`
	Entry   *recordedEntry  `json:"entry,omitempty"`
	Entries []recordedEntry `json:"entries,omitempty"`
	Content *extents        `json:"content,omitempty"` // of a block device or an open file
	Tree    *ledger         `json:"tree,omitempty"`
}

// recordedEntry is a file of a tree.
type recordedEntry struct {
	Name rawText   `json:"name"`
	Info Info      `json:"info"`
	Time time.Time `json:"time"`
}

func (l *ledger) add(question string, a *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[question] = append(l.answers[question], a)
}

// next gives the answers in the order in which they came, and the last one again
// when more is asked than was. The others of the same question come along.
func (l *ledger) next(question string) (a *answer, all []*answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all = l.answers[question]
	if len(all) == 0 {
		return nil, nil
	}
	n := min(l.taken[question], len(all)-1)
	l.taken[question] = n + 1
	return all[n], all
}

// recordedQuestion is the JSON form of a question. Equal answers in succession
// stand there once.
type recordedQuestion struct {
	Ask     rawText          `json:"ask"`
	Answers []recordedAnswer `json:"answers"`
}

type recordedAnswer struct {
	Times  int             `json:"times"`
	Answer json.RawMessage `json:"answer"`
}

// maxTimes bounds what a count in a foreign file can make of memory.
const maxTimes = 1 << 16

func (l *ledger) MarshalJSON() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []recordedQuestion{}
	for _, ask := range slices.Sorted(maps.Keys(l.answers)) {
		q := recordedQuestion{Ask: rawText(ask)}
		for _, a := range l.answers[ask] {
			if err := q.add(a); err != nil {
				return nil, err
			}
		}
		list = append(list, q)
	}
	return json.Marshal(list)
}

func (q *recordedQuestion) add(a *answer) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if n := len(q.Answers); n > 0 && q.Answers[n-1].Times < maxTimes && bytes.Equal(q.Answers[n-1].Answer, raw) {
		q.Answers[n-1].Times++
		return nil
	}
	q.Answers = append(q.Answers, recordedAnswer{1, raw})
	return nil
}

func (l *ledger) UnmarshalJSON(data []byte) error {
	var list []recordedQuestion
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	l.answers, l.taken = map[string][]*answer{}, map[string]int{}
	for _, q := range list {
		for _, r := range q.Answers {
			if r.Times < 1 || r.Times > maxTimes {
				return fmt.Errorf("%q: an answer is there %d times", q.Ask, r.Times)
			}
			a := new(answer)
			if err := json.Unmarshal(r.Answer, a); err != nil {
				return fmt.Errorf("%q: %w", q.Ask, err)
			}
			if err := a.check(); err != nil {
				return fmt.Errorf("%q: %w", q.Ask, err)
			}
			ask := string(q.Ask)
			l.answers[ask] = append(l.answers[ask], slices.Repeat([]*answer{a}, r.Times)...)
		}
	}
	return nil
}

func (a *answer) check() error {
	if a.Content != nil && a.Content.Size < 0 {
		return errors.New("a negative size")
	}
	return nil
}
