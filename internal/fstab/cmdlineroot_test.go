package fstab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where systemd has a reading, it is that of systemd-fstab-generator 252 with
// SYSTEMD_IN_INITRD=1, measured, but for the "ro" that it adds where neither ro
// nor rw is said. The other forms: kernel, Documentation/admin-guide/
// kernel-parameters.txt and filesystems/nfs/nfsroot.rst; dracut.cmdline(7).
func TestCmdlineRoot(t *testing.T) {
	tests := []struct{ text, want, problems string }{
		{"quiet", "", ""},
		{"root", "", ""},
		{"root=", "", ""},
		{"root=/dev/a root=", "", ""},
		{"root=UUID=", "", "0:garbage"},
		{"root=UUID=abc rootfstype=btrfs rootflags=subvol=@ ro quiet", "UUID:abc on / type btrfs (subvol=@,ro) 0 0", ""},
		{"root=/dev/sda1 root=/dev/sdb1", "device path:/dev/sdb1 on / type auto () 0 0", ""},
		{"root=/dev/a rw ro", "device path:/dev/a on / type auto (ro) 0 0", ""},
		{"root=/dev/a rw=1", "device path:/dev/a on / type auto () 0 0", ""},
		{"root=/dev/a rootflags=ro rw", "device path:/dev/a on / type auto (ro,rw) 0 0", ""},
		{"root=/dev/a rootflags=subvol=@ rootflags=noatime rw", "device path:/dev/a on / type auto (subvol=@,noatime,rw) 0 0", "0:disagreement"},
		{`root=/dev/a rootflags="context=\"a,b\"" rootfstype=`, `device path:/dev/a on / type auto (context=\a,b\) 0 0`, ""},
		{`root="LABEL=a b"`, "LABEL:a b on / type auto () 0 0", ""},
		{`root=LABEL=a\040b`, `LABEL:a\040b on / type auto () 0 0`, ""},
		{`root=LABEL=a\x20b`, `LABEL:a\x20b on / type auto () 0 0`, ""},
		{`root=/dev/disk/by-label/a\x20b`, "LABEL:a b on / type auto () 0 0", ""},
		{"root=PARTUUID=1234abcd-02", "PARTUUID:1234abcd-02 on / type auto () 0 0", ""},
		{"root=PARTUUID=1234abcd-01/PARTNROFF=1", "PARTUUID:1234abcd-01/PARTNROFF=1 on / type auto () 0 0", "0:disagreement"},
		{"root=PARTLABEL=root", "PARTLABEL:root on / type auto () 0 0", ""},
		{"root=/dev/mapper/vg-root", "mapper:vg-root on / type auto () 0 0", ""},
		{"root=/dev/vg/root", "device path:/dev/vg/root on / type auto () 0 0", ""},
		{"root=/dev/root", "device path:/dev/root on / type auto () 0 0", ""},
		{"root=block:/dev/disk/by-uuid/ab", "UUID:ab on / type auto () 0 0", ""},
		{"root=gpt-auto", "virtual:gpt-auto on / type auto () 0 0", ""},
		{"root=tmpfs mount.usr=/dev/a", "virtual:tmpfs on / type tmpfs () 0 0", ""},
		{"root=8:1", "device path:/dev/block/8:1 on / type auto () 0 0", "0:suspect"},
		{"root=0801", "device path:/dev/block/8:1 on / type auto () 0 0", "0:suspect"},
		{"root=b302", "device path:/dev/block/179:2 on / type auto () 0 0", "0:suspect"},
		{"root=10305", "device path:/dev/block/259:5 on / type auto () 0 0", "0:suspect"},
		{"root=10082c", "device path:/dev/block/8:300 on / type auto () 0 0", "0:suspect"},
		{"root=fade rootfstype=virtiofs", "virtual:fade on / type virtiofs () 0 0", ""},
		{"root=uuid=abc", "virtual:uuid=abc on / type auto () 0 0", "0:suspect"},
		{"root=zfs:rpool/ROOT/debian", "virtual:rpool/ROOT/debian on / type zfs () 0 0", ""},
		{"root=ZFS=rpool/ROOT/ubuntu_x", "virtual:rpool/ROOT/ubuntu_x on / type zfs () 0 0", ""},
		{"root=zfs:AUTO", "virtual:AUTO on / type zfs () 0 0", ""},
		{"root=zfs zfs=rpool/ROOT", "virtual:rpool/ROOT on / type zfs () 0 0", ""},
		{"root=zfs", "virtual:zfs on / type zfs () 0 0", ""},
		{"root=/dev/nfs nfsroot=192.0.2.1:/srv/root,vers=4", "network:192.0.2.1:/srv/root on / type nfs () 0 0", ""},
		{"root=/dev/nfs", "network:/dev/nfs on / type nfs () 0 0", ""},
		{"root=/dev/cifs cifsroot=//nas/root,vers=3", "network://nas/root on / type cifs () 0 0", ""},
		{"root=nfs4:nas:/srv/root", "network:nas:/srv/root on / type nfs4 () 0 0", ""},
		{"root=nas:/x", "network:nas:/x on / type auto () 0 0", ""},
		{"root=ubi0:rootfs rootfstype=ubifs", "virtual:ubi0:rootfs on / type ubifs () 0 0", ""},
	}
	for _, tt := range tests {
		c := ParseCmdline(tt.text)
		got := ""
		if e, ok := c.Root(); ok {
			got = brief(e)
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.text, got, tt.want)
		}
		if got := kinds(c.Problems); got != tt.problems {
			t.Errorf("%s: problems %q, want %q: %v", tt.text, got, tt.problems, c.Problems)
		}
	}
}

// Measured as in TestCmdlineRoot.
func TestCmdlineUsr(t *testing.T) {
	tests := []struct{ text, want string }{
		{"root=/dev/a", ""},
		{"root=/dev/a mount.usr=", ""},
		{"root=/dev/a mount-usr=/dev/c", ""},
		{"mount.usrfstype=xfs", ""},
		{"root=/dev/a mount.usr=/dev/c mount.usrfstype=xfs mount.usrflags=noatime ro", "device path:/dev/c on /usr type xfs (noatime,ro) 0 0"},
		{"root=/dev/a mount.usr=/dev/c rootfstype=btrfs rootflags=subvol=x", "device path:/dev/c on /usr type btrfs (subvol=x) 0 0"},
		{"root=/dev/a mount.usrflags=subvol=@usr rootflags=subvol=@", "device path:/dev/a on /usr type auto (subvol=@usr) 0 0"},
		{"root=/dev/a mount.usrfstype=xfs", "device path:/dev/a on /usr type xfs () 0 0"},
		{"root=/dev/a mount.usrflags=a mount.usrflags=b rw", "device path:/dev/a on /usr type auto (a,b,rw) 0 0"},
	}
	for _, tt := range tests {
		got := ""
		if e, ok := ParseCmdline(tt.text).Usr(); ok {
			got = brief(e)
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// systemd-hibernate-resume-generator 252; kernel, Documentation/power/swsusp.rst.
func TestCmdlineResume(t *testing.T) {
	tests := []struct {
		text, device string
		offset       uint64
		problems     string
	}{
		{"root=/dev/a", "", 0, ""},
		{"resume=", "", 0, ""},
		{"resume=none", "", 0, ""},
		{"resume=/dev/a noresume", "", 0, ""},
		{"resume=UUID=abc", "UUID=abc", 0, ""},
		{"resume=LABEL=a resume=LABEL=b", "LABEL=b", 0, ""},
		{"resume=/dev/mapper/vg-root resume_offset=34816", "/dev/mapper/vg-root", 34816, ""},
		{"resume=/dev/a resume-offset=x", "/dev/a", 0, "0:garbage"},
		{"resume_offset=5", "", 0, ""},
	}
	for _, tt := range tests {
		c := ParseCmdline(tt.text)
		device, offset, ok := c.Resume()
		if device.String() != tt.device || offset != tt.offset || ok != (tt.device != "") {
			t.Errorf("%s: %v at %d, %v", tt.text, device, offset, ok)
		}
		if got := kinds(c.Problems); got != tt.problems {
			t.Errorf("%s: problems %q, want %q", tt.text, got, tt.problems)
		}
	}
}

// systemd-fstab-generator(8) of systemd 254, and src/fstab-generator/
// fstab-generator.c, mount_array_add and mount_array_add_swap.
func TestCmdlineExtras(t *testing.T) {
	tests := []struct{ text, want, problems string }{
		{"systemd.mount-extra=/dev/sda1:/data:ext4:rw,noatime", "device path:/dev/sda1 on /data type ext4 (rw,noatime) 0 0", ""},
		{"systemd.mount_extra=UUID=1-2:/var", "UUID:1-2 on /var type auto () 0 0", ""},
		{`systemd.mount-extra=/dev/disk/by-path/pci-0\x3a1:/var::ro`, "by-path:pci-0:1 on /var type auto (ro) 0 0", ""},
		{"systemd.swap-extra=/dev/sdb:pri=3", "device path:/dev/sdb on none type swap (pri=3) 0 0", ""},
		{"systemd.swap-extra=/swapfile", "file:/swapfile on none type swap () 0 0", ""},
		{"systemd.mount-extra=a:/b systemd.mount-extra=c:/d", "virtual:a on /b type auto () 0 0|virtual:c on /d type auto () 0 0", ""},
		{"rd.systemd.mount-extra=a:/b systemd.mount-extra", "", ""},
		{"systemd.mount-extra=/dev/sda1", "", "0:garbage"},
		{"systemd.mount-extra=", "", "0:garbage"},
		{"systemd.mount-extra=a:/b:c:d:e", "", "0:garbage"},
		{"systemd.mount-extra=UUID=:/b", "", "0:garbage"},
		{"systemd.mount-extra=/dev/a:none", "", "0:garbage"},
		{"systemd.swap-extra=/dev/a:b:c", "", "0:garbage"},
		{"systemd.swap-extra=", "", "0:garbage"},
	}
	for _, tt := range tests {
		c := ParseCmdline(tt.text)
		var got []string
		for _, e := range c.Extras() {
			got = append(got, brief(e))
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
		if got := kinds(c.Problems); got != tt.problems {
			t.Errorf("%s: problems %q, want %q: %v", tt.text, got, tt.problems, c.Problems)
		}
	}
}

// A spec of the command line means the same when it is written into an fstab.
func TestCmdlineSpecsInColumns(t *testing.T) {
	for _, text := range []string{`LABEL=a\040b`, `/dev/mapper/a\x20b`, `LABEL=a b`, `UUID=1-2`, `LABEL=a\\b`, "#x"} {
		s := plainSpec(text)
		f := ParseFstab(nil)
		if err := f.Append(Entry{Spec: s, File: "/a"}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := f.Entries[0].Spec; got.Kind != s.Kind || got.Value != s.Value {
			t.Errorf("%s is %v %q, in an fstab %v %q", text, s.Kind, s.Value, got.Kind, got.Value)
		}
	}
}
