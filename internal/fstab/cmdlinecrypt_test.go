package fstab

import (
	"regexp"
	"strings"
	"testing"
)

// U and V stand for two UUIDs. The readings of luks.* are those of
// systemd-cryptsetup-generator 252 with SYSTEMD_IN_INITRD=1 and no crypttab,
// measured, except where the comment says otherwise.
func TestCmdlineCrypt(t *testing.T) {
	tests := []struct{ text, want, problems string }{
		{"quiet", "", ""},
		{"luks.uuid=U", "luks-U = UUID:U ()", ""},
		{"rd.luks.uuid=luks-U", "luks-U = UUID:U ()", ""},
		{"luks.uuid=U luks.uuid=luks-U rd.luks.uuid=U", "luks-U = UUID:U ()", ""},
		{"luks.name=U=cr", "cr = UUID:U ()", ""},
		{"luks.name=U=a=b", "a=b = UUID:U ()", ""},
		{"luks.name=U=a luks.uuid=U", "a = UUID:U ()", ""},
		{"rd.luks.name=U=cr luks.name=U=cr2", "cr2 = UUID:U ()", ""},
		{"luks.name=U=cr luks.options=discard luks.key=/k", "cr = UUID:U key /k (discard)", ""},
		{"luks.uuid=U luks.options=discard luks.options=x", "luks-U = UUID:U (x)", ""},
		{"luks.uuid=U luks.options=U=discard luks.options=U=x luks.options=y", "luks-U = UUID:U (x)", ""},
		{"luks.uuid=U luks.uuid=V luks.options=V=discard luks.options=x", "luks-U = UUID:U (x)|luks-V = UUID:V (discard)", ""},
		{"luks.uuid=U luks.options=timeout=5s,U=x", "luks-U = UUID:U (timeout=5s,U=x)", ""},
		{"luks.uuid=U luks.options=luks-U=x", "luks-U = UUID:U (luks-U=x)", ""},
		{"luks.uuid=U luks.options=b40f1abf=x", "luks-U = UUID:U ()", "0:garbage"},
		{"luks.uuid=U luks.key=U=/k:LABEL=q luks.key=/d", "luks-U = UUID:U key /k on LABEL:q ()", ""},
		{"luks.uuid=U luks.key=U=-", "luks-U = UUID:U ()", ""},
		{
			"luks.name=U=cr luks.options=U=header=/h:LABEL=k luks.data=U=/dev/sdx",
			"cr = device path:/dev/sdx (header=/h:LABEL=k)", "",
		},
		{"luks.data=U=LABEL=foo luks.name=U=a", "a = LABEL:foo ()", ""},
		{"luks.options=U=discard luks.key=U=/k luks.data=U=/dev/sdx", "", ""},
		{"luks=no luks.uuid=U", "", ""},
		{"luks=no luks=yes luks.uuid=U", "luks-U = UUID:U ()", ""},
		{"luks=maybe luks.uuid=U", "luks-U = UUID:U ()", ""},
		{"luks_uuid=U LUKS.uuid=U", "", ""},
		{"luks.uuid", "", "0:garbage"},
		{"luks.uuid=", "", "0:garbage"},
		{"luks.name=U", "", "0:garbage"},
		{"luks.name=U=", "", "0:garbage"},
		{"luks.name==x", "", "0:garbage"},
		{"luks.name=luks-U=x", "", "0:garbage"},
		{"luks.data=/dev/sdx", "", "0:garbage"},

		// In the initramfs rd.luks=no switches all off, later luks.* alone is read.
		{"rd.luks=no rd.luks.uuid=U luks.uuid=V", "luks-V = UUID:V ()", ""},

		// dracut.cmdline(7): a part of a UUID, a key on another device without
		// UUID=, a third field for the volume, allow-discards.
		{"rd.luks.uuid=luks-b40f1abf", "luks-b40f1abf = UUID:b40f1abf ()", "0:disagreement"},
		{"rd_LUKS_UUID=luks-U", "luks-U = UUID:U ()", ""},
		{"rd.luks.uuid=U rd.luks.key=/k:LABEL=q", "luks-U = UUID:U key /k on LABEL:q ()", "0:disagreement"},
		{
			"rd.luks.uuid=U rd.luks.uuid=V rd.luks.key=/k:LABEL=q:UUID=V",
			"luks-U = UUID:U ()|luks-V = UUID:V key /k on LABEL:q ()", "0:disagreement",
		},
		{"rd.luks.uuid=U rd.luks.allow-discards", "luks-U = UUID:U (discard)", ""},
		{"rd.luks.uuid=U rd.luks.uuid=V rd.luks.allow-discards=V", "luks-U = UUID:U ()|luks-V = UUID:V (discard)", ""},
		{"rd.luks.partuuid=U", "", "0:suspect"},

		// mkinitcpio, hooks/encrypt.
		{"cryptdevice=UUID=U:cr:allow-discards root=/dev/mapper/cr", "cr = UUID:U (allow-discards)", ""},
		{"cryptdevice=/dev/sda2:a cryptdevice=/dev/sda3:b", "b = device path:/dev/sda3 ()", ""},
		{"cryptdevice=/dev/sda2", "root = device path:/dev/sda2 ()", "0:suspect"},
		{"cryptdevice=/dev/sda2:cr cryptkey=rootfs:/k", "cr = device path:/dev/sda2 key /k ()", ""},
		{"cryptdevice=/dev/sda2:cr cryptkey=LABEL=usb:vfat:/d/k", "cr = device path:/dev/sda2 key /d/k on LABEL:usb ()", ""},
		{
			"cryptdevice=/dev/sda2:cr cryptkey=/dev/sdb:2048:512",
			"cr = device path:/dev/sda2 on device path:/dev/sdb (keyfile-offset=2048,keyfile-size=512)", "",
		},
		{"cryptdevice=/dev/sda2:cr cryptkey=/k", "cr = device path:/dev/sda2 ()", "0:garbage"},
		{"cryptdevice=:cr", "", "0:garbage"},

		// Debian, README.initramfs of cryptsetup 2.0.2.
		{"cryptopts=target=cr,source=/dev/sda2,key=/k,luks,lvm=vg-root", "cr = device path:/dev/sda2 key /k (luks,lvm=vg-root)", ""},
		{"cryptopts=source=UUID=U", "cryptroot = UUID:U ()", ""},
		{"cryptopts=target=cr", "", "0:garbage"},

		// Alpine, mkinitfs.
		{"cryptroot=UUID=U cryptdm=cr cryptdiscards cryptheader=/dev/sdb", "cr = UUID:U (header=/dev/sdb,discard)", ""},
		{"cryptroot=/dev/sda2 cryptdm=cr cryptkey", "cr = device path:/dev/sda2 key /crypto_keyfile.bin ()", ""},
		{"cryptroot=/dev/sda2 cryptdm=cr cryptkey=/k", "cr = device path:/dev/sda2 key /k ()", ""},
		{"cryptroot=/dev/sda2", "", "0:suspect"},

		{"luks.name=U=cr luks.name=V=cr", "cr = UUID:U ()|cr = UUID:V ()", "0:duplicate"},
	}
	placeholder := regexp.MustCompile(`\b[UV]\b`)
	long := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(p string) string { return map[string]string{"U": uuidU, "V": uuidV}[p] })
	}
	for _, tt := range tests {
		c := ParseCmdline(long(tt.text))
		var got []string
		for _, e := range c.CryptEntries() {
			got = append(got, briefCrypt(e))
		}
		if got := strings.Join(got, "|"); got != long(tt.want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.text, got, long(tt.want))
		}
		if got := kinds(c.Problems); got != tt.problems {
			t.Errorf("%s: problems %q, want %q: %v", tt.text, got, tt.problems, c.Problems)
		}
	}
}

const (
	uuidU = "b40f1abf-2a53-400a-889a-2eccc27eaa40"
	uuidV = "c40f1abf-2a53-400a-889a-2eccc27eaa40"
)

func TestIsUUID(t *testing.T) {
	for s, want := range map[string]bool{
		uuidU: true, "B40F1ABF2A53400A889A2ECCC27EAA40": true, "": false, "b40f1abf": false,
		"b40f1abf-2a53-400a-889a-2eccc27eaa4": false, "b40f1abf-2a53-400a-889a-2eccc27eaa4g": false,
		"b40f1abf-2a53-400a-889a2eccc27eaa-40": false, strings.Repeat("-", 36): false,
	} {
		if got := isUUID(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
