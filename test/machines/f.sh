#!/bin/bash
# Machine f: hostile.  Nothing here may reach the live system, hang the looker, or be
# formatted.
#
# disk 1 1G
#
#   disk1 (GPT), each partition a small ext4 with a system on it:
#   ├─1  "trap"      an fstab of traps, and a crypttab that would format partition 10
#   ├─2  "crowd"     an fstab of 10 000 lines
#   ├─3  "pipe"      /etc/os-release is a FIFO: opening it waits for ever
#   ├─4  "endless"   /etc/os-release is a link to /dev/zero, which is a device node
#   ├─5  "huge"      /etc/os-release is a sparse file of 1 GB
#   ├─6  "circle"    /etc/os-release is a link to itself
#   ├─7  "leak"      /etc/os-release is an link of too many dots to etc/hostname
#   ├─8  "shout"     os-release and hostname hold terminal escapes and newlines
#   ├─9  ext4, label "trapdata", which the traps would mount
#   └─10 blank, PARTLABEL "blank", which the traps would format
# shellcheck source=root.sh
. /salvor/root.sh
d1=$(disk 1)

{
	echo 'label: gpt'
	echo 'label-id: F0000000-0000-4000-8000-000000000000'
	echo 'size=96M, type=L, uuid=F0000000-0000-4000-8000-000000000001, name="trap"'
	number=2
	for name in crowd pipe endless huge circle leak shout trapdata blank; do
		printf 'size=64M, type=L, uuid=F0000000-0000-4000-8000-%012d, name="%s"\n' "$number" "$name"
		number=$((number + 1))
	done
} | partition "$d1"

# system N NAME: a system on partition N, mounted at /mnt.
system() {
	mkfs.ext4 -q -L "$2" -U "f0000000-0000-4000-8000-$(printf '%012d' "$1")" "${d1}$1"
	mount "${d1}$1" /mnt
	make_root /mnt ubuntu24 "$2" 6.8.0-31-generic
	echo "LABEL=$2 / ext4 defaults 0 1" >/mnt/etc/fstab
}

mkfs.ext4 -q -L trapdata -U f0000000-0000-4000-8000-000000000009 "${d1}9"

system 1 trap
cat >/mnt/etc/fstab <<-'EOF'
	LABEL=trap      /                 ext4  defaults                0 1
	# /escape is an absolute link to /etc: of the target, never of the live system.
	LABEL=trapdata  /escape           ext4  defaults                0 2
	# Out of the target, by dots, and by a link of dots.
	LABEL=trapdata  ../../..          ext4  defaults                0 2
	LABEL=trapdata  /up/mnt           ext4  defaults                0 2
	LABEL=trapdata  /srv/../../../mnt ext4  defaults                0 2
	# A mount point that is a file, and one that is a link to nothing.
	LABEL=trapdata  /etc/hostname     ext4  defaults                0 2
	LABEL=trapdata  /dangling         ext4  defaults                0 2
	# Devices that are not there.
	UUID=deaddead-dead-4ead-8ead-deaddeaddead  /missing  ext4  defaults,nofail  0 2
	/dev/disk/by-id/ata-GONE_1234-part1        /gone     ext4  defaults         0 2
	# Options that destroy.
	PARTLABEL=blank /made             ext4  x-systemd.makefs,nofail 0 0
	PARTLABEL=blank /grown            ext4  x-systemd.growfs        0 0
	/dev/mapper/cr_tmp /tmp           ext4  defaults                0 0
	/dev/mapper/cr_swap none          swap  sw                      0 0
	# Over what salvor itself mounts, and over the root.
	LABEL=trapdata  /proc             ext4  defaults                0 2
	LABEL=trapdata  /                 ext4  defaults                0 2
	# A program that mount(8) would run: mount.fuse.sh#trap.
	LABEL=trapdata  /helper           fuse.sh#trap  defaults        0 0
	# Garbage.
	garbage
	LABEL=
	=  =  =
	UUID="unterminated /quote ext4 defaults 0 2
	LABEL=trapdata /srv/ok ext4 defaults notanumber 2
EOF
# Bytes that are no UTF-8, a NUL, and a line without an end.
printf 'LABEL=\377\376 /bytes\200 ext4 defaults 0 0\nLABEL=a\0b /nul ext4 defaults 0 0\nLABEL=trapdata /last ext4 defaults' >>/mnt/etc/fstab
cat >/mnt/etc/crypttab <<-'EOF'
	cr_swap  PARTLABEL=blank  /dev/urandom  swap,cipher=aes-xts-plain64,size=256
	cr_tmp   PARTLABEL=blank  /dev/urandom  tmp=ext4
	cr_once  PARTLABEL=blank  /etc/once.key keyfile-erase
	../../x  PARTLABEL=blank  none          luks
	garbage
EOF
echo 'a key' >/mnt/etc/once.key
ln -s /etc /mnt/escape
ln -s ../../../../.. /mnt/up
ln -s /nowhere /mnt/dangling
mkdir -p /mnt/srv/ok /mnt/missing /mnt/gone /mnt/made /mnt/grown /mnt/helper /mnt/last
umount /mnt

system 2 crowd
mkdir /mnt/many
for number in $(seq -w 1 9999); do
	echo "UUID=00000000-0000-4000-8000-00000000$number /many/$number ext4 noauto,nofail 0 0"
done >>/mnt/etc/fstab
umount /mnt

system 3 pipe
rm /mnt/etc/os-release /mnt/usr/lib/os-release
mkfifo /mnt/etc/os-release /mnt/usr/lib/os-release
umount /mnt

system 4 endless
rm /mnt/etc/os-release /mnt/usr/lib/os-release
mknod -m 666 /mnt/dev/zero c 1 5
ln -s /dev/zero /mnt/etc/os-release
ln -s ../../dev/zero /mnt/usr/lib/os-release
umount /mnt

system 5 huge
truncate -s 1G /mnt/usr/lib/os-release
umount /mnt

system 6 circle
rm /mnt/etc/os-release
ln -s os-release /mnt/etc/os-release
umount /mnt

system 7 leak
rm /mnt/etc/os-release
ln -s ../../../../etc/hostname /mnt/etc/os-release
echo 'NAME="leak, own file"' >/mnt/etc/hostname
umount /mnt

system 8 shout
# shellcheck disable=SC2016  # a reader that sources os-release would run it
printf 'NAME="\033[2J\033[31mshout\033[0m"\nPRETTY_NAME="\033]0;title\007line\\nbreak \342\200\256txet"\nID=shout\nVERSION_ID="$(reboot)"\n' \
	>/mnt/usr/lib/os-release
printf 'shout\033[2J\nsecond line\n' >/mnt/etc/hostname
umount /mnt
