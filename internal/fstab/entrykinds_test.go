package fstab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Kernel, Documentation/filesystems/overlayfs.rst; fs/overlayfs/params.c.
func TestOverlay(t *testing.T) {
	tests := []struct {
		line        string
		lower       []string
		upper, work string
	}{
		{"overlay /m overlay lowerdir=/a:/b,upperdir=/u,workdir=/w", []string{"/a", "/b"}, "/u", "/w"},
		{`overlay /m overlay lowerdir=/a\134:b:/c\134,d`, []string{"/a:b", "/c,d"}, "", ""},
		{`overlay /m overlay lowerdir=/a\:b`, []string{"/a:b"}, "", ""},
		{`overlay /m overlay lowerdir=/a\040b,upperdir=/u\134\134,workdir=/w`, []string{"/a b"}, `/u\`, "/w"},
		{"overlay /m overlay lowerdir=/a::/data", []string{"/a", "/data"}, "", ""},
		{"overlay /m overlay lowerdir+=/a,lowerdir+=/b:c,datadir+=/d", []string{"/a", "/b:c", "/d"}, "", ""},
		{"overlay /m overlay lowerdir=/a,lowerdir=/b", []string{"/b"}, "", ""},
		{"overlay /m overlayfs ro", nil, "", ""},
	}
	for _, tt := range tests {
		e := ParseFstab([]byte(tt.line)).Entries[0]
		if !e.IsOverlay() {
			t.Errorf("%s is no overlay", tt.line)
		}
		lower, upper, work := e.Overlay()
		if diff := cmp.Diff(tt.lower, lower); diff != "" || upper != tt.upper || work != tt.work {
			t.Errorf("%s: %q %q %q", tt.line, lower, upper, work)
		}
	}
}

// mount(8), "Loop-device support"; the units of strtosize were tried with
// "losetup --offset" of util-linux 2.38.1.
func TestLoop(t *testing.T) {
	tests := []struct {
		line              string
		loop, ok          bool
		offset, sizeLimit uint64
	}{
		{"/img.iso /a iso9660 ro", true, true, 0, 0},
		{"/img /a auto", true, true, 0, 0},
		{"/img /a ext4 loop=/dev/loop3,offset=1048576,sizelimit=4KiB", true, true, 1 << 20, 4096},
		{"/dev/sda /a ext4 offset=1M", true, true, 1 << 20, 0},
		{"/img /a ext4 loop,offset=2KB,sizelimit=1g", true, true, 2000, 1 << 30},
		{"/img /a ext4 loop,offset=0x200", true, true, 512, 0},
		{"/img /a ext4 loop,offset=x", true, false, 0, 0},
		{"/img /a ext4 loop,offset=99999999E", true, false, 0, 0},
		{"/img /a ext4 loop,sizelimit=", true, false, 0, 0},
		{"/img /a ext4 loop,sizelimit=5Q", true, false, 0, 0},
		{"/img /a ext4 loop,sizelimit=5KX", true, false, 0, 0},
		{"/dev/sda1 /a ext4", false, true, 0, 0},
		{"/srv/a /b none bind", false, true, 0, 0},
		{"/srv/a /b none loop,bind", false, true, 0, 0},
		{"/swapfile none swap", false, true, 0, 0},
		{"/srv/a:/srv/b /m fuse.mergerfs", false, true, 0, 0},
		{"/srv/a /b ecryptfs", false, true, 0, 0},
		{"/host/share /b 9p", false, true, 0, 0},
		{"/etc/auto.misc /misc autofs", false, true, 0, 0},
		{"overlay /m overlay lowerdir=/a", false, true, 0, 0},
		{"nas:/a /b nfs", false, true, 0, 0},
	}
	for _, tt := range tests {
		e := ParseFstab([]byte(tt.line)).Entries[0]
		if got := e.IsLoop(); got != tt.loop {
			t.Errorf("%s: loop is %v", tt.line, got)
		}
		offset, size, ok := e.Loop()
		if ok != tt.ok || ok && (offset != tt.offset || size != tt.sizeLimit) {
			t.Errorf("%s: %d bytes at %d, %v", tt.line, size, offset, ok)
		}
	}
}

func TestSwap(t *testing.T) {
	tests := []struct {
		line     string
		file, ok bool
		priority int
	}{
		{"/swapfile none swap sw", true, false, 0},
		{"/dev/sda2 none swap sw,pri=5", false, true, 5},
		{"/dev/sda2 none swap pri=-2", false, true, -2},
		{"/dev/sda2 none swap pri=x", false, false, 0},
		{"/dev/sda2 none swap pri=99999", false, false, 0},
		{"/img /a ext4 pri=1", false, true, 1},
	}
	for _, tt := range tests {
		e := ParseFstab([]byte(tt.line)).Entries[0]
		priority, ok := e.SwapPriority()
		if e.IsSwapFile() != tt.file || ok != tt.ok || ok && priority != tt.priority {
			t.Errorf("%s: file %v, priority %d, %v", tt.line, e.IsSwapFile(), priority, ok)
		}
	}
}

// systemd.mount(5), "fstab"; systemd, src/fstab-generator/fstab-generator.c.
func TestBootOptions(t *testing.T) {
	tests := []struct {
		text                   string
		automount, initrd, net bool
		mountedFor, pulledIn   []string
	}{
		{"defaults", false, false, false, nil, nil},
		{"noauto,x-systemd.automount,x-systemd.idle-timeout=60", true, false, false, nil, nil},
		{"comment=systemd.automount", true, false, false, nil, nil},
		{"x-initrd.mount,_netdev", false, true, true, nil, nil},
		{`x-systemd.requires-mounts-for=/a,x-systemd.wants-mounts-for=/b\,c`, false, false, false, []string{"/a", "/b,c"}, nil},
		{"x-systemd.required-by=a.service,x-systemd.wanted-by=b.target", false, false, false, nil, []string{"b.target", "a.service"}},
	}
	for _, tt := range tests {
		o := ParseOptions(tt.text)
		if o.Automount() != tt.automount || o.InitrdMount() != tt.initrd || o.NetDev() != tt.net {
			t.Errorf("%s: automount %v, initrd %v, net %v", tt.text, o.Automount(), o.InitrdMount(), o.NetDev())
		}
		if diff := cmp.Diff(tt.mountedFor, o.MountedFor()); diff != "" {
			t.Errorf("%s: mounted for:\n%s", tt.text, diff)
		}
		if diff := cmp.Diff(tt.pulledIn, o.PulledIn()); diff != "" {
			t.Errorf("%s: pulled in:\n%s", tt.text, diff)
		}
	}
}
