#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C

wait_for_end() {
	tries=0
	while [ -e "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 is still there: the device is in use" >&2; return 1; }
		sleep 1
	done
}

# 1. detach image:/srv/a b.img (/dev/loop64)
udevadm settle --timeout=30
losetup --detach /dev/loop64
wait_for_end /sys/block/loop64/loop/backing_file

# 2. detach image:/srv/disk.img+1048576 (/dev/loop65)
udevadm settle --timeout=30
losetup --detach /dev/loop65
wait_for_end /sys/block/loop65/loop/backing_file

# 3. detach image:/srv/vm.qcow2 (/dev/nbd0)
udevadm settle --timeout=30
qemu-nbd --disconnect /dev/nbd0
wait_for_end /sys/block/nbd0/pid
