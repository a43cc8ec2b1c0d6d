package workflow

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/probe"
	"salvor/internal/storage"
)

const recordedMachines = "../../test/recorded"

// recordedGraph gives what is probed of a recorded machine, and the machine.
func recordedGraph(t testing.TB, file string) (*storage.Graph, machine.Machine) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := LoadReport(f)
	if err != nil {
		t.Fatal(err)
	}
	m := machine.NewReplay(r.Recording)
	g, err := probe.Probe(t.Context(), m, probe.Options{Parallel: 1, DeviceTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return g, m
}

// TestEveryRecordedMachineHasALayout that says the same when it is read back, and is a
// graph again.
func TestEveryRecordedMachineHasALayout(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(recordedMachines, "*.report"))
	if err != nil || len(all) == 0 {
		t.Fatalf("there are no recorded machines: %v", err)
	}
	for _, file := range all {
		t.Run(filepath.Base(file), func(t *testing.T) {
			g, m := recordedGraph(t, file)
			w := &Work{Machine: m, Probe: func(context.Context) (*storage.Graph, error) { return g, nil }}
			made, err := w.Layout(t.Context(), LayoutOrder{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := layout.Write(made.Layout)
			if err != nil {
				t.Fatal(err)
			}
			read, edited, err := layout.Read("layout.yaml", text)
			if err != nil || edited {
				t.Fatalf("edited is %v: %v\n%s", edited, err, text)
			}
			if d := layout.Diff(made.Layout, read, nil); !d.Empty() {
				t.Errorf("read back, it differs: %+v", d.Changes)
			}
			if _, err := read.Graph(); err != nil {
				t.Error(err)
			}
		})
	}
}

// BenchmarkLayoutOfLUNs makes and writes the layout of a machine with a thousand LUNs.
func BenchmarkLayoutOfLUNs(b *testing.B) {
	g, _ := recordedGraph(b, filepath.Join(recordedMachines, "luns.report"))
	for b.Loop() {
		l, _ := layout.FromGraph(g, layout.Facts{})
		if _, err := layout.Write(l); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(g.Len()), "nodes")
}
