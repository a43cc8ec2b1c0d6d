package cli

import (
	"fmt"
	"strings"

	"salvor/internal/storage"
	"salvor/internal/system"
)

// memberWords names a snapshot or an older deployment.
func memberWords(g *storage.Graph, s *system.System) string {
	if d := s.Deployment; d != nil && s.SnapshotOf == "" {
		return fmt.Sprintf("older deployment %.10s.%d: %s%s", d.Checksum, d.Serial, s.Name, deploymentWords(d))
	}
	text := fmt.Sprintf("snapshot %s: %s", carrier(g, s.Root), s.Name)
	if t := s.Snapshot; t != nil {
		if words := snapshotWords(t); words != "" {
			text += "; " + words
		}
	}
	return text
}

// snapshotWords says what is known of a snapshot.
func snapshotWords(t *system.Snapshot) string {
	var out []string
	if t.Number > 0 {
		out = append(out, fmt.Sprint("number ", t.Number))
	}
	if t.Name != "" {
		out = append(out, "name "+t.Name)
	}
	if !t.Date.IsZero() {
		out = append(out, t.Date.UTC().Format("2006-01-02 15:04 MST"))
	}
	if t.Description != "" {
		out = append(out, fmt.Sprintf("%q", t.Description))
	}
	if t.ReadOnly {
		out = append(out, "read-only")
	}
	return strings.Join(out, ", ")
}

func deploymentWords(d *system.Deployment) string {
	out := ", of " + d.OS
	if d.Origin != "" {
		out += ", follows " + d.Origin
	}
	if d.Pinned {
		out += ", pinned"
	}
	return out
}
