package layout

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

const marker = "Xy7zzySecret"

// planted are lines with a secret in each of the places that secrets are found in.
var planted = []File{
	{"/etc/fstab", `# a comment
//host/share /smb cifs credentials=/etc/cred,uid=0 0 0
//host/share /smb2 cifs username=anna,password=MARK,uid=0 0 0
//host/share /smb3 cifs user=anna%MARK,uid=0 0 0
//host/share /smb4 cifs password="MARK,with comma",ro 0 0
ceph:/ /ceph ceph name=admin,secret=MARK 0 0
curlftpfs#user:MARK@host /ftp fuse allow_other 0 0
https://user:MARK@host/dav /dav davfs passwd=MARK 0 0
sshfs#user@host: /ssh fuse password_stdin 0 0
`},
	{"/etc/crypttab", `cr_root UUID=1 none luks
cr_home UUID=2 /etc/keys/home luks
cr_data UUID=3 /key:LABEL=stick luks
cr_odd UUID=4 MARK luks
cr_pin UUID=5 - tpm2-pin=yes,tpm2-device=auto
cr_script UUID=6 MARK luks,keyscript=/lib/my-script
cr_derived UUID=7 cr_root luks,keyscript=decrypt_derived
cr_pass UUID=8 none luks,passphrase=MARK
`},
	{"/etc/iscsi/iscsid.conf", "node.session.auth.username = u\nnode.session.auth.password = MARK\nnode.session.auth.password_in = MARK\n"},
	{"/etc/network/interfaces", "iface wlan0 inet dhcp\n  wpa-ssid home\n  wpa-psk MARK\n"},
	{"/etc/default/grub", `GRUB_CMDLINE_LINUX="quiet rd.iscsi.password=MARK netroot=iscsi:user:MARK@host::::iqn rd.luks.key=/etc/key"` + "\n"},
	{"/etc/wireguard/wg0.conf", "PrivateKey = MARK\nPresharedKey=MARK\n"},
	{"/etc/wpa.conf", "  psk=\"MARK and more\"\n"},
}

func TestSecretsAreTakenOut(t *testing.T) {
	in := Facts{}
	for _, f := range planted {
		in.Files = append(in.Files, File{f.Path, strings.ReplaceAll(f.Text, "MARK", marker)})
	}
	in.Boot.CommandLine = "root=/dev/sda1 rd.iscsi.in.password=" + marker + " quiet"
	in.Network.Interfaces = []Interface{{Name: "wlan0", Driver: "psk=" + marker}}
	in.Tools = []Tool{{Name: "curl", Version: "http://user:" + marker + "@host/"}}
	b := &bench{}
	g := b.graph(t, storage.Mount{Point: "/smb", Type: "cifs", Options: []string{"rw", "password=" + marker}, Remote: "//user:" + marker + "@host/share"})
	l, _ := FromGraph(g, in)
	text, err := Write(l)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, marker) {
			t.Errorf("the secret is in the line %q", line)
		}
	}
	for i, f := range in.Files {
		if in.Files[i].Text != strings.ReplaceAll(planted[i].Text, "MARK", marker) {
			t.Errorf("the caller's %s was changed", f.Path)
		}
	}
}

// TestWhatIsNoSecretStays, and what is left of a line with one is the line.
func TestWhatIsNoSecretStays(t *testing.T) {
	for _, c := range []struct{ path, in, want string }{
		{"/etc/fstab", "//h/s /a cifs credentials=/etc/c,bypass=1,password=" + marker + ",uid=0 0 0\n", takenOut + "\n//h/s /a cifs credentials=/etc/c,bypass=1,password=(secret),uid=0 0 0\n"},
		{"/etc/fstab", "sshfs#u@h: /s fuse password_stdin 0 0\n", ""},
		{"/etc/fstab", "[fe80::1%eth0]:/x /n nfs4 defaults\nserver:/a /b nfs4\nadmin@8d2c.cephfs=/ /c ceph mon_addr=10.0.0.1:6789/10.0.0.2\n", ""},
		{"/etc/fstab", "UUID=a / ext4 defaults\n\tUUID=b /b ext4 x-systemd.device-timeout=30 0 2", ""},
		{"/etc/crypttab", "a UUID=1\nb UUID=2 none\nc UUID=3 /k luks,keyfile-offset=4,key-slot=1,try-empty-password\nd UUID=4 LABEL=k:/key luks,keyscript=passdev\ne UUID=5 UUID=9 luks\n", ""},
		{"/etc/crypttab", "f  UUID=6\t" + marker + " luks # no comment\n", takenOut + "\nf  UUID=6\t(secret) luks # no comment\n"},
		{"/etc/multipath.conf", "reservation_key 0x1234\nuser_friendly_names yes\npath_selector \"round-robin 0\"\n", ""},
		{"/etc/lvm/lvm.conf", "# the password is not here, and no pass either\nuse_lvmetad = 0\n", ""},
		{"/etc/mdadm/mdadm.conf", "ARRAY /dev/md0 metadata=1.2 UUID=a:b:c:d name=host:0\nMAILADDR root@localhost\n", ""},
	} {
		got := WithoutSecrets(File{c.path, c.in})
		want := c.want
		if want == "" {
			want = c.in
		}
		if diff := cmp.Diff(want, got.Text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
		if again := WithoutSecrets(got); again != got {
			t.Errorf("%s: done twice it is %q", c.path, again.Text)
		}
	}
}
