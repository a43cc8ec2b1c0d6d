#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C

wait_for_multipath() {
	tries=0
	until grep -qsxF "mpath-$1" /sys/block/dm-*/dm/uuid; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "no multipath map of $1 appeared" >&2; return 1; }
		sleep 1
	done
}

# 1. make the multipath map w1 of /dev/sdg /dev/sdh
multipath -i /dev/sdg
wait_for_multipath w1
