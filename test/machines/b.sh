#!/bin/bash
# Machine b: a small server as many are.  Debian 12, a real one, on LVM on LUKS; /boot
# mirrored over both disks; data on btrfs.  The demo shows this one.
#
# disk 1 1300M
# disk 2 640M
# needs debian.tar
#
#   disk1 (GPT)                              disk2 (GPT)
#   ├─1 vfat, ESP          /boot/efi         ├─1 ─┐
#   ├─2 ─┬─ MD RAID 1, metadata 1.0 ─ ext4   │    /boot
#   │    └────────────────────────────────────────┘
#   └─3 LUKS2 "vault_primary"                └─2 btrfs, label "data"
#        └─ PV of VG "orca-vg"                     ├─ @srv      /srv
#             ├─ root   ext4  /                    └─ @log      /var/log
#             ├─ home   xfs   /home
#             └─ swap   swap
#
# passphrase: correct horse
#
# The container's name in crypttab is one that no tool would give it by itself, and the
# VG has a hyphen, which device mapper doubles: both as Debian's installer and admins do.
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: B0000000-0000-4000-8000-000000000000
	size=64M,  type=U, uuid=B0000000-0000-4000-8000-000000000001
	size=96M,  type=R, uuid=B0000000-0000-4000-8000-000000000002
	           type=L, uuid=B0000000-0000-4000-8000-000000000003, name="vault"
EOF
partition "$d2" <<-'EOF'
	label: gpt
	label-id: B0000000-0000-4000-8000-000000000010
	size=96M,  type=R, uuid=B0000000-0000-4000-8000-000000000011
	           type=L, uuid=B0000000-0000-4000-8000-000000000012, name="data"
EOF

# Blank disks are alike: the mirror has nothing to copy.
mdadm --quiet --create /dev/md/boot --run --assume-clean --level=1 --raid-devices=2 --metadata=1.0 \
	--homehost=orca --name=boot --uuid=b0000000:00004000:80000000:000000ad "${d1}2" "${d2}1"
luks_format "${d1}3" b0000000-0000-4000-8000-0000000000c1
luks_open "${d1}3" vault_primary
pvcreate --norestorefile --uuid bbbbbb-0000-0000-0000-0000-0000-000001 /dev/mapper/vault_primary
vgcreate orca-vg /dev/mapper/vault_primary
lvcreate -L 480M -n root orca-vg
lvcreate -L 320M -n home orca-vg
lvcreate -L 64M -n swap orca-vg
vgchange -an orca-vg
pin_lvm_uuids orca-vg bbvgvg
vgchange -ay orca-vg
udevadm settle

mkfs.vfat -F 32 -i B0000001 "${d1}1"
mkfs.ext4 -q -U b0000000-0000-4000-8000-0000000000f1 /dev/md/boot
mkfs.ext4 -q -U b0000000-0000-4000-8000-0000000000f2 /dev/orca-vg/root
mkfs.xfs -q -m uuid=b0000000-0000-4000-8000-0000000000f3 /dev/orca-vg/home
mkswap -q -U b0000000-0000-4000-8000-0000000000f4 /dev/orca-vg/swap
mkfs.btrfs -q -U b0000000-0000-4000-8000-0000000000f5 -L data "${d2}2"

mkdir -p /tmp/data
mount "${d2}2" /tmp/data
btrfs -q subvolume create /tmp/data/@srv
btrfs -q subvolume create /tmp/data/@log
umount /tmp/data

mount /dev/orca-vg/root /mnt
tar -C /mnt --exclude='./dev/*' -xpf /salvor/debian.tar
echo orca >/mnt/etc/hostname
cat >/mnt/etc/fstab <<-'EOF'
	# /etc/fstab: static file system information.
	/dev/mapper/orca--vg-root                 /         ext4  errors=remount-ro    0 1
	UUID=b0000000-0000-4000-8000-0000000000f1 /boot     ext4  defaults             0 2
	UUID=B000-0001                            /boot/efi vfat  umask=0077           0 1
	/dev/mapper/orca--vg-home                 /home     xfs   defaults,nodev       0 2
	LABEL=data                                /srv      btrfs subvol=@srv,noatime  0 0
	UUID=b0000000-0000-4000-8000-0000000000f5 /var/log  btrfs subvol=/@log,compress=zstd 0 0
	/dev/mapper/orca--vg-swap                 none      swap  sw                   0 0
	tmpfs                                     /tmp      tmpfs size=64m,mode=1777   0 0
EOF
cat >/mnt/etc/crypttab <<-'EOF'
	# <target name> <source device>                          <key file> <options>
	vault_primary   UUID=b0000000-0000-4000-8000-0000000000c1 none       luks,discard
EOF
mkdir -p /mnt/etc/mdadm
echo 'ARRAY /dev/md/boot metadata=1.0 UUID=b0000000:00004000:80000000:000000ad name=orca:boot' >/mnt/etc/mdadm/mdadm.conf
mkdir -p /mnt/lib/modules/6.1.0-18-amd64
mount_points /mnt

mount /dev/md/boot /mnt/boot
mkdir -p /mnt/boot/efi
echo 'not a kernel' >/mnt/boot/vmlinuz-6.1.0-18-amd64
echo 'not an initramfs' >/mnt/boot/initrd.img-6.1.0-18-amd64
mount "${d1}1" /mnt/boot/efi
mkdir -p /mnt/boot/efi/EFI/debian
echo 'not a boot loader' >/mnt/boot/efi/EFI/debian/grubx64.efi
mount /dev/orca-vg/home /mnt/home
mkdir /mnt/home/ada
echo 'dear diary' >/mnt/home/ada/diary
mount -o subvol=@srv "${d2}2" /mnt/srv
echo '<h1>orca</h1>' >/mnt/srv/index.html
mount -o subvol=@log "${d2}2" /mnt/var/log
echo 'it began' >/mnt/var/log/syslog

umount -R /mnt
vgchange -an orca-vg
luks_close vault_primary
mdadm --quiet --stop /dev/md/boot
