package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// jsonVersion is the "version" of every document (docs/json.md). Fields are only
// ever added to a version.
const jsonVersion = 1

type errorJSON struct {
	Error errorText `json:"error"`
	Exit  int       `json:"exit"`
}

type errorText struct {
	Text  string   `json:"text"`
	Hints []string `json:"hints,omitempty"`
}

// json writes one document: the envelope's fields first, those of body after
// them in the same object, so that the graph of probe --json is a graph file.
func (a *app) json(command string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("cannot write the JSON document: %w", err)
	}
	raw = bytes.TrimPrefix(raw, []byte("{"))
	raw = bytes.TrimPrefix(raw, fmt.Appendf(nil, `"version":%d,`, jsonVersion)) // a graph has the field already
	head := fmt.Appendf(nil, `{"version":%d,"command":%q`, jsonVersion, command)
	if !bytes.Equal(raw, []byte("}")) {
		head = append(head, ',')
	}
	var out bytes.Buffer
	if err := json.Indent(&out, append(head, raw...), "", "  "); err != nil {
		return fmt.Errorf("internal error: cannot lay out the JSON document: %w", err)
	}
	out.WriteByte('\n')
	_, err = a.out.Write(out.Bytes())
	return err
}
