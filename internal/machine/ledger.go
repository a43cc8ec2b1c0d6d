package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// ledger is questions with their answers: of a machine, or of a tree in it. All
// ledgers of a machine have one lock, for the content of a device or a file grows
// with every read, in an answer that was given long before.
type ledger struct {
	*sync.Mutex
	answers map[string][]given
	acts    map[string]bool // questions each answer of which counts, as it changed the machine
	taken   map[string]int  // of a question: how many answers of the moment were given back
	moment  map[string]int  // which moment that was
}

func newLedger() *ledger { return newLedgerBeside(&sync.Mutex{}) }

func newLedgerBeside(mu *sync.Mutex) *ledger {
	return &ledger{mu, map[string][]given{}, map[string]bool{}, map[string]int{}, map[string]int{}}
}

// given is an answer with the moment at which it was given, and how many times one
// after the other.
type given struct {
	At    int `json:"at,omitempty"`
	Times int `json:"times,omitempty"` // 0 for once
	answer
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
	Locked  bool            `json:"locked,omitempty"` // by the disk itself
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

// add writes an answer down. What an earlier moment says is complete now, and is
// dropped if it says nothing new.
func (l *ledger) add(question string, at int, a answer) {
	l.Lock()
	defer l.Unlock()
	list := l.answers[question]
	if n := len(list); n > 0 && list[n-1].At != at {
		list = settled(list)
	}
	l.answers[question] = append(list, given{At: at, answer: a})
}

// addAct writes down what came of an act.
func (l *ledger) addAct(question string, at int, a answer) {
	l.Lock()
	defer l.Unlock()
	l.acts[question] = true
	l.answers[question] = append(l.answers[question], given{At: at, answer: a})
}

// settled folds equal answers of the last moment, and leaves the moment out when
// all of it is what was known before.
func settled(list []given) []given {
	start := groupStart(list, len(list)-1)
	folded := list[start : start+1]
	for _, g := range list[start+1:] {
		last := &folded[len(folded)-1]
		if reflect.DeepEqual(last.answer, g.answer) {
			last.Times = max(last.Times, 1) + max(g.Times, 1)
			continue
		}
		folded = append(folded, g)
	}
	folded[len(folded)-1].Times = 0 // the last answer stays in any case
	if start > 0 && len(folded) == 1 && reflect.DeepEqual(list[start-1].answer, folded[0].answer) {
		return list[:start]
	}
	return list[:start+len(folded)]
}

// groupStart is the first answer of the moment of answer i.
func groupStart(list []given, i int) int {
	for i > 0 && list[i-1].At == list[i].At {
		i--
	}
	return i
}

// settle does so for all questions but acts, each of which counts.
func (l *ledger) settle() {
	for question, list := range l.answers {
		for i := range list {
			if list[i].Tree != nil {
				list[i].Tree.settle()
			}
		}
		if !l.acts[question] {
			l.answers[question] = foldTrees(settled(list))
		}
	}
}

// next gives the answer to a question at a moment: what was answered at that moment,
// in order; else the last that was answered before; else the first that was answered
// later. The other answers come along, the nearest first.
func (l *ledger) next(question string, now int) (a *answer, all []*answer) {
	l.Lock()
	defer l.Unlock()
	list := l.answers[question]
	if len(list) == 0 {
		return nil, nil
	}
	i := l.turn(question, list, now)
	for j := i - 1; j >= 0; j-- {
		all = append(all, &list[j].answer)
	}
	for j := i + 1; j < len(list); j++ {
		all = append(all, &list[j].answer)
	}
	return &list[i].answer, all
}

func (l *ledger) turn(question string, list []given, now int) int {
	last := len(list) - 1
	for last > 0 && list[last].At > now {
		last--
	}
	first := groupStart(list, last)
	if list[last].At < now {
		return last
	}
	if l.moment[question] != list[first].At {
		l.moment[question], l.taken[question] = list[first].At, 0
	}
	n := l.taken[question]
	l.taken[question]++
	for i := first; i < len(list) && list[i].At == list[first].At; i++ {
		last = i
		if n -= max(list[i].Times, 1); n < 0 {
			break
		}
	}
	return last
}

// peek gives the answer at a moment without taking it.
func (l *ledger) peek(question string, now int) *answer {
	l.Lock()
	defer l.Unlock()
	list := l.answers[question]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].At <= now || i == 0 {
			return &list[i].answer
		}
	}
	return nil
}

// ask gives the next answer to a question about a name, and the others. What was
// never asked is known all the same when a directory above does not have it.
func (l *ledger) ask(verb, name string, now int) (a *answer, all []*answer, err error) {
	q := question(verb, name)
	if a, all = l.next(q, now); a != nil {
		return a, all, a.Error.decode()
	}
	if l.gone(name, now) {
		return nil, nil, &fs.PathError{Op: verb, Path: name, Err: fs.ErrNotExist}
	}
	return nil, nil, fmt.Errorf("cannot answer %q: %w", q, ErrNotRecorded)
}

// gone: a directory on the way to the name was listed and does not have it, or is
// not there itself.
func (l *ledger) gone(name string, now int) bool {
	for name != "/" && name != "." && name != "" {
		dir := path.Dir(name)
		if a := l.peek(question("list", dir), now); a != nil && (a.notExist() || a.Error == nil && !a.lists(path.Base(name))) {
			return true
		}
		for _, verb := range []string{"stat", "lstat"} {
			if a := l.peek(question(verb, dir), now); a != nil && a.notExist() {
				return true
			}
		}
		name = dir
	}
	return false
}

func (a *answer) notExist() bool {
	return a.Error != nil && slices.Contains(a.Error.Is, "not exist")
}

func (a *answer) lists(name string) bool {
	return slices.Contains(a.Names, rawText(name)) ||
		slices.ContainsFunc(a.Entries, func(e recordedEntry) bool { return string(e.Name) == name })
}

// each visits the questions with their answers.
func (l *ledger) each(visit func(verb string, list []given)) {
	for question, list := range l.answers {
		verb, _, _ := strings.Cut(question, " ")
		visit(verb, list)
	}
}

// recordedQuestion is the JSON form of a question.
type recordedQuestion struct {
	Ask     rawText `json:"ask"`
	Act     bool    `json:"act,omitempty"`
	Answers []given `json:"answers"`
}

func (l *ledger) MarshalJSON() ([]byte, error) {
	list := []recordedQuestion{}
	for _, ask := range slices.Sorted(maps.Keys(l.answers)) {
		list = append(list, recordedQuestion{rawText(ask), l.acts[ask], l.answers[ask]})
	}
	return json.Marshal(list)
}

func (l *ledger) UnmarshalJSON(data []byte) error {
	var list []recordedQuestion
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*l = *newLedger()
	for _, q := range list {
		before := 0
		for i := range q.Answers {
			a := &q.Answers[i]
			if err := a.check(before); err != nil {
				return fmt.Errorf("%q: %w", q.Ask, err)
			}
			before = a.At
		}
		if len(q.Answers) > 0 {
			l.answers[string(q.Ask)] = q.Answers
			if q.Act {
				l.acts[string(q.Ask)] = true
			}
		}
	}
	return nil
}

func (a *given) check(before int) error {
	switch {
	case a.At < before:
		return errors.New("the answers are not in order")
	case a.Times < 0:
		return fmt.Errorf("an answer is there %d times", a.Times)
	case a.Content != nil && a.Content.Size < 0:
		return errors.New("a negative size")
	}
	return nil
}
