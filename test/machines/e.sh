#!/bin/bash
# Machine e: what is left after a bad week.  Fedora 40 with its root on thin LVM on a
# RAID 5 that has lost a member, and a second VG that has lost a PV.
#
# disk 1 400M
# disk 2 400M
# disk 3 400M lost
# disk 4 200M
# disk 5 200M lost
#
#   disk1, disk2, (disk3)  whole disks ─ MD RAID 5, metadata 1.2, one member missing
#   └─ PV of VG "fedora"
#        ├─ pool  thin pool
#        │    ├─ root         ext4   /
#        │    └─ root_before  thin snapshot of root: same UUID, same os-release
#        └─ boot   ext4       /boot
#   disk4, (disk5)  whole disks ─ PVs of VG "attic", the second missing
#        ├─ here    ext4, on disk4            /attic/here
#        ├─ half    ext4, on disk4 and disk5  /attic/half  (nofail)
#        └─ gone    ext4, on disk5            /attic/gone
# shellcheck source=root.sh
. /salvor/root.sh

# Blank disks have right parity: nothing to compute.
mdadm --quiet --create /dev/md/pool --run --assume-clean --level=5 --raid-devices=3 --metadata=1.2 --chunk=64 --bitmap=none \
	--homehost=eel --name=pool --uuid=e0000000:00004000:80000000:000000ad "$(disk 1)" "$(disk 2)" "$(disk 3)"
pvcreate --norestorefile --uuid eeeeee-0000-0000-0000-0000-0000-000001 /dev/md/pool
pvcreate --norestorefile --uuid eeeeee-0000-0000-0000-0000-0000-000004 "$(disk 4)"
pvcreate --norestorefile --uuid eeeeee-0000-0000-0000-0000-0000-000005 "$(disk 5)"
vgcreate fedora /dev/md/pool
vgcreate attic "$(disk 4)" "$(disk 5)"

lvcreate -L 64M -n boot fedora
lvcreate -L 480M --poolmetadatasize 4M --chunksize 64k --zero n --type thin-pool -n pool fedora
lvcreate -V 256M --thinpool pool -n root fedora
lvcreate -L 64M -n here attic "$(disk 4)"
lvcreate -L 64M -n half attic "$(disk 4)"
lvextend -L 128M attic/half "$(disk 5)"
lvcreate -L 32M -n gone attic "$(disk 5)"
udevadm settle

mkfs.ext4 -q -U e0000000-0000-4000-8000-0000000000f1 /dev/fedora/boot
mkfs.ext4 -q -U e0000000-0000-4000-8000-0000000000f2 /dev/fedora/root
mkfs.ext4 -q -U e0000000-0000-4000-8000-0000000000f3 /dev/attic/here
mkfs.ext4 -q -U e0000000-0000-4000-8000-0000000000f4 /dev/attic/half
mkfs.ext4 -q -U e0000000-0000-4000-8000-0000000000f5 /dev/attic/gone

mount /dev/fedora/root /mnt
mkdir /mnt/boot
mount /dev/fedora/boot /mnt/boot
make_root /mnt fedora40 eel 6.8.5-301.fc40.x86_64
cat >/mnt/etc/fstab <<-'EOF'
	UUID=e0000000-0000-4000-8000-0000000000f2  /            ext4  defaults         1 1
	UUID=e0000000-0000-4000-8000-0000000000f1  /boot        ext4  defaults         1 2
	/dev/attic/here                            /attic/here  ext4  defaults         0 2
	/dev/mapper/attic-half                     /attic/half  ext4  defaults,nofail  0 2
	/dev/attic/gone                            /attic/gone  ext4  defaults         0 2
EOF
mount_points /mnt
mount /dev/attic/here /mnt/attic/here
echo 'still here' >/mnt/attic/here/note
umount -R /mnt

# The snapshot of the day before: activated like any LV (no "skip" flag), and older.
lvcreate --snapshot --setactivationskip n -n root_before fedora/root
mount /dev/fedora/root /mnt
echo 'upgraded since' >/mnt/etc/motd
umount /mnt

vgchange -an fedora attic
pin_lvm_uuids fedora eevgvg
pin_lvm_uuids attic eevgva
mdadm --quiet --stop /dev/md/pool
