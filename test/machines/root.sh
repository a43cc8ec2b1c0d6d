# root.sh: what the machine scripts share.  Sourced inside the lab, not run.
#
# It gives them their disks, quick LUKS parameters, pinned LVM UUIDs and small target
# systems: a static busybox, a real os-release, dummy kernels.  What is under test
# (fstab, crypttab, the stack itself) stands in each machine's own script.
set -euo pipefail
export LC_ALL=C.UTF-8

# Tools tell of success on standard output and of trouble on standard error.
exec >/dev/null

# The passphrase of every encrypted volume here, unless its machine says otherwise.
passphrase='correct horse'

# disk N prints the device of this machine's disk N, found by serial as it should be.
disk() {
	readlink -e /dev/disk/by-id/scsi-SSALVOR_*-disk"$1"
}

# partition DEVICE <SFDISK-SCRIPT: writes a partition table and waits for its nodes.
partition() {
	sfdisk --quiet --wipe always "$1"
	udevadm settle
}

# Unlocking has to be quick in an emulated CPU: these are the weakest parameters that
# cryptsetup takes.
luks_format() { # DEVICE UUID [OPTION…]
	local device=$1 uuid=$2
	shift 2
	printf %s "$passphrase" | cryptsetup luksFormat --batch-mode --uuid "$uuid" --key-file - \
		--pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$@" "$device"
}

luks_open() { # DEVICE NAME [OPTION…]
	printf %s "$passphrase" | cryptsetup open --key-file - "$@"
	udevadm settle
}

# luks_close NAME waits for udev first, which may still be looking at the volume.
luks_close() {
	udevadm settle
	cryptsetup close "$1"
}

# pin_lvm_uuids VG TAG: gives the VG and its LVs UUIDs made of TAG and a number, so that
# two builds of a machine are alike.  LVM has no option for that, but restores whatever
# metadata it is given.  The VG must not be active.
pin_lvm_uuids() {
	local file
	file=$(mktemp)
	vgcfgbackup --quiet --file "$file" "$1"
	# PVs keep theirs: those were given to pvcreate, and stand in the labels.
	awk -v tag="$2" '
		/physical_volumes \{/ { pvs = 1 }
		/logical_volumes \{/ { pvs = 0 }
		/^\t*id = "/ && !pvs { sub(/".*"/, sprintf("\"%s-0000-0000-0000-0000-0000-%06d\"", tag, n++)) }
		{ print }' "$file" >"$file.pinned"
	vgcfgrestore --quiet --force --file "$file.pinned" "$1"
	rm "$file" "$file.pinned"
}

# os_release SYSTEM prints the os-release of a real distribution.
os_release() {
	case $1 in
	debian12) cat <<-'EOR' ;;
		PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
		NAME="Debian GNU/Linux"
		VERSION_ID="12"
		VERSION="12 (bookworm)"
		VERSION_CODENAME=bookworm
		ID=debian
		HOME_URL="https://www.debian.org/"
		SUPPORT_URL="https://www.debian.org/support"
		BUG_REPORT_URL="https://bugs.debian.org/"
	EOR
	debian11) cat <<-'EOR' ;;
		PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"
		NAME="Debian GNU/Linux"
		VERSION_ID="11"
		VERSION="11 (bullseye)"
		VERSION_CODENAME=bullseye
		ID=debian
		HOME_URL="https://www.debian.org/"
		SUPPORT_URL="https://www.debian.org/support"
		BUG_REPORT_URL="https://bugs.debian.org/"
	EOR
	ubuntu24) cat <<-'EOR' ;;
		PRETTY_NAME="Ubuntu 24.04.1 LTS"
		NAME="Ubuntu"
		VERSION_ID="24.04"
		VERSION="24.04.1 LTS (Noble Numbat)"
		VERSION_CODENAME=noble
		ID=ubuntu
		ID_LIKE=debian
		HOME_URL="https://www.ubuntu.com/"
		UBUNTU_CODENAME=noble
		LOGO=ubuntu-logo
	EOR
	leap156) cat <<-'EOR' ;;
		NAME="openSUSE Leap"
		VERSION="15.6"
		ID="opensuse-leap"
		ID_LIKE="suse opensuse"
		VERSION_ID="15.6"
		PRETTY_NAME="openSUSE Leap 15.6"
		ANSI_COLOR="0;32"
		CPE_NAME="cpe:/o:opensuse:leap:15.6"
		BUG_REPORT_URL="https://bugs.opensuse.org"
		HOME_URL="https://www.opensuse.org/"
	EOR
	fedora40) cat <<-'EOR' ;;
		NAME="Fedora Linux"
		VERSION="40 (Server Edition)"
		ID=fedora
		VERSION_ID=40
		VERSION_CODENAME=""
		PLATFORM_ID="platform:f40"
		PRETTY_NAME="Fedora Linux 40 (Server Edition)"
		ANSI_COLOR="0;38;2;60;110;180"
		CPE_NAME="cpe:/o:fedoraproject:fedora:40"
		HOME_URL="https://fedoraproject.org/"
		VARIANT="Server Edition"
		VARIANT_ID=server
	EOR
	alma9) cat <<-'EOR' ;;
		NAME="AlmaLinux"
		VERSION="9.4 (Seafoam Ocelot)"
		ID="almalinux"
		ID_LIKE="rhel centos fedora"
		VERSION_ID="9.4"
		PLATFORM_ID="platform:el9"
		PRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"
		CPE_NAME="cpe:/o:almalinux:almalinux:9::baseos"
		HOME_URL="https://almalinux.org/"
	EOR
	arch) cat <<-'EOR' ;;
		NAME="Arch Linux"
		PRETTY_NAME="Arch Linux"
		ID=arch
		BUILD_ID=rolling
		ANSI_COLOR="38;2;23;147;209"
		HOME_URL="https://archlinux.org/"
		LOGO=archlinux-logo
	EOR
	tumbleweed) cat <<-'EOR' ;;
		NAME="openSUSE Tumbleweed"
		ID="opensuse-tumbleweed"
		ID_LIKE="opensuse suse"
		VERSION_ID="20240605"
		PRETTY_NAME="openSUSE Tumbleweed"
		ANSI_COLOR="0;32"
		CPE_NAME="cpe:/o:opensuse:tumbleweed:20240605"
		BUG_REPORT_URL="https://bugzilla.opensuse.org"
		HOME_URL="https://www.opensuse.org/"
	EOR
	nixos) cat <<-'EOR' ;;
		ANSI_COLOR="1;34"
		BUG_REPORT_URL="https://github.com/NixOS/nixpkgs/issues"
		BUILD_ID="24.05.1503.752c634c09ce"
		HOME_URL="https://nixos.org/"
		ID=nixos
		LOGO="nix-snowflake"
		NAME=NixOS
		PRETTY_NAME="NixOS 24.05 (Uakari)"
		VERSION="24.05 (Uakari)"
		VERSION_CODENAME=uakari
		VERSION_ID="24.05"
	EOR
	alpine) cat <<-'EOR' ;;
		NAME="Alpine Linux"
		ID=alpine
		VERSION_ID=3.20.0
		PRETTY_NAME="Alpine Linux v3.20"
		HOME_URL="https://alpinelinux.org/"
		BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"
	EOR
	*) echo "root.sh: no os-release for $1" >&2; return 1 ;;
	esac
}

# The programs of a small system, made once: a fork is dear in the lab.
mkdir /tmp/applets
cp /bin/busybox /tmp/applets/busybox
for applet in sh ls cat cp mv rm ln mkdir mount umount ps grep sed id uname hostname df true false env; do
	ln -s busybox "/tmp/applets/$applet"
done

# make_root DIR SYSTEM HOSTNAME KERNEL: a small system in DIR.  /usr, /boot and the like may
# be file systems of their own, mounted below DIR before.  fstab and crypttab are left to
# the caller, and so are the mount points: they are made by "mount_points DIR".
make_root() {
	local dir=$1 system=$2 hostname=$3 kernel=$4
	(
		cd "$dir"
		mkdir -p bin boot dev etc home lib/modules mnt proc root run sbin srv sys tmp usr/bin usr/lib usr/sbin var/log var/tmp
		chmod 1777 tmp var/tmp
		os_release "$system" >usr/lib/os-release
		ln -s ../usr/lib/os-release etc/os-release
		echo "$hostname" >etc/hostname
		echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
		echo 'root:x:0:' >etc/group
		: >etc/fstab
		mkdir "lib/modules/$kernel"
		: >"lib/modules/$kernel/modules.dep"
		echo "not a kernel" >"boot/vmlinuz-$kernel"
		echo "not an initramfs" >"boot/initrd.img-$kernel"
		cp -a /tmp/applets/. bin
	)
}

# mount_points DIR: makes the mount points that DIR's fstab names.
mount_points() {
	local spec point rest
	while read -r spec point rest; do
		case $spec,$point in
		'#'* | *,none | *,swap) ;;
		*,/*) mkdir -p "$1$point" ;;
		esac
	done <"$1/etc/fstab"
}
