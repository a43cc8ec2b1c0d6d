package system

import (
	"io/fs"
	"strings"
)

// releaseFile is one row of the table in docs/tables.md: what tells the name of a
// system that has no os-release.
type releaseFile struct {
	file   string
	distro string
	name   string // before what the file says; "" where that is the whole name
}

// releaseFiles are tried in order: what a distribution has for others' sake
// (redhat-release, lsb-release, debian_version) comes after its own.
var releaseFiles = []releaseFile{
	{"etc/alpine-release", "alpine", "Alpine Linux"},
	{"etc/slackware-version", "slackware", ""},
	{"etc/gentoo-release", "gentoo", ""},
	{"etc/SuSE-release", "suse", ""},
	{"etc/oracle-release", "ol", ""},
	{"etc/centos-release", "centos", ""},
	{"etc/fedora-release", "fedora", ""},
	{"etc/redhat-release", "rhel", ""},
	{"etc/arch-release", "arch", "Arch Linux"},
	{"etc/lsb-release", "", ""},
	{"etc/debian_version", "debian", "Debian GNU/Linux"},
}

// oldRelease gives, in the words of os-release(5), what a system without that file
// says of itself, or nil.
func (s *System) oldRelease(tree fs.FS) map[string]string {
	for _, r := range releaseFiles {
		if !exists(tree, r.file) {
			continue
		}
		text := s.config(tree, r.file)
		if r.distro == "" {
			if out := parseLSB(text); out != nil {
				return out
			}
			continue
		}
		line := firstLine(text)
		out := map[string]string{"ID": r.distro, "PRETTY_NAME": strings.TrimSpace(r.name + " " + line), "VERSION_ID": versionIn(line)}
		if out["PRETTY_NAME"] != "" {
			return out
		}
	}
	return nil
}

// parseLSB reads the DISTRIB_ words of an lsb-release. A file with others alone,
// as old Red Hats have, says nothing.
func parseLSB(data []byte) map[string]string {
	words := parseOSRelease(data)
	if words["DISTRIB_ID"] == "" {
		return nil
	}
	out := map[string]string{"ID": strings.ToLower(words["DISTRIB_ID"]), "VERSION_ID": words["DISTRIB_RELEASE"], "PRETTY_NAME": words["DISTRIB_DESCRIPTION"]}
	if out["PRETTY_NAME"] == "" {
		out["PRETTY_NAME"] = strings.TrimSpace(words["DISTRIB_ID"] + " " + words["DISTRIB_RELEASE"])
	}
	return out
}

// versionIn gives the first word that begins with a digit.
func versionIn(line string) string {
	for _, w := range strings.Fields(line) {
		if w[0] >= '0' && w[0] <= '9' {
			return w
		}
	}
	return ""
}
