#!/bin/bash
# build.sh: builds what the tests of the rescue system boot, once, but for salvor itself:
#
#   vmlinuz   Debian 12's stock kernel, out of its package
#   plain/    busybox and a few drivers: a rescue system without udev
#   full/     the same with Debian's bash, udev and dmsetup
#   machine/  a Debian with that kernel, storage tools, ssh, an editor and boot loaders of
#             every kind: what salvor rescue build makes images of
#   grub/     the same without Syslinux
#   bare/     the same without any boot loader
#
# Prints the directory that holds them.  plain and full are put together by hand, so that a
# test of the init says nothing of, and needs nothing from, the program that builds images.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=$here/../lab
. "$lab/cache.sh"
. "$lab/kernel.sh"

machine_packages=(
	udev kmod openssh-server dmsetup iproute2 less vim-tiny  # the ground
	lvm2 mdadm cryptsetup-bin fdisk gdisk                    # storage
	xfsprogs btrfs-progs dosfstools
	isolinux syslinux-common pxelinux                        # boot loaders
	shim-signed grub-efi-amd64-signed grub-efi-amd64-bin grub-pc-bin grub-common systemd-boot-efi
)

# Drivers of what QEMU gives to a machine, and what opens disks.
modules=(virtio_pci virtio_net virtio_blk e1000 af_packet ext4 dm-mod 8021q bonding)

programs=(
	/bin/bash /bin/udevadm /lib/systemd/systemd-udevd /sbin/dmsetup /bin/kmod
)

plain_tree() { # KERNEL TREE
	local name
	mkdir -p "$2"/{bin,dev,etc,mnt,proc,root,run,sbin,sys,tmp,usr/bin,usr/sbin,var/empty}
	cp /bin/busybox "$2/bin/busybox"
	for name in sh ls cat echo mount umount ip ping nc sleep kill ps mkdir stty tty id touch modprobe losetup truncate hostname pidof; do
		ln -s busybox "$2/bin/$name"
	done
	pick_modules "$1" "$2" "${modules[@]}"
}

# take_programs FROM TO PROGRAM…: copies programs and their libraries.
take_programs() {
	local from=$1 to=$2 file
	shift 2
	for file in "$@"; do
		echo "$file"
		chroot "$from" ldd "$file" | sed -n 's#.*=> \(/[^ ]*\) .*#\1#p; s#^\t\(/[^ ]*\) .*#\1#p'
	done | sort -u | while read -r file; do
		mkdir -p "$to$(dirname "$file")"
		cp -L "$from$file" "$to$file"
	done
}

full_tree() { # DEBIAN PLAIN TREE
	cp -a "$2" "$3"
	take_programs "$1" "$3" "${programs[@]}"
	rm "$3/bin/modprobe"
	ln -s ../bin/kmod "$3/sbin/modprobe"
	take_udev "$1" "$3/usr"
	ln -s ../usr/lib/udev "$3/lib/udev"
	# A rule that must not run, as a distribution has it.
	echo 'SUBSYSTEM=="block", RUN+="/bin/touch /tmp/assembled"' >"$3/usr/lib/udev/rules.d/64-md-raid-assembly.rules"
}

# take_udev FROM TO: the files of udev and dmsetup, and no others: the rules of other packages open
# things.
take_udev() {
	local file
	mkdir -p "$2"
	cat "$1"/var/lib/dpkg/info/{udev,dmsetup}.list | grep '^/lib/udev/' | grep -v hwdb |
		while read -r file; do
			[ -d "$1$file" ] || echo ".$file"
		done | tar -C "$1" -cf - -T - | tar -C "$2" -xf -
}

machine_tree() { # DEBIAN KERNEL TREE
	mv "$1" "$3"
	mv "$2"/boot/* "$3/boot/"
	mv "$2/lib/modules" "$3/usr/lib/"
	depmod -b "$3" "$(ls "$3/usr/lib/modules")"
}

# without TREE COPY PATH…: a copy without these files; it takes no room.
without() {
	local tree=$1 copy=$2
	shift 2
	cp -al "$tree" "$copy"
	(cd "$copy" && rm -r "$@")
}

build_rescue() { # DIR
	unpack_kernel "$1/kernel"
	cp "$1"/kernel/boot/vmlinuz-* "$1/vmlinuz"
	plain_tree "$1/kernel" "$1/plain"
	"$lab/debian.sh" "$1/debian.tar" "$(IFS=,; echo "${machine_packages[*]}")"
	mkdir "$1/debian"
	tar -C "$1/debian" -xf "$1/debian.tar" --exclude='./dev/*'
	full_tree "$1/debian" "$1/plain" "$1/full"
	machine_tree "$1/debian" "$1/kernel" "$1/machine"
	without "$1/machine" "$1/grub" usr/lib/{ISOLINUX,PXELINUX,syslinux}
	without "$1/grub" "$1/bare" usr/lib/{grub,shim,systemd/boot}
	rm -r "$1/kernel" "$1/debian.tar"
}

cached "rescue-$(key_of "$0" "$lab/cache.sh" "$lab/kernel.sh" "$lab/debian.sh")" build_rescue
