#!/bin/bash
# open.sh MACHINE: in the lab, opens and mounts a golden machine at /mnt/local by plain
# commands, as it would run: everything that its fstab names.
set -euo pipefail
passphrase='correct horse'

unlock() { # DEVICE NAME [OPTION…]
	printf %s "$passphrase" | cryptsetup open --key-file - "$@"
}

case $1 in
a) root=/dev/sda2 ;;
b)
	mdadm --quiet --assemble --scan
	unlock /dev/sda3 vault_primary
	root=/dev/mapper/orca--vg-root
	;;
c)
	unlock /dev/sda2 cr_root
	mkdir -p /run/root
	mount -o ro /dev/mapper/cr_root /run/root
	vgchange -qay cellar
	cryptsetup open --key-file /run/root/etc/keys/home.key /dev/cellar/home cr_home
	cryptsetup open --key-file /run/root/etc/keys/data.key /dev/sdb1 cr_data
	unlock /dev/sdb2 'cr blank'
	umount /run/root
	root=/dev/mapper/cr_root
	;;
d) root=/dev/sdb5 ;;
*)
	echo "open.sh: no such machine: $1" >&2
	exit 1
	;;
esac >/dev/null
vgchange -qay >/dev/null 2>&1 || true
udevadm settle
mkdir -p /mnt/local
mount "$root" /mnt/local
# The root's own line comes first and is there already; swap is not mount's.
awk '$1 !~ /^#/ && $2 ~ /^\/./ && $3 != "swap"' /mnt/local/etc/fstab >/run/fstab
mount --all --fstab /run/fstab --target-prefix /mnt/local || echo "open.sh: not all of $1 could be mounted" >&2
awk '$1 !~ /^#/ && $3 == "swap" { print $1 }' /mnt/local/etc/fstab | while read -r area; do
	case $area in
	*=*) swapon "$(blkid -t "$area" -o device)" ;;
	*) swapon "$area" ;;
	esac
done
