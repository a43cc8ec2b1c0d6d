package fstab

import (
	"fmt"
	"path"
	"strings"
)

// SpecKind tells what a Spec names its device by.
type SpecKind int

const (
	Unset      SpecKind = iota // no spec at all
	UUID                       // of a file system, swap or LUKS header; also /dev/disk/by-uuid
	Label                      // the same; also by-label
	PartUUID                   // of a GPT partition, or xxxxxxxx-NN on MBR; also by-partuuid
	PartLabel                  // of a GPT partition; also by-partlabel
	ID                         // the tag ID=, a name below /dev/disk/by-id
	DevicePath                 // any other path below /dev
	ByID                       // a path below /dev/disk/by-id
	ByPath                     // a path below /dev/disk/by-path
	ByDiskSeq                  // a path below /dev/disk/by-diskseq
	Mapper                     // a path below /dev/mapper
	Network                    // host:/path, [v6]:/path, //host/share, scheme://…, user@fsid.fs=/path
	Virtual                    // a word that names no device: tmpfs, proc, overlay, none, a ZFS data set
	File                       // a path not below /dev: a swap file, an image, the source of a bind mount
)

var specKindNames = [...]string{
	Unset: "unset", UUID: "UUID", Label: "LABEL", PartUUID: "PARTUUID", PartLabel: "PARTLABEL", ID: "ID",
	DevicePath: "device path", ByID: "by-id", ByPath: "by-path", ByDiskSeq: "by-diskseq", Mapper: "mapper",
	Network: "network", Virtual: "virtual", File: "file",
}

// String returns the kind's name for people.
func (k SpecKind) String() string {
	if k < 0 || int(k) >= len(specKindNames) {
		return fmt.Sprintf("spec kind %d", int(k))
	}
	return specKindNames[k]
}

// Spec says what is to be mounted, swapped on or opened.
type Spec struct {
	Kind SpecKind
	// Value is decoded: for a tag what follows the =, for a path below
	// /dev/disk/by-* or /dev/mapper its last part, for other paths the path,
	// else the text. Two specs of the same kind and value mean the same.
	Value string
	// Text is the spec as written; "" for one that was not read.
	Text string
}

var specTags = []struct {
	prefix string
	kind   SpecKind
}{
	{"UUID=", UUID}, {"LABEL=", Label}, {"PARTUUID=", PartUUID}, {"PARTLABEL=", PartLabel}, {"ID=", ID},
}

// specDirs are the directories of links whose names are encoded by udev.
var specDirs = map[string]SpecKind{
	"/dev/disk/by-uuid/": UUID, "/dev/disk/by-label/": Label,
	"/dev/disk/by-partuuid/": PartUUID, "/dev/disk/by-partlabel/": PartLabel,
	"/dev/disk/by-id/": ByID, "/dev/disk/by-path/": ByPath, "/dev/disk/by-diskseq/": ByDiskSeq,
	mapperDir: Mapper,
}

const mapperDir = "/dev/mapper/"

// ParseSpec reads a spec as it is written in a column. What it is follows from
// the form alone; a word that is no known form is Virtual.
//
// Tags are written in capitals; "uuid=…" is a word like any other to systemd
// and to mount(8). A value may stand in quotes of either sort.
func ParseSpec(text string) Spec {
	s := Unescape(text)
	if kind, value, ok := parseTag(s); ok {
		return Spec{Kind: kind, Value: value, Text: text}
	}
	kind, value := Virtual, s
	switch {
	case s == "":
		kind = Unset
	case isNetwork(s):
		kind = Network
	case s[0] == '/':
		kind, value = classifyPath(s)
	}
	return Spec{Kind: kind, Value: value, Text: text}
}

func parseTag(s string) (SpecKind, string, bool) {
	for _, tag := range specTags {
		if value, ok := strings.CutPrefix(s, tag.prefix); ok {
			return tag.kind, unquote(value), true
		}
	}
	return Unset, "", false
}

// unquote removes one pair of quotes that enclose all of s, as systemd does.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// isNetwork: a share is //host/name, or, as mount.cifs(8) takes it too, the same
// with backslashes. Ceph's new form is user@fsid.fs=/path (mount.ceph(8)).
// Anything else has a colon after its host. UBI and MTD volumes have one too
// (ubi0:rootfs, mtd:data), but no slash.
func isNetwork(s string) bool {
	if strings.HasPrefix(s, "//") || strings.HasPrefix(s, `\\`) {
		host, name, _ := strings.Cut(strings.ReplaceAll(s[2:], `\`, "/"), "/")
		return host != "" && name != ""
	}
	if user, rest, ok := strings.Cut(s, "@"); ok && s[0] != '/' && !strings.Contains(user, "=") && strings.Contains(rest, "=/") {
		return true
	}
	flash := (strings.HasPrefix(s, "ubi") || strings.HasPrefix(s, "mtd")) && !strings.Contains(s, "/")
	return s[0] != '/' && strings.Contains(s, ":") && !flash
}

// classifyPath takes s to start with a slash. Below /dev, where udev alone
// makes directories, ".." can be resolved in the text; elsewhere a link may
// stand in the way, so it stays.
func classifyPath(s string) (SpecKind, string) {
	p := cleanPath(s)
	if !strings.HasPrefix(p, "/dev/") {
		return File, p
	}
	if p = path.Clean(p); !strings.HasPrefix(p, "/dev/") {
		return File, p
	}
	dir, name := path.Split(p)
	kind, ok := specDirs[dir]
	name = decodeHex(name)
	if !ok || name == "." || name == ".." || kind == Mapper && name == "control" {
		return DevicePath, p
	}
	return kind, name
}

// cleanPath makes a path absolute and removes empty and "." parts, but not
// "..", which only the file system can resolve.
func cleanPath(s string) string {
	var parts []string
	for part := range strings.SplitSeq(s, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return "/" + strings.Join(parts, "/")
}

// IsZero tells whether there is no spec.
func (s Spec) IsZero() bool {
	return s.Kind == Unset
}

// String returns the spec as it is written in a column: as it was read, or,
// for a spec made of kind and value, so that ParseSpec reads it back.
func (s Spec) String() string {
	if s.Text != "" {
		return s.Text
	}
	switch s.Kind {
	case UUID, Label, PartUUID, PartLabel, ID:
		return s.Kind.String() + "=" + Escape(quoteIfQuoted(s.Value))
	case ByID, ByPath, ByDiskSeq:
		return Escape("/dev/disk/" + s.Kind.String() + "/" + EncodeUdev(s.Value))
	case Mapper:
		return Escape(mapperDir + EncodeDM(s.Value))
	}
	return Escape(s.Value)
}

// quoteIfQuoted guards a value that itself has quotes around it.
func quoteIfQuoted(value string) string {
	if unquote(value) == value {
		return value
	}
	return `"` + value + `"`
}
