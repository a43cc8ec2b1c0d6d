package workflow

import (
	"testing/fstest"

	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

// The golden machines of test/machines, as graphs.

// machineA: a plain one, with /home on a partition of its own.
func machineA() *lab {
	l := newLab()
	p := l.disk("sda", 4)
	l.fs("vfat", "A000-0001", "ESP", p[0])
	root := l.fs("ext4", "a-root", "", p[1])
	l.swap("a-swap", p[2])
	l.fs("ext4", "a-home", "home", p[3])
	l.put(root, rootTree("Debian A", `
UUID=a-root    /          ext4 errors=remount-ro 0 1
UUID=A000-0001 /boot/efi  vfat umask=0077 0 1
UUID=a-swap    none       swap sw 0 0
LABEL=home     /home      ext4 defaults,nofail 0 2
/dev/sr0       /media/cd  iso9660 user,noauto 0 0
`, "", "boot/efi/", "home/", "media/cd/"))
	return l
}

// machineB: a mirrored /boot; LVM on LUKS; data on btrfs subvolumes.
func machineB() *lab {
	l := newLab()
	a, b := l.disk("sda", 3), l.disk("sdb", 2)
	l.fs("vfat", "B000-0001", "", a[0])
	l.fs("ext4", "b-boot", "", l.md("b-md", "raid1", 2, a[1], b[0]))
	vg := l.vg("orca-vg", l.luks("b-crypt", passphrase, a[2]))
	root := l.fs("ext4", "b-root", "", l.lv(vg, "root", "linear"))
	l.fs("xfs", "b-home", "", l.lv(vg, "home", "linear"))
	l.swap("b-swap", l.lv(vg, "swap", "linear"))
	data := l.fs("btrfs", "b-data", "data", b[1])
	l.subvol(data, 256, "@srv")
	l.subvol(data, 257, "@log")
	l.put(root, rootTree("Debian B", `
/dev/mapper/orca--vg-root /         ext4  errors=remount-ro 0 1
UUID=b-boot               /boot     ext4  defaults 0 2
UUID=B000-0001            /boot/efi vfat  umask=0077 0 1
/dev/mapper/orca--vg-home /home     xfs   defaults,nodev 0 2
LABEL=data                /srv      btrfs subvol=@srv,noatime 0 0
UUID=b-data               /var/log  btrfs subvol=/@log,compress=zstd 0 0
/dev/mapper/orca--vg-swap none      swap  sw 0 0
tmpfs                     /tmp      tmpfs size=64m,mode=1777 0 0
`, "vault_primary UUID=b-crypt none luks,discard\n", "boot/", "home/", "srv/", "var/log/", "tmp/"))
	l.put(root, l.trees[root.Identity])
	l.trees["fs:b-boot"] = fstest.MapFS{"efi": {Mode: 0o755 | 1<<31}}
	l.trees["fs:b-data"] = fstest.MapFS{"@srv": {Mode: 0o755 | 1<<31}, "@log": {Mode: 0o755 | 1<<31}}
	return l
}

// machineC: encrypted in several ways, with key files on the root.
func machineC() *lab {
	l := newLab()
	a, b := l.disk("sda", 3), l.disk("sdb", 2)
	l.fs("ext4", "c-boot", "", a[0])
	root := l.fs("ext4", "c-root", "", l.luks("c-system", passphrase, a[1]))
	vg := l.vg("cellar", a[2])
	l.fs("ext4", "c-homefs", "", l.luks("c-home", "the key\x00of\nhome", l.lv(vg, "home", "linear")))
	l.fs("ext4", "c-datafs", "", l.luks("c-data", "the key of data", b[0]))
	l.fs("ext4", "c-atticfs", "", l.luks("c-attic", passphrase, b[1]))
	tree := rootTree("Alma C", `
/dev/mapper/cr_root             /      ext4 defaults 1 1
UUID=c-boot                     /boot  ext4 defaults 1 2
/dev/mapper/cr_home             /home  ext4 defaults 1 2
/dev/disk/by-id/dm-name-cr_data /data  ext4 defaults,nofail 1 2
/dev/mapper/cr\x20blank         /attic ext4 defaults 1 2
`, `cr_root     UUID=c-system    none               luks,discard
cr_home     /dev/cellar/home /etc/keys/home.key luks
cr_data     UUID=c-data      /etc/keys/data.key luks,nofail
cr\040blank UUID=c-attic     -                  luks
`, "boot/", "home/", "data/", "attic/")
	tree["etc/keys/home.key"] = &fstest.MapFile{Data: []byte("the key\x00of\nhome"), Mode: 0o400}
	tree["etc/keys/data.key"] = &fstest.MapFile{Data: []byte("the key of data"), Mode: 0o400}
	l.put(root, tree)
	return l
}

// machineD: two systems, one of them in a btrfs subvolume with a snapshot.
func machineD() *lab {
	l := newLab()
	a, b := l.disk("sda", 1), l.disk("sdb", 2)
	fsys := l.fs("btrfs", "d-arch", "arch", a[0])
	root := l.subvol(fsys, 256, "@")
	l.subvol(fsys, 257, "@home")
	snap := l.subvol(fsys, 258, "@snapshots/1/snapshot")
	snap.ParentUUID, snap.Frozen = root.UUID, true
	table := `
UUID=d-arch / btrfs rw,subvol=/@ 0 0
UUID=d-arch /home btrfs rw,subvol=/@home 0 0
`
	top := fstest.MapFS{"@home": {Mode: 0o755 | 1<<31}}
	for name, f := range rootTree("Arch D", table, "", "home/") {
		top["@/"+name], top["@snapshots/1/snapshot/"+name] = f, f
	}
	l.put(fsys, top)
	l.put(root, rootTree("Arch D", table, "", "home/"))
	l.fs("ext4", "d-boot", "", b[0])
	other := l.fs("ext4", "d-debian", "", b[1])
	l.put(other, rootTree("Debian D", "UUID=d-debian / ext4 defaults 0 1\nUUID=d-boot /boot ext4 defaults 0 2\n", "", "boot/"))
	return l
}

// machineE: thin LVM on a RAID 5 that has lost a member, with a snapshot of the
// root, and a group that has lost a volume.
func machineE() *lab {
	l := newLab()
	a, b, d := l.disk("sda", 0)[0], l.disk("sdb", 0)[0], l.disk("sdd", 0)[0]
	md := l.md("e-md", "raid5", 3, a, b)
	md.Mark(storage.Degraded)
	md.Mark(storage.MemberMissing)
	vg := l.vg("fedora", md)
	pool := l.lv(vg, "pool", "thin-pool")
	thin := l.lv(vg, "root", "thin", pool)
	thin.Pool = pool.Identity
	before := l.lv(vg, "root_before", "thin", pool, thin)
	before.Pool, before.Origin = pool.Identity, thin.Identity
	root := l.fs("ext4", "e-root", "", thin)
	l.fs("ext4", "e-root", "", before)
	l.fs("ext4", "e-boot", "", l.lv(vg, "boot", "linear"))
	attic := l.vg("attic", d)
	gone := &storage.PV{Common: common("pv:gone", ""), UUID: "gone", VG: "attic"}
	gone.Mark(storage.Missing)
	l.Lay(attic, l.Add(gone))
	attic.Mark(storage.MemberMissing)
	here := l.lv(attic, "here", "linear", l.Lower(attic)[0])
	here.Mark(storage.Degraded)
	l.fs("ext4", "e-here", "", here)
	half := l.lv(attic, "half", "linear")
	half.Mark(storage.Incomplete)
	tree := rootTree("Fedora E", `
UUID=e-root            /           ext4 defaults 1 1
UUID=e-boot            /boot       ext4 defaults 1 2
/dev/attic/here        /attic/here ext4 defaults 0 2
/dev/mapper/attic-half /attic/half ext4 defaults,nofail 0 2
`, "", "boot/", "attic/here/", "attic/half/")
	l.trees[storage.ID("fs:e-root@lv:fedora/root")] = tree
	l.trees[storage.ID("fs:e-root@lv:fedora/root_before")] = tree
	l.put(root, tree)
	return l
}

// golden are the machines, with what mounting them gives.
var golden = map[string]struct {
	lab   func() *lab
	order MountOrder
	opts  []machinetest.Option
	ask   []storage.ID // the containers that a passphrase is asked for
	lines string
}{
	"a": {lab: machineA, lines: "/ mounted; /boot/efi mounted; none skipped swap; /home mounted; /media/cd skipped noauto"},
	"b": {lab: machineB, ask: []storage.ID{"luks:b-crypt"}, lines: "/ mounted; /boot mounted; /boot/efi mounted; /home mounted; /srv mounted; /var/log mounted; none skipped swap; /tmp mounted"},
	"c": {lab: machineC, ask: []storage.ID{"luks:c-system"}, lines: "/ mounted; /boot mounted; /home mounted; /data mounted; /attic mounted"},
	"d": {lab: machineD, order: MountOrder{System: "Arch"}, lines: "/ mounted; /home mounted"},
	"e": {lab: machineE, order: MountOrder{Accept: []storage.Health{storage.Degraded}}, lines: "/ mounted; /boot mounted; /attic/here mounted; /attic/half failed closed"},
}
