package bootentry

import (
	"maps"
	"slices"
	"strings"
)

// value is what a variable holds, and on what it depends that is not known.
type value struct {
	text    string
	unknown []string
}

func (v value) equal(o value) bool {
	return v.text == o.text && slices.Equal(v.unknown, o.unknown)
}

const (
	// longestValue is more than any loader hands to a kernel; what grows beyond it
	// is a script that doubles a variable again and again.
	longestValue = 64 << 10
	// mostUnknown is how many reasons are listed with one text.
	mostUnknown = 32
)

// joinUnknown adds reasons that are not there yet.
func joinUnknown(list []string, more ...string) []string {
	for _, m := range more {
		if len(list) < mostUnknown && !slices.Contains(list, m) {
			list = append(slices.Clip(list), m)
		}
	}
	return list
}

// env are the variables of a running GRUB.
type env struct {
	vars map[string]value
	open bool // a file of variables could not be read: any may be set
}

func (e env) clone() env { return env{maps.Clone(e.vars), e.open} }

// firmwareVars are set by GRUB itself, from what it runs on.
var firmwareVars = []string{"grub_platform", "grub_cpu", "cmdpath", "lang", "?", "shim_lock", "secureboot"}

// get gives a variable as GRUB would. One that is not set is empty, except where
// the running GRUB has it from elsewhere; then its name is left in the text.
func (e env) get(name string) value {
	if v, ok := e.vars[name]; ok {
		return v
	}
	switch {
	case strings.HasPrefix(name, "feature_"):
		return value{text: "y"} // of GRUB 2.00 and later
	case name != "" && isDigit(name[0]): // an argument that was not given
	case e.open, slices.Contains(firmwareVars, name), strings.HasPrefix(name, "net_"), strings.HasPrefix(name, "pxe_"):
		return value{"${" + name + "}", []string{"$" + name}}
	}
	return value{}
}

func (e env) set(name string, v value) {
	if len(v.text) > longestValue {
		v.text, v.unknown = v.text[:longestValue], joinUnknown(v.unknown, "$"+name+", which is too long")
	}
	e.vars[name] = v
}

// device gives the file system that a path lies on, and the path in it:
// (dev)/path, or /path on the one that root names.
func (e env) device(text string) (device, name string) {
	if rest, ok := strings.CutPrefix(text, "("); ok {
		if device, name, ok = strings.Cut(rest, ")"); ok {
			return device, name
		}
	}
	if v, ok := e.vars["root"]; ok {
		return v.text, text
	}
	return "", text
}

// Devices of the script are what the running GRUB finds. What a search will find
// is written as one of these, followed by what is searched for.
const (
	byUUID  = "uuid:"
	byLabel = "label:"
	byFile  = "file:"
	inTree  = "tree:" // the tree itself: where the script was found
)

// volumeOf gives what is known of a device.
func volumeOf(device string) volume {
	if uuid, ok := strings.CutPrefix(device, byUUID); ok {
		return volume{uuid: uuid}
	}
	if label, ok := strings.CutPrefix(device, byLabel); ok {
		return volume{label: label}
	}
	return volume{}
}

// merge gives the variables after an if of which nobody knows which arm is taken:
// where the arms differ, the first one that changed something is shown, and noted.
func merge(base env, arms []env, why string) env {
	out := base.clone()
	for _, a := range arms {
		out.open = out.open || a.open
		for name, v := range a.vars {
			was, ok := base.vars[name]
			if ok && was.equal(v) {
				continue
			}
			if _, done := out.vars[name]; done && (!ok || !out.vars[name].equal(was)) {
				continue // an earlier arm changed it
			}
			out.vars[name] = agreed(name, v, arms, why)
		}
	}
	return out
}

// agreed notes the reason unless all arms say the same.
func agreed(name string, v value, arms []env, why string) value {
	for _, a := range arms {
		if other, ok := a.vars[name]; !ok || !other.equal(v) {
			v.unknown = joinUnknown(v.unknown, why)
			break
		}
	}
	return v
}
