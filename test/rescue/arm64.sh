#!/bin/bash
# arm64.sh: builds a Debian for arm64 that salvor rescue build makes images of, once. Its packages
# are unpacked and not set up: nothing of it has to run for that, and this machine cannot run it.
#
# Prints the directory that holds it, as "machine/".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=$here/../lab
. "$lab/cache.sh"

packages=(
	bash dash coreutils findutils grep sed mawk tar gzip mount util-linux procps passwd  # the ground
	base-files base-passwd netbase udev kmod openssh-server dmsetup iproute2 less vim-tiny
	lvm2 mdadm cryptsetup-bin fdisk gdisk e2fsprogs xfsprogs btrfs-progs dosfstools      # storage
	linux-image-arm64 shim-signed grub-efi-arm64-signed systemd-boot-efi                 # what starts it
)

build_arm64() { # DIR
	local tree=$1/machine
	mkdir "$tree"
	"$lab/debian.sh" "$1/debian.tar" "$(IFS=,; echo "${packages[*]}")" --arch=arm64 --variant=extract \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr
	tar -C "$tree" -xf "$1/debian.tar" --exclude='./dev/*'
	rm "$1/debian.tar"
	depmod -b "$tree" "$(ls "$tree/usr/lib/modules")"
}

cached "rescue-arm64-$(key_of "$0" "$lab/cache.sh" "$lab/debian.sh")" build_arm64
