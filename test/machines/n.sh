#!/bin/bash
# Machine n: a machine in a file.  A disk with data, among it the disk image of a virtual
# machine with Debian 12, raw and as qcow2.
#
# disk 1 400M
#
#   disk1 (GPT)
#   └─1  ext4, label "images"
#         ├─ nautilus.img      raw, GPT: 1 ext4, /;  2 ext4, /srv
#         └─ nautilus.qcow2    the same
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: A6000000-0000-4000-8000-000000000000
	type=L, uuid=A6000000-0000-4000-8000-000000000001
EOF
mkfs.ext4 -q -U a6000000-0000-4000-8000-0000000000f1 -L images "${d1}1"
mkdir /tmp/data
mount "${d1}1" /tmp/data
truncate -s 96M /tmp/data/nautilus.img
image=$(losetup --find --show --partscan /tmp/data/nautilus.img)
partition "$image" <<-'EOF'
	label: gpt
	label-id: A6000000-0000-4000-8000-000000000010
	size=64M, type=L, uuid=A6000000-0000-4000-8000-000000000011
	          type=L, uuid=A6000000-0000-4000-8000-000000000012
EOF
mkfs.ext4 -q -U a6000000-0000-4000-8000-0000000000f2 "${image}p1"
mkfs.ext4 -q -U a6000000-0000-4000-8000-0000000000f3 "${image}p2"

mount "${image}p1" /mnt
make_root /mnt debian12 nautilus 6.1.0-18-amd64
cat >/mnt/etc/fstab <<-'EOF'
	UUID=a6000000-0000-4000-8000-0000000000f2  /     ext4  errors=remount-ro  0 1
	/dev/vda2                                  /srv  ext4  defaults           0 2
EOF
mount_points /mnt
mount "${image}p2" /mnt/srv
echo '<h1>nautilus</h1>' >/mnt/srv/index.html
umount -R /mnt
losetup --detach "$image"
qemu-img convert -O qcow2 /tmp/data/nautilus.img /tmp/data/nautilus.qcow2
umount /tmp/data
