package config

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// Path is an absolute path, without . and .. in it.
type Path string

// Place is where something goes: a path, a URL, or what a backup engine takes for one
// (sftp:user@host:/dir).
type Place string

// PublicKey is a line of authorized_keys, or the path of a file with such lines.
type PublicKey string

// Recipient is a public key of age or ssh, or the path of a file with such, one a line.
type Recipient string

// Console is a device as the kernel's console= takes it: ttyS0,115200n8
// (Documentation/admin-guide/serial-console.rst).
type Console string

// Module is the name of a kernel module.
type Module string

// Program is the name of a program, or its path.
type Program string

// Aspect is a part of a layout, one word in small letters, as salvor diff --ignore takes it.
type Aspect string

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Path) UnmarshalText(b []byte) error {
	return take(p, b, func(s string) string {
		switch {
		case !strings.HasPrefix(s, "/"):
			return "a path begins with /"
		case path.Clean(s) != s:
			return "the path can be written as " + path.Clean(s)
		}
		return ""
	})
}

// scheme is what stands before the first colon of a URL (RFC 3986, 3.1).
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:.`)

// password in a URL (RFC 3986, 3.2.1).
var password = regexp.MustCompile(`//[^/@]*:[^/@]*@`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Place) UnmarshalText(b []byte) error {
	if password.Match(b) { // which must not be shown
		return fmt.Errorf("cannot use a URL with a password in it: a secret has no place in this file")
	}
	return take(p, b, func(s string) string {
		if !strings.HasPrefix(s, "/") && !scheme.MatchString(s) {
			return "it is neither a path that begins with / nor a URL"
		}
		return ""
	})
}

// keyLine is a public key with its type (sshd(8), AUTHORIZED_KEYS FILE FORMAT); options may
// stand before it.
var keyLine = regexp.MustCompile(`(^|[ \t])(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+[ \t]+AAAA[A-Za-z0-9+/]+=*([ \t]|$)`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *PublicKey) UnmarshalText(b []byte) error {
	if strings.Contains(string(b), "PRIVATE KEY") { // which must not be shown
		return fmt.Errorf("cannot use a private key: a secret has no place in this file")
	}
	return take(k, b, func(s string) string {
		if !strings.HasPrefix(s, "/") && !keyLine.MatchString(s) {
			return "it is neither a public key (ssh-ed25519 AAAA…) nor the path of a file"
		}
		return ""
	})
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Recipient) UnmarshalText(b []byte) error {
	if text := strings.ToUpper(string(b)); strings.Contains(text, "SECRET-KEY") || strings.Contains(text, "PRIVATE KEY") { // which must not be shown
		return fmt.Errorf("cannot use a secret key: give the public one (age-keygen -y)")
	}
	return take(r, b, func(s string) string {
		if !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "age1") && !strings.HasPrefix(s, "ssh-") {
			return "it is neither a public key (age1…, ssh-ed25519 AAAA…) nor the path of a file"
		}
		return ""
	})
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Console) UnmarshalText(b []byte) error {
	return take(c, b, consoleForm)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Module) UnmarshalText(b []byte) error {
	return take(m, b, moduleForm)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Program) UnmarshalText(b []byte) error {
	return take(p, b, programForm)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Aspect) UnmarshalText(b []byte) error {
	return take(a, b, aspectForm)
}

var (
	consoleForm = match(`^[A-Za-z]+[A-Za-z0-9]*(,[0-9]+[neo]?[0-9]?r?)?$`, "a console is a device without /dev/ and perhaps its speed, as in ttyS0,115200")
	moduleForm  = match(`^[A-Za-z0-9_-]+$`, "a module is named by letters, digits, - and _, without .ko")
	programForm = match(`^(/.*)?[^/ ]+$`, "a program is named without blanks, or by a path that begins with /")
	aspectForm  = match(`^[a-z]+([_-][a-z]+)*$`, "it is one word in small letters")
)

func match(pattern, otherwise string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(s string) string {
		if re.MatchString(s) {
			return ""
		}
		return otherwise
	}
}

// take refuses what wrong complains about, and what cannot be seen.
func take[T ~string](to *T, b []byte, wrong func(string) string) error {
	s := string(b)
	if s == "" {
		return fmt.Errorf(`cannot read "": nothing stands there`)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("cannot read %q: it has characters in it that cannot be seen", s)
	}
	if cause := wrong(s); cause != "" {
		return fmt.Errorf("cannot read %q: %s", s, cause)
	}
	*to = T(s)
	return nil
}
