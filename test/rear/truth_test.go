// Package reartest compares what salvor says of golden machines with what ReaR from Debian
// wrote of them at the same moment (record.sh, in the VM lab; testdata/MACHINE has both).
package reartest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/cli"
	"salvor/internal/layout"
	"salvor/internal/layout/rear"
)

// machines runs a test on every recorded machine, with its layout by salvor save.
func machines(t *testing.T, test func(t *testing.T, dir string, saved *layout.Layout)) {
	dirs, err := filepath.Glob("testdata/*")
	if err != nil || len(dirs) < 4 {
		t.Fatalf("only %d machines are recorded: %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { test(t, dir, save(t, dir)) })
	}
}

// save replays salvor save.
func save(t *testing.T, dir string) *layout.Layout {
	t.Helper()
	var out, said bytes.Buffer
	env := cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said, Getenv: func(string) string { return "" }}
	status := cli.Main(context.Background(), []string{"replay", filepath.Join(dir, "machine.report"), "save", "-"}, env)
	l, edited, err := layout.Read("layout.yaml", out.Bytes())
	if err != nil || edited || status != 0 && status != 3 {
		t.Fatalf("salvor save: status %d, edited %v, %v\n%s", status, edited, err, &said)
	}
	return l
}

// brokenCrypt is a line that ReaR breaks in two, with a hash for each key slot of pbkdf2
// beside that of the header (docs/rear.md, "Where an exported file differs").
var brokenCrypt = regexp.MustCompile(`(?m)(^crypt .* hash=\S+)(?:\n\S+)+ uuid=`)

// blankName is a container with a blank in its name, which ReaR leaves out with all that
// lies on it, and says nothing.
const blankName = `/dev/mapper/cr\x20blank `

// theLab is the disk of the live medium that the machine was looked at from. ReaR lists
// it as one that it leaves out; salvor leaves it out of the layout.
const theLab = "#disk /dev/vda "

// components are the lines of a disklayout.conf that are no comments.
func components(file []byte) []string {
	var out []string
	for line := range strings.Lines(brokenCrypt.ReplaceAllString(string(file), "$1 uuid=")) {
		switch {
		case strings.HasPrefix(line, "# "), line == "#\n", strings.HasPrefix(line, theLab), strings.Contains(line, blankName):
		default:
			out = append(out, line)
		}
	}
	return out
}

// TestExportIsWhatReaRWrites: byte for byte, but for comments and the places that
// docs/rear.md names.
func TestExportIsWhatReaRWrites(t *testing.T) {
	machines(t, func(t *testing.T, dir string, saved *layout.Layout) {
		want, err := os.ReadFile(filepath.Join(dir, "layout/disklayout.conf"))
		if err != nil {
			t.Fatal(err)
		}
		files, _, err := rear.Export(saved, rear.ExportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(components(want), components(files.Layout.Bytes())); diff != "" {
			t.Errorf("-ReaR +salvor:\n%s", diff)
		}
	})
}

// rounded are fields of which ReaR keeps a rounded share: whole percent, bytes for each
// inode. TestExportIsWhatReaRWrites compares what they are rounded to.
var rounded = map[string]bool{"ext.reserved_blocks": true, "ext.inodes": true}

// TestImportContradictsNothing: what ReaR wrote down, imported, is what salvor save
// says. Salvor says more, and knows tables and partitions by their own identifiers.
func TestImportContradictsNothing(t *testing.T) {
	machines(t, func(t *testing.T, dir string, saved *layout.Layout) {
		files, err := rear.ReadFiles(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		imported, _, err := rear.Import(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range layout.Diff(imported, saved, []string{"usage", "uncovered"}).Changes {
			switch {
			case c.How == layout.Added, c.How == layout.Changed && isNothing(c.Before), rounded[c.Field]:
				continue
			case c.How == layout.Replaced && strings.Contains(fmt.Sprint(c.Before), "-on-disk:"):
				continue // an ID that is made of the disk's
			}
			t.Errorf("%s %s %s: ReaR has %v, salvor %v", c.What, c.How, c.Field, c.Before, c.After)
		}
	})
}

func isNothing(v any) bool { return v == nil || reflect.ValueOf(v).IsZero() }
