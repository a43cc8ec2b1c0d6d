package machine

import (
	"strings"

	"golang.org/x/sys/unix"
)

// split is a list of mount options, told apart by who they are for: the mount
// (the attributes of mount_setattr(2)) or the file system (fsconfig(2)).
type split struct {
	set, clear uint64 // attributes; set ones are not in clear
	fs         []string
}

// attributes are the options that the kernel keeps per mount and not per file
// system (mount_setattr(2)). The times of access are one choice of three.
var attributes = map[string]struct{ set, clear uint64 }{
	"nosuid":        {set: unix.MOUNT_ATTR_NOSUID},
	"suid":          {clear: unix.MOUNT_ATTR_NOSUID},
	"nodev":         {set: unix.MOUNT_ATTR_NODEV},
	"dev":           {clear: unix.MOUNT_ATTR_NODEV},
	"noexec":        {set: unix.MOUNT_ATTR_NOEXEC},
	"exec":          {clear: unix.MOUNT_ATTR_NOEXEC},
	"nodiratime":    {set: unix.MOUNT_ATTR_NODIRATIME},
	"diratime":      {clear: unix.MOUNT_ATTR_NODIRATIME},
	"nosymfollow":   {set: unix.MOUNT_ATTR_NOSYMFOLLOW},
	"symfollow":     {clear: unix.MOUNT_ATTR_NOSYMFOLLOW},
	"noatime":       {set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME},
	"strictatime":   {set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME},
	"relatime":      {clear: unix.MOUNT_ATTR__ATIME},
	"atime":         {clear: unix.MOUNT_ATTR__ATIME},
	"nostrictatime": {clear: unix.MOUNT_ATTR__ATIME},
	"norelatime":    {clear: unix.MOUNT_ATTR__ATIME},
	"defaults":      {},
}

// splitOptions tells the options apart; of two that contradict each other the
// later one wins, as with mount(8). "ro" and "rw" are of both: the file system
// keeps one and every mount of it another.
func splitOptions(options []string, readOnly bool) split {
	var s split
	for _, o := range options {
		a, ok := attributes[o]
		switch {
		case ok:
		case o == "ro":
			a.set = unix.MOUNT_ATTR_RDONLY
			s.fs = append(s.fs, o)
		case o == "rw":
			a.clear = unix.MOUNT_ATTR_RDONLY
			s.fs = append(s.fs, o)
		default:
			s.fs = append(s.fs, o)
		}
		s.change(a.set, a.clear)
	}
	if readOnly {
		s.fs = append(s.fs, "ro")
		s.change(unix.MOUNT_ATTR_RDONLY, 0)
	}
	return s
}

func (s *split) change(set, clear uint64) {
	s.set = s.set&^clear | set
	s.clear = (s.clear | clear) &^ s.set
	// mount_setattr(2) takes a choice of access times only with the whole field
	// cleared first.
	if s.set&unix.MOUNT_ATTR__ATIME != 0 {
		s.clear |= unix.MOUNT_ATTR__ATIME
	}
}

// foreign gives the options that a bind mount cannot have, because its file
// system is mounted already.
func (s *split) foreign() []string {
	var list []string
	for _, o := range s.fs {
		if o != "ro" && o != "rw" {
			list = append(list, o)
		}
	}
	return list
}

// keyValue splits "k=v" at the first "=".
func keyValue(option string) (key, value string, hasValue bool) {
	return strings.Cut(option, "=")
}
