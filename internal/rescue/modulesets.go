package rescue

import "strings"

// moduleSet is a row of the table "Kernel modules" in docs/rescue.md.
type moduleSet struct {
	name  string
	use   []string // words of Facts.Uses that bring it into a minimal image
	from  Hardware // the smallest image that has it anyway
	words string   // as kernelModules.named knows them, with blanks between
}

var moduleSets = []moduleSet{
	{name: "device-mapper, arrays, bcache", from: Minimal, words: "drivers/md"},
	{name: "encryption", from: Minimal, words: "crypto/ arch/x86/crypto arch/arm64/crypto arch/s390/crypto arch/powerpc/crypto drivers/char/tpm encrypted-keys trusted"},
	{name: "file systems", from: Minimal,
		words: "ext4 ext3 ext2 xfs btrfs vfat msdos exfat ntfs3 ntfs f2fs jfs nilfs2 minix reiserfs bcachefs isofs udf squashfs erofs overlay fuse virtiofs fs/nls efivarfs configfs autofs4 lib/zstd lib/lz4"},
	{name: "images, memory", from: Minimal, words: "loop nbd zram brd"},
	{name: "disks, whatever drives them", from: Minimal, words: "sd_mod sr_mod sg st usb-storage uas nvme mmc_block drivers/scsi/device_handler dax scsi_transport_iscsi"},
	{name: "virtual machines", from: Minimal,
		words: "drivers/virtio virtio_blk virtio_scsi virtio_net virtio_console virtio-rng virtio_mmio 9p 9pnet_virtio qemu_fw_cfg " +
			"ahci ata_piix mptspi e1000 e1000e 8139cp hv_vmbus hv_storvsc hv_netvsc hyperv-keyboard hid-hyperv hv_utils xen-blkfront xen-netfront vmw_pvscsi vmxnet3 vmw_balloon"},
	{name: "keyboards", from: Minimal, words: "hid hid-generic usbhid atkbd i8042 xhci-hcd xhci-pci xhci-plat-hcd ehci-pci ohci-pci uhci-hcd"},
	{name: "network protocols", from: Minimal, words: "ipv6 af_packet 8021q bonding bridge dummy net_failover"},
	{name: "what storage needs below it", from: Minimal, words: "libcrc32c crc-t10dif crc32c-intel crc32-pclmul"},
	{name: "NFS", use: []string{"nfs"}, from: Common, words: "nfs nfsv3 nfsv4 rpcsec_gss_krb5 auth_rpcgss lockd"},
	{name: "CIFS", use: []string{"cifs"}, from: Common, words: "cifs"},
	{name: "iSCSI", use: []string{"iscsi"}, from: Common, words: "iscsi_tcp iscsi_ibft"},
	{name: "NVMe over a network", use: []string{"nvmf"}, from: Common, words: "nvme-tcp nvme-fabrics"},
	{name: "common disk controllers", from: Common,
		words: "ahci_platform ata_generic pata_acpi sata_nv sata_sil sata_sil24 sata_via sata_mv pata_amd pata_via pata_jmicron " +
			"megaraid_sas mpt3sas mptsas aacraid hpsa smartpqi isci arcmsr mvsas ufshcd-pci sdhci-pci sdhci-acpi rtsx_pci_sdmmc vmd"},
	{name: "common network cards", from: Common,
		words: "igb igc igbvf ixgbe ixgbevf i40e iavf ice tg3 bnx2 bnx2x bnxt_en be2net r8169 8139too atlantic alx atl1c sky2 forcedeth " +
			"ena gve mlx4_en mlx5_core amd-xgbe bcmgenet macb dwmac-generic fec nicvf hns3 mvneta " +
			"r8152 cdc_ether cdc_ncm ax88179_178a asix smsc95xx lan78xx drivers/net/phy drivers/net/mdio"},
	{name: "screens where the firmware leaves none", from: Common, words: "simpledrm efifb vesafb hyperv_drm virtio-gpu bochs"},
	{name: "all storage, network and virtual hardware", from: Generic,
		words: "drivers/ata drivers/scsi drivers/nvme drivers/block drivers/mmc drivers/usb/storage drivers/usb/host drivers/net/ethernet drivers/net/phy drivers/net/mdio " +
			"drivers/net/usb drivers/net/hyperv drivers/virtio drivers/hv drivers/xen drivers/message drivers/md drivers/dax drivers/nvdimm drivers/ufs drivers/memstick " +
			"drivers/hid/usbhid drivers/pci drivers/phy drivers/firmware drivers/target/loopback"},
}

// neverModules stay out: tests of the kernel, and drivers that make devices out of nothing.
// Switches of data centres have firmware of tens of megabytes, and nothing is started from them.
var neverModules = strings.Fields("tcrypt md-cluster scsi_debug null_blk drivers/net/ethernet/mellanox/mlxsw drivers/target lib/test_* dm-dust dm-flakey")

// pastimes are directories whose drivers nobody needs for getting a machine back. A device
// that asks for one of them goes without. What the screen shows it
// shows by the firmware's doing.
var pastimes = strings.Fields("sound drivers/gpu drivers/media drivers/video drivers/net/wireless drivers/net/wwan drivers/net/can drivers/bluetooth net/bluetooth " +
	"drivers/staging drivers/iio drivers/accel drivers/nfc drivers/hwmon drivers/leds drivers/edac drivers/powercap drivers/thermal drivers/platform " +
	"drivers/cpufreq arch/x86/kvm arch/x86/events drivers/char/agp drivers/char/ipmi drivers/misc drivers/watchdog drivers/crypto drivers/vfio drivers/virt drivers/comedi " +
	"drivers/isdn drivers/firewire drivers/input/joystick drivers/input/misc drivers/infiniband drivers/ras drivers/acpi virt")

// isPastime reports whether a module drives something that the rescue system leaves alone.
func (m *kernelModules) isPastime(name string) bool {
	below := strings.TrimPrefix(m.byName[name], "kernel/")
	for _, dir := range pastimes {
		if belowKernel(dir, below) {
			return true
		}
	}
	return false
}

// requiredModules are those that have to be there where a kind of storage or a file system is in use.
// File systems that a program in the image can mount, or that nobody
// has to have, are not among them.
var requiredModules = map[string]string{
	"lv": "dm_mod", "crypt": "dm_crypt", "multipath": "dm_multipath", "md": "md_mod", "bcache": "bcache",
	"ext2": "ext4", "ext3": "ext4", "ext4": "ext4", "xfs": "xfs", "btrfs": "btrfs", "vfat": "vfat", "exfat": "exfat", "f2fs": "f2fs",
	"jfs": "jfs", "nilfs2": "nilfs2", "nfs": "nfs", "cifs": "cifs", "iscsi": "iscsi_tcp",
}
