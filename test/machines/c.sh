#!/bin/bash
# Machine c: encrypted in several ways at once.  AlmaLinux 9.
#
# disk 1 1G
# disk 2 256M
#
#   disk1 (GPT)                                        disk2 (GPT)
#   ├─1  ext4                     /boot                ├─1 LUKS2 "cr_data", key file
#   ├─2  LUKS2 "cr_root"                               │    └─ ext4     /data (nofail)
#   │     └─ ext4                 /                    └─2 LUKS2 "cr blank", passphrase
#   │         /etc/keys/home.key, /etc/keys/data.key        └─ ext4     /attic
#   └─3  PV of VG "cellar"
#         └─ LV home
#             └─ LUKS2 "cr_home", key file
#                 └─ ext4         /home
#
# passphrase: correct horse (cr_root and cr blank; cr_home has it too, in its second
# slot; cr_data opens with its key file only)
#
# The blank: Debian's cryptdisks decodes octal escapes in crypttab (crypttab(5) there), so
# an administrator writes cr\040blank.  libdevmapper then calls the node cr\x20blank.
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: C0000000-0000-4000-8000-000000000000
	size=64M,  type=L, uuid=C0000000-0000-4000-8000-000000000001
	size=512M, type=L, uuid=C0000000-0000-4000-8000-000000000002
	           type=V, uuid=C0000000-0000-4000-8000-000000000003
EOF
partition "$d2" <<-'EOF'
	label: gpt
	label-id: C0000000-0000-4000-8000-000000000010
	size=128M, type=L, uuid=C0000000-0000-4000-8000-000000000011
	           type=L, uuid=C0000000-0000-4000-8000-000000000012
EOF

pvcreate --norestorefile --uuid cccccc-0000-0000-0000-0000-0000-000001 "${d1}3"
vgcreate cellar "${d1}3"
lvcreate -L 256M -n home cellar
vgchange -an cellar
pin_lvm_uuids cellar ccvgvg
vgchange -ay cellar
udevadm settle

# Key files are not text: a reader that stops at a NUL or a newline must fail here.
mkdir /tmp/keys
for key in home data; do
	printf 'the key\0of\n\377%s\n' "$key" >/tmp/keys/$key.key
	chmod 400 /tmp/keys/$key.key
done

luks_format "${d1}2" c0000000-0000-4000-8000-0000000000c1 --label system
luks_format "${d2}2" c0000000-0000-4000-8000-0000000000c4
luks_format /dev/cellar/home c0000000-0000-4000-8000-0000000000c2
printf %s "$passphrase" | cryptsetup luksAddKey --batch-mode --key-file - --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
	/dev/cellar/home /tmp/keys/home.key
cryptsetup luksFormat --batch-mode --uuid c0000000-0000-4000-8000-0000000000c3 --key-file /tmp/keys/data.key \
	--pbkdf pbkdf2 --pbkdf-force-iterations 1000 "${d2}1"
luks_open "${d1}2" cr_root
luks_open "${d2}2" 'cr blank'
luks_open /dev/cellar/home cr_home
cryptsetup open --key-file /tmp/keys/data.key "${d2}1" cr_data
udevadm settle

mkfs.ext4 -q -U c0000000-0000-4000-8000-0000000000f1 "${d1}1"
mkfs.ext4 -q -U c0000000-0000-4000-8000-0000000000f2 /dev/mapper/cr_root
mkfs.ext4 -q -U c0000000-0000-4000-8000-0000000000f3 /dev/mapper/cr_home
mkfs.ext4 -q -U c0000000-0000-4000-8000-0000000000f4 /dev/mapper/cr_data
mkfs.ext4 -q -U c0000000-0000-4000-8000-0000000000f5 '/dev/mapper/cr\x20blank'

mount /dev/mapper/cr_root /mnt
mkdir /mnt/boot
mount "${d1}1" /mnt/boot
make_root /mnt alma9 cuttle 5.14.0-427.el9.x86_64
mkdir -m 700 /mnt/etc/keys
cp -p /tmp/keys/*.key /mnt/etc/keys/
cat >/mnt/etc/fstab <<-'EOF'
	/dev/mapper/cr_root                       /       ext4  defaults         1 1
	UUID=c0000000-0000-4000-8000-0000000000f1 /boot   ext4  defaults         1 2
	/dev/mapper/cr_home                       /home   ext4  defaults         1 2
	/dev/disk/by-id/dm-name-cr_data           /data   ext4  defaults,nofail  1 2
	/dev/mapper/cr\x20blank                   /attic  ext4  defaults         1 2
EOF
cat >/mnt/etc/crypttab <<-'EOF'
	cr_root      UUID=c0000000-0000-4000-8000-0000000000c1  none                luks,discard
	cr_home      /dev/cellar/home                           /etc/keys/home.key  luks
	cr_data      UUID=c0000000-0000-4000-8000-0000000000c3  /etc/keys/data.key  luks,nofail
	cr\040blank  UUID=c0000000-0000-4000-8000-0000000000c4  -                   luks
EOF
mount_points /mnt

mount /dev/mapper/cr_home /mnt/home
echo 'dear diary' >/mnt/home/diary
mount /dev/mapper/cr_data /mnt/data
echo 'numbers' >/mnt/data/numbers
mount '/dev/mapper/cr\x20blank' /mnt/attic
echo 'old things' >/mnt/attic/things

umount -R /mnt
for name in cr_data cr_home 'cr blank' cr_root; do
	luks_close "$name"
done
vgchange -an cellar
