package secret

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestSecretIsNeverShown(t *testing.T) {
	s := New([]byte("open sesame"))
	holder := struct{ Key *Secret }{s}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(asJSON), s.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, holder))
	}
	for _, text := range shown {
		if strings.Contains(text, "sesame") || strings.Contains(text, "736573616d65") || strings.Contains(text, "115 101") {
			t.Errorf("the secret is shown: %s", text)
		}
	}
}

func TestWipe(t *testing.T) {
	raw := []byte("open sesame")
	s := New(raw)
	c := s.Clone()
	s.Wipe()
	if strings.Trim(string(raw), "\x00") != "" || s.Len() != 0 {
		t.Errorf("the secret is still in memory: %q", raw)
	}
	if c.Len() != 11 {
		t.Error("wiping a secret reached its clone")
	}
}

func TestReadRefusesTooMuch(t *testing.T) {
	if _, err := Read(io.LimitReader(zeros{}, MaxKey+1)); err == nil {
		t.Error("a key of more than 8 MiB was taken")
	}
	if s, err := Read(strings.NewReader("k")); err != nil || s.Len() != 1 {
		t.Errorf("Read = %v, %v", s, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
