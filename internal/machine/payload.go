package machine

import (
	"encoding/json"
	"unicode/utf8"
)

// payload is bytes in a recording: text stays readable, all else is in base64.
type payload []byte

type packed struct {
	Bytes []byte `json:"bytes"`
}

func (p payload) MarshalJSON() ([]byte, error) {
	if isText(p) {
		return json.Marshal(string(p))
	}
	return json.Marshal(packed{p})
}

func (p *payload) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*p = []byte(text)
		return nil
	}
	var box packed
	err := json.Unmarshal(data, &box)
	*p = box.Bytes
	return err
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
