#!/bin/bash
# build.sh [MACHINE…]: builds golden machines (all of them, if none is named) in the VM
# lab on blank disks, once, into the cache, and prints where each one lies.
#
# MACHINE.sh is the machine.  In its head, for this script:
#
#   # disk N SIZE [KEY=VALUE…]   disk N of it, and options of test/lab/run.sh --disk
#   # disk N SIZE lost           there while it is built, gone afterwards
#   # needs debian.tar           a Debian tree, at /salvor/debian.tar while it is built
#   # needs image ARCHIVE/FILE   one of cryptsetup's test images, at /salvor/FILE
#   # needs tpm                  a TPM 2.0, while it is built and afterwards
#
# A built machine is a directory with diskN.qcow2 and "disks", the list of them in the
# form that --disk takes, and "tpm", the state of its TPM.  Boot overlays of it, never the
# images themselves:
#
#   test/lab/run.sh --machine "$(test/machines/build.sh b)"
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=$here/../lab
. "$lab/cache.sh"

# Debian, small, for a target in which chroot should find real programs.
debian_tar() {
	cached "debian-$(key_of "$0" "$lab/debian.sh")" build_debian
}

build_debian() { # DIR
	"$lab/debian.sh" "$1/debian.tar" '' --dpkgopt='path-exclude=/usr/lib/x86_64-linux-gnu/gconv/*'
}

# corpus_images MACHINE DIR: takes the images that its head names out of the corpus.
corpus_images() {
	local tests image
	sed -n 's/^# needs image //p' "$here/$1.sh" | while read -r image; do
		tests=$("$here/../corpus/build.sh")/cryptsetup/tests
		tar -C "$2" --strip-components=1 -xSf "$tests/${image%%/*}.tar.xz" "$image"
	done
}

# disk_lines MACHINE prints "N SIZE OPTION…" for each disk in its head.
disk_lines() {
	sed -n 's/^# disk \([0-9].*\)/\1/p' "$here/$1.sh"
}

build_machine() { # MACHINE DIR
	local machine=$1 dir=$2 number size options disk
	local -a lab_options=()
	mkdir "$dir/share"
	cp "$here/root.sh" "$dir/share/"
	if grep -q '^# needs debian.tar' "$here/$machine.sh"; then
		ln "$(debian_tar)/debian.tar" "$dir/share/"
	fi
	corpus_images "$machine" "$dir/share"
	if grep -q '^# needs tpm' "$here/$machine.sh"; then
		mkdir "$dir/tpm"
		lab_options+=(--tpm "$dir/tpm")
	fi
	while read -r number size options; do
		disk=disk$number.qcow2,serial=$machine-disk$number
		disk+=$(printf ',wwn=0x5000c5000000%02x%02x' "'$machine" "$number")
		[ "$options" = lost ] || [ -z "$options" ] || disk+=,${options// /,}
		qemu-img create -q -f qcow2 "$dir/disk$number.qcow2" "$size"
		lab_options+=(--disk "$dir/$disk")
		[ "$options" = lost ] || echo "$disk" >>"$dir/disks"
	done < <(disk_lines "$machine")
	"$lab/run.sh" "${lab_options[@]}" --share "$dir/share" "$here/$machine.sh"
	disk_lines "$machine" | while read -r number size options; do
		[ "$options" != lost ] || rm "$dir/disk$number.qcow2"
	done
	rm -r "$dir/share"
}

if [ $# -eq 0 ]; then
	for script in "$here"/?.sh; do
		set -- "$@" "$(basename "$script" .sh)"
	done
fi
lab_dir=$("$lab/build.sh")
for machine in "$@"; do
	[ -f "$here/$machine.sh" ] || { echo "build.sh: no such machine: $machine" >&2; exit 1; }
	cached "machine-$machine-$(key_of "$0" "$here/root.sh" "$here/$machine.sh" "=${lab_dir##*/}")" \
		build_machine "$machine"
done
