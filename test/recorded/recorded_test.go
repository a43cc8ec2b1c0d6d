// Package recorded replays machines that were recorded, or generated, and compares
// what salvor says of them. A machine is two files: NAME.report, which salvor report
// wrote, and NAME.txt, a session in which salvor replay is run on it. It records
// nothing: record.sh does, for the golden machines of test/machines in the VM lab, and
// "go test ./internal/probe -update" for those that are generated (README.md).
package recorded

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/cli"
)

var update = flag.Bool("update", false, "write the sessions anew, with the commands that stand in them")

// looks are the commands of a new session.
var looks = []string{"probe", "systems", "check", "mount --plan"}

const prompt = "$ salvor replay "

func TestSessions(t *testing.T) {
	for _, report := range reports(t) {
		name := strings.TrimSuffix(report, ".report")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := name + ".txt"
			want, err := os.ReadFile(file)
			if err != nil && !*update {
				t.Fatal(err)
			}
			var got strings.Builder
			for i, command := range commands(string(want)) {
				if i > 0 {
					got.WriteString("\n")
				}
				fmt.Fprintf(&got, "%s%s %s\n%s", prompt, report, command, replay(t, report, command))
			}
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func reports(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("*.report")
	if err != nil || len(list) < 20 {
		t.Fatalf("only %d machines are recorded: %v", len(list), err)
	}
	return list
}

// commands are those that stand in a session.
func commands(session string) []string {
	var out []string
	for line := range strings.Lines(session) {
		if rest, ok := strings.CutPrefix(line, prompt); ok {
			_, command, _ := strings.Cut(strings.TrimSpace(rest), " ")
			out = append(out, command)
		}
	}
	if len(out) == 0 {
		return looks
	}
	return out
}

// replay runs one command and gives what it writes, and its exit status unless it is
// 0. That a report is older than the questions of today is told, and is no failure.
func replay(t *testing.T, report, command string) string {
	t.Helper()
	var out bytes.Buffer
	env := cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(name string) string {
		return map[string]string{"LANG": "C.UTF-8", "TERM": "dumb"}[name]
	}}
	exit := cli.Main(context.Background(), append([]string{"replay", report}, strings.Fields(command)...), env)
	text, missed, old := strings.Cut(out.String(), "\nThe report, made by salvor")
	if old {
		t.Logf("%s: the report%s", command, missed)
	}
	if exit != 0 {
		text += fmt.Sprintf("[exit status %d]\n", exit)
	}
	return text
}

// TestReportsAreFitToBeKept: they are small, and the passphrase of all golden machines
// is in none of them.
func TestReportsAreFitToBeKept(t *testing.T) {
	total := 0
	for _, report := range reports(t) {
		data, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		if total += len(data); len(data) > 200<<10 {
			t.Errorf("%s has %d KiB", report, len(data)>>10)
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"correct horse", "Y29ycmVjdCBob3Jz", "open-sesame"} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s: %q is in it", report, secret)
			}
		}
	}
	if total > 2<<20 {
		t.Errorf("all of them have %d KiB", total>>10)
	}
}
