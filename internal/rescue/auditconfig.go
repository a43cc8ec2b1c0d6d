package rescue

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// What is secret in a text that configures something: a value with a telling name, and a password
// within a URL. The names are those that the layout takes values out of, too.
var (
	assignment = regexp.MustCompile(`^[\s"'{,]*(?:[A-Za-z0-9_]+[-_.])*((?i:password(?:[0-9]|_in)?|passwd|pass|passphrase|psk|secret|sharedsecret|presharedkey|privatekey|wep[-_.]?key[0-9]?|token|pin|` +
		`private[-_]key|preshared[-_]key|api[-_]?key|auth[-_]?key|secret[-_]?key|access[-_]?key|authtok|auth_pass|bindpw|rootpw))["']?\s*([=:])\s*(.*)$`)
	passwordInURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@"'<>]+:([^/\s@"'<>]+)@[^\s]`)
	// comment begins a line that says nothing to the program that reads it.
	commentMarks = []string{"#", ";", "//", "--", `"`, "%"}
	// placeholders are values that name no secret, but say where it comes from or that
	// there is none. The last one is in the openssl.cnf of every distribution (a demo CA).
	placeholders = strings.Fields("none no yes true false on off ask null nil prompt never always required optional files compat systemd sss ldap nis interactive secret password passwd ****** xxx XXX (secret) pass:insta")
)

// scanConfig looks at each line.
func scanConfig(data []byte) []Finding {
	var out []Finding
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || len(text) > reach || slices.ContainsFunc(commentMarks, func(mark string) bool { return strings.HasPrefix(text, mark) && !strings.Contains(text, `":`) }) {
			continue
		}
		if m := assignment.FindStringSubmatch(text); m != nil && isSecretValue(m[1], m[2], m[3]) {
			out = append(out, Finding{Rule: rulePassword, Why: "a value for " + m[1], Line: number})
		}
		if m := passwordInURL.FindStringSubmatch(text); m != nil && isSecretValue("", "=", m[1]) {
			out = append(out, Finding{Rule: rulePassword, Why: "a password in a URL", Line: number})
		}
	}
	return out
}

// isSecretValue: the value may be a secret. A path is where one lies, a variable where it comes from.
func isSecretValue(name, mark, value string) bool {
	value, _, _ = strings.Cut(" "+value, " #") // so ends the value of "secret = # none" in openssl.cnf, too
	value = strings.Trim(strings.TrimSpace(value), `"',;`)
	switch {
	case len(value) < 3, slices.Contains(placeholders, value):
		return false
	case strings.ContainsAny(value[:1], "$<%{[(") && !strings.HasPrefix(value, "$6$") && !strings.HasPrefix(value, "$y$"):
		return false
	case strings.EqualFold(name, "passwd") && mark == ":": // nsswitch.conf(5)
		return false
	case strings.HasPrefix(value, "/") && !strings.Contains(strings.ToLower(name), "pass"):
		return false
	}
	return true
}
