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

wait_for_image() {
	tries=0
	until [ "$(blockdev --getsize64 "$1")" -gt 0 ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 has no content" >&2; return 1; }
		sleep 1
	done
}

# 1. attach the raw image /srv/a b.img as /dev/loop64
losetup --partscan -- /dev/loop64 '/srv/a b.img'
udevadm settle --timeout=30
wait_for_device /dev/loop64

# 2. attach the raw image /srv/disk.img from byte 1048576 as /dev/loop65
losetup --partscan --offset=1048576 --sizelimit=8388608 -- /dev/loop65 /srv/disk.img
udevadm settle --timeout=30
wait_for_device /dev/loop65

# 3. attach the qcow2 image /srv/vm.qcow2 as /dev/nbd0
modprobe nbd
blockdev --setrw /dev/nbd0
qemu-nbd --connect=/dev/nbd0 --format=qcow2 -- /srv/vm.qcow2
wait_for_image /dev/nbd0
udevadm settle --timeout=30
