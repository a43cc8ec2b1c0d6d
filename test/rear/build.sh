#!/bin/bash
# build.sh: builds a Debian 12 tree with ReaR and the storage tools it calls, once, as
# rear.squashfs in a directory of the cache, and prints that directory.
#
# It is the judge of "salvor import rear" and "salvor export rear", and the peer of
# "salvor save" in make bench.  inside.sh puts it into a mounted golden machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=$here/../lab
. "$lab/cache.sh"

packages=rear,parted,gdisk,fdisk,cryptsetup-bin,dmsetup,lvm2,thin-provisioning-tools,mdadm,multipath-tools
packages+=,e2fsprogs,xfsprogs,btrfs-progs,dosfstools,udev,kmod,procps,less,psmisc,openssh-client,nano,grub2-common,grub-efi-amd64-bin,efibootmgr,file

build_rear() { # DIR
	"$lab/debian.sh" "$1/rear.tar" "$packages"
	mkdir "$1/tree"
	tar -C "$1/tree" --exclude='./dev/*' -xpf "$1/rear.tar"
	mksquashfs "$1/tree" "$1/rear.squashfs" -quiet -no-progress -comp zstd
	rm -r "$1/tree" "$1/rear.tar"
}

cached "rear-$(key_of "$0" "$lab/debian.sh")" build_rear
