#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C

wait_for_device() {
	tries=0
	until [ -b "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 did not appear" >&2; return 1; }
		sleep 1
	done
}

# 1. rename the map "luks-2" of luks:2 to "cr home"
dmsetup rename --noudevrules --noudevsync -- luks-2 'cr home'
wait_for_device '/dev/mapper/cr\x20home'
