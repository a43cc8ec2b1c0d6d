#!/bin/bash
# Machine o: other systems' locks.  Debian 12 whose crypttab opens a BitLocker and a
# VeraCrypt volume; these two are test images of the cryptsetup project.
#
# disk 1 300M
# needs image bitlk-images/bitlk-togo-aes-xts-128.img
# needs image tcrypt-images/vc_1-sha512-xts-aes
#
#   disk1 (GPT)
#   ├─1  ext4                                      /
#   ├─2  BitLocker To Go "windows"     ─ vfat      /media/windows
#   └─3  VeraCrypt "vera"              ─ vfat      /media/vera
#
# passphrases: anaconda (BitLocker), aaaaaaaaaaaa (VeraCrypt): those of cryptsetup's tests
# (images.conf in bitlk-images; tests/tcrypt-compat-test)
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)

partition "$d1" <<-'EOF'
	label: gpt
	label-id: A7000000-0000-4000-8000-000000000000
	size=96M,  type=L, uuid=A7000000-0000-4000-8000-000000000001
	size=100M, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, uuid=A7000000-0000-4000-8000-000000000002
	size=584,  type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, uuid=A7000000-0000-4000-8000-000000000003
EOF
mkfs.ext4 -q -U a7000000-0000-4000-8000-0000000000f1 "${d1}1"
dd if=/salvor/bitlk-togo-aes-xts-128.img of="${d1}2" bs=1M conv=sparse status=none
dd if=/salvor/vc_1-sha512-xts-aes of="${d1}3" bs=1M status=none

mount "${d1}1" /mnt
make_root /mnt debian12 oyster 6.1.0-18-amd64
cat >/mnt/etc/fstab <<-'EOF'
	UUID=a7000000-0000-4000-8000-0000000000f1 /              ext4 errors=remount-ro 0 1
	/dev/mapper/windows                       /media/windows vfat ro,nofail         0 0
	/dev/mapper/vera                          /media/vera    vfat defaults,nofail   0 0
EOF
cat >/mnt/etc/crypttab <<-'EOF'
	windows  PARTUUID=a7000000-0000-4000-8000-000000000002  none  bitlk,nofail
	vera     PARTUUID=a7000000-0000-4000-8000-000000000003  none  tcrypt-veracrypt,nofail
EOF
mount_points /mnt
umount /mnt
