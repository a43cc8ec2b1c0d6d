package rear

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"salvor/internal/config"
)

// configFiles are those of an administrator, in the order in which ReaR reads them.
var configFiles = []string{"site.conf", "local.conf"}

// ReadSettings reads the configuration in a directory: /etc/rear or a copy of it.
func ReadSettings(dir fs.FS) (*Settings, error) {
	s := &Settings{}
	for _, name := range configFiles {
		data, err := readLimited(dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			s.Read(name, data)
		}
	}
	return s, nil
}

// Configure makes salvor's configuration of settings: only what they say is set. The
// gaps are what is not taken over, and why; no value of a secret is in either.
func Configure(s *Settings) (*config.Config, []Gap) {
	t := &taker{s: s, c: &config.Config{}}
	for _, v := range s.All {
		t.setting(v)
	}
	for _, u := range s.Unread {
		where := fmt.Sprintf("line %d", u.Line)
		if u.Last > u.Line {
			where = fmt.Sprintf("lines %d to %d", u.Line, u.Last)
		}
		t.gaps = append(t.gaps, Gap{What: where + ": " + u.Word + " …", Cause: "cannot be read: " + u.Cause, File: u.File, Line: u.Line})
	}
	t.settle()
	return t.c, t.gaps
}

// taker takes settings over.
type taker struct {
	s    *Settings
	c    *config.Config
	v    *Setting // the one at work
	gaps []Gap
}

func (t *taker) gap(format string, args ...any) {
	t.gaps = append(t.gaps, Gap{What: t.v.Name, Cause: fmt.Sprintf(format, args...), File: t.v.File, Line: t.v.Line})
}

func (t *taker) setting(v *Setting) {
	t.v = v
	switch {
	case v.Secret:
		t.gap("it is a secret, which is not copied")
		return
	case v.Unsure != "":
		t.gap("%s", v.Unsure)
		return
	}
	at := slices.IndexFunc(variables, func(r variableRow) bool { return r.name == v.Name })
	switch {
	case at < 0 && v.used: // the administrator's own, for the sake of others
	case at < 0:
		t.gap("salvor has no setting for it")
	case variables[at].take == nil:
		t.gap("%s", variables[at].why)
	default:
		variables[at].take(t, v)
	}
}

// settle looks at values that depend on each other.
func (t *taker) settle() {
	if t.c.Backup.OnlyInclude && len(t.c.Backup.Include) == 0 {
		t.c.Backup.OnlyInclude = false
	}
	m := &t.c.Rescue.Modules
	m.Add = slices.DeleteFunc(m.Add, func(name config.Module) bool { return slices.Contains(m.Exclude, name) })
	p := &t.c.Rescue.Programs
	p.Optional = slices.DeleteFunc(p.Optional, func(name config.Program) bool { return slices.Contains(p.Required, name) })
}

// set reads one value; what config refuses is a gap.
func set[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](t *taker, to P, value string) bool {
	var v T
	if err := P(&v).UnmarshalText([]byte(value)); err != nil {
		t.gap("%v", err)
		return false
	}
	*to = v
	return true
}

// add reads values and appends them, each once.
func add[T comparable, P interface {
	*T
	encoding.TextUnmarshaler
}](t *taker, to *[]T, values ...string) {
	for _, value := range values {
		var v T
		if value != "" && set[T, P](t, &v, value) && !slices.Contains(*to, v) {
			*to = append(*to, v)
		}
	}
}

// isTrue reads a boolean as ReaR does (lib/global-functions.sh, is_true).
func isTrue(s string) bool {
	return slices.Contains([]string{"t", "true", "y", "yes", "1"}, strings.ToLower(s))
}

// exclude leaves something out of the layout.
func (t *taker) exclude(e config.Exclude) {
	e.Why = t.v.Name + " of ReaR"
	if !slices.Contains(t.c.Exclude, e) {
		t.c.Exclude = append(t.c.Exclude, e)
	}
}

// component excludes what ReaR names as in disktodo.conf.
func (t *taker) component(name string) {
	kind, rest, found := strings.Cut(name, ":")
	e := config.Exclude{}
	switch {
	case found && (kind == "fs" || kind == "btrfsmountedsubvol"):
		set(t, &e.Mount, rest)
	case found:
		set(t, &e.Device, rest)
	default:
		set(t, &e.Device, name)
	}
	if e != (config.Exclude{}) {
		t.exclude(e)
	}
}

// place turns a URL of ReaR's into one of salvor's.
func (t *taker) place(value string) (string, bool) {
	value = t.withoutUserinfo(value)
	scheme, rest, ok := strings.Cut(value, "://")
	switch {
	case !ok && strings.HasPrefix(value, "/"):
		return path.Clean(value), true
	case !ok:
		t.gap("%q is no URL", value)
	case scheme == "file":
		return path.Clean("/" + strings.TrimPrefix(strings.TrimPrefix(rest, "localhost"), "/")), true
	case scheme == "nfs" || scheme == "cifs" || scheme == "sshfs" || scheme == "rsync":
		return value, true
	case scheme == "null" || scheme == "iso" || scheme == "tape" || scheme == "obdr" || scheme == "usb" || scheme == "var":
		t.gap("salvor has no %s:// for this; say where it goes", scheme)
	default:
		return value, true
	}
	return "", false
}

// userinfo matches a name with a password in a URL (RFC 3986, 3.2.1).
var userinfo = regexp.MustCompile(`//([^/@:]*):[^/@]*@`)

func (t *taker) withoutUserinfo(url string) string {
	if userinfo.MatchString(url) {
		t.gap("there is a password in the URL, which is not copied")
	}
	return userinfo.ReplaceAllString(url, "//$1@")
}

// secretWord matches an option of mount(8) with a password in it.
var secretWord = regexp.MustCompile(`^(pass|password|passwd|pw)[0-9]?=`)

// mountOptions are those without secrets.
func (t *taker) mountOptions(list string) []string {
	var out []string
	for o := range strings.SplitSeq(list, ",") {
		switch {
		case secretWord.MatchString(o):
			t.gap("there is a password in it, which is not copied")
		case o != "" && !strings.ContainsAny(o, " \t\n"):
			out = append(out, o)
		}
	}
	return out
}
