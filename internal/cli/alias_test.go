package cli

import (
	"strings"
	"testing"
)

// TestRearWords: every word of the table is a command, and the one that it says.
func TestRearWords(t *testing.T) {
	root, _ := commands(t)
	for word, command := range rearWords {
		cmd, _, err := root.Find([]string{word})
		if err == nil && strings.Contains(command, " ") { // a command below another one, under a name of its own
			command = word
		}
		if err != nil || cmd.Name() != command {
			t.Errorf("%s leads to %q, %v; want %s", word, cmd.Name(), err, command)
		}
	}
}
