package cli

import (
	"strings"

	"salvor/internal/plan"
)

// plan writes the plan, one line a step.
func (s *screen) plan(p *plan.Plan) {
	for l := range strings.Lines(p.Text()) {
		s.line("%s", s.safe(strings.TrimRight(l, "\n")))
	}
}
