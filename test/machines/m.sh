#!/bin/bash
# Machine m: several kinds of installation.  Two deployments of an ostree system, NixOS, and
# Alpine Linux, which sleeps, on a disk without a partition table.
#
# disk 1 640M
# disk 2 120M
#
#   disk1 (GPT)
#   ├─1  ext4, label "boot"            /boot of the ostree system, with boot loader entries
#   ├─2  ext4, the physical root of the ostree system "fedora"
#   │     └─ ostree/deploy/fedora
#   │          ├─ deploy/1….0          /      the newer deployment, which boots
#   │          ├─ deploy/0….0          the one before
#   │          └─ var                  /var   of both
#   ├─3  ext4, NixOS                   /      /etc is links into /nix/store
#   └─4  swap, with a hibernation image (S1SUSPEND), of Alpine
#   disk2  ext4, Alpine Linux          /      no partition table
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: A5000000-0000-4000-8000-000000000000
	size=48M,  type=L, uuid=A5000000-0000-4000-8000-000000000001
	size=240M, type=L, uuid=A5000000-0000-4000-8000-000000000002
	size=200M, type=L, uuid=A5000000-0000-4000-8000-000000000003
	           type=S, uuid=A5000000-0000-4000-8000-000000000004
EOF
mkfs.ext4 -q -U a5000000-0000-4000-8000-0000000000f1 -L boot "${d1}1"
mkfs.ext4 -q -U a5000000-0000-4000-8000-0000000000f2 -L root "${d1}2"
mkfs.ext4 -q -U a5000000-0000-4000-8000-0000000000f3 -L nixos "${d1}3"
mkfs.ext4 -q -U a5000000-0000-4000-8000-0000000000f5 "$d2"

# ostree: what "ostree admin deploy" leaves, twice (ostree-admin-deploy(1), and the pages
# "Deployments" and "Atomic upgrades" of its manual).
mount "${d1}2" /mnt
mkdir -p /mnt/boot /mnt/ostree/repo/objects /mnt/ostree/deploy/fedora/var/home /mnt/ostree/deploy/fedora/deploy /mnt/sysroot
mount "${d1}1" /mnt/boot
printf '[core]\nrepo_version=1\nmode=bare\n' >/mnt/ostree/repo/config
echo 'dear diary' >/mnt/ostree/deploy/fedora/var/home/diary

# deploy DIGIT VERSION INDEX: the deployment whose checksum is all DIGIT, and its boot entry.
deploy() {
	local sum boot_sum root
	sum=$(printf "%064d" 0 | tr 0 "$1")
	boot_sum=$(printf "%064d" 0 | tr 0 "$((8 - $1))")
	root=/mnt/ostree/deploy/fedora/deploy/$sum.0
	mkdir "$root"
	make_root "$root" fedora40 mora 6.8.5-301.fc40.x86_64
	printf "OSTREE_VERSION='%s'\n" "$2" >>"$root/usr/lib/os-release"
	sed -i "s/Server Edition/CoreOS $2/" "$root/usr/lib/os-release"
	# usr-merge; /var, /home and /root are the machine's and not the deployment's.
	mkdir "$root/usr/lib/modules"
	mv "$root"/lib/modules/* "$root/usr/lib/modules/"
	mv "$root"/bin/* "$root/usr/bin/"
	rm -r "${root:?}"/{bin,sbin,lib,boot,home,root,mnt,srv,var}
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s var/home "$root/home"
	ln -s var/roothome "$root/root"
	ln -s sysroot/ostree "$root/ostree"
	mkdir "$root/sysroot" "$root/boot" "$root/var"
	echo 'LABEL=boot /boot ext4 defaults,nodev 1 2' >"$root/etc/fstab"
	cp -a "$root/etc" "$root/usr/etc"
	printf '[origin]\nrefspec=fedora:fedora/x86_64/coreos/stable\n' >"$root.origin"

	mkdir -p "/mnt/ostree/boot.1.1/fedora/$boot_sum" "/mnt/boot/ostree/fedora-$boot_sum" /mnt/boot/loader.1/entries
	ln -s "../../../deploy/fedora/deploy/$sum.0" "/mnt/ostree/boot.1.1/fedora/$boot_sum/0"
	echo 'not a kernel' >"/mnt/boot/ostree/fedora-$boot_sum/vmlinuz-6.8.5-301.fc40.x86_64"
	echo 'not an initramfs' >"/mnt/boot/ostree/fedora-$boot_sum/initramfs-6.8.5-301.fc40.x86_64.img"
	cat >"/mnt/boot/loader.1/entries/ostree-$3.conf" <<-EOF
		title Fedora CoreOS $2 (ostree:$((2 - $3)))
		version $3
		options rw root=UUID=a5000000-0000-4000-8000-0000000000f2 ostree=/ostree/boot.1/fedora/$boot_sum/0
		linux /ostree/fedora-$boot_sum/vmlinuz-6.8.5-301.fc40.x86_64
		initrd /ostree/fedora-$boot_sum/initramfs-6.8.5-301.fc40.x86_64.img
	EOF
}
deploy 1 40.20240602.3.0 2
deploy 0 40.20240504.3.0 1
ln -s boot.1.1 /mnt/ostree/boot.1
ln -s loader.1 /mnt/boot/loader
umount -R /mnt

# NixOS: all of /etc but a few files is links, absolute ones, by way of /etc/static; there
# is no /usr/lib, and /bin has one program.
mount "${d1}3" /mnt
store=/nix/store/00000000000000000000000000000000
make_root /mnt nixos nix none
mkdir -p "/mnt$store-etc/etc" "/mnt$store-bash-5.2p26" "/mnt$store-nixos-system-nix-24.05" /mnt/nix/var/nix/profiles
mv /mnt/bin "/mnt$store-bash-5.2p26/bin"
mv /mnt/usr/lib/os-release /mnt/etc/hostname "/mnt$store-etc/etc/"
rm -r /mnt/etc/os-release /mnt/etc/fstab /mnt/usr /mnt/lib /mnt/sbin /mnt/boot/*
mkdir -p /mnt/bin /mnt/usr/bin
cat >"/mnt$store-etc/etc/fstab" <<-'EOF'
	# This is a generated file.  Do not edit!
	#
	# To make changes, edit the fileSystems and swapDevices NixOS options
	# in your /etc/nixos/configuration.nix file.
	#
	# <file system> <mount point>   <type>  <options>       <dump>  <pass>

	# Filesystems.
	/dev/disk/by-uuid/a5000000-0000-4000-8000-0000000000f3 / ext4 x-initrd.mount 0 1
EOF
ln -s "$store-etc/etc" /mnt/etc/static
for name in os-release hostname fstab; do
	ln -s /etc/static/$name /mnt/etc/$name
done
: >/mnt/etc/NIXOS
ln -s "$store-bash-5.2p26/bin/sh" /mnt/bin/sh
ln -s "$store-etc/etc" "/mnt$store-nixos-system-nix-24.05/etc"
ln -s "$store-bash-5.2p26" "/mnt$store-nixos-system-nix-24.05/sw"
echo 24.05 >"/mnt$store-nixos-system-nix-24.05/nixos-version"
ln -s "$store-nixos-system-nix-24.05" /mnt/nix/var/nix/profiles/system-1-link
ln -s system-1-link /mnt/nix/var/nix/profiles/system
umount /mnt

# Alpine: musl, OpenRC, extlinux; and asleep.
mount "$d2" /mnt
make_root /mnt alpine alp 6.6.31-0-lts
mv /mnt/boot/vmlinuz-* /mnt/boot/vmlinuz-lts
mv /mnt/boot/initrd.img-* /mnt/boot/initramfs-lts
echo 3.20.0 >/mnt/etc/alpine-release
echo 'not a loader' >/mnt/lib/ld-musl-x86_64.so.1
cat >/mnt/boot/extlinux.conf <<-'EOF'
	DEFAULT lts
	LABEL lts
	  LINUX vmlinuz-lts
	  INITRD initramfs-lts
	  APPEND root=UUID=a5000000-0000-4000-8000-0000000000f5 modules=sd-mod,ext4 resume=UUID=a5000000-0000-4000-8000-0000000000f4
EOF
cat >/mnt/etc/fstab <<-'EOF'
	UUID=a5000000-0000-4000-8000-0000000000f5	/	ext4	rw,relatime	0 1
	UUID=a5000000-0000-4000-8000-0000000000f4	swap	swap	defaults	0 0
	tmpfs	/tmp	tmpfs	nosuid,nodev	0	0
EOF
umount /mnt
mkswap -q -U a5000000-0000-4000-8000-0000000000f4 "${d1}4"
# What the kernel's swsusp writes over the swap signature while a machine sleeps
# (kernel/power/swap.c, SWSUSP_SIG), at the end of the first page.
printf S1SUSPEND | dd of="${d1}4" bs=1 seek=4086 conv=notrunc status=none
