package probe_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/ondisk"
	"salvor/internal/probe"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/workflow"
)

// nobody answers nothing.
type nobody struct{ workflow.Asker }

func (nobody) Passphrase(context.Context, workflow.Question) (*secret.Secret, error) {
	return nil, workflow.ErrNoAnswer
}

func (nobody) Choose(context.Context, []*system.System) (*system.System, error) {
	return nil, workflow.ErrNoAnswer
}

func (nobody) Accept(context.Context, []system.Risk) (bool, error) {
	return false, workflow.ErrNoAnswer
}

// TestGeneratedReports keeps a report of every generated machine in test/recorded,
// where salvor replay is tried on it. One that was made before the probe learned to
// ask for more is as good as long as it shows the same.
func TestGeneratedReports(t *testing.T) {
	update := flag.Lookup("update").Value.String() == "true"
	for name, build := range probe.Generated {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("../../test/recorded", name+".report")
			if update {
				if err := os.WriteFile(file, reported(t, build()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r, err := workflow.LoadReport(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree(t, build()), tree(t, machine.NewReplay(r.Recording))); diff != "" {
				t.Errorf("the report shows another machine (-now +report); make it anew: go test ./internal/probe -update\n%s", diff)
			}
		})
	}
}

// reported makes the report of a machine.
func reported(t *testing.T, m machine.Machine) []byte {
	t.Helper()
	rec := machine.NewRecorder(m)
	rec.Scrub(ondisk.Scrub)
	rec.Trim(probe.Finds)
	w := &workflow.Work{Machine: rec, Ask: nobody{}, Probe: func(ctx context.Context) (*storage.Graph, error) {
		return probe.Probe(ctx, rec, probe.Options{})
	}}
	r, err := w.Report(t.Context(), rec, workflow.ReportOrder{Salvor: "generated"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Parts {
		if p.Error != "" {
			t.Logf("%s: %s", p.Name, p.Error)
		}
	}
	var out bytes.Buffer
	if err := r.Save(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tree(t *testing.T, m machine.Machine) string {
	t.Helper()
	g, err := probe.Probe(t.Context(), m, probe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opt := storage.TreeOptions{All: true, IDs: true}
	return storage.RenderTree(g.TreeLines(opt), g.Notes, opt, nil)
}
