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

# 1. set /dev/sdd read-only
blockdev --setro /dev/sdd

# 2. put a copy-on-write stand-in "cow-1" before /dev/sdd (writes go to memory)  (after 1)
file=$(mktemp /dev/shm/salvor.XXXXXX)
truncate -s 1073741824 "$file"
store=$(losetup --find --show "$file")
rm "$file"
dmsetup create --uuid SALVOR-COW-cow-1 --table "0 $(blockdev --getsz /dev/sdd) snapshot /dev/sdd $store N 8" -- cow-1
udevadm settle --timeout=30
wait_for_device /dev/mapper/cow-1

# 3. mount /dev/mapper/cow-1 (ext4) at /mnt/local read-only  (after 1 2)
mkdir -p /mnt/local
mount -t ext4 -o ro,nosuid,nodev /dev/mapper/cow-1 /mnt/local

# 4. mount the tree /srv at /mnt/local/a $(b) 'c' read-only  (after 3)
mount --bind /srv '/mnt/local/a $(b) '\''c'\'''
mount -o remount,bind,ro '/mnt/local/a $(b) '\''c'\'''
