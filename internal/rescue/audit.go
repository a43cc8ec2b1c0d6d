package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"salvor/internal/config"
	"salvor/internal/fstab"
)

// Finding is a secret in an image, or what looks like one.
type Finding struct {
	Path string `json:"path"`
	Rule Rule   `json:"rule"`
	Why  string `json:"why"`
	Line int    `json:"line,omitempty"` // where it begins, counted from 1; 0 is the file as a whole
}

func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Path, f.Why)
	}
	return fmt.Sprintf("%s, line %d: %s", f.Path, f.Line, f.Why)
}

// Rule names a row of the table "What must not get in" in docs/rescue.md.
type Rule string

// ErrSecret is an image that would hold a secret, or does.
var ErrSecret = errors.New("there are secrets in it")

// Secrets is nil if nothing was found. Otherwise it lists all of it.
func Secrets(found []Finding) error {
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = f.String()
	}
	return fmt.Errorf("%w:\n  %s", ErrSecret, strings.Join(lines, "\n  "))
}

// Auditor looks for secrets, by the paths of files and by what is in them. It
// never keeps what it finds. What is compressed or encrypted within a file is not looked into.
type Auditor struct {
	secret   []config.Pattern
	keyFiles map[string]bool
	buffer   []byte
}

// NewAuditor makes an auditor that takes, besides what is always secret, files that fit the patterns
// for secret, and the files that open encrypted volumes.
func NewAuditor(patterns, keyFiles []string) *Auditor {
	a := &Auditor{keyFiles: map[string]bool{}}
	for _, p := range patterns {
		a.secret = append(a.secret, config.Pattern(p))
	}
	for _, p := range keyFiles {
		a.keyFiles[path.Clean(p)] = true
	}
	return a
}

// KeyFiles are the files that a crypttab names: keys, and headers that lie apart from
// their data.
func KeyFiles(crypttab []byte) []string {
	var out []string
	take := func(file string) {
		if path.IsAbs(file) && !strings.HasPrefix(file, "/dev/") {
			out = append(out, path.Clean(file))
		}
	}
	for _, e := range fstab.ParseCrypttab(crypttab).Entries {
		take(e.KeyFile)
		if header, _, ok := e.Header(); ok {
			take(header)
		}
		for _, more := range e.Options.All("tcrypt-keyfile") {
			take(more)
		}
	}
	return out
}

// Audit looks through the files of an image, in the order of their paths in it.
func (a *Auditor) Audit(files iter.Seq2[Member, error]) ([]Finding, error) {
	var out []Finding
	for m, err := range files {
		if err != nil {
			return out, fmt.Errorf("cannot look for secrets: %w", err)
		}
		found, err := a.look(m)
		if err != nil {
			return out, fmt.Errorf("cannot look for secrets in %s: %w", m.Path, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// Audit looks through what would be in the image.
func (m *Manifest) Audit(fsys fs.FS, a *Auditor) ([]Finding, error) {
	return a.Audit(func(yield func(Member, error) bool) {
		r := root{fsys}
		for _, e := range m.Entries {
			if !r.visit(e, yield) {
				return
			}
		}
	})
}

// visit gives an entry with its content.
func (r root) visit(e Entry, yield func(Member, error) bool) bool {
	if e.Kind != File || e.Source == "" {
		return yield(Member{e, bytes.NewReader(e.content)}, nil)
	}
	f, err := r.open(e.Source)
	if err != nil {
		return yield(Member{Entry: e}, err)
	}
	defer f.Close()
	return yield(Member{e, io.NewSectionReader(f, 0, f.size)}, nil)
}

// look tells what is secret in one file; of each rule the first place.
func (a *Auditor) look(m Member) ([]Finding, error) {
	var out []Finding
	if rule, why := a.byPath(m.Path, m.Kind); rule != "" {
		out = append(out, Finding{Path: m.Path, Rule: rule, Why: why})
	}
	if m.Kind != File {
		return out, nil
	}
	found, err := a.scan(m.Path, m.Content)
	for _, f := range found {
		if !slices.ContainsFunc(out, func(g Finding) bool { return g.Rule == f.Rule }) {
			out = append(out, f)
		}
	}
	return out, err
}

// byPath judges a file by its path alone. A link is judged by what somebody named: what it leads to is
// judged where it lies.
func (a *Auditor) byPath(p string, kind Kind) (rule Rule, why string) {
	named := slices.ContainsFunc(a.secret, func(s config.Pattern) bool { return s.Match(p) })
	switch {
	case kind != File && kind != Link:
		return "", ""
	case named:
		return ruleConfigured, "the configuration says that it is secret"
	case a.keyFiles[p]:
		return ruleKeyFile, "crypttab names it as a key or header of an encrypted volume"
	case kind == Link:
		return "", ""
	}
	for _, row := range secretPaths {
		for _, pattern := range row.patterns {
			if config.Pattern(pattern).Match(p) {
				return row.rule, row.why
			}
		}
	}
	return "", ""
}
