package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, a ...any) error { return &usageError{fmt.Errorf(format, a...)} }

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, but was given %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// oneSystem lets at most one argument pass.
func oneSystem(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s takes one system, but was given %d (%s)", cmd.CommandPath(), len(args), strings.Join(args, ", "))
	}
	return nil
}

// noSuchCommand refuses words that are no command, and says what may be meant.
func (a *app) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; do you mean %s?", err, strings.Join(near, " or "))
	}
	return &usageError{err}
}

func firstArg(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
