package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// doc is the hidden command that writes the manual.
func (a *app) doc() *cobra.Command {
	cmd := &cobra.Command{Use: "doc", Short: "write the manual", Hidden: true, Args: noArgs}
	man := &cobra.Command{
		Use: "man DIR", Short: "write the man pages into DIR", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return writeMan(cmd.Root(), args[0]) },
	}
	cmd.AddCommand(man)
	return cmd
}

// writeMan writes a man page for the program and one for every command.
func writeMan(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot write the man pages: %w", err)
	}
	for _, cmd := range visible(root) {
		if err := os.WriteFile(filepath.Join(dir, manName(cmd)+".8"), []byte(manPage(cmd)), 0o644); err != nil {
			return fmt.Errorf("cannot write the man pages: %w", err)
		}
	}
	return nil
}

// visible gives a command with those below it that are in the help.
func visible(cmd *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{cmd}
	for _, below := range cmd.Commands() {
		if !below.Hidden && below.IsAvailableCommand() {
			out = append(out, visible(below)...)
		}
	}
	return out
}
