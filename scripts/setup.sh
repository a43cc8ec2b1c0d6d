#!/bin/bash
# setup.sh: installs what building and testing salvor needs on a Debian 12 machine.
#
# Go, git and make are taken as given.  salvor itself needs nothing of this to be
# built or run: the packages here serve the VM lab (test/lab) and the tests that
# compare salvor with the distribution's own tools.
#
# It does nothing, and needs no root, when everything is there already.
set -euo pipefail

# The one list: package, then why.
packages() {
	cat <<-'LIST'
	bcache-tools            probe tests read what its mkfs writes
	binutils                objdump and objcopy: boot media tests take UKIs apart
	btrfs-progs             probe tests read what mkfs.btrfs writes
	busybox-static          the lab's initramfs and the small hand-made target systems
	cpio                    packs the lab's initramfs
	cryptsetup-bin          probe tests read LUKS headers that it writes
	dosfstools              probe tests read what mkfs.vfat writes
	e2fsprogs               probe tests read what mkfs.ext4 writes
	exfatprogs              probe tests read what mkfs.exfat writes
	f2fs-tools              probe tests read what mkfs.f2fs writes
	fdisk                   sfdisk: partition tables for probe tests
	gdisk                   sgdisk: GPT with fixed GUIDs for probe tests
	grub-common             grub-mkimage: boot media tests make GRUB's core image
	grub-efi-amd64-signed   boot media with Secure Boot
	grub-pc-bin             boot media that start by a BIOS without ISOLINUX
	ipxe-qemu               network cards that boot media tests start from
	isolinux                boot media that start by a BIOS
	jfsutils                probe tests read what mkfs.jfs writes
	kmod                    depmod, for the modules unpacked from Debian's kernel package
	lvm2                    probe tests compare with what its tools report
	mdadm                   probe tests compare with mdadm --examine
	mmdebstrap              makes the lab's live medium and machine b's Debian without debootstrap's slowness
	mtools                  boot media tests read FAT with it
	nilfs-tools             probe tests read what mkfs.nilfs2 writes
	ntfs-3g                 probe tests read what mkfs.ntfs writes
	ovmf                    UEFI firmware for virtual machines
	pxelinux                boot over the network
	qemu-efi-aarch64        UEFI firmware for virtual machines of that architecture
	qemu-system-arm         boot media of another architecture
	qemu-system-x86         the lab's virtual machines
	qemu-utils              qemu-img: base images and overlays
	reiserfsprogs           probe tests read what mkreiserfs writes
	sbsigntool              sbverify: boot media tests check UKIs
	shellcheck              make lint: the shell scripts here are checked too
	shim-signed             boot media with Secure Boot
	squashfs-tools          packs the lab's live medium
	swtpm                   the TPM of a lab machine
	syslinux-common         the menu of ISOLINUX and PXELINUX
	systemd-boot-efi        boot media without GRUB, and the stub of UKIs
	thin-provisioning-tools probe tests read what they write of thin pools
	xfsprogs                probe tests read what mkfs.xfs writes
	xorriso                 boot media tests read ISO 9660 with it
	xz-utils                unpacks the source packages whose test images test/corpus uses, and the lab's kernel
	LIST
}

missing() {
	local name reason
	while read -r name reason; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q ' installed$' ||
			echo "$name $reason"
	done < <(packages)
}

main() {
	local todo
	todo=$(missing)
	if [ -z "$todo" ]; then
		echo "setup: everything needed is installed"
		return
	fi
	echo "setup: installing with apt-get:"
	while read -r name reason; do
		printf '  %-18s %s\n' "$name" "$reason"
	done <<<"$todo"
	if [ "$(id -u)" != 0 ]; then
		echo "setup: cannot install packages: not root; run: sudo $0" >&2
		return 1
	fi
	# Another apt may be running (a first boot's unattended upgrade): wait for it.
	local apt=(apt-get -q -o DPkg::Lock::Timeout=300)
	"${apt[@]}" update
	# shellcheck disable=SC2046  # one word per package is what is wanted
	DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends $(cut -d' ' -f1 <<<"$todo")
}

main
