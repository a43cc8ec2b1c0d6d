#!/bin/bash
# Machine l: btrfs in trouble.  openSUSE Tumbleweed on a btrfs RAID 1 that has lost a disk,
# rolled back to a snapshot, with the snapshots of a month.
#
# disk 1 400M
# disk 2 400M lost
#
#   disk1 (GPT)                              (disk2, whole)
#   ├─1  vfat, ESP            /boot/efi      │
#   └─2  btrfs RAID 1, label "linux" ────────┘
#         ├─ @
#         │   └─ .snapshots                  /.snapshots
#         │        ├─ 1…20/snapshot          read-only, snapper's
#         │        └─ 21/snapshot  default   /   (a rollback's; fstab names no subvolume for it)
#         │             └─ var/lib/machines/web   an nspawn container, a subvolume
#         └─ @home                           /home
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: A4000000-0000-4000-8000-000000000000
	size=40M, type=U, uuid=A4000000-0000-4000-8000-000000000001
	          type=L, uuid=A4000000-0000-4000-8000-000000000002
EOF
mkfs.vfat -F 32 -i A4000001 "${d1}1"
mkfs.btrfs -q -U a4000000-0000-4000-8000-0000000000f2 -L linux -m raid1 -d raid1 "${d1}2" "$d2"
udevadm settle

mkdir /tmp/top
mount "${d1}2" /tmp/top
for name in @ @home @/.snapshots; do
	btrfs -q subvolume create "/tmp/top/$name"
done
echo 'dear diary' >/tmp/top/@home/diary
snapshots=/tmp/top/@/.snapshots

# info NUMBER DESCRIPTION: the file that snapper keeps beside a snapshot.
info() {
	mkdir "$snapshots/$1"
	cat >"$snapshots/$1/info.xml" <<-EOF
		<?xml version="1.0"?>
		<snapshot>
		  <type>single</type>
		  <num>$1</num>
		  <date>2024-06-$(printf %02d "$1") 02:00:00</date>
		  <description>$2</description>
		  <cleanup>timeline</cleanup>
		</snapshot>
	EOF
}

root=$snapshots/1/snapshot
info 1 'first root filesystem'
btrfs -q subvolume create "$root"
make_root "$root" tumbleweed ling 6.9.3-1-default
cat >"$root/etc/fstab" <<-'EOF'
	UUID=a4000000-0000-4000-8000-0000000000f2  /            btrfs  defaults               0  0
	UUID=a4000000-0000-4000-8000-0000000000f2  /home        btrfs  subvol=/@home          0  0
	UUID=a4000000-0000-4000-8000-0000000000f2  /.snapshots  btrfs  subvol=/@/.snapshots   0  0
	UUID=A400-0001                             /boot/efi    vfat   utf8                   0  2
EOF
mount_points "$root"
for number in {2..20}; do
	info "$number" timeline
	btrfs -q subvolume snapshot -r "$root" "$snapshots/$number/snapshot"
done
btrfs -q property set "$root" ro true

# The rollback: a writable snapshot of one of them, made the default.
info 21 'writable copy of #7'
btrfs -q subvolume snapshot "$snapshots/7/snapshot" "$snapshots/21/snapshot"
root=$snapshots/21/snapshot
btrfs -q subvolume set-default "$root"
echo 'rolled back' >"$root/etc/motd"

# A container is no system of this machine, though it has all that one has.
mkdir -p "$root/var/lib/machines"
btrfs -q subvolume create "$root/var/lib/machines/web"
make_root "$root/var/lib/machines/web" alpine web none
umount /tmp/top
