#!/bin/bash
# Machine g: dirty.  Ubuntu 24.04 that lost power: every file system has a log to replay.
#
# disk 1 1200M
#
#   disk1 (GPT)
#   ├─1  ext4   /      journal to be replayed: /etc/hostname is "gar-new" after it, "gar-old" before
#   ├─2  xfs    /home  log to be replayed: /home/late exists after it only
#   └─3  btrfs  /srv   log tree to be replayed: /srv/late exists after it only
#
# An fsync puts a change into the log; that the log is all that has it is because the
# lab's end is like pulling the plug (see run.sh): nothing is unmounted here.
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: 60000000-0000-4000-8000-000000000000
	size=320M, type=L, uuid=60000000-0000-4000-8000-000000000001
	size=400M, type=L, uuid=60000000-0000-4000-8000-000000000002
	           type=L, uuid=60000000-0000-4000-8000-000000000003
EOF
mkfs.ext4 -q -U 60000000-0000-4000-8000-0000000000f1 "${d1}1"
mkfs.xfs -q -m uuid=60000000-0000-4000-8000-0000000000f2 "${d1}2"
mkfs.btrfs -q -U 60000000-0000-4000-8000-0000000000f3 "${d1}3"

# A long commit interval: neither kernel thread may write back what the log holds.
mount_all() {
	mount -o commit=300 "${d1}1" /mnt
	mkdir -p /mnt/home /mnt/srv
	mount "${d1}2" /mnt/home
	mount -o commit=300 "${d1}3" /mnt/srv
}

mount_all
make_root /mnt ubuntu24 gar-old 6.8.0-31-generic
cat >/mnt/etc/fstab <<-'EOF'
	UUID=60000000-0000-4000-8000-0000000000f1 /     ext4  defaults 0 1
	UUID=60000000-0000-4000-8000-0000000000f2 /home xfs   defaults 0 0
	UUID=60000000-0000-4000-8000-0000000000f3 /srv  btrfs defaults 0 0
EOF
echo early >/mnt/home/early
echo early >/mnt/srv/early
umount -R /mnt

mount_all
for file in /mnt/home/late /mnt/srv/late /mnt/etc/hostname.new; do
	echo late >"$file"
done
echo gar-new >/mnt/etc/hostname.new
mv /mnt/etc/hostname.new /mnt/etc/hostname
sync /mnt/home/late /mnt/srv/late /mnt/etc/hostname /mnt/etc
