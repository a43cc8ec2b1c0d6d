#!/bin/bash
# Machine a: the plain one.  Debian 12 as its installer would leave it on a UEFI machine,
# with /home on a partition of its own that need not be there.
#
# disk 1 1G
#
#   disk1 (GPT)
#   ├─1  vfat, EFI system partition            /boot/efi
#   ├─2  ext4                                  /
#   ├─3  swap
#   └─4  ext4, label "home"                    /home (nofail)
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: A0000000-0000-4000-8000-000000000000
	size=64M,  type=U, uuid=A0000000-0000-4000-8000-000000000001, name="EFI System"
	size=512M, type=L, uuid=A0000000-0000-4000-8000-000000000002
	size=64M,  type=S, uuid=A0000000-0000-4000-8000-000000000003
	           type=L, uuid=A0000000-0000-4000-8000-000000000004
EOF

mkfs.vfat -F 32 -i A0000001 -n ESP "${d1}1"
mkfs.ext4 -q -U a0000000-0000-4000-8000-0000000000f2 "${d1}2"
mkswap -q -U a0000000-0000-4000-8000-0000000000f3 "${d1}3"
mkfs.ext4 -q -U a0000000-0000-4000-8000-0000000000f4 -L home "${d1}4"

mount "${d1}2" /mnt
make_root /mnt debian12 albacore 6.1.0-18-amd64
cat >/mnt/etc/fstab <<-'EOF'
	# /etc/fstab: static file system information.
	#
	# <file system> <mount point>   <type>  <options>       <dump>  <pass>
	UUID=a0000000-0000-4000-8000-0000000000f2 /         ext4 errors=remount-ro 0 1
	UUID=A000-0001                            /boot/efi vfat umask=0077        0 1
	UUID=a0000000-0000-4000-8000-0000000000f3 none      swap sw                0 0
	LABEL=home                                /home     ext4 defaults,nofail   0 2
	/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0
EOF
mount_points /mnt

mount "${d1}1" /mnt/boot/efi
mkdir -p /mnt/boot/efi/EFI/debian
echo 'not a boot loader' >/mnt/boot/efi/EFI/debian/grubx64.efi
mount "${d1}4" /mnt/home
mkdir /mnt/home/ada
echo 'dear diary' >/mnt/home/ada/diary
umount -R /mnt
