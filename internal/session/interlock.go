package session

import (
	"errors"
	"fmt"
	"path"

	"salvor/internal/storage"
)

// Condition is the state of the session as the interlock sees it.
type Condition string

// The conditions: the columns of the table in docs/interlock.md.
const (
	Free        Condition = "free"        // salvor holds nothing
	Leftover    Condition = "leftover"    // a look was cut short and left something open
	Interrupted Condition = "interrupted" // a mount or umount was cut short
	Standing    Condition = "mounted"     // a system is mounted
)

// Verdict is what the interlock says to a command.
type Verdict string

// The verdicts.
const (
	Go      Verdict = "go"
	TidyUp  Verdict = "tidy up, then go" // take down first what was left
	Resume  Verdict = "go on"            // only for the same system at the same target
	Nothing Verdict = "nothing to do"
	Refuse  Verdict = "refused"
)

// Commands are the rows of the table, in its order.
var Commands = []string{"probe", "status", "systems", "check", "save", "mount", "mount --plan", "chroot", "umount"}

// Conditions are its columns.
var Conditions = []Condition{Free, Leftover, Interrupted, Standing}

// Interlock says whether a command may follow in a condition. The switch is the
// table of docs/interlock.md, row by row.
func Interlock(command string, c Condition) (Verdict, error) {
	switch command {
	case "probe", "status":
		return row(c, Go, Go, Go, Go)
	case "systems", "check", "save":
		return row(c, Go, TidyUp, Go, Go)
	case "mount":
		return row(c, Go, TidyUp, Resume, Resume)
	case "mount --plan":
		return row(c, Go, TidyUp, Resume, Resume)
	case "chroot":
		return row(c, Go, TidyUp, Resume, Resume)
	case "umount":
		return row(c, Nothing, Go, Go, Go)
	default:
		return Refuse, fmt.Errorf("internal error: the interlock has no row for the command %q", command)
	}
}

func row(c Condition, free, leftover, interrupted, standing Verdict) (Verdict, error) {
	switch c {
	case Free:
		return free, nil
	case Leftover:
		return leftover, nil
	case Interrupted:
		return interrupted, nil
	case Standing:
		return standing, nil
	default:
		return Refuse, fmt.Errorf("internal error: the interlock has no column for the condition %q", c)
	}
}

// Condition judges by the journal and by what the probe sees now.
func (j *Journal) Condition(now *storage.Graph) (Condition, error) {
	h, err := j.Holdings()
	if err != nil {
		return "", err
	}
	if h.Empty() || len(h.Left(now)) == 0 {
		return Free, nil
	}
	_, _, _, mounting := j.Mounting()
	switch {
	case !mounting:
		return Leftover, nil
	case j.interrupted():
		return Interrupted, nil
	default:
		return Standing, nil
	}
}

// ErrInterlock: the command may not follow what was done before.
var ErrInterlock = errors.New("refused")

// CheckSame lets Resume pass only for the same system at the same target. root
// is the lineage of the system's root; it is empty when none was named.
func (j *Journal) CheckSame(root, target string) error {
	at, system, is, ok := j.Mounting()
	switch {
	case !ok:
		return nil
	case target != "" && at != path.Clean(target):
		return fmt.Errorf("%w: %s is mounted at %s, not at %s", ErrInterlock, system, at, target)
	case root != "" && is != root:
		return fmt.Errorf("%w: another system, %s, is mounted at %s", ErrInterlock, system, at)
	}
	return nil
}
