#!/bin/bash
# inside.sh COMMAND…: in the lab, runs COMMAND in a chroot of the machine that is mounted at
# /mnt/local, with ReaR's Debian (/salvor/rear.squashfs) in place of its programs.
#
# The programs are bound over the machine's own, and a squashfs is no file system that
# ReaR knows: it sees the machine's disks, file systems, fstab and crypttab as they are.
set -euo pipefail
target=/mnt/local tree=/run/rear

if ! mountpoint -q "$tree"; then
	mkdir -p "$tree"
	mount -o loop,ro /salvor/rear.squashfs "$tree"
	for dir in usr bin sbin lib lib64; do
		mkdir -p "$target/$dir"
		mount --bind "$tree/$([ $dir = usr ] && echo usr || echo usr/$dir)" "$target/$dir"
	done
	for file in rear lvm alternatives ld.so.cache ld.so.conf ld.so.conf.d debian_version os-release passwd group nsswitch.conf ssh ssl pam.d security login.defs; do
		[ -e "$target/etc/$file" ] || [ -L "$target/etc/$file" ] || cp -a "$tree/etc/$file" "$target/etc/$file"
	done
	mkdir -p "$target/var/lib/rear" "$target/var/log/rear" "$target/var/tmp" "$target/tmp"
	echo 'OUTPUT=ISO
MODULES=()
AUTOEXCLUDE_MULTIPATH=n' >"$target/etc/rear/local.conf"
fi
for dir in dev proc sys run; do
	mkdir -p "$target/$dir"
	mountpoint -q "$target/$dir" || mount --rbind "/$dir" "$target/$dir"
done
exec chroot "$target" "$@"
