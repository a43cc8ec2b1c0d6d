package system

import (
	"errors"
	"fmt"
	"strings"

	"salvor/internal/storage"
)

// mountCases are the machines under test/machines, as graphs, and what else can
// stand in the way of a mount.
var mountCases = map[string]func(*lab) mountCase{
	"a-plain":              machineA,
	"a-read-only":          func(l *lab) mountCase { return machineA(l).readOnly(false) },
	"b-stack":              machineB,
	"b-read-only":          func(l *lab) mountCase { return machineB(l).readOnly(true) },
	"c-crypt":              machineC,
	"c-renamed":            func(l *lab) mountCase { c := machineC(l); c.base = c.seen; return c },
	"d-btrfs":              func(l *lab) mountCase { return machineD(l, "@") },
	"d-snapshot-chosen":    func(l *lab) mountCase { return machineD(l, "@snapshots/1/snapshot") },
	"e-degraded":           machineE,
	"e-read-only":          func(l *lab) mountCase { return machineE(l).readOnly(true) },
	"e-read-only-no-dm":    func(l *lab) mountCase { return machineE(l).readOnly(false) },
	"e-snapshot-chosen":    machineESnapshot,
	"f-hostile":            machineF,
	"points":               pointsMachine,
	"order":                orderMachine,
	"standing":             standingMachine,
	"target-taken":         targetTaken,
	"foreign-read-only":    foreignReadOnly,
	"name-taken":           nameTaken,
	"crypttab-destructive": destructiveCrypttab,
	"hibernated":           hibernatedMachine,
	"device-read-only":     readOnlyDevice,
	"stale":                staleTree,
	"no-fstab":             noFstab,
	"wrong-root-line":      wrongRootLine,
	"ostree":               func(l *lab) mountCase { return ostreeMachine(l, "ext4") },
	"ostree-btrfs":         func(l *lab) mountCase { return ostreeMachine(l, "btrfs").readOnly(true) },
	"pool-missing":         poolMissing,
}

func dirs(names string) []string {
	var out []string
	for _, n := range strings.Fields(names) {
		out = append(out, n+"/")
	}
	return out
}

func machineA(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	l.fs("vfat", "A000-0001", l.part(t, 1))
	root := l.fs("ext4", "a-f2", l.part(t, 2))
	l.swap("a-f3", l.part(t, 3))
	l.fs("ext4", "a-f4", l.part(t, 4)).Label = "home"
	fstab := `# /etc/fstab: static file system information.
UUID=a-f2      /         ext4 errors=remount-ro 0 1
UUID=A000-0001 /boot/efi vfat umask=0077        0 1
UUID=a-f3      none      swap sw                0 0
LABEL=home     /home     ext4 defaults,nofail   0 2
/dev/sr0       /media/cdrom0   udf,iso9660 user,noauto     0       0
server:/srv    /srv      nfs  defaults 0 0
tmpfs          /tmp      tmpfs size=64m,mode=1777 0 0
LABEL=gone     /gone     ext4 nofail 0 2
LABEL=gone2    /gone2    ext4 defaults 0 2
proc           /proc     proc defaults 0 0
/home/shared   /shared   none bind,nosuid 0 0
`
	l.put(root, rootTree(fstab, "", dirs("boot/efi home tmp gone gone2 shared srv sys/firmware/efi/efivars")...))
	l.put(&storage.FileSystem{Common: storage.Common{Identity: "fs:a-f4"}}, tree("shared/"))
	c := l.ask(nil)
	c.sys, c.req.EFI = sysOn(root, fstab, ""), true
	return c
}

func machineB(l *lab) mountCase {
	t1, t2 := l.table("gpt", l.disk("sda")), l.table("gpt", l.disk("sdb"))
	l.fs("vfat", "B000-0001", l.part(t1, 1))
	boot := l.fs("ext4", "b-f1", l.md("b:ad", "orca:boot", "md127", l.part(t1, 2), l.part(t2, 1)))
	vg := l.vg("orca-vg", l.crypt("b-c1", "luks-b-c1", l.part(t1, 3)))
	root := l.fs("ext4", "b-f2", l.lv(vg, "root", "linear", true))
	l.fs("xfs", "b-f3", l.lv(vg, "home", "linear", true)).Mark(storage.Dirty)
	l.swap("b-f4", l.lv(vg, "swap", "linear", true))
	data := l.fs("btrfs", "b-f5", l.part(t2, 2))
	data.Label = "data"
	l.subvol(data, 5, "")
	l.subvol(data, 256, "@srv")
	l.subvol(data, 257, "@log")
	fstab := `/dev/mapper/orca--vg-root /         ext4  errors=remount-ro    0 1
UUID=b-f1                 /boot     ext4  defaults             0 2
UUID=B000-0001            /boot/efi vfat  umask=0077           0 1
/dev/mapper/orca--vg-home /home     xfs   defaults,nodev       0 2
LABEL=data                /srv      btrfs subvol=@srv,noatime  0 0
UUID=b-f5                 /var/log  btrfs subvol=/@log,compress=zstd 0 0
/dev/mapper/orca--vg-swap none      swap  sw                   0 0
tmpfs                     /tmp      tmpfs size=64m,mode=1777   0 0
`
	l.put(root, rootTree(fstab, "", dirs("boot home srv var/log tmp")...))
	l.put(boot, tree("efi/"))
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "vault_primary UUID=b-c1 none luks,discard\n")
	return c
}

func machineC(l *lab) mountCase {
	t1, t2 := l.table("gpt", l.disk("sda")), l.table("gpt", l.disk("sdb"))
	l.fs("ext4", "c-f1", l.part(t1, 1))
	root := l.fs("ext4", "c-f2", l.crypt("c-c1", "luks-c-c1", l.part(t1, 2)))
	home := l.lv(l.vg("cellar", l.part(t1, 3)), "home", "linear", true)
	l.fs("ext4", "c-f3", l.crypt("c-c2", "cr_home", home))
	l.crypt("c-c3", "", l.part(t2, 1)) // its key was not to be had
	l.fs("ext4", "c-f5", l.crypt("c-c4", "luks-c-c4", l.part(t2, 2)))
	fstab := `/dev/mapper/cr_root                       /       ext4  defaults         1 1
UUID=c-f1                                 /boot   ext4  defaults         1 2
/dev/mapper/cr_home                       /home   ext4  defaults         1 2
/dev/disk/by-id/dm-name-cr_data           /data   ext4  defaults,nofail  1 2
/dev/mapper/cr\x20blank                   /attic  ext4  defaults         1 2
`
	l.put(root, rootTree(fstab, "", dirs("boot home data attic")...))
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, `cr_root      UUID=c-c1  none                luks,discard
cr_home      /dev/cellar/home  /etc/keys/home.key  luks,keyfile-erase
cr_data      UUID=c-c3  /etc/keys/data.key  luks,nofail
cr\040blank  UUID=c-c4  -                   luks
`)
	return c
}

func machineD(l *lab, chosen string) mountCase {
	t := l.table("gpt", l.disk("sda"))
	fs := l.fs("btrfs", "d-f2", l.part(t, 2))
	l.fs("vfat", "D000-0001", l.part(t, 1))
	l.subvol(fs, 5, "")
	for i, p := range []string{"@", "@home", "@snapshots", "@snapshots/1/snapshot"} {
		s := l.subvol(fs, uint64(256+i), p)
		s.Frozen = strings.HasSuffix(p, "/snapshot")
	}
	fstab := `UUID=d-f2  /            btrfs  rw,relatime,subvol=/@           0 0
UUID=d-f2  /home        btrfs  rw,relatime,subvol=/@home       0 0
UUID=d-f2  /.snapshots  btrfs  rw,relatime,subvolid=258        0 0
UUID=D000-0001 /boot/efi vfat  rw,umask=0077                   0 2
UUID=d-f2  /mnt/all     btrfs  subvol=/                        0 0
UUID=d-f2  /mnt/none    btrfs  subvol=@,subvolid=257           0 0
/.snapshots/1 /srv      none   bind                            0 0
`
	root := &storage.Subvolume{Common: storage.Common{ID: storage.ID("subvol:d-f2/" + chosen), Identity: storage.ID("subvol:d-f2/" + chosen)}}
	l.put(root, rootTree(fstab, "", dirs("home .snapshots boot/efi mnt/all mnt/none srv")...))
	l.trees["subvol:d-f2/@snapshots"] = lookedTree{tree: tree("1/snapshot/")}
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}

// machineE: a thin pool on a degraded array, with a snapshot of the root, and a
// volume group that misses a disk.
func machineE(l *lab) mountCase {
	md := l.md("e:ad", "eel:0", "md127", l.part(l.table("gpt", l.disk("sda")), 1), l.part(l.table("gpt", l.disk("sdb")), 1))
	md.Level = "raid5"
	md.Mark(storage.Degraded)
	md.Mark(storage.MemberMissing)
	vg := l.vg("eel", md)
	hidden := l.lv(vg, "pool_tdata", "linear", true)
	hidden.Internal = true
	pool := l.lv(vg, "pool", "thin-pool", true)
	l.Lay(pool, hidden)
	thin := l.lv(vg, "root", "thin", true)
	thin.Pool = pool.Identity
	l.Lay(thin, pool)
	snap := l.lv(vg, "root-old", "thin", true)
	snap.Pool, snap.Origin = pool.Identity, thin.Identity
	l.Lay(snap, pool)
	l.fs("xfs", "e-root", thin)
	l.fs("xfs", "e-root", snap)
	l.fs("ext4", "e-var", l.lv(vg, "var", "linear", true))
	half := l.vg("half", l.disk("sdc"))
	half.Mark(storage.MemberMissing)
	gone := &storage.PV{Common: common("pv:gone", "", gib), UUID: "gone", VG: "half"}
	gone.Mark(storage.Missing)
	l.Lay(half, l.Add(gone))
	broken := l.lv(half, "data", "linear", false)
	l.Lay(broken, gone)
	broken.Mark(storage.Incomplete)
	broken.Notes = []string{"a physical volume that it needs is missing"}
	mirror := l.lv(half, "mirror", "raid1", true)
	l.Lay(mirror, gone)
	mirror.Mark(storage.Degraded)
	l.fs("ext4", "e-secret", l.crypt("e-c1", "cr_e", mirror))
	fstab := `UUID=e-root /    xfs  defaults 0 0
UUID=e-var  /var ext4 defaults 0 2
/dev/half/data /data ext4 defaults 0 2
/dev/mapper/cr_e /secret ext4 nofail 0 2
`
	root := &storage.FileSystem{Common: storage.Common{ID: "fs:e-root@lv:eel/root", Identity: "fs:e-root@lv:eel/root"}}
	l.put(root, rootTree(fstab, "", dirs("data secret")...))
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}

func machineESnapshot(l *lab) mountCase {
	c := machineE(l)
	root := storage.ID("fs:e-root@lv:eel/root")
	c.sys.Root = root + "-old"
	l.trees[c.sys.Root] = l.trees[root]
	return c
}

// machineF is hostile.
func machineF(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "f-root", l.part(t, 1))
	l.fs("ext4", "f-a", l.part(t, 2))
	l.fs("ext4", "f-b", l.part(t, 3))
	blank := l.part(t, 4)
	_ = blank
	fstab := `UUID=f-root / ext4 x-systemd.growfs 0 1
UUID=f-a  /link ext4 defaults 0 0
UUID=f-b  /../../.. ext4 defaults 0 0
UUID=f-b  /up ext4 defaults 0 0
LABEL=no1 /no1 ext4 nofail 0 0
LABEL=no2 /no2 ext4 defaults 0 0
PARTUUID=sda-4 /made ext4 x-systemd.makefs 0 0
garbage
UUID=f-b  /loop/x ext4 defaults 0 0
UUID=f-b  /passwd ext4 defaults 0 0
UUID=f-b  /tape/x ext4 defaults 0 0
` + "UUID=\x1b[31m /esc\x1b[2J ext4 defaults 0 0\n" + `UUID=f-b  /proc/1/root ext4 defaults 0 0
UUID=f-b  /sneaky/shm ext4 defaults 0 0
`
	files := rootTree(fstab, "", append(dirs("etc no1 no2 made"), "link -> /etc", "up -> ../../../etc/../etc", "loop -> /loop", "passwd", "tape -> /nowhere", "sneaky -> dev")...)
	delete(files, "run")
	delete(files, "proc")
	delete(files, "sys")
	files["run"] = tree("run -> /etc")["run"]
	files["proc"] = file("")
	l.put(root, files)
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}

func pointsMachine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	uuids := strings.Fields("root srv deep same home wrong file missing below under")
	var root storage.Node
	for i, u := range uuids {
		n := l.fs("ext4", u, l.part(t, i+1))
		if i == 0 {
			root = n
		}
	}
	fstab := `UUID=root / ext4 defaults 0 1
UUID=deep /data ext4 defaults 0 2
UUID=srv /srv ext4 defaults 0 2
UUID=same /srv/x/y ext4 defaults 0 2
UUID=home /home ext4 noauto,x-systemd.automount 0 2
UUID=wrong /wrong xfs defaults 0 2
UUID=file /file ext4 defaults 0 2
UUID=missing /missing ext4 defaults 0 2
UUID=below /wrong/below ext4 defaults 0 2
/wrong/tree /bound none bind 0 0
UUID=under /home ext4 defaults 0 2
UUID=under /memory/x ext4 defaults 0 2
tmpfs /memory tmpfs defaults 0 0
LABEL=iscsi /iscsi ext4 _netdev 0 2
overlay /over overlay lowerdir=/a 0 0
/images/x.iso /iso iso9660 loop 0 0
UUID=under /var/run/x ext4 defaults 0 2
`
	l.put(root, rootTree(fstab, "", append(dirs("srv home wrong/below missing-not bound memory iscsi over iso wrong/tree"), "data -> /srv/x/y", "file", "var/run -> ../run")...))
	l.trees["fs:srv"] = lookedTree{tree: tree("x/y/")}
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}

// orderMachine: lines that need what stands further down.
func orderMachine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(t, 1))
	for i, u := range []string{"deep", "inner", "top"} {
		l.fs("ext4", u, l.part(t, i+2))
	}
	fstab := `/srv/deep/tree /www none bind,ro 0 0
UUID=inner /www/inner ext4 defaults 0 0
UUID=deep /srv/deep ext4 user,exec,context="a,b" 0 0
UUID=top /srv ext4 ro,x-systemd.requires-mounts-for=/www 0 0
UUID=root / ext4 defaults 0 0
/ring/a /ring/b none bind 0 0
/ring/b /ring/a none bind 0 0
/www/inner /again none rbind 0 0
`
	l.put(root, rootTree(fstab, "", dirs("srv www ring/a ring/b again")...))
	l.trees["fs:top"] = lookedTree{tree: tree("deep/")}
	l.trees["fs:deep"] = lookedTree{tree: tree("tree/inner/")}
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}

// standingMachine: some of it is mounted already, and something else is, too.
func standingMachine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(t, 1))
	for i, u := range []string{"boot", "home", "srv", "stranger"} {
		l.fs("ext4", u, l.part(t, i+2))
	}
	fstab := "UUID=root / ext4 defaults 0 0\nUUID=boot /boot ext4 defaults 0 0\nUUID=home /home ext4 defaults 0 0\nUUID=srv /srv ext4 defaults 0 0\ntmpfs /tmp tmpfs defaults 0 0\n"
	l.put(root, rootTree(fstab, "", dirs("boot home srv tmp")...))
	c := l.ask(nil,
		storage.Mount{Point: "/mnt/local", Source: "fs:root", Type: "ext4", Root: "/"},
		storage.Mount{Point: "/mnt/local/boot", Source: "fs:boot", Type: "ext4", Root: "/", ReadOnly: true},
		storage.Mount{Point: "/mnt/local/home", Source: "fs:stranger", Type: "ext4", Root: "/"},
		storage.Mount{Point: "/mnt/local/srv/deep", Source: "fs:stranger", Type: "ext4", Root: "/"},
		storage.Mount{Point: "/mnt/local/tmp", Type: "tmpfs", Root: "/"},
		storage.Mount{Point: "/mnt/local/proc", Type: "proc", Root: "/"},
		storage.Mount{Point: "/mnt/local/dev", Type: "devtmpfs", Root: "/"},
		storage.Mount{Point: "/mnt/local/sys", Type: "tmpfs", Root: "/"})
	c.sys = sysOn(root, fstab, "")
	return c
}

func targetTaken(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(t, 1))
	l.fs("ext4", "stranger", l.part(t, 2))
	fstab := "UUID=root / ext4 defaults 0 0\nUUID=stranger /boot ext4 defaults 0 0\ntmpfs /tmp tmpfs defaults 0 0\n"
	l.put(root, rootTree(fstab, "", dirs("boot tmp")...))
	c := l.ask(nil, storage.Mount{Point: "/mnt/local", Source: "fs:stranger", Type: "ext4"})
	c.sys = sysOn(root, fstab, "")
	return c
}

// foreignReadOnly: others have opened a volume of the group for writing, so no
// stand-in can be slipped in below it.
func foreignReadOnly(l *lab) mountCase {
	vg := l.vg("vg", l.part(l.table("gpt", l.disk("sda")), 1))
	root := l.fs("ext4", "root", l.lv(vg, "root", "linear", true))
	l.fs("ext4", "thin", l.lv(vg, "thin", "thin", true))
	l.fs("ext4", "cached", l.lv(vg, "cached", "cache", true))
	fstab := "UUID=root / ext4 defaults 0 0\nUUID=thin /srv ext4 defaults 0 0\nUUID=cached /home ext4 defaults 0 0\n"
	l.put(root, rootTree(fstab, "", dirs("srv home")...))
	c := l.ask(nil).readOnly(true)
	c.base.Node("lv:vg/root").(*storage.LV).Open = &storage.Opening{}
	c.base.Node("lv:vg/cached").(*storage.LV).Open = &storage.Opening{}
	c.sys = sysOn(root, fstab, "")
	return c
}

// nameTaken: another system's volume is open under a name of this one's crypttab.
func nameTaken(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.crypt("own", "luks-own", l.part(t, 1)))
	l.fs("ext4", "other", l.crypt("other", "cr_root", l.part(t, 2)))
	home := l.fs("ext4", "home", l.crypt("home-c", "luks-home", l.part(t, 3)))
	_ = home
	fstab := "/dev/mapper/cr_root / ext4 defaults 0 0\n/dev/mapper/cr_home /home ext4 defaults 0 0\n"
	l.put(root, rootTree(fstab, "", dirs("home")...))
	c := l.ask(nil)
	base := closed(c.seen)
	base.Node("luks:other").(*storage.Crypt).Open = &storage.Opening{Name: "cr_root"}
	base.Node("luks:home-c").(*storage.Crypt).Open = &storage.Opening{Name: "luks-home"}
	c.base = base
	c.sys = sysOn(root, fstab, "cr_root UUID=own none\ncr_home UUID=home-c none\n")
	return c
}

func destructiveCrypttab(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(t, 1))
	l.fs("ext4", "tmpfs-to-be", l.crypt("tmp", "cr_tmp", l.part(t, 2)))
	l.part(t, 3)
	l.fs("ext4", "precious", l.part(t, 4))
	fstab := `UUID=root / ext4 defaults 0 0
/dev/mapper/cr_tmp /tmp ext4 defaults 0 0
/dev/mapper/cr_swap none swap sw 0 0
/dev/mapper/cr_rand /scratch ext4 nofail 0 0
/dev/mapper/cr_late /late ext4 nofail 0 0
`
	l.put(root, rootTree(fstab, "", dirs("tmp scratch late")...))
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, `cr_tmp UUID=tmp none tmp=ext4
cr_swap PARTUUID=sda-3 /dev/urandom swap,cipher=aes-xts-plain64
cr_rand PARTUUID=sda-4 /dev/random plain
cr_late UUID=late none
cr_late UUID=tmp none
`)
	return c
}

func hibernatedMachine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(t, 1))
	root.Mark(storage.Dirty)
	l.swap("sw", l.part(t, 2)).Mark(storage.Hibernated)
	l.swap("others", l.part(t, 3)).Mark(storage.Hibernated)
	l.fs("vfat", "efi", l.part(t, 4)).Mark(storage.Dirty)
	fstab := "UUID=root / ext4 defaults 0 0\nUUID=sw none swap sw 0 0\nUUID=efi /boot vfat ro 0 0\n"
	l.put(root, rootTree(fstab, "", dirs("boot")...))
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}

// readOnlyDevice: the switch of the memory card is set.
func readOnlyDevice(l *lab) mountCase {
	part := l.part(l.table("dos", l.disk("mmcblk0")), 1)
	root := l.fs("ext4", "root", part)
	l.put(root, rootTree("", ""))
	c := l.ask(nil)
	c.base.Node(part.ID).Base().ReadOnly = true
	c.sys = sysOn(root, "UUID=root / ext4 defaults 0 0\n", "")
	return c
}

// staleTree: seen without its journal, so a directory that is not found may be there.
func staleTree(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("xfs", "root", l.part(t, 1))
	root.Mark(storage.Dirty)
	l.fs("ext4", "new", l.part(t, 2))
	fstab := "UUID=root / xfs defaults 0 0\nUUID=new /new ext4 defaults 0 0\n"
	l.trees["fs:root"] = lookedTree{rootTree(fstab, ""), &LookError{Root: "fs:root", Stale: true, Cause: errors.New("no stand-in")}}
	c := l.ask(nil).readOnly(false)
	c.sys = sysOn(root, fstab, "")
	return c
}

func noFstab(l *lab) mountCase {
	root := l.fs("ext4", "root", l.disk("vda"))
	l.put(root, rootTree("", ""))
	c := l.ask(nil)
	c.sys = sysOn(root, "", "")
	return c
}

// wrongRootLine: the fstab's root is another one than the one that was chosen.
func wrongRootLine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("ext4", "root", l.part(t, 1))
	l.fs("xfs", "old", l.part(t, 2))
	l.put(root, rootTree("", ""))
	c := l.ask(nil)
	c.sys = sysOn(root, "UUID=old / xfs logbufs=8,noatime 0 0\n", "")
	return c
}

// poolMissing: a btrfs of two devices with one of them, and arrays without names.
func poolMissing(l *lab) mountCase {
	md := func(n int, name string) storage.Node {
		return l.md(fmt.Sprint("u", n), name, "md9"+fmt.Sprint(n), l.disk(fmt.Sprint("sd", string(rune('a'+n)))))
	}
	root := l.fs("ext4", "root", md(0, "h:3"))
	pool := l.fs("btrfs", "pool", md(1, "h:data"))
	pool.Devices = 2
	pool.Mark(storage.MemberMissing)
	l.subvol(pool, 5, "")
	l.fs("ext4", "one", md(2, "h:3"))
	l.fs("ext4", "two", md(3, ""))
	fstab := "UUID=root / ext4 defaults 0 0\nUUID=pool /pool btrfs defaults 0 0\nUUID=one /one ext4 defaults 0 0\nUUID=two /two ext4 defaults 0 0\n"
	l.put(root, rootTree(fstab, "", dirs("pool one two")...))
	c := l.ask(nil)
	c.sys = sysOn(root, fstab, "")
	return c
}
