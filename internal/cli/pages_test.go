package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"salvor/internal/storage"
)

func commands(t *testing.T) (*cobra.Command, []*cobra.Command) {
	t.Helper()
	root := (&app{env: Env{Stdout: io.Discard, Stderr: io.Discard}}).root()
	var out []*cobra.Command
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" {
			out = append(out, c)
		}
	}
	return root, out
}

// TestEveryCommandExplainsItself: what it does, what it writes, examples that are
// commands, and exit codes.
func TestEveryCommandExplainsItself(t *testing.T) {
	root, all := commands(t)
	for _, c := range all {
		examples := strings.Split(c.Example, "\n")
		if len(examples) < 2 || len(examples) > 6 {
			t.Errorf("%s has %d examples", c.Name(), len(examples))
		}
		for _, e := range examples {
			if !strings.Contains(e, "salvor "+c.Name()) {
				t.Errorf("the example %q of %s is of another command", e, c.Name())
			}
		}
		if c.Annotations["exits"] == "" || !strings.Contains(c.Long, "\n\n") {
			t.Errorf("%s does not say what it writes, or how it ends", c.Name())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if storage.TextWidth(line) > 80 {
				t.Errorf("%s: a line of its help is too long: %s", c.Name(), line)
			}
		}
	}
	if len(root.Long) == 0 {
		t.Error("the program does not explain itself")
	}
}

// TestExamplesParse runs every example up to its options.
func TestExamplesParse(t *testing.T) {
	_, all := commands(t)
	for _, c := range all {
		for _, e := range strings.Split(c.Example, "\n") {
			line, _, _ := strings.Cut(strings.TrimSpace(e), "   ")
			line, _, _ = strings.Cut(strings.TrimPrefix(line, ". <("), ">")
			args := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), ")"))[2:]
			if err := c.ParseFlags(args); err != nil {
				t.Errorf("%s: %v", e, err)
			}
		}
	}
}

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	env := Env{Stdout: io.Discard, Stderr: io.Discard}
	if code := Main(context.Background(), []string{"doc", "man", dir}, env); code != 0 {
		t.Fatalf("exit status %d", code)
	}
	_, all := commands(t)
	for _, c := range all {
		page, err := os.ReadFile(filepath.Join(dir, "salvor-"+c.Name()+".8"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{".TH SALVOR", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLES", ".SH EXIT STATUS"} {
			if !strings.Contains(string(page), want) {
				t.Errorf("the page of %s has no %s", c.Name(), want)
			}
		}
	}
}

func TestRoffEscapesRequests(t *testing.T) {
	for in, want := range map[string]string{
		".so /etc/passwd": `\&.so /etc/passwd`, "'quoted": `\&'quoted`, `a\b -c`: `a\eb \-c`, "one\n.two": "one\n\\&.two",
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) = %q, want %q", in, got, want)
		}
	}
}
