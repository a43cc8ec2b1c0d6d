package rescue

import "strings"

// programSet is a row of the table "Programs" in docs/rescue.md.
type programSet struct {
	name   string
	use    []string // words of Facts.Uses; needed programs are required where one of them holds, "" is always
	needed string   // programs, with blanks between
	wanted string   // those that are taken if they are there
	big    bool     // left out of a minimal image, unless it is in use
}

var programSets = []programSet{
	{name: "the ground", use: []string{""}, needed: "sh mount umount udevadm modprobe",
		wanted: "bash kmod insmod rmmod lsmod modinfo depmod blkid lsblk findmnt losetup blockdev swapon swapoff mkswap swaplabel wipefs " +
			"fsck fstrim blkdiscard fallocate fsfreeze mountpoint switch_root chroot unshare nsenter setsid openvt chvt dmesg hostname uname uptime date hwclock " +
			"loadkeys setfont kbd_mode stty tty reset clear tput nologin sysctl setterm"},
	{name: "files and text", use: []string{""},
		wanted: "cat cp mv rm ln ls mkdir rmdir mkfifo mknod mktemp chmod chown chgrp touch stat readlink realpath basename dirname df du dd sync truncate install " +
			"head tail cut sort uniq wc tr tee od hexdump xxd cmp diff comm paste split sha256sum sha512sum md5sum b2sum cksum base64 " +
			"grep egrep sed awk gawk mawk find xargs less more vi vim.tiny nano which file getfacl setfacl getfattr setfattr getcap setcap lsattr chattr " +
			"[ test true false echo printf expr seq env id whoami yes nproc numfmt timeout sleep nice ionice nohup pwd"},
	{name: "processes", use: []string{""}, wanted: "ps top free kill killall pkill pgrep pidof fuser lsof watch w tmux screen script"},
	{name: "partitions", use: []string{"partition", "table"}, wanted: "sfdisk fdisk cfdisk sgdisk gdisk parted partprobe partx delpart addpart"},
	{name: "device-mapper", use: []string{"lv", "crypt", "multipath"}, needed: "dmsetup", wanted: "blkdeactivate"},
	{name: "LVM", use: []string{"pv", "vg", "lv"}, needed: "lvm",
		wanted: "lvs vgs pvs lvscan vgscan pvscan lvdisplay vgdisplay pvdisplay lvmdiskscan lvmconfig lvmdevices " +
			"lvchange vgchange pvchange lvcreate vgcreate pvcreate lvremove vgremove pvremove lvrename vgrename lvextend lvreduce lvresize vgextend vgreduce pvresize " +
			"lvconvert vgconvert vgmerge vgsplit vgexport vgimport vgimportclone vgcfgbackup vgcfgrestore vgck pvck vgmknodes pvmove fsadm"},
	{name: "encryption", use: []string{"crypt"}, needed: "cryptsetup", wanted: "cryptsetup-reencrypt integritysetup veritysetup sedutil-cli"},
	{name: "keys in tokens", use: []string{"token"}, wanted: "systemd-cryptenroll systemd-cryptsetup", big: true},
	{name: "keys from a TPM or the network", use: []string{"clevis"}, needed: "clevis", wanted: "jose tpm2_pcrread tpm2_getcap", big: true},
	{name: "arrays", use: []string{"md"}, needed: "mdadm", wanted: "mdmon dmraid"},
	{name: "multipath", use: []string{"multipath"}, needed: "multipath", wanted: "multipathd kpartx mpathpersist rescan-scsi-bus.sh"},
	{name: "bcache", use: []string{"bcache", "bcacheset"}, needed: "make-bcache", wanted: "bcache-super-show bcache"},
	{name: "ext2, ext3, ext4", use: []string{"ext2", "ext3", "ext4"}, needed: "mke2fs e2fsck tune2fs", wanted: "mkfs.ext2 mkfs.ext3 mkfs.ext4 fsck.ext2 fsck.ext3 fsck.ext4 resize2fs dumpe2fs debugfs e2label e2image"},
	{name: "XFS", use: []string{"xfs"}, needed: "mkfs.xfs xfs_repair", wanted: "fsck.xfs xfs_admin xfs_db xfs_growfs xfs_info xfs_metadump xfs_mdrestore xfs_io"},
	{name: "btrfs", use: []string{"btrfs"}, needed: "mkfs.btrfs btrfs", wanted: "fsck.btrfs btrfstune"},
	{name: "FAT", use: []string{"vfat"}, needed: "mkfs.fat fsck.fat", wanted: "mkfs.vfat fsck.vfat fatlabel dosfsck"},
	{name: "exFAT", use: []string{"exfat"}, needed: "mkfs.exfat fsck.exfat", wanted: "tune.exfat exfatlabel", big: true},
	{name: "NTFS", use: []string{"ntfs"}, needed: "mkntfs", wanted: "ntfs-3g mount.ntfs mount.ntfs-3g lowntfs-3g ntfsfix ntfslabel ntfsresize ntfsclone mkfs.ntfs", big: true},
	{name: "F2FS", use: []string{"f2fs"}, needed: "mkfs.f2fs fsck.f2fs", wanted: "resize.f2fs", big: true},
	{name: "JFS, NILFS, minix and others", use: []string{"jfs"}, needed: "jfs_mkfs", wanted: "jfs_tune jfs_fsck fsck.jfs mkfs.jfs mkfs.nilfs2 nilfs-tune mount.nilfs2 umount.nilfs2 mkfs.minix fsck.minix reiserfsck reiserfstune bcachefs mkfs.bcachefs fsck.bcachefs mount.bcachefs", big: true},
	{name: "images of disks", wanted: "qemu-nbd qemu-img nbd-client unsquashfs", big: true},
	{name: "drives", use: []string{""}, wanted: "hdparm nvme smartctl lsscsi sg_inq sg_map sdparm badblocks ddrescue eject mt"},
	{name: "hardware", use: []string{""}, wanted: "lspci lsusb dmidecode efibootmgr efivar mokutil bootctl"},
	{name: "network", use: []string{""}, wanted: "ip bridge ss ping ethtool tracepath host nslookup resolvectl ifconfig route nc ncat iw wpa_supplicant wpa_cli"},
	{name: "coming in", use: []string{""}, wanted: "sshd ssh-keygen"},
	{name: "getting files", wanted: "ssh scp sftp curl wget", big: true},
	{name: "NFS", use: []string{"nfs"}, needed: "mount.nfs", wanted: "showmount umount.nfs", big: true},
	{name: "CIFS", use: []string{"cifs"}, needed: "mount.cifs", big: true},
	{name: "SSHFS", use: []string{"sshfs"}, needed: "sshfs ssh", big: true},
	{name: "iSCSI", use: []string{"iscsi"}, needed: "iscsiadm iscsid", wanted: "iscsistart", big: true},
	{name: "NVMe over a network", use: []string{"nvmf"}, needed: "nvme", big: true},
	{name: "archives", use: []string{"tar"}, needed: "tar", wanted: "cpio gzip bzip2 xz zstd lz4 pigz zcat"},
	{name: "restic", use: []string{"restic"}, wanted: "restic", big: true},
	{name: "copies", use: []string{"rsync"}, needed: "rsync", big: true},
	{name: "SELinux", use: []string{"selinux"}, needed: "setfiles", wanted: "restorecon matchpathcon chcon getenforce sestatus load_policy fixfiles", big: true},
	{name: "looking closer", wanted: "strace ltrace tcpdump", big: true},
}

// pick gives the programs of the set: those that have to be there and those that may. What
// salvor can open it has to be able to open on any machine, so that what is
// needed elsewhere is wanted here.
func (s programSet) pick(uses func(word string) bool, minimal bool) (needed, wanted []string) {
	inUse := false
	for _, word := range s.use {
		inUse = inUse || word == "" || uses(word)
	}
	switch {
	case inUse:
		return strings.Fields(s.needed), strings.Fields(s.wanted)
	case minimal && s.big:
		return nil, nil
	}
	return nil, strings.Fields(s.needed + " " + s.wanted)
}
