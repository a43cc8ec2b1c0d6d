package workflow

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// publicKey makes a key that says that it is of a type.
func publicKey(typ, inner string) string {
	blob := append(binary.BigEndian.AppendUint32(nil, uint32(len(inner))), inner...)
	return typ + " " + base64.StdEncoding.EncodeToString(append(blob, make([]byte, 36)...))
}

func TestAuthorizedKeys(t *testing.T) {
	good := publicKey("ssh-ed25519", "ssh-ed25519")
	for _, c := range []struct {
		name, text string
		lines      []string
		bad        []int
	}{
		{"a key", good + " me@here\n", []string{good + " me@here"}, nil},
		{"comments and blank lines", "# " + good + "\n\n  " + good, []string{good}, nil},
		{"options", `from="10.*,!10.1",command="echo \"a b\"",no-pty ` + good, []string{`from="10.*,!10.1",command="echo \"a b\"",no-pty ` + good}, nil},
		{"no key at all", "ssh-ed25519\n" + good, []string{good}, []int{1}},
		{"another type within", publicKey("ssh-rsa", "ssh-ed25519"), nil, []int{1}},
		{"DSA", publicKey("ssh-dss", "ssh-dss"), nil, []int{1}},
		{"a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n", nil, []int{1, 2}},
		{"control characters", "no-pty\x1b " + good, nil, []int{1}},
		{"an open quote", `command="x ` + good, nil, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, bad := authorizedKeys([]byte(c.text))
			if diff := cmp.Diff(c.lines, lines) + cmp.Diff(c.bad, bad); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzAuthorizedKeys: every line that is taken is one line, and is taken again.
func FuzzAuthorizedKeys(f *testing.F) {
	f.Add(`from="a b" ` + publicKey("ssh-rsa", "ssh-rsa") + " x\nnonsense\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, _ := authorizedKeys([]byte(text))
		again, bad := authorizedKeys([]byte(strings.Join(lines, "\n")))
		if len(again) != len(lines) || len(bad) > 0 {
			t.Errorf("%q are taken, and then %q", lines, again)
		}
	})
}

func TestConsoleWords(t *testing.T) {
	consoles, rest := consoleWords("root=/dev/sda1 console=tty0 console=ttyS1,9600n8 console= quiet\n")
	if diff := cmp.Diff([]string{"tty0", "ttyS1,9600n8"}, consoles) + cmp.Diff([]string{"root=/dev/sda1", "console=", "quiet"}, rest); diff != "" {
		t.Error(diff)
	}
}
