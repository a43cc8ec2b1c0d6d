package system

import (
	"strings"
	"testing/fstest"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

func init() {
	for name, build := range map[string]func(*lab) mountCase{
		"layers":           layersMachine,
		"layers-read-only": func(l *lab) mountCase { return layersMachine(l).readOnly(false) },
		"network":          networkMachine,
		"gpt-auto":         discoverableMachine,
		"gpt-auto-fstab":   discoverableWithFstab,
		"units":            unitsMachine,
		"cmdline":          cmdlineMachine,
	} {
		mountCases[name] = build
	}
}

// layersMachine: overlays of directories, on other file systems, with odd names.
func layersMachine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	root, data := l.fs("ext4", "root", l.part(t, 1)), l.fs("ext4", "data", l.part(t, 2))
	l.crypt("vault", "", l.part(t, 3))
	text := `UUID=root / ext4 defaults 0 1
overlay /etc/app overlay lowerdir=/usr/app,upperdir=/data/up,workdir=/data/work,x-systemd.requires=data.mount 0 0
overlay /many overlay lowerdir=/usr/a\\:b:/link,ro,index=off 0 0
overlay /locked overlay lowerdir=/home/x 0 0
overlay /none overlay defaults 0 0
UUID=data /data ext4 defaults 0 2
/dev/mapper/luks-vault /home ext4 defaults 0 2
`
	l.put(root, rootTree(text, "", append(dirs("etc/app usr/app usr/a:b many locked none data home"), "link -> /data/up")...))
	l.put(data, tree("up/", "work/"))
	c := l.ask(nil)
	c.sys = sysOn(root, text, "")
	return c
}

// networkMachine: --network is given.
func networkMachine(l *lab) mountCase {
	root := l.fs("ext4", "root", l.part(l.table("gpt", l.disk("sda")), 1))
	text := `UUID=root / ext4 defaults 0 1
server:/srv /srv nfs4 vers=4.2,_netdev,nofail,x-systemd.automount 0 0
//server/a\040b /share cifs credentials=/etc/cred,uid=0,ro 0 0
[fe80::1]:/x /six nfs noauto 0 0
host0 /host 9p trans=virtio,version=9p2000.L 0 0
LABEL=iscsi /iscsi ext4 _netdev 0 2
`
	l.put(root, rootTree(text, "", dirs("srv share six host iscsi")...))
	c := l.ask(nil)
	c.sys, c.req.Network = sysOn(root, text, ""), true
	return c
}

// discoverableDisk makes a disk whose partitions say by their types what they are.
func discoverableDisk(l *lab) (root *storage.FileSystem) {
	t := l.table("gpt", l.disk("sda"))
	for i, p := range []struct{ typ, uuid, fsType string }{
		{typeESP, "esp", "vfat"}, {typeXBOOTLDR, "boot", "ext4"}, {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root", "ext4"},
		{typeHome, "home", "ext4"}, {typeHome, "home2", "ext4"}, {typeSrv, "srv", "xfs"},
		{typeVar, "var", "ext4"}, {typeVarTmp, "vartmp", "ext4"},
	} {
		n := l.part(t, i+1)
		n.Type = p.typ
		switch p.typ {
		case typeSrv:
			n.Attributes = attrReadOnly
		case typeVarTmp:
			n.Attributes = attrNoAuto
		case typeVar:
			n.UUID = "c0c46eff-e386-4746-a2bd-0962cd326ea2"
		}
		fsys := l.fs(p.fsType, p.uuid, n)
		if p.uuid == "root" {
			root = fsys
		}
	}
	other := l.part(l.table("gpt", l.disk("sdb")), 1) // of another disk: not meant
	other.Type = typeHome
	l.fs("ext4", "other", other)
	return root
}

func discoverableMachine(l *lab) mountCase {
	root := discoverableDisk(l)
	files := rootTree("", "", dirs("boot efi home srv")...)
	delete(files, "etc/fstab")
	l.put(root, files)
	c := l.ask(nil)
	c.sys = &System{Root: root.ID, Name: "Test Linux 1", AutoGPT: true, MachineID: strings.Repeat("0123456789abcdef", 2), Fstab: fstab.ParseFstab(nil)}
	return c
}

// discoverableWithFstab: what has a line, or is full, is left alone.
func discoverableWithFstab(l *lab) mountCase {
	root := discoverableDisk(l)
	text := "UUID=root / ext4 defaults 0 1\nUUID=home /srv/home ext4 defaults 0 2\nUUID=vartmp /srv ext4 noauto 0 2\n"
	l.put(root, rootTree(text, "", append(dirs("home srv/home boot"), "boot/vmlinuz")...))
	c := l.ask(nil)
	c.sys = sysOn(root, text, "")
	c.sys.AutoGPT = true
	return c
}

// unitsMachine: mounts that stand in units of systemd's.
func unitsMachine(l *lab) mountCase {
	t := l.table("gpt", l.disk("sda"))
	uuids := strings.Fields("root data srv fstab vendor later")
	var root storage.Node
	for i, u := range uuids {
		if n := l.fs("ext4", u, l.part(t, i+1)); i == 0 {
			root = n
		}
	}
	text := "UUID=root / ext4 defaults 0 1\nUUID=fstab /srv ext4 defaults 0 2\n"
	files := rootTree(text, "", append(dirs("srv opt/my-data var/lib/x later"),
		"etc/systemd/system/local-fs.target.wants/opt-my\\x2ddata.mount -> ../opt-my\\x2ddata.mount",
		"usr/lib/systemd/system/local-fs.target.wants/var-lib-x.mount -> ../var-lib-x.mount",
		"etc/systemd/system/multi-user.target.wants/srv.automount -> ../srv.automount",
		"usr/lib/systemd/system/sysinit.target.wants/dev-hugepages.mount -> ../dev-hugepages.mount",
		"etc/systemd/system/tmp.mount -> /dev/null")...)
	for name, text := range map[string]string{
		"etc/systemd/system/opt-my\\x2ddata.mount":                   "[Mount]\nWhat=/dev/disk/by-uuid/data\nWhere=/opt/my-data\nOptions=noatime\n",
		"etc/systemd/system/opt-my\\x2ddata.mount.d/10-more.conf":    "[Mount]\nOptions=noatime,nosuid\n",
		"usr/lib/systemd/system/opt-my\\x2ddata.mount.d/20-not.conf": "[Unit]\nDescription=nothing\n",
		"etc/systemd/system/srv.mount":                               "[Mount]\nWhat=UUID=srv\nType=ext4\n",
		"etc/systemd/system/later.mount":                             "[Mount]\nWhat=UUID=later\n",
		"etc/systemd/system/wrong.mount":                             "[Mount]\nWhat=UUID=later\nWhere=/else\n",
		"etc/systemd/system/dev-sda9.swap":                           "[Swap]\nWhat=/dev/sda9\n",
		"usr/lib/systemd/system/var-lib-x.mount":                     "[Mount]\nWhat=UUID=vendor\nWhere=/var/lib/x\n",
		"usr/lib/systemd/system/tmp.mount":                           "[Mount]\nWhat=tmpfs\nType=tmpfs\n",
		"usr/lib/systemd/system/dev-hugepages.mount":                 "[Mount]\nWhat=hugetlbfs\nType=hugetlbfs\n",
		"usr/lib/systemd/system/never.mount":                         "[Mount]\nWhat=UUID=later\n",
	} {
		files[name] = file(text)
	}
	l.put(root, files)
	c := l.ask(nil)
	c.sys = sysOn(root, text, "")
	c.sys.Units = readUnits(files, nil)
	return c
}

// cmdlineMachine: what the boot loader says, where fstab and crypttab say nothing.
func cmdlineMachine(l *lab) mountCase {
	const vault, second = "11111111-2222-4333-8444-555555555555", "66666666-2222-4333-8444-555555555555"
	t := l.table("gpt", l.disk("sda"))
	root := l.fs("btrfs", "root", l.crypt(vault, "luks-"+vault, l.part(t, 1)))
	at, _ := l.subvol(root, 256, "@"), l.subvol(root, 257, "@home")
	l.fs("ext4", "usr", l.part(t, 2))
	l.fs("ext4", "attic", l.crypt(second, "x", l.part(t, 3)))
	l.fs("xfs", "extra", l.part(t, 4))
	text := "/dev/mapper/cr_root /home btrfs subvol=@home 0 0\n/dev/mapper/attic /attic ext4 defaults 0 2\n"
	l.put(at, rootTree(text, "", append(dirs("home attic extra boot"), "boot/vmlinuz-6.1")...))
	l.put(root, tree("@/"))
	conf := file("title Test\nlinux /boot/vmlinuz-6.1\noptions root=/dev/mapper/cr_root rootflags=subvol=@,compress=zstd ro rd.luks.name=" + vault + "=cr_root luks.name=" + second + "=attic mount.usr=UUID=usr mount.usrfstype=ext4 mount.usrflags=noatime systemd.mount-extra=UUID=extra:/extra:xfs:noatime\n")
	l.trees[at.Identity].tree.(fstest.MapFS)["boot/loader/entries/test.conf"] = conf
	c := l.ask(nil)
	c.sys = sysOn(at, text, "")
	c.sys.learnBoot(newIndex(c.seen), withoutMounts(c.seen), l.trees)
	return c
}
