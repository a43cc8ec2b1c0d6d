package layout

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"salvor/internal/machine"
	"salvor/internal/probe"
	"salvor/internal/storage"
)

// recorded gives the graphs of the machines in test/recorded.
var recorded = sync.OnceValues(func() (map[string]*storage.Graph, error) {
	list, err := filepath.Glob("../../test/recorded/*.report")
	out := map[string]*storage.Graph{}
	for _, file := range list {
		g, err := replayed(file)
		if err != nil {
			return nil, err
		}
		out[strings.TrimSuffix(filepath.Base(file), ".report")] = g
	}
	return out, err
})

// replayed probes the machine of a report once more.
func replayed(file string) (*storage.Graph, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var report struct {
		Recording machine.Recording `json:"recording"`
	}
	if err := json.NewDecoder(z).Decode(&report); err != nil {
		return nil, err
	}
	return probe.Probe(context.Background(), machine.NewReplay(&report.Recording), probe.Options{})
}

func recordedGraphs(t *testing.T) map[string]*storage.Graph {
	t.Helper()
	all, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("only %d machines are recorded", len(all))
	}
	return all
}
