package cli

import (
	"errors"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/tool"
	"salvor/internal/workflow"
)

// checks writes what came, or would come, of the checks before the first mount.
func (v *mountView) checks() {
	if len(v.r.Checks) == 0 {
		return
	}
	rows := [][]string{{"file system", "verdict", "by"}}
	for _, c := range v.r.Checks {
		rows = append(rows, []string{v.safe(c.File + " on " + c.Device), verdictWord(c), v.safe(checkText(c))})
	}
	v.line("")
	if !v.r.Done {
		v.line("Before the first of them is mounted, they are checked:")
	}
	v.table(rows, 2, 4, func(row []string) style {
		switch row[1] {
		case "verdict":
			return faint
		case strings.ToUpper(string(tool.Damaged)), strings.ToUpper(string(tool.Undone)):
			return red
		default:
			return plain
		}
	})
	for _, c := range v.r.Checks {
		if c.Repair != "" {
			v.note(2, plain, "check it by hand, and then again salvor mount: "+c.Repair)
		}
	}
	for _, h := range installHints(v.r.Checks) {
		v.note(2, plain, h)
	}
}

func verdictWord(c workflow.Checked) string {
	switch c.Verdict {
	case "":
		return "planned"
	case tool.Damaged, tool.Undone:
		return strings.ToUpper(string(c.Verdict))
	}
	return string(c.Verdict)
}

// checkText names the command, and why it gave no verdict.
func checkText(c workflow.Checked) string {
	return strings.Trim(c.Command+": "+c.Text, ": ")
}

// installHints names the packages of the checkers that are missing.
func installHints(checks []workflow.Checked) []string {
	var missing []string
	for _, c := range checks {
		if m, is := errors.AsType[*machine.MissingProgram](c.Err); is {
			missing = append(missing, m.Program)
		}
	}
	return installing(missing)
}

// checkEnds tells the verdict and what the checker said; of one that found nothing,
// only what is no more than a line.
func (r *reporter) checkEnds(e workflow.CheckEnds) {
	st := plain
	switch e.Verdict {
	case tool.Damaged, tool.Undone:
		st = red
	case tool.Corrected, tool.Skipped:
		st = yellow
	}
	text := e.Text + ": " + string(e.Verdict)
	if by := checkText(e.Checked); by != "" {
		text += " (" + by + ")"
	}
	r.permanent(st, "", text)
	if len(e.Said) > 1 && e.Verdict == tool.Clean && !r.verbose {
		return
	}
	for _, line := range e.Said {
		r.permanent(faint, "  ", line)
	}
}
