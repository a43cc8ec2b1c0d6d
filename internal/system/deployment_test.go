package system

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

const (
	sumOld = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	sumNew = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// sysroot is the root of an ostree machine: deployments of OS, the older ones
// first, with links for the boot entries.
func sysroot(os, fstabText string, sums ...string) fstest.MapFS {
	t := tree("ostree/repo/objects/", "ostree/boot.1 -> boot.1.0", "boot/loader -> loader.1", "boot/loader.1/entries/", "ostree/deploy/"+os+"/var/home/", "ostree/deploy/"+os+"/var/log/")
	for i, sum := range sums {
		dir := "ostree/deploy/" + os + "/deploy/" + sum + ".0"
		root := rootTree(fstabText, "", "sysroot/", "boot/", "home -> var/home", "ostree -> sysroot/ostree")
		root["etc/os-release"] = file("ID=fedora\nPRETTY_NAME=\"Fedora Silverblue " + string(rune('0'+i)) + "\"\n")
		under(t, dir, root)
		t[dir+".origin"] = file("[origin]\nrefspec=fedora:fedora/40/x86_64/silverblue\n")
		t[dir+".origin"].ModTime = time.Unix(int64(1000+i), 0)
		t["ostree/boot.1.0/"+os+"/b00t/"+string(rune('0'+i))] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../deploy/" + os + "/deploy/" + sum + ".0")}
	}
	return t
}

func bootEntry(version, os, link string) *fstest.MapFile {
	return file("title Fedora\nversion " + version + "\noptions rw ostree=/ostree/boot.1/" + os + "/b00t/" + link + " root=UUID=r\nlinux /x\n")
}

// deployed writes what was found of deployments.
func deployed(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		if f.System == nil {
			b.WriteString(string(f.Root) + ": " + string(f.Class) + "\n")
			continue
		}
		b.WriteString(string(f.System.Place()) + ": " + f.System.Name)
		if d := f.System.Deployment; d != nil {
			b.WriteString(" " + d.OS + " " + d.Checksum[:4] + " " + string(rune('0'+d.Index)))
			if d.Older {
				b.WriteString(" older")
			}
			if d.Pinned {
				b.WriteString(" pinned")
			}
		}
		b.WriteString(strings.Join(append([]string{""}, f.System.Notes...), " | ") + "\n")
	}
	return b.String()
}

func TestFindDeployments(t *testing.T) {
	place := func(os, sum string) string { return "fs:r[/ostree/deploy/" + os + "/deploy/" + sum + ".0]: " }
	tests := map[string]struct {
		tree, boot fstest.MapFS
		want       string
	}{
		"by the entries, the older one first": {
			tree: with(sysroot("fedora", "", sumOld, sumNew), fstest.MapFS{
				"boot/loader.1/entries/ostree-1-fedora.conf": bootEntry("1", "fedora", "1"), "boot/loader.1/entries/ostree-2-fedora.conf": bootEntry("2", "fedora", "0"),
			}),
			want: place("fedora", sumOld) + "Fedora Silverblue 0 fedora 0123 0\n" + place("fedora", sumNew) + "Fedora Silverblue 1 fedora fedc 1 older\n",
		},
		"by the entries of a separate /boot": {
			tree: sysroot("fedora", "UUID=b /boot ext4\n", sumOld, sumNew),
			boot: fstest.MapFS{"loader": tree("loader -> loader.0")["loader"], "loader.0/entries/a.conf": bootEntry("2", "fedora", "0"), "loader.0/entries/b.conf": bootEntry("1", "fedora", "1"), "loader.0/entries/notes": bootEntry("9", "fedora", "1")},
			want: place("fedora", sumOld) + "Fedora Silverblue 0 fedora 0123 0\n" + place("fedora", sumNew) + "Fedora Silverblue 1 fedora fedc 1 older\nfs:b: boot\n",
		},
		"no entry: the youngest, and said": {
			tree: sysroot("fedora", "", sumOld, sumNew),
			want: place("fedora", sumNew) + "Fedora Silverblue 1 fedora fedc 0 | no boot entry tells which of the deployments boots by default: the youngest is taken for it\n" + place("fedora", sumOld) + "Fedora Silverblue 0 fedora 0123 1 older\n",
		},
		"one alone": {
			tree: sysroot("fedora", "", sumOld),
			want: place("fedora", sumOld) + "Fedora Silverblue 0 fedora 0123 0\n",
		},
		"pinned, and one that no link leads to": {
			tree: with(sysroot("fedora", "", sumOld, sumNew), fstest.MapFS{
				"ostree/deploy/fedora/deploy/" + sumOld + ".0.origin": file("[origin]\ncontainer-image-reference=ostree-unverified-registry:quay.io/x\n[libostree-transient]\npinned=true\n"),
				"ostree/boot.1.0/fedora/b00t/0":                       &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("/etc")},
			}),
			want: place("fedora", sumNew) + "Fedora Silverblue 1 fedora fedc 0 | no boot entry tells which of the deployments boots by default: the youngest is taken for it\n" + place("fedora", sumOld) + "Fedora Silverblue 0 fedora 0123 1 older pinned\n",
		},
		"two systems": {
			tree: with(sysroot("fedora", "", sumOld), with(sysroot("centos", "", sumNew), fstest.MapFS{"boot/loader.1/entries/a.conf": bootEntry("3", "fedora", "0"), "boot/loader.1/entries/b.conf": bootEntry("2", "centos", "0")})),
			want: place("fedora", sumOld) + "Fedora Silverblue 0 fedora 0123 0\n" + place("centos", sumNew) + "Fedora Silverblue 0 centos fedc 1\n",
		},
		"staged: without an /etc": {
			tree: with(tree("ostree/repo/", "ostree/deploy/f/deploy/"+sumOld+".0/usr/etc/"), nil),
			want: "fs:r: data\n",
		},
		"names that are none": {
			tree: tree("ostree/repo/", "ostree/deploy/f/deploy/../x/", "ostree/deploy/f/deploy/zz.0/etc/", "ostree/deploy/f/deploy/ab.x/etc/", "ostree/deploy/f/deploy/ab.0"),
			want: "fs:r: data\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			table := l.table("gpt", l.disk("sda"))
			l.put(l.fs("ext4", "r", l.part(table, 1)), rootFS{tt.tree})
			if tt.boot != nil {
				l.put(l.fs("ext4", "b", l.part(table, 2)), rootFS{tt.boot})
			}
			if diff := cmp.Diff(tt.want, deployed(sortedByRoot(Find(l.graph(), l.trees)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLiveDeployment: the image of a live medium may be one of ostree, too.
func TestLiveDeployment(t *testing.T) {
	l := newLab(t)
	l.put(l.fs("squashfs", "r", l.disk("loop0")), rootFS{sysroot("fedora", "", sumOld)})
	checkFindings(t, l, l.graph(), "fs:r: live (the image of a live system (ostree), not an installed one)")
}

func sortedByRoot(list []Finding) []Finding {
	var first, rest []Finding
	for _, f := range list {
		if f.Root == "fs:r" {
			first = append(first, f)
		} else {
			rest = append(rest, f)
		}
	}
	return append(first, rest...)
}

// TestChooseDeployment: the default one is meant unless another is named.
func TestChooseDeployment(t *testing.T) {
	l := newLab(t)
	l.put(l.fs("ext4", "r", l.part(l.table("gpt", l.disk("sda")), 1)), rootFS{with(sysroot("fedora", "UUID=r / ext4\n", sumOld, sumNew), fstest.MapFS{
		"boot/loader.1/entries/a.conf": bootEntry("2", "fedora", "1"), "boot/loader.1/entries/b.conf": bootEntry("1", "fedora", "0"),
	})})
	g := l.graph(storage.Mount{Point: "/", Source: "fs:r", Type: "ext4", Root: "/ostree/deploy/fedora/deploy/" + sumOld + ".0"})
	systems := Systems(Find(g, l.trees))
	for name, want := range map[string]string{
		"": sumNew, "fedora": sumNew, "/dev/sda1": sumNew, "fs:r": sumNew, "2": sumOld, sumOld: sumOld, "012345": sumOld, "01234": "", sumNew + ".0": sumNew, sumNew + ".1": "",
		"fs:r[/ostree/deploy/fedora/deploy/" + sumOld + ".0]": sumOld,
	} {
		s, err := Choose(g, systems, name)
		if (err != nil) != (want == "") || s != nil && s.Deployment.Checksum != want {
			t.Errorf("%q: %+v, %v", name, s, err)
		}
	}
	if systems[0].Running || !systems[1].Running {
		t.Error("the live system is another deployment")
	}
	for which, want := range map[string]string{"last": sumOld, "1": sumOld, "0123456789": sumOld, "0": "", "fedcba": ""} {
		s, err := ChooseSnapshot(g, systems, systems[0], which)
		if (err != nil) != (want == "") || s != nil && s.Deployment.Checksum != want {
			t.Errorf("--snapshot %q: %+v, %v", which, s, err)
		}
	}
}

// ostreeMachine has its root in a directory, and the rest of the system in others.
func ostreeMachine(l *lab, typ string) mountCase {
	table := l.table("gpt", l.disk("sda"))
	fsys := l.fs(typ, "r", l.part(table, 1))
	var root storage.Node = fsys
	fstabText := "UUID=r / ext4 ro 0 0\nUUID=b /boot ext4 defaults 0 0\nUUID=h /var/home ext4 defaults 0 0\n"
	if typ == "btrfs" {
		l.subvol(fsys, 5, "")
		root = l.subvol(fsys, 256, "root")
		fstabText = "UUID=r / btrfs subvol=root,compress=zstd:1 0 0\nUUID=v /var xfs defaults 0 0\n"
	}
	l.fs("ext4", "b", l.part(table, 2))
	l.fs("ext4", "h", l.part(table, 3))
	l.put(l.fs("xfs", "v", l.part(table, 4)), tree("home/"))
	files := sysroot("fedora", fstabText, sumNew)
	l.put(root, rootFS{files})
	c := l.ask(nil)
	for _, s := range Systems(Find(c.seen, l.trees)) {
		c.sys = s
	}
	return c
}

func TestParseBootEntry(t *testing.T) {
	for text, want := range map[string]struct {
		version int
		link    string
	}{
		"version 2\noptions quiet ostree=/ostree/boot.0/a/b/0 rw\n": {2, "ostree/boot.0/a/b/0"},
		"options ostree=/../../etc/shadow\n":                        {0, ""},
		"options ostree=ostree/boot.0/a/b/0\nversion x\n":           {0, ""},
		"title x\n": {0, ""},
		"":          {0, ""},
	} {
		if version, link := parseBootEntry([]byte(text)); version != want.version || link != want.link {
			t.Errorf("%q: %d %q", text, version, link)
		}
	}
}

func FuzzDeployment(f *testing.F) {
	f.Add([]byte("[origin]\nrefspec=a\n[libostree-transient]\npinned=true\n"), []byte("version 1\noptions ostree=/a\n"))
	f.Add([]byte("[origin\nrefspec"), []byte("options \x00 ostree=/\x1b\n"))
	f.Fuzz(func(t *testing.T, origin, entry []byte) {
		if text, _ := parseOrigin(origin); text != clean(text) && len([]rune(text)) <= maxText {
			t.Errorf("the origin is %q", text)
		}
		if _, link := parseBootEntry(entry); link != "" && !fs.ValidPath(link) {
			t.Errorf("the link is %q", link)
		}
	})
}
