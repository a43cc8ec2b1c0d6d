#!/bin/bash
# Machine d: three systems on two disks, two of them in btrfs subvolumes with snapshots.
#
# disk 1 1G
# disk 2 512M
#
#   disk1 (GPT)
#   ├─1  vfat, ESP                            /boot/efi (both)
#   ├─2  btrfs, label "arch"                  Arch Linux, as its wiki proposes
#   │     ├─ @                                /
#   │     ├─ @home                            /home
#   │     └─ @snapshots                       /.snapshots
#   │          └─ 1,2/snapshot  read-only     snapper's, of @
#   └─3  btrfs, label "suse"                  openSUSE Leap, as its installer does
#         └─ @
#             ├─ .snapshots                   /.snapshots
#             │    ├─ 1/snapshot  default     /   (fstab names no subvolume for it)
#             │    └─ 2/snapshot  read-only
#             ├─ home                         /home
#             └─ var                          /var
#   disk2 (MBR)                               Debian 11, with a separate /usr
#   ├─1  ext4                                 /boot
#   ├─2  extended
#   ├─5  ext4                                 /    (os-release is a link into /usr)
#   ├─6  ext4                                 /usr, by PARTUUID
#   └─7  swap
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: D0000000-0000-4000-8000-000000000000
	size=64M,  type=U, uuid=D0000000-0000-4000-8000-000000000001
	size=400M, type=L, uuid=D0000000-0000-4000-8000-000000000002
	           type=L, uuid=D0000000-0000-4000-8000-000000000003
EOF
partition "$d2" <<-'EOF'
	label: dos
	label-id: 0xd0000d02
	size=64M, type=83, bootable
	type=5
	size=160M, type=83
	size=160M, type=83
	type=82
EOF

mkfs.vfat -F 32 -i D0000001 "${d1}1"
mkfs.btrfs -q -U d0000000-0000-4000-8000-0000000000f2 -L arch "${d1}2"
mkfs.btrfs -q -U d0000000-0000-4000-8000-0000000000f3 -L suse "${d1}3"
mkfs.ext4 -q -U d0000000-0000-4000-8000-0000000000f4 "${d2}1"
mkfs.ext4 -q -U d0000000-0000-4000-8000-0000000000f5 "${d2}5"
mkfs.ext4 -q -U d0000000-0000-4000-8000-0000000000f6 "${d2}6"
mkswap -q -U d0000000-0000-4000-8000-0000000000f7 "${d2}7"

# snapshot FROM SNAPSHOTS NUMBER DESCRIPTION: what "snapper create" leaves behind.
snapshot() {
	mkdir "$2/$3"
	btrfs -q subvolume snapshot -r "$1" "$2/$3/snapshot"
	cat >"$2/$3/info.xml" <<-EOF
		<?xml version="1.0"?>
		<snapshot>
		  <type>single</type>
		  <num>$3</num>
		  <date>2024-06-0$3 12:00:00</date>
		  <description>$4</description>
		</snapshot>
	EOF
}

# Arch Linux: plain subvolumes at the top.
mkdir /tmp/top
mount "${d1}2" /tmp/top
for name in @ @home @snapshots; do
	btrfs -q subvolume create "/tmp/top/$name"
done
make_root /tmp/top/@ arch dorado 6.9.3-arch1-1
cat >/tmp/top/@/etc/fstab <<-'EOF'
	# Static information about the filesystems.
	UUID=d0000000-0000-4000-8000-0000000000f2  /            btrfs  rw,relatime,subvol=/@           0 0
	UUID=d0000000-0000-4000-8000-0000000000f2  /home        btrfs  rw,relatime,subvol=/@home       0 0
	UUID=d0000000-0000-4000-8000-0000000000f2  /.snapshots  btrfs  rw,relatime,subvol=/@snapshots  0 0
	UUID=D000-0001                             /boot/efi    vfat   rw,umask=0077                   0 2
EOF
mount_points /tmp/top/@
echo 'dear diary' >/tmp/top/@home/diary
snapshot /tmp/top/@ /tmp/top/@snapshots 1 'first'
echo 'changed since' >/tmp/top/@/etc/motd
snapshot /tmp/top/@ /tmp/top/@snapshots 2 'before upgrade'
echo dorado-now >/tmp/top/@/etc/hostname
umount /tmp/top

# openSUSE: the running root is itself a snapshot, and the file system's default.
mount "${d1}3" /tmp/top
for name in @ @/.snapshots @/home @/var; do
	btrfs -q subvolume create "/tmp/top/$name"
done
mkdir /tmp/top/@/.snapshots/1
root=/tmp/top/@/.snapshots/1/snapshot
btrfs -q subvolume create "$root"
echo '<?xml version="1.0"?><snapshot><type>single</type><num>1</num><date>2024-06-01 12:00:00</date><description>first root filesystem</description></snapshot>' \
	>/tmp/top/@/.snapshots/1/info.xml
make_root "$root" leap156 dab 6.4.0-150600.21-default
rm -r "${root:?}/var" "${root:?}/home"
cat >"$root/etc/fstab" <<-'EOF'
	UUID=d0000000-0000-4000-8000-0000000000f3  /            btrfs  defaults               0  0
	UUID=d0000000-0000-4000-8000-0000000000f3  /var         btrfs  subvol=/@/var          0  0
	UUID=d0000000-0000-4000-8000-0000000000f3  /home        btrfs  subvol=/@/home         0  0
	UUID=d0000000-0000-4000-8000-0000000000f3  /.snapshots  btrfs  subvol=/@/.snapshots   0  0
	UUID=D000-0001                             /boot/efi    vfat   utf8                   0  2
EOF
mount_points "$root"
snapshot "$root" /tmp/top/@/.snapshots 2 'after installation'
btrfs -q subvolume set-default "$root"
echo 'dear diary' >/tmp/top/@/home/diary
mkdir /tmp/top/@/var/log
umount /tmp/top

# Debian 11 on logical partitions.
mount "${d2}5" /mnt
mkdir /mnt/usr /mnt/boot
mount "${d2}6" /mnt/usr
mount "${d2}1" /mnt/boot
make_root /mnt debian11 dace 5.10.0-28-amd64
cat >/mnt/etc/fstab <<-'EOF'
	/dev/disk/by-uuid/d0000000-0000-4000-8000-0000000000f5 / ext4 errors=remount-ro 0 1
	PARTUUID=d0000d02-01 /boot ext4 defaults 0 2
	PARTUUID="d0000d02-06" /usr ext4 defaults,nodev 0 2
	UUID=d0000000-0000-4000-8000-0000000000f7 none swap sw 0 0
EOF
mount_points /mnt
umount -R /mnt
