package machine

import (
	"errors"
	"strings"
	"testing"

	"salvor/internal/secret"
)

// TestKeysAreHandedOver: beside standard input, each through a pipe of its own.
func TestKeysAreHandedOver(t *testing.T) {
	c := Cmd{Program: "cat", Args: []string{"-", "/dev/fd/3", "/dev/fd/4"}, Secret: true,
		Stdin: secret.New([]byte("one ")), Keys: []*secret.Secret{secret.New([]byte("two ")), secret.New([]byte("three"))}}
	r, err := NewLive().Run(t.Context(), c)
	if err != nil || string(r.Stdout) != "one two three" {
		t.Errorf("the program got %q, %v", r.Stdout, err)
	}
}

// TestSecretOutput: a key that a program writes is in no error and no recording.
func TestSecretOutput(t *testing.T) {
	rec := NewRecorder(NewLive())
	if r, err := rec.Run(t.Context(), Cmd{Program: "echo", Args: []string{"-e", `\x6darker-of-mine`}, Secret: true}); err != nil || !strings.Contains(string(r.Stdout), "arker") {
		t.Fatalf("it gives %q, %v", r.Stdout, err)
	}
	_, err := rec.Run(t.Context(), Cmd{Program: "sh", Args: []string{"-c", `printf '\155arker-of-mine'; exit 3`}, Secret: true})
	said, ok := errors.AsType[*ExitError](err)
	if !ok || len(said.Stdout) > 0 || strings.Contains(err.Error(), "marker-of-mine") {
		t.Errorf("the error tells it: %v", err)
	}
	recording, _, err := rec.Recording()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := recording.Save(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "marker-of-mine") {
		t.Error("the recording has it")
	}
}

func TestOpalIsNoMatterForOthers(t *testing.T) {
	b, err := NewLive().OpenBlock(t.Context(), "/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if o, ok := b.(OpalLocked); !ok || o.OpalLocked() {
		t.Error("a file is taken for a disk that has locked itself")
	}
}
