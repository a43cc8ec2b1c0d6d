package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/storage"
)

// FormatVersion is the "version" of the JSON form of a plan.
const FormatVersion = 1

// Step is an operation and the numbers of the steps that come before it.
type Step struct {
	Number int // from 1
	Op     Op
	After  []int
}

// Plan is the way from one state of the machine to another.
type Plan struct {
	Steps []Step
	have  *storage.Graph
}

func (p *Plan) add(op Op, after []int) int {
	n := len(p.Steps) + 1
	p.Steps = append(p.Steps, Step{n, op, after})
	return n
}

// addRow adds operations that follow each other and gives the number of the last.
func (p *Plan) addRow(ops []Op, after []int) int {
	last := 0
	for _, op := range ops {
		last = p.add(op, after)
		after = []int{last}
	}
	return last
}

// Empty reports whether nothing has to be done.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Ops gives the operations in order.
func (p *Plan) Ops() []Op {
	out := make([]Op, len(p.Steps))
	for i, s := range p.Steps {
		out[i] = s.Op
	}
	return out
}

// Text gives one line a step, with what it waits for; the line break at the end
// is included. An empty plan gives "".
func (p *Plan) Text() string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%3d. %s", s.Number, s.Op.Text())
		if len(s.After) > 0 {
			fmt.Fprintf(&b, "  (after %s)", strings.Trim(fmt.Sprint(s.After), "[]"))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// MarshalJSON writes {"version":1,"steps":[{"step":1,"op":"unlock",…,"after":[…]}]}.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type stepJSON struct {
		Step  int             `json:"step"`
		Op    string          `json:"op"`
		Args  json.RawMessage `json:"args"`
		After []int           `json:"after,omitempty"`
		Text  string          `json:"text"`
	}
	steps := []stepJSON{}
	for _, s := range p.Steps {
		args, err := json.Marshal(s.Op)
		if err != nil {
			return nil, fmt.Errorf("cannot write the plan: %w", err)
		}
		steps = append(steps, stepJSON{s.Number, s.Op.Name(), args, s.After, s.Op.Text()})
	}
	return json.Marshal(struct {
		Version int        `json:"version"`
		Steps   []stepJSON `json:"steps"`
	}{FormatVersion, steps})
}

// StaleError is a plan that was made for another state of the machine.
type StaleError struct{ Changed []string }

func (e *StaleError) Error() string {
	return "cannot carry out the plan: the machine has changed since it was made: " + strings.Join(e.Changed, ", ")
}

// CheckFresh compares what the plan touches with the machine as it is now: how it
// stands, and the paths of its devices, since the kernel's names may have moved.
// It fails with *StaleError.
func (p *Plan) CheckFresh(now *storage.Graph) error {
	was, is := newView(p.have), newView(now)
	var changed []string
	for _, s := range p.Steps {
		it := s.Op.item()
		a, wasUp := was.up[it]
		b, isUp := is.up[it]
		if wasUp != isUp || a != b || moved(p.have, now, s.Op) {
			changed = append(changed, it.String())
		}
	}
	if len(changed) == 0 {
		return nil
	}
	slices.Sort(changed)
	return &StaleError{slices.Compact(changed)}
}

// moved reports whether what an operation acts on has gone or lies on devices of
// other names.
func moved(was, now *storage.Graph, op Op) bool {
	id, point := Subject(op)
	if m, ok := op.(Mount); ok {
		id = m.Mount.Source
	}
	if point != "" && id == "" {
		return false
	}
	if was.Node(id) == nil {
		return false // it comes to light only while the plan is carried out
	}
	return now.Node(id) == nil || was.OwnPath(id) != now.OwnPath(id) || !slices.Equal(devicesBelow(was, id), devicesBelow(now, id))
}

// CheckMountOnly makes sure that the plan opens, closes, mounts and unmounts and
// does nothing else. The error is a bug in salvor; it is checked before the first
// act of mount, umount and undo.
func (p *Plan) CheckMountOnly() error {
	for _, s := range p.Steps {
		switch s.Op.(type) {
		case AttachImage, StartArray, ActivateLV, Unlock, StartMultipath, StartBcache, AddOverlay, Freeze, Mount:
		case DetachImage, StopArray, DeactivateLV, Lock, StopMultipath, StopBcache, RemoveOverlay, Thaw, Unmount, RenameMap:
		default:
			return fmt.Errorf("internal error: step %d (%s) is none of open, close, mount and unmount", s.Number, s.Op.Name())
		}
	}
	return nil
}
