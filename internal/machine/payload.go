package machine

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// payload is bytes in a recording: text stays readable, all else is compressed
// (a superblock's 64 KiB are mostly zeros).
type payload []byte

// maxPayload bounds what a foreign recording can unpack to; nothing larger is
// ever recorded in one piece.
const maxPayload = maxOutput

type packed struct {
	Gzip []byte `json:"gzip"`
}

func (p payload) MarshalJSON() ([]byte, error) {
	if isText(p) {
		return json.Marshal(string(p))
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	z.Write(p) // into memory: it cannot fail
	if err := z.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(packed{buf.Bytes()})
}

func (p *payload) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*p = []byte(text)
		return nil
	}
	var box packed
	if err := json.Unmarshal(data, &box); err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(box.Gzip))
	if err != nil {
		return err
	}
	all, err := io.ReadAll(io.LimitReader(z, maxPayload+1))
	if err != nil {
		return err
	}
	if len(all) > maxPayload {
		return fmt.Errorf("a piece of more than %d MiB", maxPayload>>20)
	}
	*p = all
	return nil
}

// rawText is a name or a message: text, but Linux takes any bytes for a name.
type rawText string

func (t rawText) MarshalJSON() ([]byte, error) { return payload(t).MarshalJSON() }

func (t *rawText) UnmarshalJSON(data []byte) error {
	var p payload
	err := p.UnmarshalJSON(data)
	*t = rawText(p)
	return err
}

func rawTexts(list []string) []rawText {
	var raw []rawText
	for _, s := range list {
		raw = append(raw, rawText(s))
	}
	return raw
}

func plainTexts(raw []rawText) []string {
	var list []string
	for _, t := range raw {
		list = append(list, string(t))
	}
	return list
}

func isText(p []byte) bool {
	for _, c := range p {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(p)
}
