package workflow

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// keyTypes are the types of public keys that sshd takes (sshd(8), AUTHORIZED_KEYS FILE
// FORMAT). Those of DSA it has taken no more since OpenSSH 9.8, and nobody should.
var keyTypes = []string{
	"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}

// authorizedKeys gives the lines of a file that are public keys, with their options, and
// the numbers of those that are something else.
func authorizedKeys(text []byte) (lines []string, bad []int) {
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isPublicKey(line):
			lines = append(lines, line)
		default:
			bad = append(bad, number)
		}
	}
	return lines, bad
}

// isPublicKey: options may stand before the type; what is behind the key is a comment.
func isPublicKey(line string) bool {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return false
	}
	if isKeyType(line) {
		return isKeyOfType(line)
	}
	_, rest := cutOptions(line)
	return isKeyOfType(rest)
}

func isKeyType(line string) bool {
	fields := strings.Fields(line)
	return len(fields) > 0 && slices.Contains(keyTypes, fields[0])
}

// cutOptions splits off the options: they end at the first blank outside of double quotes, in
// which a backslash stands before a quote (sshd(8)).
func cutOptions(line string) (options, rest string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], strings.TrimLeft(line[i:], " \t")
		}
	}
	return line, ""
}

// isKeyOfType: the type, and a key that says that it is of that type (RFC 4253, 6.6).
func isKeyOfType(text string) bool {
	fields := strings.Fields(text)
	if len(fields) < 2 || !slices.Contains(keyTypes, fields[0]) {
		return false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(blob) < 4 {
		return false
	}
	n := binary.BigEndian.Uint32(blob)
	return uint64(n) < uint64(len(blob)-4) && string(blob[4:4+n]) == fields[0]
}
