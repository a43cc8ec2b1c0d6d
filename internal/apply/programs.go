package apply

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/plan"
)

// MissingError lists the programs that a plan needs and that are not installed.
type MissingError struct {
	Programs []Missing
}

// Missing is a program and the steps that it is needed for.
type Missing struct {
	Program string
	For     []plan.Step
	err     error
}

func (e *MissingError) Error() string {
	var parts []string
	for _, m := range e.Programs {
		var steps []string
		for _, s := range m.For {
			steps = append(steps, s.Op.Text())
		}
		parts = append(parts, fmt.Sprintf("%s (to %s)", m.Program, strings.Join(steps, ", to ")))
	}
	return "cannot begin: these programs are not installed: " + strings.Join(parts, "; ")
}

// Unwrap gives the *machine.MissingProgram of each.
func (e *MissingError) Unwrap() []error {
	var out []error
	for _, m := range e.Programs {
		out = append(out, m.err)
	}
	return out
}

// checkPrograms looks for all programs before the first act, so that nobody is
// left half way for want of one.
func checkPrograms(m machine.Machine, p *plan.Plan, acts [][]Action) error {
	users := map[string][]plan.Step{}
	for i, s := range p.Steps {
		for _, program := range programsOf(acts[i]) {
			users[program] = append(users[program], s)
		}
	}
	var missing []Missing
	for _, program := range slices.Sorted(maps.Keys(users)) {
		if _, err := m.Lookup(program); err != nil {
			missing = append(missing, Missing{program, users[program], err})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &MissingError{missing}
}

func programsOf(acts []Action) []string {
	var out []string
	for _, a := range acts {
		out = append(out, a.programs()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
