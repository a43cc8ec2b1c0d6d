package cli

import "github.com/spf13/cobra"

var completionPage = page{
	use:    "completion bash|zsh|fish",
	short:  "write the completions for a shell",
	writes: "It writes to standard output only.",
	examples: []example{
		{"salvor completion bash > /etc/bash_completion.d/salvor", "for all users"},
		{". <(salvor completion bash)", "for this shell"},
	},
	exits: []int{exitOK, exitUsage},
}

func (a *app) completion() *cobra.Command {
	cmd := completionPage.command()
	cmd.ValidArgs = []string{"bash", "zsh", "fish"}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root := cmd.Root()
		switch firstArg(args) {
		case "bash":
			return root.GenBashCompletionV2(a.out, true)
		case "zsh":
			return root.GenZshCompletion(a.out)
		case "fish":
			return root.GenFishCompletion(a.out, true)
		default:
			return usagef("completion takes one of bash, zsh, fish")
		}
	}
	return cmd
}
