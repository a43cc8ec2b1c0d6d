#!/bin/bash
# Machine k: no fstab.  Debian 12 that finds its partitions by their types, as the UAPI
# group's Discoverable Partitions Specification says, and boots by systemd-boot.
#
# disk 1 600M
#
#   disk1 (GPT)
#   ├─1  vfat, EFI system partition           /efi     with a unified kernel image
#   ├─2  vfat, XBOOTLDR                       /boot    with a boot loader entry
#   ├─3  ext4, root (x86-64)                  /
#   ├─4  ext4, home                           /home
#   ├─5  ext4, srv                            /srv
#   ├─6  ext4, var, made for this machine id  /var
#   ├─7  ext4, var, made for another          (a stranger's)
#   ├─8  swap
#   └─9  ext4, label "data"                   /opt/data, by a mount unit
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)
machine_id=a3000000000040008000000000000001
version=6.1.0-18-amd64

# var_uuid MACHINE-ID prints the partition UUID that makes a /var that machine's: the
# type's UUID hashed with the machine id as key, as sd_id128_get_app_specific(3) does.
var_uuid() {
	python3 - "$1" <<-'EOF'
		import hashlib, hmac, sys, uuid
		kind = uuid.UUID("4d21b016-b534-45c2-a9fb-5c16e091fd2d")
		digest = hmac.new(bytes.fromhex(sys.argv[1]), kind.bytes, hashlib.sha256).digest()
		print(uuid.UUID(bytes=digest[:16], version=4))
	EOF
}

partition "$d1" <<-EOF
	label: gpt
	label-id: A3000000-0000-4000-8000-000000000000
	size=40M,  type=U,                                    uuid=A3000000-0000-4000-8000-000000000001
	size=40M,  type=bc13c2ff-59e6-4262-a352-b275fd6f7172, uuid=A3000000-0000-4000-8000-000000000002
	size=160M, type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709, uuid=A3000000-0000-4000-8000-000000000003
	size=32M,  type=933ac7e1-2eb4-4f13-b844-0e14e2aef915, uuid=A3000000-0000-4000-8000-000000000004
	size=32M,  type=3b8f8425-20e0-4f3b-907f-1a25a76f98e8, uuid=A3000000-0000-4000-8000-000000000005
	size=32M,  type=4d21b016-b534-45c2-a9fb-5c16e091fd2d, uuid=$(var_uuid $machine_id)
	size=32M,  type=4d21b016-b534-45c2-a9fb-5c16e091fd2d, uuid=$(var_uuid ffffffffffff4fff8fffffffffffffff)
	size=32M,  type=S,                                    uuid=A3000000-0000-4000-8000-000000000008
	size=32M,  type=L,                                    uuid=A3000000-0000-4000-8000-000000000009
EOF
mkfs.vfat -F 32 -i A3000001 -n ESP "${d1}1"
mkfs.vfat -F 32 -i A3000002 -n XBOOTLDR "${d1}2"
for number in 3 4 5 6 7; do
	mkfs.ext4 -q -U a3000000-0000-4000-8000-0000000000f$number "${d1}$number"
done
mkswap -q -U a3000000-0000-4000-8000-0000000000f8 "${d1}8"
mkfs.ext4 -q -U a3000000-0000-4000-8000-0000000000f9 -L data "${d1}9"

mount "${d1}3" /mnt
make_root /mnt debian12 koi $version
rm /mnt/etc/fstab /mnt/boot/*
echo $machine_id >/mnt/etc/machine-id
# What makes partitions mounts at boot: without it in the system they are none.
install -D -m 755 /dev/null /mnt/usr/lib/systemd/system-generators/systemd-gpt-auto-generator
mkdir -p /mnt/efi /mnt/opt/data /mnt/etc/systemd/system/local-fs.target.wants
cat >/mnt/etc/systemd/system/opt-data.mount <<-'EOF'
	[Unit]
	Description=Data

	[Mount]
	What=/dev/disk/by-label/data
	Where=/opt/data
	Type=ext4
	Options=nodev

	[Install]
	WantedBy=local-fs.target
EOF
ln -s /etc/systemd/system/opt-data.mount /mnt/etc/systemd/system/local-fs.target.wants/opt-data.mount

# What is in /var before /var is mounted is not what a look should find.
rm -r /mnt/var
mkdir /mnt/var
mount "${d1}6" /mnt/var
mkdir -p /mnt/var/log /mnt/var/tmp
echo 'it began' >/mnt/var/log/syslog
mount "${d1}4" /mnt/home
echo 'dear diary' >/mnt/home/diary
mount "${d1}5" /mnt/srv
echo '<h1>koi</h1>' >/mnt/srv/index.html
mount "${d1}9" /mnt/opt/data
echo numbers >/mnt/opt/data/numbers

# A boot loader entry of type 1: kernel and initramfs beside it on XBOOTLDR.
mount "${d1}2" /mnt/boot
mkdir -p /mnt/boot/loader/entries /mnt/boot/$machine_id/$version
echo 'not a kernel' >/mnt/boot/$machine_id/$version/linux
echo 'not an initramfs' >/mnt/boot/$machine_id/$version/initrd.img-$version
cat >/mnt/boot/loader/entries/$machine_id-$version.conf <<-EOF
	title      Debian GNU/Linux 12 (bookworm)
	version    $version
	machine-id $machine_id
	options    quiet rw
	linux      /$machine_id/$version/linux
	initrd     /$machine_id/$version/initrd.img-$version
EOF

# One of type 2: a PE file, no program but its sections are those of a unified kernel image.
mount "${d1}1" /mnt/efi
mkdir -p /mnt/efi/EFI/systemd /mnt/efi/EFI/Linux /mnt/efi/loader
echo 'not a boot loader' >/mnt/efi/EFI/systemd/systemd-bootx64.efi
echo 'timeout 3' >/mnt/efi/loader/loader.conf
python3 - /mnt/usr/lib/os-release $version /mnt/efi/EFI/Linux/koi-$version.efi <<'EOF'
import struct, sys
osrel, version, out = sys.argv[1:]
sections = [
    (b".osrel", open(osrel, "rb").read()),
    (b".uname", version.encode()),
    (b".cmdline", b"quiet rw root=PARTUUID=a3000000-0000-4000-8000-000000000003"),
    (b".linux", b"not a kernel"),
    (b".initrd", b"not an initramfs"),
]
align, optional = 512, 112 + 16 * 8  # PE32+, with its 16 data directories
head = bytearray(b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0")
head += struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, optional, 0x22)
head += struct.pack("<HBBIIIII", 0x20B, 0, 0, 0, 0, 0, 0, 0)  # no code, no entry point
head += struct.pack("<QII6HIIIIHH4QII", 0, 4096, align, 0, 0, 0, 0, 0, 0,
                    0, 4096 * (len(sections) + 1), 1024, 0, 10, 0, 0, 0, 0, 0, 0, 16)
head += bytes(16 * 8)
body, at = b"", 1024
for number, (name, data) in enumerate(sections, 1):
    padded = data.ljust(-(-len(data) // align) * align, b"\0")
    head += struct.pack("<8s6I2HI", name, len(data), 4096 * number, len(padded), at, 0, 0, 0, 0, 0x40000040)
    body, at = body + padded, at + len(padded)
open(out, "wb").write(bytes(head).ljust(1024, b"\0") + body)
EOF
umount -R /mnt

mount "${d1}7" /mnt
echo "a stranger's" >/mnt/note
umount /mnt
