package fstab

import (
	"fmt"
	"strings"
	"testing"
)

// What the two readers that matter make of a line, each measured as
// "what where type options": systemd by systemd-fstab-generator 252 (through
// getmntent of glibc 2.36), libmount by findmnt --tab-file of util-linux 2.38.1.
// "" is a line that the reader drops, "=" the same as systemd. The generator was
// run in the root directory.
// Ours is systemd's, unless a reason is given. Where the two differ in more than
// how they write the same thing, a problem says so.
func TestReaders(t *testing.T) {
	long := strings.Repeat("y", 64<<10)
	tests := []struct{ line, systemd, libmount, ours, why string }{
		{"UUID=1-2 / ext4 rw,noatime 0 1", "/dev/disk/by-uuid/1-2 / ext4 rw,noatime", "=", "=", ""},
		{"\t \t/dev/a \t /a\text4  ro\t0   2  ", "/dev/a /a ext4 ro", "=", "=", ""},
		{"/dev/a /a ext4 ro 0 2 # data disk", "/dev/a /a ext4 ro", "=", "=", ""},
		{"/dev/a /a ext4 ro 0 2 trailing text", "/dev/a /a ext4 ro", "=", "=", ""},
		{"/dev/a /a ext4 ro 1", "/dev/a /a ext4 ro", "=", "=", ""},
		{"/dev/a /a ext4", "/dev/a /a ext4 -", "=", "=", ""},
		{"/dev/a /a", "/dev/a /a - -", "", "/dev/a /a auto -", "auto is what systemd leaves to mount"},
		{"/dev/a /a ext4 # comment", "/dev/a /a ext4 #", "", "=", ""},
		{"/dev/a /a ext4 ro 0 foo", "/dev/a /a ext4 ro", "", "=", ""},
		{"/dev/a /a ext4 ro foo 1", "/dev/a /a ext4 ro", "", "=", ""},
		{"/dev/a /a ext4 ro 0 1junk", "/dev/a /a ext4 ro", "", "=", ""},
		{"garbage", "", "", "", ""},
		{"/dev/a", "", "", "", ""},
		{"/dev/a\v/b ext4 x", "", "/dev/a\v/b ext4 x -", "", ""},

		// Escapes.
		{`/dev/a /a\040b ext4`, "/dev/a /a b ext4 -", "=", "=", ""},
		{`/dev/a /a\011b ext4`, "/dev/a /a\tb ext4 -", "=", "=", ""},
		{`/dev/a /a\012b ext4`, "/dev/a /a ext4 -", "/dev/a /a\nb ext4 -", "=libmount", "the generator's file is cut at the newline"},
		{`/dev/a /a\134b ext4`, `/dev/a /a\b ext4 -`, "=", "=", ""},
		{`/dev/a /a\\b ext4`, `/dev/a /a\b ext4 -`, `/dev/a /a\\b ext4 -`, "=", ""},
		{`/dev/a /h\043x ext4`, `/dev/a /h\043x ext4 -`, "/dev/a /h#x ext4 -", "=libmount", "see Unescape"},
		{`/dev/a /caf\303\251 ext4`, `/dev/a /caf\303\251 ext4 -`, "/dev/a /café ext4 -", "=libmount", "see Unescape"},
		{`/dev/a /a\08 ext4`, `/dev/a /a\08 ext4 -`, "=", "=", ""},
		{`/dev/a /a\x20b ext4`, `/dev/a /a\x20b ext4 -`, "=", "=", ""},
		{`\040/dev/a /a ext4`, " /dev/a /a ext4 -", "=", "=", ""},
		{"/dev/a /a\u00a0b ext4", "/dev/a /a\u00a0b ext4 -", "=", "=", ""},
		{"/dev/a /a# ext4", "/dev/a /a# ext4 -", "=", "=", ""},

		// Bytes that are no text.
		{"/dev/a /a ext4 ro\r", "/dev/a /a ext4 ro\r", "/dev/a /a ext4 ro", "=libmount", "nobody means a carriage return"},
		{"/dev/a /a ext4 ro 0 2\r", "/dev/a /a ext4 ro", "=", "=", ""},
		{"\uFEFF/dev/a /a ext4", "\uFEFF/dev/a /a ext4 -", "=", "/dev/a /a ext4 -", "nobody means a byte order mark"},
		{"LABEL=caf\xe9 /a ext4", `/dev/disk/by-label/caf\xe9 /a ext4 -`, "=", "=", ""},
		{"/dev/a /nu\x00l ext4 ro", "/dev/a /nu - -", "", "", "half a line is not what was meant"},
		{"/dev/a /a ext4 x=" + long + ",noauto 0 2", "/dev/a /a ext4 x=" + long[:4095-17], "/dev/a /a ext4 x=" + long + ",noauto", "=libmount", "see getmntentLine"},

		// Specs.
		{`LABEL="a\040b" /a ext4`, `/dev/disk/by-label/a\x20b /a ext4 -`, "=", "=", ""},
		{`LABEL="a b" /q ext4`, "", `/dev/disk/by-label/a\x20b /q ext4 -`, "", ""},
		{`LABEL='x' /a ext4`, "/dev/disk/by-label/x /a ext4 -", "=", "=", ""},
		{"LABEL=a/b /a ext4", `/dev/disk/by-label/a\x2fb /a ext4 -`, "=", "=", ""},
		{`LABEL=a\x20b /a ext4`, `/dev/disk/by-label/a\x5cx20b /a ext4 -`, "=", "=", ""},
		{"PARTUUID=1234abcd-01 /a ext4", "/dev/disk/by-partuuid/1234abcd-01 /a ext4 -", "=", "=", ""},
		{`PARTLABEL=EFI\040System /a vfat`, `/dev/disk/by-partlabel/EFI\x20System /a vfat -`, "=", "=", ""},
		{"ID=wwn-0x5 /a ext4", "ID=wwn-0x5 /a ext4 -", "/dev/disk/by-id/wwn-0x5 /a ext4 -", "=libmount", "systemd 252 does not know the tag"},
		{"uuid=1-2 /a ext4", "uuid=1-2 /a ext4 -", "=", "=", ""},
		{`/dev/disk/by-label/a\x20b /a ext4`, `/dev/disk/by-label/a\x20b /a ext4 -`, "=", "=", ""},
		{`/dev/disk/by-label/a\134x20b /a ext4`, `/dev/disk/by-label/a\x20b /a ext4 -`, "=", "=", ""},
		{`/dev/mapper/cr\x20a /a ext4`, `/dev/mapper/cr\x20a /a ext4 -`, "=", "=", ""},
		{`/dev/mapper/cr\\x20a /a ext4`, `/dev/mapper/cr\x20a /a ext4 -`, `/dev/mapper/cr\\x20a /a ext4 -`, "=", ""},
		{"/dev/md/home /a ext4", "/dev/md/home /a ext4 -", "=", "=", ""},
		{"/dev/root / ext4", "/dev/root / ext4 -", "=", "=", ""},
		{"tmpfs /tmp tmpfs size=50%", "tmpfs /tmp tmpfs size=50%", "=", "=", ""},
		{"nas:/export /n nfs vers=4,_netdev", "nas:/export /n nfs vers=4,_netdev", "=", "=", ""},
		{"[fe80::1]:/x /n nfs", "[fe80::1]:/x /n nfs -", "=", "=", ""},
		{`//nas/share\040one /n cifs credentials=/c`, "//nas/share one /n cifs credentials=/c", "=", "=", ""},
		{"/srv/x /y none rbind,ro", "/srv/x /y none rbind,ro", "=", "=", ""},
		{"/img.iso /a iso9660 loop,ro", "/img.iso /a iso9660 loop,ro", "=", "=", ""},

		// Mount points.
		{"/dev/a none ext4", "", "/dev/a none ext4 -", "", ""},
		{"/dev/a rel/path ext4", "/dev/a /rel/path ext4 -", "/dev/a rel/path ext4 -", "=", ""},
		{"/dev/a /f//x/ ext4", "/dev/a /f/x ext4 -", "=", "=", ""},
		{"/dev/a /./x ext4", "/dev/a /x ext4 -", "=", "=", ""},
		{"/dev/a /dot/../x ext4", "", "/dev/a /dot/../x ext4 -", "", ""},

		// Options.
		{`/dev/a /a ext4 context="a,b",ro`, `/dev/a /a ext4 context="a,b",ro`, "=", "=", ""},
		{`/dev/a /a ext4 a\,b,ro`, `/dev/a /a ext4 a\,b,ro`, "=", "=", ""},
		{"/dev/a /a ext4 ,ro,,noatime,", "/dev/a /a ext4 ro,noatime", "=", "=", ""},
		{"/dev/a /a ext4 x-initrd.mount", "/dev/a /a ext4 x-initrd.mount", "=", "=", ""},
		{"/dev/a /a ext4 x-systemd.automount,noauto", "/dev/a /a ext4 x-systemd.automount,noauto", "=", "=", ""},
		{`overlay /m overlay lowerdir=/a\134:b:/c,upperdir=/u,workdir=/w`, `overlay /m overlay lowerdir=/a\:b:/c,upperdir=/u,workdir=/w`, "=", "=", ""},
	}
	for _, tt := range tests {
		libmount, want := tt.libmount, tt.ours
		if libmount == "=" {
			libmount = tt.systemd
		}
		switch want {
		case "=":
			want = tt.systemd
		case "=libmount":
			want = libmount
		}
		f := ParseFstab([]byte(tt.line + "\n"))
		got := ""
		for _, e := range f.Entries {
			got = asReaders(e)
		}
		if got != want {
			t.Errorf("%.90q:\n got %.200s\nwant %.200s", tt.line, got, want)
		}
		if (want != tt.systemd) != (tt.why != "") {
			t.Errorf("%.90q: a reading that is not systemd's needs a reason, and no other does", tt.line)
		}
		if (tt.systemd != libmount || want != tt.systemd) && len(f.Problems) == 0 {
			t.Errorf("%.90q: nothing is said of the readers that differ", tt.line)
		}
	}
}

// asReaders writes an entry as systemd writes its units: tags as the links that
// udev makes for them, without the option defaults.
func asReaders(e Entry) string {
	what := e.Spec.Value
	switch kind := e.Spec.Kind; kind {
	case UUID, Label, PartUUID, PartLabel, ByID, ID:
		dir := strings.TrimPrefix(strings.ToLower(kind.String()), "by-")
		what = "/dev/disk/by-" + dir + "/" + EncodeUdev(e.Spec.Value)
	case Mapper:
		what = mapperDir + EncodeDM(e.Spec.Value)
	}
	options := e.Options.Without("defaults").String()
	if options == "" {
		options = "-"
	}
	return fmt.Sprintf("%s %s %s %s", what, e.File, e.Type, options)
}
