package check

import (
	"testing/fstest"

	"salvor/internal/bootentry"
	"salvor/internal/storage"
	"salvor/internal/system"
)

const (
	linux  = "0fc63daf-8483-4772-8e79-3d69d8477de4"
	esp    = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	vault  = "11111111-2222-4333-8444-555555555555"
	cellar = "66666666-2222-4333-8444-555555555555"
)

// machines are systems and what is wrong with them.
var machines = map[string]func(*machine) Subject{
	"sound":     func(m *machine) Subject { return plain(m, nil) },
	"lines":     linesMachine,
	"volumes":   volumesMachine,
	"boot":      bootMachine,
	"no-boot":   noBootMachine,
	"unseen":    unseenMachine,
	"esp":       espMachine,
	"initramfs": initramfsMachine,
	"unread":    unreadMachine,
	"health":    healthMachine,
	"full":      fullMachine,
	"root":      rootMachine,
	"saved":     savedMachine,
	"renamed":   renamedMachine,
	"foreign":   foreignMachine,
}

func plain(m *machine, change map[string]string) Subject {
	m.fs("ext4", "root", m.part(linux), rootFiles(change))
	return m.subject()
}

// linesMachine: what can be wrong with lines of an fstab.
func linesMachine(m *machine) Subject {
	root := m.part(linux)
	for _, x := range []struct{ typ, uuid string }{{"ext4", "data"}, {"xfs", "disk"}, {"ext4", "twin"}, {"ext4", "twin"}} {
		m.fs(x.typ, x.uuid, m.part(linux), nil)
	}
	m.Add(&storage.Swap{Common: storage.Common{Identity: "swap:s"}, UUID: "s"}, m.part(linux))
	text := `UUID=root / ext4 defaults 0 1
UUID=gone /gone ext4 defaults 0 2
UUID=gone /quiet ext4 nofail 0 2
/dev/sda2 /data ext4 x-systemd.growfs 0 2
UUID=disk /disk ext4 defaults 0 2
UUID=twin /twin ext4 defaults 0 2
UUID=data /missing ext4 defaults 0 2
UUID=data /file ext4 defaults 0 2
UUID=data /gone/below ext4 defaults 0 2
UUID=s none swap sw 0 0
UUID=noswap none swap sw 0 0
/swapfile none swap sw 0 0
UUID=data none swap sw 0 0
UUID=data /data ext4 defaults 0 2
LABEL=x
UUID=data /caf\303\251 ext4 defaults 0 2
`
	m.fs("ext4", "root", root, rootFiles(map[string]string{
		"etc/fstab": text, "gone/": "", "quiet/": "", "data/": "", "disk/": "", "twin/": "", "file": "a file", "café/": "",
	}))
	return m.subject()
}

// volumesMachine: what can be wrong with encrypted volumes.
func volumesMachine(m *machine) Subject {
	root := m.part(linux)
	m.fs("ext4", "home", m.crypt(vault, m.part(linux), true), nil)
	m.crypt(cellar, m.part(linux), false)
	m.fs("ext4", "root", root, rootFiles(map[string]string{
		"etc/fstab": "UUID=root / ext4 defaults 0 1\nUUID=home /home ext4 defaults 0 2\n/dev/mapper/cellar /cellar ext4 defaults 0 2\n",
		"etc/crypttab": "cellar UUID=" + cellar + " /etc/keys/none.key luks\nlost UUID=99999999-2222-4333-8444-555555555555 none luks\n" +
			"scratch /dev/sda3 /dev/urandom swap\nopen /dev/sda3 /etc/keys/open.key luks\nelse /dev/sda3 /cellar/x.key luks\n",
		"home/": "", "cellar/": "", "etc/keys/open.key": "0123",
	}))
	m.trees["fs:root"].(fstest.MapFS)["etc/keys/open.key"].Mode = 0o644
	return m.subject()
}

// bootMachine: entries that lead nowhere.
func bootMachine(m *machine) Subject {
	s := plain(m, map[string]string{
		"boot/loader/entries/test.conf": "title No kernel\nlinux /boot/vmlinuz-6.0\ninitrd /boot/initrd.img-6.1\noptions root=UUID=root\n",
		"boot/loader/entries/u.conf":    "title No initrd\nlinux /boot/vmlinuz-6.1\ninitrd /boot/initrd.img-6.0\noptions root=UUID=gone\n",
		"boot/loader/entries/v.conf":    "title No modules\nlinux /boot/vmlinuz-6.2\ninitrd /boot/initrd.img-6.1\noptions root=UUID=root\n",
		"boot/vmlinuz-6.2":              "a kernel", "boot/grub/grub.cfg": "",
	})
	s.Boot.Problems = append(s.Boot.Problems, bootentry.Problem{File: "boot/grub/grub.cfg", Line: 7, Text: "a brace is not closed"})
	return s
}

func noBootMachine(m *machine) Subject {
	return plain(m, map[string]string{"boot/loader/entries/test.conf": ""})
}

// unseenMachine: /boot cannot be looked at, so nothing is said of what it lacks.
func unseenMachine(m *machine) Subject {
	root := m.part(linux)
	boot := m.fs("ext4", "boot", m.part(linux), nil)
	delete(m.trees, boot.Identity)
	m.fs("ext4", "root", root, map[string]string{
		"etc/os-release": "ID=test\n", "usr/": "", "bin/": "", "boot/": "", "etc/fstab": "UUID=root / ext4 defaults 0 1\nUUID=boot /boot ext4 defaults 0 2\n",
	})
	return m.subject()
}

func espMachine(m *machine) Subject {
	m.fs("vfat", "ESP", m.part(esp), map[string]string{"EFI/BOOT/BOOTX64.EFI": "x"})
	return plain(m, map[string]string{"boot/efi/": ""})
}

// initramfsMachine: the root lies in a stack that the initramfs knows nothing of.
func initramfsMachine(m *machine) Subject {
	md := &storage.MD{Common: storage.Common{Identity: "md:1"}, Level: "raid1", Openable: storage.Openable{Open: &storage.Opening{}}}
	m.Add(md, m.part(linux))
	m.fs("xfs", "root", m.crypt(vault, md, true), rootFiles(map[string]string{"etc/fstab": "UUID=root / xfs defaults 0 1\n"}))
	s := m.subject()
	s.Initramfs = map[string]*bootentry.Initramfs{"boot/initrd.img-6.1": {
		Modules: map[string]string{"dm_crypt": "x"}, Builtin: map[string]bool{"sd_mod": true}, Files: map[string]string{},
	}}
	return s
}

func unreadMachine(m *machine) Subject {
	s := plain(m, nil)
	s.Initramfs = nil
	return s
}

// healthMachine: devices in trouble.
func healthMachine(m *machine) Subject {
	root := m.part(linux)
	md := &storage.MD{Common: storage.Common{Identity: "md:1"}, Level: "raid1", Openable: storage.Openable{Open: &storage.Opening{}}}
	md.Mark(storage.Degraded)
	m.Add(md, m.part(linux))
	dirty := m.fs("ext4", "dirty", md, nil)
	dirty.Mark(storage.Dirty)
	sw := &storage.Swap{Common: storage.Common{Identity: "swap:s"}, UUID: "s"}
	sw.Mark(storage.Hibernated)
	m.Add(sw, m.part(linux))
	pool := &storage.MD{Common: storage.Common{Identity: "md:3", Notes: []string{"the pool needs a check"}}, Level: "raid1", Openable: storage.Openable{Open: &storage.Opening{}}}
	pool.Mark(storage.Damaged)
	m.Add(pool, m.part(linux))
	m.fs("ext4", "broken", pool, nil)
	lost := &storage.MD{Common: storage.Common{Identity: "md:2"}, Level: "raid5", Openable: storage.Openable{Open: &storage.Opening{}}}
	lost.Mark(storage.Unreadable)
	m.Add(lost, m.part(linux))
	m.fs("ext4", "lost", lost, nil)
	m.fs("ext4", "root", root, rootFiles(map[string]string{
		"etc/fstab": "UUID=root / ext4 defaults 0 1\nUUID=dirty /dirty ext4 defaults 0 2\nUUID=lost /lost ext4 defaults 0 2\nUUID=s none swap sw 0 0\nUUID=broken /broken ext4 defaults 0 2\n",
		"dirty/":    "", "lost/": "", "broken/": "",
	}))
	return m.subject()
}

func fullMachine(m *machine) Subject {
	s := plain(m, nil)
	s.Space = func(storage.ID) (size, free uint64, ok bool) { return 8 << 30, 1 << 20, true }
	return s
}

// rootMachine: an entry starts another root.
func rootMachine(m *machine) Subject {
	m.fs("ext4", "other", m.part(linux), nil)
	return plain(m, map[string]string{"boot/loader/entries/test.conf": "title Test\nlinux /boot/vmlinuz-6.1\ninitrd /boot/initrd.img-6.1\noptions root=UUID=other\n"})
}

// savedMachine: fstab and crypttab are damaged, and a layout was saved.
func savedMachine(m *machine) Subject {
	root := m.part(linux)
	m.fs("ext4", "home", m.crypt(vault, m.part(linux), true), nil)
	m.fs("ext4", "data", m.part(linux), nil)
	m.fs("ext4", "root", root, rootFiles(map[string]string{
		"etc/fstab": "UUID=root / ext4 defaults 0 1\nUUID=data /da", "etc/crypttab": "\x00\x00", "home/": "", "data/": "",
	}))
	m.saved = &system.Saved{
		Own: true, Nodes: map[storage.ID]bool{"fs:root": true},
		Fstab:    []byte("UUID=root / ext4 defaults 0 1\nUUID=data /data ext4 defaults 0 2\nUUID=home /home ext4 defaults 0 2\n"),
		Crypttab: []byte("cr_home UUID=" + vault + " none luks\n"),
	}
	return m.subject()
}

// renamedMachine: names have changed since the layout was saved, crypttab lacks a
// line, and fstab has one that is new.
func renamedMachine(m *machine) Subject {
	root := m.part(linux)
	m.fs("ext4", "home", m.crypt(vault, m.part(linux), true), nil)
	m.fs("ext4", "data", m.part(linux), nil)
	m.fs("ext4", "more", m.part(linux), nil)
	m.crypt(cellar, m.part(linux), true)
	m.fs("ext4", "root", root, rootFiles(map[string]string{
		"etc/fstab": "UUID=root / ext4 defaults 0 1\nLABEL=old /data ext4 defaults 0 2\n/dev/mapper/cr_home /home auto defaults 0 2\n" +
			"/dev/mapper/wine /wine auto noauto 0 2\nLABEL=older /more ext4 nofail 0 2\n",
		"etc/crypttab": "# none\nother UUID=" + "99999999-2222-4333-8444-555555555555 none luks\n", "home/": "", "data/": "", "more/": "", "wine/": "",
	}))
	m.saved = &system.Saved{
		Own: true, Nodes: map[storage.ID]bool{"fs:root": true},
		Names: map[storage.ID][]string{
			"fs:data": {"/dev/disk/by-label/old"}, "fs:more": {"/dev/disk/by-label/older"}, storage.ID("luks:" + cellar): {"/dev/mapper/wine"},
		},
		Fstab:    []byte("UUID=root / ext4 defaults 0 1\nLABEL=old /data ext4 defaults 0 2\nUUID=gone /gone ext4 defaults 0 2\n"),
		Crypttab: []byte("cr_home UUID=" + vault + "  none luks\n"),
	}
	return m.subject()
}

// foreignMachine: the layout in it is of another machine.
func foreignMachine(m *machine) Subject {
	m.saved = &system.Saved{Own: true, Nodes: map[storage.ID]bool{"fs:other": true}}
	return plain(m, nil)
}
