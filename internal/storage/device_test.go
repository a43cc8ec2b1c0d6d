package storage

import "testing"

func TestDMPath(t *testing.T) {
	for in, want := range map[string]string{
		"cr_home": "/dev/mapper/cr_home", "a b": `/dev/mapper/a\x20b`, `a\x20b`: `/dev/mapper/a\x20b`, "é": `/dev/mapper/\xc3\xa9`, "x/y": `/dev/mapper/x\x2fy`, "#+-.:=@_": "/dev/mapper/#+-.:=@_",
	} {
		if got := DMPath(in); got != want {
			t.Errorf("DMPath(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestLVPath(t *testing.T) {
	if got := LVPath("my-vg", "lv--x"); got != "/dev/mapper/my--vg-lv----x" {
		t.Error(got)
	}
}

func TestPartitionPath(t *testing.T) {
	for _, c := range []struct {
		disk   string
		number int
		want   string
	}{
		{"/dev/sda", 3, "/dev/sda3"}, {"/dev/nvme0n1", 12, "/dev/nvme0n1p12"}, {"/dev/md127", 1, "/dev/md127p1"}, {"", 1, ""}, {"/dev/sda", 0, ""},
	} {
		if got := partitionPath(c.disk, c.number); got != c.want {
			t.Errorf("partitionPath(%q, %d) = %q, want %q", c.disk, c.number, got, c.want)
		}
	}
}

func TestDevicePath(t *testing.T) {
	stacked, thin, btrfs := machines["luks-lvm-md"](&lab{t: t}), machines["thin"](&lab{t: t}), machines["btrfs"](&lab{t: t})
	locked, degraded := machines["locked"](&lab{t: t}), machines["degraded"](&lab{t: t})
	wanted := degraded.Clone()
	SetOpening(wanted.Node("md:33333333-5555"), &Opening{Name: "md7"})
	onArray := &Partition{Common: Common{ID: "p", On: []ID{"md:33333333-5555"}}, Number: 2}
	wanted, err := NewGraph(append(nodesOf(wanted), onArray), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		g            *Graph
		id           ID
		path, owners string
	}{
		{stacked, "disk:sda", "/dev/sda", "/dev/sda"},
		{stacked, "part:disk:sda-1", "/dev/sda1", "/dev/sda1"},
		{stacked, "md:11111111-2222", "/dev/md127", "/dev/md127"},
		{stacked, "pv:system-0", "/dev/mapper/cr_system", "/dev/mapper/cr_system"},
		{stacked, "lv:system-old-root", "", ""},
		{stacked, "fs:0b0b0b0b-0000-4000-8000-000000000004", "/dev/mapper/system-home", "/dev/mapper/system-home"},
		{thin, "lv:vg0-root", "/dev/mapper/salvor-cow-root", "/dev/mapper/vg0-root"},
		{thin, "fs:abab0000-0000-4000-8000-00000000000c@lv:vg0-root", "/dev/mapper/salvor-cow-root", "/dev/mapper/salvor-cow-root"},
		{thin, "fs:abab0000-0000-4000-8000-00000000000c@lv:vg0-before-upgrade", "", ""},
		{btrfs, "subvol:bbbb0000-0000-4000-8000-000000000005/@", "/dev/nvme0n1", "/dev/nvme0n1"},
		{locked, "luks:ffff0000-0000-4000-8000-00000000000a", "", ""}, // what crypttab calls it is not there
		{degraded, "md:33333333-5555", "", ""},
		{wanted, "md:33333333-5555", "/dev/md7", "/dev/md7"},
		{wanted, "p", "/dev/md7p2", "/dev/md7p2"},
		{wanted, "no such node", "", ""},
	} {
		if got := c.g.DevicePath(c.id); got != c.path {
			t.Errorf("DevicePath(%s) = %q, want %q", c.id, got, c.path)
		}
		if got := c.g.OwnPath(c.id); got != c.owners {
			t.Errorf("OwnPath(%s) = %q, want %q", c.id, got, c.owners)
		}
	}
}

func nodesOf(g *Graph) (out []Node) {
	for n := range g.Nodes() {
		out = append(out, n)
	}
	return out
}
