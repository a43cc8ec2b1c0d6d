package fstab

import (
	"fmt"
	"path"
	"strings"
)

// unitNameMost is the longest name of a unit (systemd, UNIT_NAME_MAX). Of a path
// that needs a longer one systemd ≥ 251 takes a hash.
const unitNameMost = 255

// UnitName returns the name of the unit for a path: UnitName("/home/my-data",
// ".mount") is `home-my\x2ddata.mount` (systemd.unit(5), "String escaping for
// inclusion in unit names").
func UnitName(p, suffix string) string {
	p = strings.Trim(path.Clean("/"+p), "/")
	if p == "" {
		return "-" + suffix
	}
	var b strings.Builder
	for i := range len(p) {
		switch c := p[i]; {
		case c == '/':
			b.WriteByte('-')
		case c == '.' && i == 0, !unitNameSafe(c):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + suffix
}

func unitNameSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == ':' || c == '_' || c == '.'
}

// UnitPath undoes UnitName: it returns the path that the name of a mount,
// automount, swap or device unit stands for. A name that UnitName could not have
// given, a template's instance among them, stands for none.
func UnitPath(name string) (p string, ok bool) {
	suffix := path.Ext(name)
	switch suffix {
	case ".mount", ".automount", ".swap", ".device":
	default:
		return "", false
	}
	name = strings.TrimSuffix(name, suffix)
	if name == "-" {
		return "/", true
	}
	p = "/" + decodeHex(strings.ReplaceAll(name, "-", "/"))
	return p, p != "/" && strings.IndexByte(p, 0) < 0 && UnitName(p, "") == name
}
