package tool

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/machine"
)

// What a failure means.
var (
	ErrWrongKey    = errors.New("the key does not open it")                                     // another key may
	ErrNoToken     = errors.New("no token of its header can open it here")                      // a passphrase or key file may
	ErrNeedsPIN    = errors.New("its token wants a PIN")                                        // with the PIN it may open
	ErrWrongPIN    = errors.New("the PIN does not open its token")                              // another PIN may, a few times
	ErrNoDevice    = errors.New("it is not there")                                              // nothing was done; look again
	ErrBusy        = errors.New("it is in use")                                                 // once its users are gone, it may work
	ErrExists      = errors.New("the name is taken")                                            // another name works
	ErrIncomplete  = errors.New("too many of its parts are missing")                            // when they are back, it works
	ErrAmbiguous   = errors.New("two devices or groups claim to be it")                         // hide one of them
	ErrDamaged     = errors.New("its metadata is damaged")                                      // a repair is needed, by hand
	ErrForeign     = errors.New("it belongs to another host (LVM system ID)")                   // it is whole, and locked to a host name
	ErrNoMemory    = errors.New("there is not enough memory")                                   // a machine with more may
	ErrUnsupported = errors.New("the kernel or the program of this system does not support it") // another live system may
	ErrBadContent  = errors.New("the device does not hold what it was taken for")               // the graph is stale or wrong
	ErrPermission  = errors.New("permission denied: this needs root")
)

// Failure is a failed run with what it means.
type Failure struct {
	Kind error // one of the sentinels
	Err  error // what the machine returned
}

func (f *Failure) Error() string { return fmt.Sprintf("%v (%v)", f.Kind, f.Err) }

// Unwrap lets errors.Is find the meaning and errors.As the run.
func (f *Failure) Unwrap() []error { return []error{f.Kind, f.Err} }

// rule is a line of a program's table: a run that ended with this status (0: with
// any) and said this ("": anything) means kind.
type rule struct {
	status int
	says   string
	kind   error
}

// phrasebook has the table of each program. The first rule that fits counts.
var phrasebook = map[string][]rule{
	"cryptsetup": cryptsetupSays,
	"dmsetup":    dmsetupSays,
	"mdadm":      mdadmSays,
	"lvm":        lvmSays,
	"multipath":  multipathSays,
	"modprobe":   modprobeSays,
	"qemu-nbd":   qemuNBDSays,
}

func rulesFor(c machine.Cmd) []rule {
	rules := phrasebook[c.Program]
	if c.Program == "cryptsetup" && slices.Contains(c.Args, "--token-only") {
		return slices.Concat(rules, tokenSays)
	}
	return rules
}

// Explain gives err as a *Failure when it is a run whose end the phrasebook
// knows, else err itself.
func Explain(err error) error {
	exit, ok := errors.AsType[*machine.ExitError](err)
	if !ok {
		return err
	}
	said := string(exit.Stderr) + string(exit.Stdout)
	for _, r := range rulesFor(exit.Cmd) {
		if (r.status == 0 || r.status == exit.Status) && strings.Contains(said, r.says) {
			return &Failure{r.kind, err}
		}
	}
	return err
}
