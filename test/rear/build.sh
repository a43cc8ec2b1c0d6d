#!/bin/bash
# build.sh: builds a Debian 12 tree with ReaR and the storage tools it calls, once, as
# rear.squashfs in a directory of the cache, and prints that directory.
#
# It is the judge of "salvor import rear" and "salvor export rear", and the peer of
# "salvor save" and "salvor rescue build" in make bench: so there is a kernel in it, the
# lab's own, and what a server has that is started again by an ISO image; and systemd, as
# without it ReaR's image lacks libraries.  inside.sh puts it into a mounted golden machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=$here/../lab
. "$lab/cache.sh"

packages=rear,parted,gdisk,fdisk,cryptsetup-bin,dmsetup,lvm2,thin-provisioning-tools,mdadm,multipath-tools
packages+=,e2fsprogs,xfsprogs,btrfs-progs,dosfstools,udev,kmod,procps,less,psmisc,openssh-client,nano,grub2-common,grub-efi-amd64-bin,efibootmgr,file
packages+=,systemd-sysv,linux-image-amd64,isolinux,syslinux-common,xorriso,shim-signed,grub-efi-amd64-signed,openssh-server,iproute2

build_rear() { # DIR
	"$lab/debian.sh" "$1/rear.tar" "$packages"
	mkdir "$1/tree"
	tar -C "$1/tree" --exclude='./dev/*' -xpf "$1/rear.tar"
	# lz4, because the reader is an emulated CPU, and the peers' speed is what is measured.
	mksquashfs "$1/tree" "$1/rear.squashfs" -quiet -no-progress -comp lz4
	rm -r "$1/tree" "$1/rear.tar"
}

cached "rear-$(key_of "$0" "$lab/debian.sh")" build_rear
