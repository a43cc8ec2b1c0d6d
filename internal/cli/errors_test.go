package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"salvor/internal/apply"
	"salvor/internal/machine"
	"salvor/internal/session"
	"salvor/internal/system"
	"salvor/internal/tool"
	"salvor/internal/workflow"
)

// TestErrorsHaveAnExitCodeAndAHint is the table of exit codes, by the errors that
// lead to them; they are wrapped as they come from below.
func TestErrorsHaveAnExitCodeAndAHint(t *testing.T) {
	missing := &apply.MissingError{Programs: []apply.Missing{{Program: "mdadm"}, {Program: "lvm"}}}
	for _, c := range []struct {
		err  error
		exit int
		hint string // part of one
	}{
		{errors.New("anything else"), exitError, ""},
		{usagef("no such option"), exitUsage, "salvor help"},
		{&workflow.RefusedError{Text: "not mounted", Err: &workflow.RisksError{Words: []string{"dirty", "degraded"}}}, exitRefused, "--accept dirty,degraded"},
		{&workflow.RefusedError{Text: "no", Err: session.ErrInterlock}, exitRefused, "salvor umount"},
		{&workflow.RefusedError{Text: "no", Err: session.ErrAnother}, exitRefused, "salvor status"},
		{&workflow.RefusedError{Text: "no"}, exitRefused, ""},
		{&workflow.RefusedError{Text: "no", Err: &system.ChoiceError{Among: []*system.System{{Number: 3, Name: "Fedora"}}}}, exitRefused, "salvor mount 3"},
		{&workflow.LockedError{Text: "locked"}, exitLocked, "--key"},
		{workflow.ErrNoAnswer, exitLocked, "--key"},
		{&tool.Failure{Kind: tool.ErrWrongKey, Err: errors.New("exit status 2")}, exitLocked, ""},
		{system.ErrNoSystem, exitNothing, "salvor probe"},
		{&machine.MissingProgram{Program: "cryptsetup"}, exitError, "apt install cryptsetup-bin"},
		{missing, exitError, ""},
		{machine.ErrPermission, exitError, "as root"},
		{workflow.ErrStillThere, exitError, "fuser"},
		{context.Canceled, exitInterrupted, ""},
		{errInterrupted, exitInterrupted, ""},
	} {
		exit, hints := explain(fmt.Errorf("cannot do it: %w", c.err))
		if exit != c.exit || !strings.Contains(strings.Join(hints, "\n"), c.hint) {
			t.Errorf("%v: exit %d, hints %q; want %d, %q", c.err, exit, hints, c.exit, c.hint)
		}
	}
}

func TestMissingProgramsAreOneInstallation(t *testing.T) {
	err := errors.Join(&machine.MissingProgram{Program: "mdadm"})
	got := strings.Join(missingHint(err), "\n")
	want := "install: apt install mdadm\ninstall: dnf install mdadm\ninstall: zypper install mdadm\ninstall: pacman -S mdadm"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	all := &apply.MissingError{Programs: []apply.Missing{{Program: "mdadm"}, {Program: "lvm"}, {Program: "lvm"}}}
	if got := missingHint(all)[0]; got != "install: apt install mdadm lvm2" {
		t.Errorf("got %q", got)
	}
}
