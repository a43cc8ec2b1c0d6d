package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// page is what the manual says about a command.
type page struct {
	use      string
	aliases  []string
	short    string // what it does, in one line
	writes   string // what it writes, and what it does not
	long     string
	examples []example
	exits    []int
	// exitTexts says what codes mean that have a meaning of their own here.
	exitTexts map[int]string
}

type example struct{ line, what string }

// The exit codes.
const (
	exitOK      = 0
	exitError   = 1
	exitUsage   = 2
	exitGaps    = 3
	exitRefused = 4
	exitNothing = 5
	exitLocked  = 6
)

// exitCodes is the table of docs/tables.md.
var exitCodes = []struct {
	code int
	text string
}{
	{exitOK, "all done"},
	{exitError, "error"},
	{exitUsage, "wrong usage"},
	{exitGaps, "done with gaps: they are listed"},
	{exitRefused, "refused: danger, another salvor at work, twins, a choice to make"},
	{exitNothing, "nothing found"},
	{exitLocked, "locked: a key is missing or wrong"},
	{exitInterrupted, "interrupted"},
}

// command makes the command that the page is about, without what it does.
func (p page) command() *cobra.Command {
	return &cobra.Command{
		Use: p.use, Aliases: p.aliases, Short: p.short, Long: p.text(), Example: p.exampleText(),
		Annotations: map[string]string{"exits": p.exitText()}, Args: noArgs, DisableFlagsInUseLine: true,
	}
}

func (p page) text() string {
	parts := []string{strings.ToUpper(p.short[:1]) + p.short[1:] + "."}
	for _, more := range []string{p.writes, p.long} {
		if more != "" {
			parts = append(parts, more)
		}
	}
	for i, part := range parts {
		var lines []string
		for paragraph := range strings.SplitSeq(part, "\n\n") {
			lines = append(lines, strings.Join(wrap(paragraph, 78), "\n"))
		}
		parts[i] = strings.Join(lines, "\n\n")
	}
	return strings.Join(parts, "\n\n")
}

func (p page) exampleText() string {
	room := 0
	for _, e := range p.examples {
		room = max(room, len(e.line))
	}
	var out []string
	for _, e := range p.examples {
		out = append(out, fmt.Sprintf("  %-*s   %s", room, e.line, e.what))
	}
	return strings.Join(out, "\n")
}

func (p page) exitText() string {
	var out []string
	for _, code := range p.exits {
		for _, e := range exitCodes {
			if e.code == code {
				out = append(out, fmt.Sprintf("  %3d  %s", code, cmp.Or(p.exitTexts[code], e.text)))
			}
		}
	}
	return strings.Join(out, "\n")
}

// showHelp writes the page of a command. It is no template of text/template: a program that
// may call any method by its name keeps all methods, here a sixth of its size.
func showHelp(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	chapter := func(title, text string) {
		if text = strings.TrimRight(text, " \n"); text != "" {
			fmt.Fprintf(&b, "\n%s:\n%s\n", title, text)
		}
	}
	fmt.Fprintln(&b, cmd.Long)
	if cmd.Runnable() {
		chapter("Usage", "  "+cmd.UseLine())
	}
	var commands strings.Builder
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(&commands, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
		}
	}
	chapter("Commands", commands.String())
	chapter("Examples", cmd.Example)
	chapter("Options", cmd.LocalFlags().FlagUsages())
	chapter("Everywhere", cmd.InheritedFlags().FlagUsages())
	chapter("Exit codes", cmd.Annotations["exits"])
	fmt.Fprint(cmd.OutOrStdout(), b.String())
}

var rootPage = page{
	use:   "salvor COMMAND",
	short: "get a Linux machine back: find, open, mount and leave an installed system",
	long: `salvor sees the whole storage stack of the machine it runs on, finds the systems that are installed ` +
		`there, and mounts one of them completely by its own fstab and crypttab, for repair or upgrade. ` +
		`Nothing has to be prepared. Looking never writes; mounting never creates and never destroys; ` +
		`nothing is left out silently; and umount takes everything down again, also after a crash.`,
	examples: []example{
		{"salvor systems", "what is installed here?"},
		{"salvor mount", "mount it, all of it"},
		{"salvor chroot", "a root shell inside it"},
		{"salvor umount", "take everything down again"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitGaps, exitRefused, exitNothing, exitLocked, exitInterrupted},
}
