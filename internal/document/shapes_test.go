package document

import (
	"errors"
	"fmt"
	"strings"
)

// tons is a type with a text of its own, as sizes and dates have.
type tons int

func (t tons) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d t", int(t)), nil }

func (t *tons) UnmarshalText(b []byte) error {
	var n int
	if _, err := fmt.Sscanf(string(b), "%d t", &n); err != nil {
		return fmt.Errorf("cannot read %q as tons: a number and t, as in 12 t", b)
	}
	*t = tons(n)
	return nil
}

// pennant is a type whose error does not follow the rules of the house.
type pennant string

func (f *pennant) UnmarshalText(b []byte) error {
	if strings.ToUpper(string(b)) != string(b) {
		return errors.New("no such flag")
	}
	*f = pennant(b)
	return nil
}

type hold struct {
	Name   string   `json:"name" doc:"What it is called."`
	Cargo  []string `json:"cargo,omitempty" doc:"What lies in it." example:"[coal, rope]"`
	Load   tons     `json:"load,omitzero" doc:"How much, in tons." default:"10 t"`
	Locked bool     `json:"locked,omitempty"`
	Inner  []hold   `json:"inner,omitempty" doc:"Holds within."`
}

type papers struct {
	Owner string  `json:"owner,omitempty" doc:"Who it belongs to."`
	Flag  pennant `json:"flag,omitempty"`
}

type ship struct {
	Version int `json:"version" doc:"Of this form." default:"1"`
	papers
	Log    string            `json:"log,omitempty"`
	Holds  []hold            `json:"holds,omitempty"`
	Marks  map[string]string `json:"marks,omitempty"`
	Depths []float64         `json:"depths,omitempty"`
	Crew   uint8             `json:"crew,omitempty"`
	Built  *int64            `json:"built,omitempty"`
	Pilot  *papers           `json:"pilot,omitempty"`
	Raw    []byte            `json:"raw,omitempty"`
	Hidden string            `json:"-"`
	Pair   [2]int            `json:"pair,omitzero"`
}
