#!/bin/bash
# build.sh [CACHE]: builds the VM lab's kernel, initrd and live medium, once.
#
#   vmlinuz        Debian 12's stock kernel, out of its package, not installed
#   vmlinux        the same, unpacked: emulated, it would unpack itself for seconds at each boot
#   initrd         busybox and a few modules: mounts the live medium, no more
#   live.squashfs  the live medium's root: Debian's own storage tools, udev, a PID 1 that
#                  is not systemd
#
# Prints the directory that holds them.  CACHE (or SALVOR_CACHE) is where it is made;
# see cache.sh for the default.  Nothing of salvor goes in: the lab must be able to
# show that salvor is wrong.  A different medium is a different test, so packages and
# modules stand here in plain sight.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/cache.sh"
. "$here/kernel.sh"
[ $# -eq 0 ] || export SALVOR_CACHE=$1

# What the live medium brings: what a rescue system of a distribution brings.
live_packages=(
	udev kmod procps util-linux fdisk gdisk parted           # the ground
	cryptsetup-bin dmsetup lvm2 thin-provisioning-tools      # device mapper
	mdadm multipath-tools kpartx bcache-tools                # arrays, wires, caches
	e2fsprogs xfsprogs btrfs-progs dosfstools exfatprogs     # file systems
	f2fs-tools ntfs-3g squashfs-tools genisoimage
	busybox-static zstd attr less strace                     # making targets; looking around
	qemu-utils                                               # qemu-nbd: images that lie in files
	# Locks that open without a passphrase: cryptsetup's TPM2 and FIDO2 tokens and their
	# enrolment are systemd's, and load the TPM's libraries when they need them.
	systemd libtss2-esys-3.0.2-0 libtss2-rc0 libtss2-mu0 libtss2-tcti-device0
	clevis-luks jose curl tang-common
)

# Modules of the kernel package, by directory or file below kernel/.  Whatever they
# depend on comes with them.  Drivers of hardware that QEMU does not give are left out:
# they are most of the 300 MB.
live_modules=(
	drivers/md crypto arch/x86/crypto
	drivers/block/loop.ko drivers/block/brd.ko drivers/block/nbd.ko
	drivers/block/zram drivers/block/virtio_blk.ko drivers/nvme
	drivers/scsi/virtio_scsi.ko drivers/scsi/sd_mod.ko drivers/scsi/sr_mod.ko drivers/scsi/sg.ko
	drivers/scsi/scsi_debug.ko drivers/scsi/device_handler
	drivers/ata/ahci.ko drivers/ata/ata_piix.ko
	drivers/char/virtio_console.ko drivers/char/hw_random/virtio-rng.ko drivers/virtio
	fs/ext4 fs/xfs fs/btrfs fs/f2fs fs/exfat fs/fat fs/fuse fs/isofs fs/udf
	fs/squashfs fs/overlayfs fs/9p fs/nls fs/efivarfs fs/autofs net/9p
)

# Modules that the initrd needs to reach the live medium, with their dependencies.
initrd_modules=(virtio_pci virtio_blk squashfs overlay)

# unpack_vmlinux BZIMAGE OUT: takes the ELF file out of a kernel for x86 that is compressed with
# xz.  QEMU starts it where its PVH note says.  Where the packed one lies is in the header
# (kernel: Documentation/arch/x86/boot.rst, setup_sects, payload_offset, payload_length).
unpack_vmlinux() {
	local sectors start length
	sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	read -r start length < <(od -An -tu4 -j $((0x248)) -N 8 "$1")
	start=$((start + (sectors + 1) * 512))
	# Behind the packed kernel stands its size, in four bytes.
	head -c $((start + length - 4)) "$1" | tail -c +$((start + 1)) | xz -dc >"$2"
}

build_initrd() { # KERNEL OUT
	local root=$2.d
	mkdir -p "$root"/{bin,dev,proc,sys,live,new}
	cp /bin/busybox "$root/bin/busybox"
	install -m 755 "$here/initrd-init" "$root/init"
	pick_modules "$1" "$root" "${initrd_modules[@]}"
	(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$2"
	rm -r "$root"
}

build_live() { # KERNEL OUT
	pick_modules "$1" "$2.modules" "${live_modules[@]}"
	"$here/debian.sh" "$2.tar" "$(IFS=,; echo "${live_packages[*]}")" \
		--customize-hook="$here/live/customize.sh \"\$1\" $2.modules"
	# lz4, because the reader is an emulated CPU; /dev is the kernel's (devtmpfs).
	mksquashfs - "$2" -tar -noappend -quiet -no-progress -comp lz4 <"$2.tar"
	rm -r "$2.tar" "$2.modules"
}

build_lab() { # DIR
	unpack_kernel "$1/kernel"
	cp "$1"/kernel/boot/vmlinuz-* "$1/vmlinuz"
	unpack_vmlinux "$1/vmlinuz" "$1/vmlinux"
	build_initrd "$1/kernel" "$1/initrd"
	build_live "$1/kernel" "$1/live.squashfs"
	rm -r "$1/kernel"
}

cached "lab-$(key_of "$0" "$here/cache.sh" "$here/kernel.sh" "$here/debian.sh" "$here/initrd-init" "$here/live")" build_lab
