package apply

import (
	"fmt"
	"strings"

	"salvor/internal/plan"
)

// Script gives the plan as a POSIX shell script that does the same by hand, with
// the operation before its commands.
func Script(p *plan.Plan, env Env) (string, error) {
	acts, err := lowerAll(p, env)
	if err != nil {
		return "", err
	}
	var body strings.Builder
	for i, s := range p.Steps {
		fmt.Fprintf(&body, "\n# %d. %s%s\n", s.Number, comment(s.Op.Text()), afterText(s.After))
		for _, a := range acts[i] {
			body.WriteString(a.Shell() + "\n")
		}
	}
	return scriptHead + helpers(body.String()) + body.String(), nil
}

// comment keeps a name with a line break in it from becoming a command.
func comment(text string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(text)
}

func afterText(after []int) string {
	if len(after) == 0 {
		return ""
	}
	return fmt.Sprintf("  (after %s)", strings.Trim(fmt.Sprint(after), "[]"))
}

const scriptHead = `#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C
`

// helpers gives the shell functions that the body calls.
func helpers(body string) string {
	var out strings.Builder
	for _, h := range shellHelpers {
		if strings.Contains(body, "\n"+h.name+" ") {
			out.WriteString("\n" + h.text)
		}
	}
	return out.String()
}

var shellHelpers = []struct{ name, text string }{
	{"wait_for_device", `wait_for_device() {
	tries=0
	until [ -b "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 did not appear" >&2; return 1; }
		sleep 1
	done
}
`},
	{"copy_header", `copy_header() {
	mkdir -p "${3%/*}"
	(umask 077 && head -c "$2" "$1" >"$3")
}
`},
	{"need_header", `need_header() {
	[ -e "$2" ] || { echo "copy the LUKS header, $1, to $2 and run this again" >&2; return 1; }
}
`},
	{"wait_for_image", `wait_for_image() {
	tries=0
	until [ "$(blockdev --getsize64 "$1")" -gt 0 ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 has no content" >&2; return 1; }
		sleep 1
	done
}
`},
	{"wait_for_end", `wait_for_end() {
	tries=0
	while [ -e "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 is still there: the device is in use" >&2; return 1; }
		sleep 1
	done
}
`},
	{"wait_for_multipath", `wait_for_multipath() {
	tries=0
	until grep -qsxF "mpath-$1" /sys/block/dm-*/dm/uuid; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "no multipath map of $1 appeared" >&2; return 1; }
		sleep 1
	done
}
`},
	{"stop_bcache", `stop_bcache() {
	set=$(readlink -f "/sys/block/$1/bcache/cache" || :)
	echo 1 >"/sys/block/$1/bcache/stop"
	tries=0
	while [ -e "/sys/block/$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 is in use" >&2; return 1; }
		sleep 1
	done
	# The set keeps its devices open; it goes when no bcache uses it any more.
	if [ -e "$set/stop" ] && ! ls "$set" | grep -q '^bdev'; then
		echo 1 >"$set/stop"
	fi
}
`},
}
