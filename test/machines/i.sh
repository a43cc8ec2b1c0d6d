#!/bin/bash
# Machine i: locks.  Debian 12 whose volumes are locked in every way that crypttab(5) knows
# and a file or a passphrase opens.
#
# disk 1 600M
# disk 2 48M
#
#   disk1 (GPT)
#   ├─1  ext4                                                      /boot
#   ├─2  LUKS2 "cr_root", passphrase                   ─ ext4      /
#   ├─3  LUKS2 "cr_apart", its header a file on KEYS   ─ ext4      /srv/apart
#   ├─4  LUKS2 "cr_split", its header on partition 5   ─ ext4      /srv/split
#   ├─5  the header of partition 4
#   ├─6  LUKS2 "cr_home", key file on KEYS             ─ ext4      /home
#   ├─7  LUKS2 "cr_named", key file by its name        ─ ext4      /srv/named
#   ├─8  LUKS2 "cr_raw", key on disk2p2                ─ ext4      /srv/raw
#   ├─9  plain dm-crypt "cr_plain", passphrase         ─ ext4      /srv/plain
#   └─10 LUKS2 "cr_whole" with integrity, passphrase   ─ ext4      /srv/whole
#   disk2 (GPT), the stick of keys
#   ├─1  ext4, label "KEYS": headers/apart.hdr, keys/home.key
#   └─2  raw, with the key of cr_raw at 4096
#
# passphrase: correct horse (where none is named, there is no other key; what a key file
# opens has no passphrase)
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1) d2=$(disk 2)
part() { # NUMBER
	printf 'a1000000-0000-4000-8000-%012d' "$1"
}

{
	echo 'label: gpt'
	echo 'label-id: A1000000-0000-4000-8000-000000000000'
	number=1
	for size in 32 192 32 32 32 48 48 48 32 48; do
		printf 'size=%sM, type=L, uuid=%s\n' $size "$(part $number)"
		number=$((number + 1))
	done
} | partition "$d1"
partition "$d2" <<-EOF
	label: gpt
	label-id: A1000000-0000-4000-8000-000000000020
	size=40M, type=L, uuid=$(part 21)
	          type=L, uuid=$(part 22)
EOF
mkfs.ext4 -q -U a1000000-0000-4000-8000-0000000000e1 -L KEYS "${d2}1"
mkdir /tmp/stick
mount "${d2}1" /tmp/stick
mkdir /tmp/stick/headers /tmp/stick/keys

# Keys are cut out of something larger: what stands around them is no part of them.
head -c 2048 /dev/urandom >/tmp/stick/keys/home.key
head -c 8192 /dev/urandom >"${d2}2"
mkdir /tmp/keys
dd if=/tmp/stick/keys/home.key of=/tmp/keys/home bs=1 skip=512 count=64 status=none
dd if="${d2}2" of=/tmp/keys/raw bs=1 skip=4096 count=32 status=none
printf 'the key\0of\n\377named\n' >/tmp/keys/named

# keyed NUMBER UUID NAME: a container that only the key of that name opens.
keyed() {
	cryptsetup luksFormat --batch-mode --uuid "$2" --key-file "/tmp/keys/$3" \
		--pbkdf pbkdf2 --pbkdf-force-iterations 1000 "${d1}$1"
	cryptsetup open --key-file "/tmp/keys/$3" "${d1}$1" "cr_$3"
}

luks_format "${d1}2" a1000000-0000-4000-8000-0000000000c2
luks_open "${d1}2" cr_root
truncate -s 16M /tmp/stick/headers/apart.hdr
luks_format "${d1}3" a1000000-0000-4000-8000-0000000000c3 --header /tmp/stick/headers/apart.hdr
luks_open "${d1}3" cr_apart --header /tmp/stick/headers/apart.hdr
luks_format "${d1}4" a1000000-0000-4000-8000-0000000000c4 --header "${d1}5"
luks_open "${d1}4" cr_split --header "${d1}5"
keyed 6 a1000000-0000-4000-8000-0000000000c6 home
keyed 7 a1000000-0000-4000-8000-0000000000c7 named
keyed 8 a1000000-0000-4000-8000-0000000000c8 raw
luks_open "${d1}9" cr_plain --type plain --cipher aes-xts-plain64 --key-size 256 --hash sha256
# Every sector is written once, or reading it would fail.
luks_format "${d1}10" a1000000-0000-4000-8000-0000000000ca --integrity hmac-sha256
luks_open "${d1}10" cr_whole
udevadm settle

mkfs.ext4 -q -U a1000000-0000-4000-8000-0000000000f1 "${d1}1"
number=2
for name in root apart split home named raw plain whole; do
	mkfs.ext4 -q -U a1000000-0000-4000-8000-0000000000f$number /dev/mapper/cr_$name
	number=$((number + 1))
done

mount /dev/mapper/cr_root /mnt
mkdir /mnt/boot
mount "${d1}1" /mnt/boot
make_root /mnt debian12 ide 6.1.0-18-amd64
cat >/mnt/etc/fstab <<-'EOF'
	/dev/mapper/cr_root                       /           ext4 errors=remount-ro 0 1
	UUID=a1000000-0000-4000-8000-0000000000f1 /boot       ext4 defaults          0 2
	/dev/mapper/cr_home                       /home       ext4 defaults          0 2
	/dev/mapper/cr_apart                      /srv/apart  ext4 defaults          0 2
	/dev/mapper/cr_split                      /srv/split  ext4 defaults          0 2
	/dev/mapper/cr_named                      /srv/named  ext4 defaults          0 2
	/dev/mapper/cr_raw                        /srv/raw    ext4 defaults          0 2
	/dev/mapper/cr_plain                      /srv/plain  ext4 defaults          0 2
	/dev/mapper/cr_whole                      /srv/whole  ext4 defaults          0 2
EOF
cat >/mnt/etc/crypttab <<-EOF
	cr_root   UUID=a1000000-0000-4000-8000-0000000000c2  none  luks,discard
	cr_home   UUID=a1000000-0000-4000-8000-0000000000c6  /keys/home.key:LABEL=KEYS  luks,keyfile-offset=512,keyfile-size=64
	cr_apart  PARTUUID=$(part 3)  none  luks,header=/headers/apart.hdr:LABEL=KEYS
	cr_split  PARTUUID=$(part 4)  none  luks,header=/dev/disk/by-partuuid/$(part 5)
	cr_named  UUID=a1000000-0000-4000-8000-0000000000c7  none  luks
	cr_raw    UUID=a1000000-0000-4000-8000-0000000000c8  /dev/disk/by-partuuid/$(part 22)  luks,keyfile-offset=4096,keyfile-size=32
	cr_plain  PARTUUID=$(part 9)  none  plain,cipher=aes-xts-plain64,size=256,hash=sha256
	cr_whole  UUID=a1000000-0000-4000-8000-0000000000ca  none  luks
EOF
install -D -m 400 /tmp/keys/named /mnt/etc/cryptsetup-keys.d/cr_named.key
mount_points /mnt
for name in home apart split named raw plain whole; do
	point=/srv/$name
	[ $name != home ] || point=/home
	mount /dev/mapper/cr_$name "/mnt$point"
	echo "$name is open" >"/mnt$point/note"
done

umount -R /mnt
umount /tmp/stick
for name in whole plain raw named home split apart root; do
	luks_close cr_$name
done
