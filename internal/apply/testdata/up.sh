#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C

wait_for_device() {
	tries=0
	until [ -b "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 did not appear" >&2; return 1; }
		sleep 1
	done
}

# 1. register /dev/sde /dev/sdf as /dev/bcache0
modprobe bcache
echo /dev/sde >/sys/fs/bcache/register
echo /dev/sdf >/sys/fs/bcache/register
udevadm settle --timeout=30
wait_for_device /dev/bcache0

# 2. assemble md:1 as /dev/md127 from /dev/sda /dev/sdb
mdadm --assemble /dev/md127 --config=none --uuid=00000000:00000000:00000000:00000001 /dev/sda /dev/sdb
udevadm settle --timeout=30
wait_for_device /dev/md127

# 3. unlock luks:1 on /dev/md127 as "cr_root"  (after 2)
cryptsetup open --type luks -- /dev/md127 cr_root
udevadm settle --timeout=30
wait_for_device /dev/mapper/cr_root

# 4. unlock luks:2 on /dev/sdc as "cr home"
cryptsetup open --type luks -- /dev/sdc 'cr home'
udevadm settle --timeout=30
wait_for_device '/dev/mapper/cr\x20home'

# 5. activate /dev/mapper/vg--0-root (vg-0/root)  (after 2 3)
lvm lvchange --yes --activate y --ignoreactivationskip --activationmode complete --config 'devices{use_devicesfile=0 filter=["a|^/dev/mapper/cr_root$|","r|.*|"] global_filter=["a|^/dev/mapper/cr_root$|","r|.*|"] scan_lvs=1 obtain_device_list_from_udev=0 external_device_info_source="none" md_component_detection=0 multipath_component_detection=0} backup{backup=0 archive=0} activation{monitoring=0 volume_list=["vg-0"]} global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0}' vg-0/root
udevadm settle --timeout=30
wait_for_device /dev/mapper/vg--0-root

# 6. activate /dev/mapper/vg--0-thin (vg-0/thin)  (after 2 3)
lvm lvchange --yes --activate y --ignoreactivationskip --activationmode complete --config 'devices{use_devicesfile=0 filter=["a|^/dev/mapper/cr_root$|","r|.*|"] global_filter=["a|^/dev/mapper/cr_root$|","r|.*|"] scan_lvs=1 obtain_device_list_from_udev=0 external_device_info_source="none" md_component_detection=0 multipath_component_detection=0} backup{backup=0 archive=0} activation{monitoring=0 volume_list=["vg-0"]} global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0}' vg-0/thin
udevadm settle --timeout=30
wait_for_device /dev/mapper/vg--0-thin

# 7. mount /dev/mapper/vg--0-root (ext4) at /mnt/local  (after 2 3 5)
mkdir -p /mnt/local
mount -t ext4 /dev/mapper/vg--0-root /mnt/local

# 8. mount /dev/bcache0 (ext4) at /mnt/local/cached  (after 1 7)
mount -t ext4 /dev/bcache0 /mnt/local/cached

# 9. mount the tree /dev at /mnt/local/dev  (after 7)
mount --bind /dev /mnt/local/dev

# 10. mount /dev/mapper/cr\x20home (btrfs, /@) at /mnt/local/home  (after 4 7)
mount -t btrfs -o compress=zstd,subvol=/@ '/dev/mapper/cr\x20home' /mnt/local/home

# 11. mount proc at /mnt/local/proc  (after 7)
mount -t proc proc /mnt/local/proc

# 12. mount /dev/mapper/vg--0-thin (xfs) at /mnt/local/srv  (after 2 3 6 7)
mount -t xfs -o nosuid /dev/mapper/vg--0-thin /mnt/local/srv
