package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"salvor/internal/workflow"
)

// rearWords are the words that users of ReaR know, with the commands that do here what
// they do there. Each comes with its command.
var rearWords = map[string]string{
	"savelayout":  "save",
	"checklayout": "diff",
	"mountonly":   "mount",
	"mkrescue":    "rescue build",
}

// wordsFor gives ReaR's words for a command.
func wordsFor(command string) []string {
	var out []string
	for _, word := range slices.Sorted(maps.Keys(rearWords)) {
		if rearWords[word] == command {
			out = append(out, word)
		}
	}
	return out
}

// tellWord says what a word of ReaR's is called here.
func (a *app) tellWord(cmd *cobra.Command) {
	if word := cmd.CalledAs(); rearWords[word] != "" {
		a.reporter.tell(workflow.Note{Text: word + " is ReaR's word; here it is salvor " + rearWords[word]})
	}
}
