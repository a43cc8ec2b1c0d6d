#!/bin/sh
# Written by salvor: the plan as shell commands, to be read, edited and run as root.
# It stops at the first command that fails, where salvor would go on with all that
# does not depend on it. Mount points are resolved by mount(8), which follows the
# symbolic links of the target; salvor resolves them inside the target.
set -eu
export LC_ALL=C

stop_bcache() {
	set=$(readlink -f "/sys/block/$1/bcache/cache" || :)
	echo 1 >"/sys/block/$1/bcache/stop"
	tries=0
	while [ -e "/sys/block/$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || { echo "$1 is in use" >&2; return 1; }
		sleep 1
	done
	# The set keeps its devices open; it goes when no bcache uses it any more.
	if [ -e "$set/stop" ] && ! ls "$set" | grep -q '^bdev'; then
		echo 1 >"$set/stop"
	fi
}

# 1. unmount /mnt/local/cached
umount /mnt/local/cached

# 2. stop bcache:1 (/dev/bcache0)  (after 1)
stop_bcache bcache0

# 3. unmount /mnt/local/dev
umount /mnt/local/dev

# 4. unmount /mnt/local/home
umount /mnt/local/home

# 5. unmount /mnt/local/proc
umount /mnt/local/proc

# 6. unmount /mnt/local/srv
umount /mnt/local/srv

# 7. unmount /mnt/local  (after 1 3 4 5 6)
umount /mnt/local

# 8. deactivate /dev/mapper/vg--0-root (vg-0/root)  (after 7)
lvm lvchange --yes --activate n --config 'devices{use_devicesfile=0 filter=["a|^/dev/mapper/cr_root$|","r|.*|"] global_filter=["a|^/dev/mapper/cr_root$|","r|.*|"] scan_lvs=1 obtain_device_list_from_udev=0 external_device_info_source="none" md_component_detection=0 multipath_component_detection=0} backup{backup=0 archive=0} activation{monitoring=0 volume_list=["vg-0"]} global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0}' vg-0/root

# 9. deactivate /dev/mapper/vg--0-thin (vg-0/thin)  (after 6)
lvm lvchange --yes --activate n --config 'devices{use_devicesfile=0 filter=["a|^/dev/mapper/cr_root$|","r|.*|"] global_filter=["a|^/dev/mapper/cr_root$|","r|.*|"] scan_lvs=1 obtain_device_list_from_udev=0 external_device_info_source="none" md_component_detection=0 multipath_component_detection=0} backup{backup=0 archive=0} activation{monitoring=0 volume_list=["vg-0"]} global{use_lvmpolld=0 use_lvmlockd=0 event_activation=0}' vg-0/thin

# 10. lock luks:1 ("cr_root")  (after 6 7 8 9)
cryptsetup close -- cr_root

# 11. lock luks:2 ("cr home")  (after 4)
cryptsetup close -- 'cr home'

# 12. stop md:1 (/dev/md127)  (after 6 7 8 9 10)
mdadm --stop /dev/md127
