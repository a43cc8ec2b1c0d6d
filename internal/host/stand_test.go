package host

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"salvor/internal/document"
	"salvor/internal/machine"
)

var update = flag.Bool("update", false, "write the golden files anew")

// stand is a machine whose files are those of a directory, and whose programs say what
// the test tells them to.
type stand struct {
	*machine.Rooted
	dir   string
	says  map[string]string // by command line
	hangs map[string]bool   // programs
	mu    sync.Mutex
	now   int // programs that run
	most  int
}

// newStand makes the directory of files and links; a link's target is made as well.
func newStand(t *testing.T, files map[string]string, links [][2]string) *stand {
	t.Helper()
	dir := t.TempDir()
	for _, l := range links {
		name := filepath.Join(dir, l[0])
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		parent, err := filepath.EvalSymlinks(filepath.Dir(name))
		must(t, err)
		must(t, os.MkdirAll(filepath.Join(parent, l[1]), 0o755))
		must(t, os.Symlink(l[1], name))
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, []byte(text), 0o644))
	}
	rooted, err := machine.NewRooted(dir)
	must(t, err)
	t.Cleanup(func() { rooted.Close() })
	return &stand{Rooted: rooted, dir: dir, says: map[string]string{}, hangs: map[string]bool{}}
}

// layersStand is the machine of testdata/layers.txtar.
func layersStand(t *testing.T) *stand {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/layers.txtar")
	must(t, err)
	files, links, says := map[string]string{}, [][2]string{}, map[string]string{}
	for _, f := range archive.Files {
		switch f.Name {
		case "links":
			for line := range strings.Lines(string(f.Data)) {
				words := strings.Fields(line)
				links = append(links, [2]string{words[0], words[1]})
			}
		case "ip-address.json":
			says["ip -json -details address show"] = string(f.Data)
		case "ip-route.json":
			says["ip -json -details route show table all"] = string(f.Data)
		default:
			files[f.Name] = string(f.Data)
		}
	}
	s := newStand(t, files, links)
	s.says = says
	return s
}

func (s *stand) Lookup(program string) (string, error) {
	for command := range s.says {
		if strings.HasPrefix(command, program+" ") {
			return "/usr/bin/" + program, nil
		}
	}
	return "", &machine.MissingProgram{Program: program}
}

func (s *stand) Run(ctx context.Context, c machine.Cmd) (machine.Result, error) {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.now--; s.mu.Unlock() }()
	if s.hangs[c.Program] {
		<-ctx.Done()
		return machine.Result{}, ctx.Err()
	}
	if _, err := s.Lookup(c.Program); err != nil {
		return machine.Result{}, err
	}
	out, ok := s.says[c.String()]
	if !ok {
		return machine.Result{}, fmt.Errorf("%s was not asked for here", c)
	}
	return machine.Result{Stdout: []byte(out)}, nil
}

// write changes a file of the machine.
func (s *stand) write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(s.dir, name)
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(text), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// golden compares a value, as a document with the notes below it, with a file.
func golden(t *testing.T, name string, v any, notes []string) {
	t.Helper()
	text, err := document.Write(v, nil)
	must(t, err)
	for _, n := range notes {
		text = append(text, "# "+n+"\n"...)
	}
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(file, text, 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
