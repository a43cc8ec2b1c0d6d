#!/bin/bash
# Machine h: a museum.  One of everything that the probe has to know, and no system.
#
# disk 1 1300M
# disk 2 300M
# disk 3 300M
# disk 4 300M
# disk 5 300M
#
#   disk1 (GPT, 17 partitions)
#   ├─1   MD RAID 1, metadata 0.90, with disk2p1      ─ ext2
#   ├─2   LUKS1                                       ─ ext3
#   ├─3   plain dm-crypt                              ─ ext4   (to be known as nothing)
#   ├─4   bcache, backing device ┐
#   ├─5   bcache, cache          ┘ writeback          ─ ext4
#   ├─6   f2fs, label "f2fs"
#   ├─7   exfat, label "exfat"
#   ├─8   ntfs, label "ntfs"
#   ├─9   squashfs
#   ├─10  iso9660, label "ISO"
#   ├─11  swap with a hibernation image (S1SUSPEND)
#   ├─12  vfat (FAT12), label "FAT12"
#   ├─13  LUKS2 with its header on partition 14 (no header here)
#   ├─14  LUKS2 header of partition 13
#   ├─15  btrfs over two devices, with 16 ("raid1")
#   ├─16  btrfs, the other device
#   └─17  blank
#   disk2 (MBR)
#   ├─1   MD RAID 1, metadata 0.90, with disk1p1
#   ├─2   extended
#   ├─5   ext4, label "logical5"
#   └─6   swap
#   disk3, disk4 (GPT)
#   ├─1   MD RAID 0, metadata 1.2, partitioned: GPT with an ext4 and a blank partition
#   └─2   PVs of VG "museum", with disk5
#   disk5   whole disk, PV of VG "museum"
#   VG museum: linear, striped (3 PVs), mirror (raid1), cached (dm-cache), origin with a
#         thick snapshot "snap", each an ext4 with its name as label
#
# passphrase: correct horse
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2) d3=$(disk 3) d4=$(disk 4) d5=$(disk 5)
fs_uuid() { # NUMBER
	printf '70000000-0000-4000-8000-0000000000%s' "$1"
}

{
	echo 'label: gpt'
	echo 'label-id: 70000000-0000-4000-8000-000000000000'
	number=1
	for size in 32 32 32 64 64 64 16 32 16 16 32 4 16 32 256 256 16; do
		printf 'size=%sM, type=L, uuid=70000000-0000-4000-8000-%012d\n' $size $number
		number=$((number + 1))
	done
} | partition "$d1"
partition "$d2" <<-'EOF'
	label: dos
	label-id: 0x70000d02
	size=32M, type=fd
	type=5
	size=64M, type=83
	size=32M, type=82
EOF
for n in 3 4; do
	partition "$(disk $n)" <<-EOF
		label: gpt
		label-id: 70000000-0000-4000-8000-0000000000${n}0
		size=64M, type=R, uuid=70000000-0000-4000-8000-0000000000${n}1
		          type=V, uuid=70000000-0000-4000-8000-0000000000${n}2
	EOF
done

# MD: the old superblock at the end, and a partitioned array.
mdadm --quiet --create /dev/md90 --run --assume-clean --level=1 --raid-devices=2 --metadata=0.90 \
	--uuid=70000000:00004000:80000000:00000090 "${d1}1" "${d2}1"
mkfs.ext2 -q -U "$(fs_uuid 01)" /dev/md90
mdadm --quiet --create /dev/md/parts --run --assume-clean --level=0 --raid-devices=2 --metadata=1.2 --chunk=64 \
	--homehost=hake --name=parts --uuid=70000000:00004000:80000000:00000012 "${d3}1" "${d4}1"
md=$(readlink -e /dev/md/parts)
partition "$md" <<-'EOF'
	label: gpt
	label-id: 70000000-0000-4000-8000-000000000050
	size=32M, type=L, uuid=70000000-0000-4000-8000-000000000051
	          type=L, uuid=70000000-0000-4000-8000-000000000052
EOF
mkfs.ext4 -q -U "$(fs_uuid 51)" "${md}p1"

# Encryption, old, headless and detached.
luks_format "${d1}2" "$(fs_uuid c2)" --type luks1
luks_open "${d1}2" luks1
mkfs.ext3 -q -U "$(fs_uuid 02)" /dev/mapper/luks1
luks_close luks1
printf %s "$passphrase" | cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 256 --hash sha256 --key-file - "${d1}3" plain
mkfs.ext4 -q -U "$(fs_uuid 03)" /dev/mapper/plain
luks_close plain
luks_format "${d1}13" "$(fs_uuid cd)" --header "${d1}14"

# bcache, with unwritten data in the cache: opening it writes to the backing device.
modprobe bcache
# The kernel wants more than 512 buckets.
make-bcache --wipe-bcache --writeback --bucket 64k --cset-uuid "$(fs_uuid b4)" -B "${d1}4" -C "${d1}5"
for part in 4 5; do
	echo "${d1}$part" >/sys/fs/bcache/register
done
udevadm settle
mkfs.ext4 -q -U "$(fs_uuid 04)" /dev/bcache0
echo 1 >/sys/block/bcache0/bcache/stop
for set in /sys/fs/bcache/*-*; do
	echo 1 >"$set/stop"
done

# File systems.
mkfs.f2fs -q -U "$(fs_uuid 06)" -l f2fs "${d1}6"
mkfs.exfat -L exfat "${d1}7"
tune.exfat -I 0x70000007 "${d1}7"
mkfs.ntfs -q -F -L ntfs "${d1}8"
ntfslabel --new-serial=7000000000000008 "${d1}8"
mkdir /tmp/tree
echo 'in a tree' >/tmp/tree/file
mksquashfs /tmp/tree /tmp/tree.squashfs -quiet -no-progress
cat /tmp/tree.squashfs >"${d1}9"
SOURCE_DATE_EPOCH=1700000000 genisoimage -quiet -R -J -V ISO -o "${d1}10" /tmp/tree
mkswap -q -U "$(fs_uuid 11)" "${d1}11"
# What the kernel's swsusp writes over the swap signature while a machine sleeps
# (kernel/power/swap.c, SWSUSP_SIG), at the end of the first page.
printf S1SUSPEND | dd of="${d1}11" bs=1 seek=4086 conv=notrunc status=none
mkfs.vfat -F 12 -i 70000012 -n FAT12 "${d1}12"
mkfs.btrfs -q -U "$(fs_uuid 15)" -L twodisks -m raid1 -d raid1 "${d1}15" "${d1}16"
mkfs.ext4 -q -U "$(fs_uuid 25)" -L logical5 "${d2}5"
mkswap -q -U "$(fs_uuid 26)" "${d2}6"

# LVM.
pvcreate --norestorefile --uuid 777777-0000-0000-0000-0000-0000-000003 "${d3}2"
pvcreate --norestorefile --uuid 777777-0000-0000-0000-0000-0000-000004 "${d4}2"
pvcreate --norestorefile --uuid 777777-0000-0000-0000-0000-0000-000005 "$d5"
vgcreate museum "${d3}2" "${d4}2" "$d5"
lvcreate -L 32M -n linear museum
lvcreate -L 48M --stripes 3 --stripesize 64k -n striped museum
lvcreate -L 32M --type raid1 --mirrors 1 --nosync -n mirror museum
lvcreate -L 32M -n origin museum
lvcreate -L 64M -n cached museum "${d3}2"
lvcreate -L 16M --type cache-pool --poolmetadatasize 4M -n fast museum "$d5"
lvconvert --yes --type cache --cachepool fast museum/cached
udevadm settle
number=31
for name in linear striped mirror origin cached; do
	mkfs.ext4 -q -U "$(fs_uuid $number)" -L $name /dev/museum/$name
	number=$((number + 1))
done
lvcreate -L 16M --snapshot -n snap museum/origin
vgchange -an museum
pin_lvm_uuids museum 77vgvg

mdadm --quiet --stop "$md"
mdadm --quiet --stop /dev/md90
