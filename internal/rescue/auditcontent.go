package rescue

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The rules: by content.
const (
	rulePrivateKey Rule = "private key"
	ruleHash       Rule = "password hash"
	ruleToken      Rule = "token"
	rulePassword   Rule = "password"
	ruleLUKS       Rule = "luks header"
)

const (
	// chunk is how much of a file is looked at at a time, and overlap what is looked at again with the
	// next one, so that a secret on the border is seen whole.
	chunk   = 4 << 20
	overlap = 32 << 10
)

// scan looks for secrets in what a file holds.
func (a *Auditor) scan(p string, content io.Reader) ([]Finding, error) {
	if a.buffer == nil {
		a.buffer = make([]byte, chunk)
	}
	var out []Finding
	lines, kept := 0, 0
	var kind contentKind
	for first := true; ; first = false {
		n, err := io.ReadFull(content, a.buffer[kept:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return out, err
		}
		data, last := a.buffer[:kept+n], err != nil
		if first {
			kind = kindOf(p, data)
			out = append(out, wholeFile(p, data, last)...)
		}
		for _, hit := range scanText(data, kind) {
			hit.Path, hit.Line = p, hit.Line+lines
			out = append(out, hit)
		}
		if last {
			return out, nil
		}
		kept = overlap
		lines += bytes.Count(data[:len(data)-kept], []byte{'\n'})
		copy(a.buffer, data[len(data)-kept:])
	}
}

// contentKind says which rules a content is held against.
type contentKind int

const (
	// shipped is a program, library or module in a directory of the distribution's: what is in it is
	// public. GnuTLS, for one, has private keys in it for its self-test (lib/crypto-selftests-pk.c).
	shipped    contentKind = iota
	program                // any other ELF file: full of names of secrets and tables of all kinds
	otherData              // any other
	configText             // text that configures something, outside of /usr
)

func kindOf(p string, data []byte) contentKind {
	ofDistribution := hasAnyPrefix(p, "/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/") && !strings.HasPrefix(p, "/usr/local/")
	switch {
	case isELF(data) && ofDistribution:
		return shipped
	case isELF(data):
		return program
	case ofDistribution, bytes.IndexByte(data[:min(len(data), 8<<10)], 0) >= 0:
		return otherData
	}
	return configText
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}

// scanText holds data against the rules for its kind.
func scanText(data []byte, kind contentKind) []Finding {
	var out []Finding
	for _, row := range compiled() {
		if kind == shipped || kind == program && row.rule != rulePrivateKey {
			continue
		}
		if at := row.first(data); at >= 0 {
			out = append(out, Finding{Rule: row.rule, Why: row.why, Line: lineOf(data, at)})
		}
	}
	if kind == configText {
		out = append(out, scanConfig(data)...)
	}
	return out
}

// lineOf counts lines from 1.
func lineOf(data []byte, at int) int { return 1 + bytes.Count(data[:at], []byte{'\n'}) }

// anchoredRule is a row of the table of contents in docs/rescue.md: a fixed text, which is
// searched for fast, and what has to be around it.
type anchoredRule struct {
	rule   Rule
	why    string
	anchor string
	before string // a regular expression for what ends where the anchor begins; "" is anything
	after  string // and for what begins where the anchor ends

	beforeRE, afterRE *regexp.Regexp
}

// reach is how far around the anchor the rest of a secret is looked for.
const reach = 4 << 10

// first is where the first secret of this kind begins in data, -1 if there is none.
func (r anchoredRule) first(data []byte) int {
	for from := 0; ; {
		at := bytes.Index(data[from:], []byte(r.anchor))
		if at < 0 {
			return -1
		}
		at += from
		from = at + len(r.anchor)
		if r.beforeRE != nil && !r.beforeRE.Match(data[max(0, at-64):at]) {
			continue
		}
		if r.afterRE.Match(data[from:min(len(data), from+reach)]) {
			return at
		}
	}
}

// base64Lines are at least forty characters of a key, after headers (RFC 1421) and across the ends
// of lines, which may be written as \n (in JSON): programs have the marks
// of a key in them, but no key.
const base64Lines = `(?:(?:\r?\n|\\r|\\n|\s)+(?:[A-Za-z-]+: [^\n]*|))*(?:\r?\n|\\r|\\n|\s)*(?:[A-Za-z0-9+/=](?:\r?\n|\\r|\\n|\s)*){40}`

const cryptAlphabet = `[./0-9A-Za-z]`

var anchored = []anchoredRule{
	{rule: rulePrivateKey, why: "a private key (PEM, OpenSSH, PKCS #8, PGP)", anchor: "PRIVATE KEY", before: `BEGIN [A-Z0-9 ]*$`, after: `^(?: BLOCK)? ?----` + `-?` + base64Lines},
	{rule: rulePrivateKey, why: "a private key (PuTTY)", anchor: "PuTTY-User-Key-File-", after: `^[0-9]: (?s:.*)\nPrivate-Lines: [0-9]`},
	{rule: rulePrivateKey, why: "an identity of age", anchor: "AGE-SECRET-KEY-", after: `^(?:PQ-)?1[02-9AC-HJ-NP-Z]{50}`},
	{rule: rulePrivateKey, why: "a private key (minisign, signify)", anchor: "secret key", before: `untrusted comment: [^\n]*$`, after: `^[^\n]*\nR[A-Za-z0-9+/=]{60}`},
	{rule: ruleHash, why: "a password hash (SHA-512)", anchor: "$6$", after: `^(?:rounds=[0-9]+\$)?` + cryptAlphabet + `{0,16}\$` + cryptAlphabet + `{86}`},
	{rule: ruleHash, why: "a password hash (SHA-256)", anchor: "$5$", after: `^(?:rounds=[0-9]+\$)?` + cryptAlphabet + `{0,16}\$` + cryptAlphabet + `{43}`},
	{rule: ruleHash, why: "a password hash (yescrypt)", anchor: "y$", before: `\$g?$`, after: `^` + cryptAlphabet + `+\$` + cryptAlphabet + `{0,86}\$` + cryptAlphabet + `{43}`},
	{rule: ruleHash, why: "a password hash (scrypt)", anchor: "$7$", after: `^` + cryptAlphabet + `{11,}\$?` + cryptAlphabet + `{43}`},
	{rule: ruleHash, why: "a password hash (bcrypt)", anchor: "$2", after: `^[abxy]\$[0-9]{2}\$` + cryptAlphabet + `{53}`},
	{rule: ruleHash, why: "a password hash (MD5)", anchor: "1$", before: `\$(?:apr)?$`, after: `^` + cryptAlphabet + `{1,8}\$` + cryptAlphabet + `{22}(?:[^./0-9A-Za-z]|$)`},
	{rule: ruleHash, why: "a password hash (Argon2)", anchor: "$argon2", after: `^i?d?\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]{20}`},
	{rule: ruleHash, why: "a password hash (GRUB)", anchor: "grub.pbkdf2.", after: `^sha[0-9]+\.[0-9]+\.[0-9A-Fa-f]{16,}\.[0-9A-Fa-f]{40}`},
	{rule: ruleHash, why: "a password hash (LDAP)", anchor: "{SSHA", after: `^(?:256|384|512)?\}[A-Za-z0-9+/]{28}`},
	{rule: ruleToken, why: "a token of GitHub", anchor: "gh", after: `^[pousr]_[A-Za-z0-9]{36}`},
	{rule: ruleToken, why: "a token of GitHub", anchor: "github_pat_", after: `^[A-Za-z0-9_]{60}`},
	{rule: ruleToken, why: "a token of GitLab", anchor: "gl", after: `^(?:pat|rt|dt|ptt|cbt|soat)-[A-Za-z0-9_-]{20}`},
	{rule: ruleToken, why: "a token of Slack", anchor: "xox", after: `^[abprs]-[A-Za-z0-9-]{20}`},
	{rule: ruleToken, why: "a key of Google's", anchor: "AIza", after: `^[A-Za-z0-9_-]{35}`},
	{rule: ruleToken, why: "a key of Stripe's", anchor: "k_live_", before: `[sr]$`, after: `^[A-Za-z0-9]{20}`},
	{rule: ruleToken, why: "a token of npm", anchor: "npm_", after: `^[A-Za-z0-9]{36}`},
	{rule: ruleToken, why: "a token of PyPI", anchor: "pypi-AgEIcHlwaS5vcmc", after: `^[A-Za-z0-9_-]{40}`},
	{rule: ruleToken, why: "a token of Vault", anchor: "hvs.", after: `^[A-Za-z0-9_-]{24}`},
	{rule: ruleToken, why: "a key of Tailscale", anchor: "tskey-", after: `^[a-z]+-[A-Za-z0-9-]{20}`},
	{rule: ruleToken, why: "a token of DigitalOcean", anchor: "dop_v1_", after: `^[a-f0-9]{64}`},
	{rule: ruleToken, why: "a key of SendGrid", anchor: "SG.", after: `^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}`},
	{rule: ruleToken, why: "a key of Azure storage", anchor: "AccountKey=", after: `^[A-Za-z0-9+/]{86}==`},
	{rule: ruleToken, why: "a key of Anthropic or OpenAI", anchor: "sk-", after: `^(?:ant-|proj-)[A-Za-z0-9_-]{24}`},
	{rule: ruleToken, why: "a key of NVMe over a network", anchor: "DHHC-1:", after: `^[0-9]{2}:[A-Za-z0-9+/]{43}`},
	{rule: ruleToken, why: "a key of NVMe over TLS", anchor: "NVMeTLSkey-1:", after: `^[0-9]{2}:[A-Za-z0-9+/]{43}`},
	{rule: ruleToken, why: "a secret key of AWS", anchor: "aws_secret_access_key", after: `^["']?\s*[=:]\s*["']?[A-Za-z0-9+/]{40}`},
}

// compiled are the rules with their expressions, made when an audit first needs them: every
// other command starts without.
var compiled = sync.OnceValue(func() []anchoredRule {
	rules := slices.Clone(anchored)
	for i := range rules {
		r := &rules[i]
		r.afterRE = regexp.MustCompile(r.after)
		if r.before != "" {
			r.beforeRE = regexp.MustCompile(r.before)
		}
	}
	return rules
})

// wholeFile judges by how a file begins, or by all of it if it is small and complete.
func wholeFile(p string, data []byte, complete bool) []Finding {
	finding := func(rule Rule, why string) []Finding { return []Finding{{Path: p, Rule: rule, Why: why}} }
	switch {
	case isLUKSHeader(data):
		return finding(ruleLUKS, "the header of an encrypted volume, with its key slots")
	case isKeytab(data):
		return finding(ruleKerberos, "a keytab of Kerberos")
	case complete && isDERKey(data):
		return finding(rulePrivateKey, "a private key (DER)")
	case isKeyStore(data) && path.Base(p) != "cacerts":
		return finding(rulePrivateKey, "a store of private keys (PKCS #12, Java)")
	}
	if strings.Contains(path.Base(p), "passwd") || strings.Contains(path.Base(p), "shadow") || strings.HasPrefix(path.Base(p), "group") {
		if at := shortHash.FindIndex(data); at != nil {
			return []Finding{{Path: p, Rule: ruleHash, Why: "a password hash (DES)", Line: lineOf(data, at[0])}}
		}
	}
	return nil
}

// shortHash matches a line of passwd(5) or shadow(5) with a hash of DES, which only its place tells
// from a word.
var shortHash = regexp.MustCompile(`(?m)^[A-Za-z_][A-Za-z0-9_.-]*:(?:[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19})(?::|$)`)

// isLUKSHeader: cryptsetup's on-disk format, 1.2.3 and LUKS2 1.1.3: magic and version.
func isLUKSHeader(data []byte) bool {
	return len(data) >= 512 && (bytes.HasPrefix(data, []byte("LUKS\xba\xbe\x00\x01")) || bytes.HasPrefix(data, []byte("LUKS\xba\xbe\x00\x02")))
}

// isKeytab: 5, the version, and a first record that can be one (MIT krb5,
// doc/formats/keytab_file_format.rst).
func isKeytab(data []byte) bool {
	if len(data) < 12 || data[0] != 5 || data[1] != 2 && data[1] != 1 {
		return false
	}
	size := int32(binary.BigEndian.Uint32(data[2:]))
	parts, realm := binary.BigEndian.Uint16(data[6:]), int(binary.BigEndian.Uint16(data[8:]))
	return size > 10 && int64(size) <= int64(len(data)-6) && parts > 0 && parts < 16 && realm > 0 && realm < int(size) && !slices.ContainsFunc(data[10:10+min(realm, len(data)-10)], func(c byte) bool { return c < ' ' || c > '~' })
}

// isDERKey: a key alone in a file, in one of the three forms that there are.
func isDERKey(data []byte) bool {
	if len(data) < 32 || len(data) > 16<<10 || data[0] != 0x30 {
		return false
	}
	_, pkcs8 := x509.ParsePKCS8PrivateKey(data)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(data)
	_, ec := x509.ParseECPrivateKey(data)
	return pkcs8 == nil || pkcs1 == nil || ec == nil
}

// isKeyStore: PKCS #12 (RFC 7292: a sequence of the version 3 and a sequence), or a key store of Java.
func isKeyStore(data []byte) bool {
	head := data[:min(len(data), 8)]
	return bytes.HasPrefix(head, []byte("\xfe\xed\xfe\xed")) || bytes.HasPrefix(head, []byte("\xce\xce\xce\xce")) ||
		len(head) == 8 && head[0] == 0x30 && head[1] >= 0x80 && bytes.Contains(head[2:], []byte{2, 1, 3, 0x30})
}
