package layout

import (
	"regexp"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/secret"
)

// A layout lies on disks and travels in images, so no secret may be in it. What is taken
// out leaves its place: secret.Hidden stands there.

// hideSecrets takes the secrets out of all texts that come from elsewhere than from
// superblocks.
func (l *Layout) hideSecrets() {
	l.Machine, l.Boot = copied(l.Machine, hideWords), copied(l.Boot, hideWords)
	l.Network, l.Tools = copied(l.Network, hideWords), copied(l.Tools, hideWords)
	l.Mounts, l.Uncovered = copied(l.Mounts, hideWords), copied(l.Uncovered, hideWords)
	for i, f := range l.Files {
		l.Files[i] = WithoutSecrets(f)
	}
}

// takenOut is the comment before a line that a secret was taken out of.
const takenOut = "# salvor: a secret was taken out of the next line"

// WithoutSecrets gives the file without what opens something, with a comment before
// every line that is not as it was.
func WithoutSecrets(f File) File {
	var out strings.Builder
	for line := range strings.Lines(f.Text) {
		body := strings.TrimRight(line, "\r\n")
		clean := hideWords(body)
		if f.Path == "/etc/crypttab" {
			clean = hideKeyColumn(clean)
		}
		if clean != body && !strings.HasPrefix(strings.TrimSpace(out.String()[max(0, out.Len()-len(takenOut)-1):]), takenOut) {
			out.WriteString(takenOut + "\n")
		}
		out.WriteString(clean + line[len(body):])
	}
	f.Text = out.String()
	return f
}

// secretName matches the names whose values are secrets; the last word of a name
// counts, so that "bypass" and "keyfile-offset" are none, and "node.session.auth.password",
// "wpa-psk" and "rd.iscsi.in.password" are. credentials= is a path and stays.
const secretName = `(?i:(?:[a-z0-9]+[-_.])*(?:password(?:\d|_in)?|passwd|pass|passphrase|psk|secret|sharedsecret|presharedkey|privatekey|wep[-_.]key\d?|token|pin))`

const secretValue = `(?:"(?:\\.|[^"\\])*"?|'[^']*'?|[^\s,"';]+)`

var (
	// name=value and "name = value", in options, ini files and command lines.
	assignment = regexp.MustCompile(`(^|[\s,;"'{(])(` + secretName + `)(\s*[=:]\s*)(` + secretValue + `)`)
	// "wpa-psk value" at the start of a line, as ifupdown and wpa_supplicant have it.
	directive = regexp.MustCompile(`^(\s*(?:[a-z0-9]+[-_])?(?i:password|passwd|passphrase|psk|wep-key\d?|wireless-key\d?|password_pbkdf2 \S+)\s+)(\S.*)$`)
	// user:password@host, and iscsi:user:password:ruser:rpassword@host of dracut.cmdline(7).
	userinfo = regexp.MustCompile(`((?:^|[\s,=/#])(?:iscsi:)?[^\s,:@/=#]+:)([^\s,@/]+)(@)`)
	// user%password, as mount.cifs(8) takes it.
	percent = regexp.MustCompile(`((?:^|[\s,])user(?:name)?=[^\s,%]*%)([^\s,]+)`)
)

// hideWords takes the secrets out of a line.
func hideWords(line string) string {
	line = assignment.ReplaceAllStringFunc(line, func(m string) string {
		parts := assignment.FindStringSubmatch(m)
		if isHarmless(parts[2], strings.Trim(parts[4], `"'`)) {
			return m
		}
		return parts[1] + parts[2] + parts[3] + secret.Hidden
	})
	line = directive.ReplaceAllString(line, "${1}"+secret.Hidden)
	line = userinfo.ReplaceAllString(line, "${1}"+secret.Hidden+"${3}")
	return percent.ReplaceAllString(line, "${1}"+secret.Hidden)
}

// isHarmless tells values that are no secrets: those that are hidden already, whether a PIN
// is asked for, and for names that may also be files, a path.
func isHarmless(name, value string) bool {
	switch strings.ToLower(value) {
	case "", secret.Hidden, "yes", "no", "true", "false", "auto", "none", "ask", "file", "plain":
		return true
	}
	return strings.Trim(value, "x*") == "" || strings.HasPrefix(value, "/") && !strings.Contains(strings.ToLower(name), "pass")
}

// hideKeyColumn hides the third column of a line of crypttab if it can be a key: it is
// neither none nor a place (crypttab(5)).
func hideKeyColumn(line string) string {
	entries := fstab.ParseCrypttab([]byte(line)).Entries
	if len(entries) != 1 || isKeyPlace(entries[0]) {
		return line
	}
	at := columns.FindStringSubmatchIndex(line)
	if at == nil {
		return line
	}
	return line[:at[2]] + secret.Hidden + line[at[3]:]
}

var columns = regexp.MustCompile(`^\s*\S+\s+\S+\s+(\S+)`)

// namedByScripts are Debian's key scripts whose argument names a place or a volume.
var namedByScripts = []string{"passdev", "decrypt_derived", "decrypt_keyctl", "decrypt_gnupg", "decrypt_openct", "decrypt_opensc"}

func isKeyPlace(e fstab.CryptEntry) bool {
	key := e.KeyFile
	if key == "" || strings.HasPrefix(key, "/") || key == secret.Hidden {
		return true
	}
	script, given := e.KeyScript()
	for _, known := range namedByScripts {
		if given && strings.HasSuffix(script, known) {
			return true
		}
	}
	return fstab.ParseSpec(key).Kind != fstab.Virtual && fstab.ParseSpec(key).Kind != fstab.Network
}
