package machine

import (
	"bytes"
	"regexp"
	"slices"
)

// marker stands in a recording for each byte of what was a secret, so that lengths
// and places stay as they are.
const marker = 'x'

// blank gives the marker for a secret.
func blank(secret []byte) []byte { return bytes.Repeat([]byte{marker}, len(secret)) }

// secretLooks are how secrets look in texts; the last group is the secret.
var secretLooks = []*regexp.Regexp{
	// password=…, "psk": …, rd.something.token=…; with other words before it, and not
	// with others behind it: keyfile-timeout= is no secret.
	regexp.MustCompile(`(?im)(?:^|[^a-z0-9])(?:[a-z0-9.]*[a-z0-9][_.-])*(?:` + secretWords + `)["']?(?:[ \t]*=[ \t]*|[ \t]*:[ \t]+)("[^"\n]*"|'[^'\n]*'|[^\s,;"']+)`),
	// https://user:password@host, username=user%password
	regexp.MustCompile(`://[^\s:/@]*:([^\s@/]+)@`),
	regexp.MustCompile(`(?i)\buser(?:name)?=[^\s,%]*%([^\s,]+)`),
	// crypt(5), and the older form where it stands in a shadow file
	regexp.MustCompile(`\$(?:1|2[abxy]?|5|6|7|y|gy|md5|sha1|argon2[id]{1,2})\$[^\s:"',]{8,}`),
	regexp.MustCompile(`(?m)^[a-z_][a-z0-9_-]*:([./0-9A-Za-z]{13}):`),
	// GRUB's password lines
	regexp.MustCompile(`grub\.pbkdf2\.[\w.]+`),
	regexp.MustCompile(`(?m)^[ \t]*password(?:_pbkdf2)?[ \t]+([^\s=:].*)$`),
	// PEM
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)`),
	// a table of dm-crypt
	regexp.MustCompile(`\bcrypt [^\s]+ ([0-9a-fA-F]{16,}) `),
}

const secretWords = `pass|passwd|password2?|passphrase|pw|pin|pin-value|secret|token|psk|` +
	`privatekey|private[_-]key|presharedkey|preshared[_-]key|api[_-]?key|auth[_-]?key|access[_-]?key|secret[_-]?key|key`

// harmless is what follows such a word without being a secret: a switch, and the
// place of a key file in the options of the initramfs.
var harmless = regexp.MustCompile(`(?i)^(?:["']?(?:yes|no|true|false|on|off|auto|none|prompt|ask|x+|[01])["']?)$`)

var keyPlace = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(?:rd\.)?luks\.key(?:\.[0-9a-z-]+)?=$`)

// HideSecrets does for who keeps a text outside of a recording what is done in one: what
// looks like a secret is gone from it, letter by letter. It gives how many there were.
func HideSecrets(text string) (string, int) {
	clean, found := hideSecrets([]byte(text))
	return string(clean), found
}

// hideSecrets gives a text with a marker in the place of what looks like a secret,
// and how many there were. What begins within another find is seen once that is hidden.
func hideSecrets(text []byte) ([]byte, int) {
	all := 0
	for {
		clean, found := hideOnce(text)
		if bytes.Equal(clean, text) {
			return text, all
		}
		text, all = clean, all+found
	}
}

func hideOnce(text []byte) ([]byte, int) {
	found := 0
	for _, look := range secretLooks {
		for _, at := range look.FindAllSubmatchIndex(text, -1) {
			from, to := at[len(at)-2], at[len(at)-1]
			if harmless.Match(text[from:to]) || keyPlace.Match(text[at[0]:from]) {
				continue
			}
			if found == 0 {
				text = slices.Clone(text)
			}
			found++
			for i := from; i < to; i++ {
				if !bytes.ContainsRune([]byte("\"' \t\r\n"), rune(text[i])) {
					text[i] = marker
				}
			}
		}
	}
	return text, found
}

// redact takes the secrets out of a ledger that nobody else has yet.
func redact(l *ledger, k *keys) int {
	found := 0
	hide := func(p payload, text bool) payload {
		out, n := k.hide(p)
		if text {
			var m int
			out, m = hideSecrets(out)
			n += m
		}
		found += n
		return out
	}
	for question, list := range l.answers {
		for i := range list {
			list[i].redact(hide)
			if list[i].Tree != nil {
				found += redact(list[i].Tree, k)
			}
		}
		if clean := string(hide(payload(question), true)); clean != question {
			delete(l.answers, question)
			l.answers[clean] = list
			if l.acts[question] {
				delete(l.acts, question)
				l.acts[clean] = true
			}
		}
	}
	return found
}

func (a *answer) redact(hide func(p payload, text bool) payload) {
	a.Data, a.Stderr = hide(a.Data, true), hide(a.Stderr, true)
	a.Error.redact(hide)
	if a.Content == nil {
		return
	}
	for i := range a.Content.Pieces {
		e := &a.Content.Pieces[i]
		e.Data = hide(e.Data, a.Sector == 0) // in a device no text is looked for
		e.Error.redact(hide)
	}
}

func (r *recordedError) redact(hide func(p payload, text bool) payload) {
	if r == nil {
		return
	}
	r.Text = rawText(hide(payload(r.Text), true))
	if r.Exit != nil {
		r.Exit.Stdout, r.Exit.Stderr = hide(r.Exit.Stdout, true), hide(r.Exit.Stderr, true)
	}
	if r.Mount != nil {
		r.Mount.Kind.redact(hide)
	}
}
