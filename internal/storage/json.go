package storage

import (
	"encoding/json"
	"fmt"
)

// FormatVersion is the "version" of the JSON form. Fields are only ever added to
// a version; a number above the one known is refused.
const FormatVersion = 1

type graphJSON struct {
	Version int               `json:"version"`
	Nodes   []json.RawMessage `json:"nodes"`
	Mounts  []Mount           `json:"mounts"`
	Notes   []string          `json:"notes,omitempty"`
}

// MarshalJSON writes the graph in the order of Nodes, so that equal graphs give
// equal bytes.
func (g *Graph) MarshalJSON() ([]byte, error) {
	out := graphJSON{Version: FormatVersion, Nodes: []json.RawMessage{}, Mounts: g.Mounts, Notes: g.Notes}
	if out.Mounts == nil {
		out.Mounts = []Mount{}
	}
	for n := range g.Nodes() {
		raw, err := MarshalNode(n)
		if err != nil {
			return nil, err
		}
		out.Nodes = append(out.Nodes, raw)
	}
	return json.Marshal(out)
}

// MarshalNode writes one node with its "kind" first.
func MarshalNode(n Node) ([]byte, error) {
	raw, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", n.Base().ID, err)
	}
	return append(fmt.Appendf(nil, `{"kind":%q,`, n.Kind()), raw[1:]...), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (g *Graph) UnmarshalJSON(data []byte) error {
	var in graphJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("cannot read the graph: %w", err)
	}
	if in.Version != FormatVersion {
		return fmt.Errorf("cannot read the graph: its version is %d, this program knows version %d", in.Version, FormatVersion)
	}
	nodes := make([]Node, 0, len(in.Nodes))
	for _, raw := range in.Nodes {
		n, err := unmarshalNode(raw)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	made, err := NewGraph(nodes, in.Mounts, in.Notes)
	if err != nil {
		return err
	}
	*g = *made
	return nil
}

func unmarshalNode(raw json.RawMessage) (Node, error) {
	var head struct {
		Kind Kind `json:"kind"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("cannot read a node of the graph: %w", err)
	}
	n := newNode(head.Kind)
	if n == nil {
		return nil, fmt.Errorf("cannot read the graph: nodes of kind %q are not known", head.Kind)
	}
	if err := json.Unmarshal(raw, n); err != nil {
		return nil, fmt.Errorf("cannot read a %s of the graph: %w", head.Kind, err)
	}
	if c := n.Base(); c.Identity == "" {
		c.Identity = c.ID
	}
	return n, nil
}
