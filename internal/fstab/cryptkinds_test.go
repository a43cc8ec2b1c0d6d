package fstab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func cryptWith(options string) CryptEntry {
	return ParseCrypttab([]byte("cr UUID=1-2 none " + options)).Entries[0]
}

// systemd's words were tried with systemd-cryptsetup 252, which says what it
// made of them ("type=LUKS"); tcryptveracrypt and fvault2 are Debian's
// (cryptsetup 2.6, crypttab(5)).
func TestCryptFormat(t *testing.T) {
	tests := []struct{ options, want string }{
		{"", ""},
		{"discard,noauto", ""},
		{"luks", "luks"},
		{"luks,plain", "plain"},
		{"plain,luks", "luks"},
		{"swap,cipher=aes-xts-plain64", "plain"},
		{"tmp", "plain"},
		{"tmp=ext4", "plain"},
		{"key-slot=1", "luks"},
		{"keyslot=junk", "luks"},
		{"header=/h", "luks"},
		{"plain,header=/h", "luks"},
		{"bitlk,header=/h", "luks"},
		{"tcrypt,header=/h", "tcrypt"},
		{"header=/h,tcrypt", "tcrypt"},
		{"tcrypt-veracrypt", "tcrypt"},
		{"veracrypt", "tcrypt"},
		{"tcryptveracrypt", "tcrypt"},
		{"tcrypthidden", "tcrypt"},
		{"tcrypt-system", "tcrypt"},
		{"tcrypt-keyfile=/k", "tcrypt"},
		{"veracrypt-pim=3", ""},
		{"bitlk", "bitlk"},
		{"fvault2", "fvault2"},
		{"plaintext,luksy", ""},
	}
	for _, tt := range tests {
		if got := cryptWith(tt.options).Format(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.options, got, tt.want)
		}
	}
}

// header= is read by split_locationspec of systemd ≥ 248 (src/cryptsetup/
// cryptsetup-generator.c); its man page has the form path:LABEL=x.
func TestCryptHeader(t *testing.T) {
	tests := []struct {
		options, path string
		kind          SpecKind
		device        string
		ok            bool
	}{
		{"luks", "", Unset, "", false},
		{"header=", "", Unset, "", false},
		{"header=/boot/hdr.img", "/boot/hdr.img", Unset, "", true},
		{`header=/boot/a\040b`, "/boot/a b", Unset, "", true},
		{`header=/boot/a\,b,discard`, "/boot/a,b", Unset, "", true},
		{"header=/hdr:LABEL=keys", "/hdr", Label, "keys", true},
		{"header=/hdr:UUID=1-2,discard", "/hdr", UUID, "1-2", true},
		{"header=/a:b/hdr:/dev/sdb1", "/a:b/hdr", DevicePath, "/dev/sdb1", true},
		{"header=/hdr:junk", "/hdr:junk", Unset, "", true},
		{"header=/dev/sdb1", "", DevicePath, "/dev/sdb1", true},
		{"header=/dev/disk/by-partuuid/ab-01", "", PartUUID, "ab-01", true},
		{"header=/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "", ByPath, "pci-0000:00:1f.2-ata-1", true},
		{"header=/dev/mapper/hdr", "", Mapper, "hdr", true},
		{"header=PARTLABEL=hdr", "", PartLabel, "hdr", true},
		{"header=rel/hdr", "rel/hdr", Unset, "", true},
	}
	for _, tt := range tests {
		path, device, ok := cryptWith(tt.options).Header()
		if path != tt.path || device.Kind != tt.kind || device.Value != tt.device || ok != tt.ok {
			t.Errorf("%s: %q on %v %q, %v", tt.options, path, device.Kind, device.Value, ok)
		}
	}
}

// Numbers as systemd-cryptsetup 252 takes and refuses them.
func TestCryptNumbers(t *testing.T) {
	tests := []struct {
		options      string
		slot         int
		hasSlot      bool
		offset, size uint64
	}{
		{"luks", 0, false, 0, 0},
		{"key-slot=0", 0, true, 0, 0},
		{"keyslot=7,keyfile-offset=512,keyfile-size=64", 7, true, 512, 64},
		{"key-slot=1,keyslot=2", 2, true, 0, 0},
		{"key-slot=1,key-slot=junk", 1, true, 0, 0},
		{"key-slot=-1", 0, false, 0, 0},
		{"key-slot=99999999999", 0, false, 0, 0},
		{"keyfile-offset=0x10,keyfile-size=+8", 0, false, 16, 8},
		{"keyfile-offset=8k,keyfile-size=1_0", 0, false, 0, 0},
		{"keyfile-size", 0, false, 0, 0},
		{"plain,size=128,keyfile-size=999", 0, false, 0, 16},
	}
	for _, tt := range tests {
		e := cryptWith(tt.options)
		if slot, ok := e.KeySlot(); slot != tt.slot || ok != tt.hasSlot {
			t.Errorf("%s: slot %d, %v", tt.options, slot, ok)
		}
		if offset, size := e.KeyOffset(), e.KeySize(); offset != tt.offset || size != tt.size {
			t.Errorf("%s: %d bytes at %d", tt.options, size, offset)
		}
	}
}

// The defaults are those in systemd's src/cryptsetup/cryptsetup.c and of "cryptsetup 2.6.1 --help".
func TestPlain(t *testing.T) {
	tests := []struct {
		key, options string
		want         Plain
	}{
		{"none", "plain", Plain{"aes-cbc-essiv:sha256", "ripemd160", 256, 0, 0, 512}},
		{"/key", "plain", Plain{"aes-cbc-essiv:sha256", "plain", 256, 0, 0, 512}},
		{"/key", "plain,hash=sha512", Plain{"aes-cbc-essiv:sha256", "sha512", 256, 0, 0, 512}},
		{"none", "plain,hash=plain", Plain{"aes-cbc-essiv:sha256", "plain", 256, 0, 0, 512}},
		{
			"none", "plain,cipher=aes-xts-plain64,hash=sha256,size=512,offset=2048,skip=8,sector-size=4096",
			Plain{"aes-xts-plain64", "sha256", 512, 2048, 8, 4096},
		},
		{"none", "plain,cipher=,hash=,size=12,offset=junk,sector-size=100", Plain{"aes-cbc-essiv:sha256", "ripemd160", 256, 0, 0, 512}},
		{"none", "plain,size=99999999999999999", Plain{"aes-cbc-essiv:sha256", "ripemd160", 256, 0, 0, 512}},
	}
	for _, tt := range tests {
		e := ParseCrypttab([]byte("cr /dev/sda2 " + tt.key + " " + tt.options)).Entries[0]
		if diff := cmp.Diff(tt.want, e.Plain()); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.key, tt.options, diff)
		}
	}
}

func TestTCrypt(t *testing.T) {
	tests := []struct {
		options string
		want    TCrypt
	}{
		{"tcrypt", TCrypt{}},
		{"tcrypt-hidden,tcrypt-system,tcrypt-veracrypt", TCrypt{Hidden: true, System: true, VeraCrypt: true}},
		{"tcrypthidden,tcryptveracrypt", TCrypt{Hidden: true, VeraCrypt: true}},
		{"veracrypt,veracrypt-pim=485", TCrypt{VeraCrypt: true, PIM: 485}},
		{"tcrypt-keyfile=/a,tcrypt-keyfile=rel,tcrypt-keyfile=/b", TCrypt{KeyFiles: []string{"/a", "/b"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, cryptWith(tt.options).TCrypt()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.options, diff)
		}
	}
}

func TestCryptTokens(t *testing.T) {
	tests := []struct {
		options string
		want    []string
	}{
		{"luks", nil},
		{"tpm2-device=auto,tpm2-pcrs=7", []string{"tpm2"}},
		{"pkcs11-uri=auto,fido2-device=/dev/hidraw0,tpm2-device=/dev/tpmrm0", []string{"tpm2", "fido2", "pkcs11"}},
		{"fido2-cid=abcd", []string{"fido2"}},
		{"pkcs11-uri=pkcs11:token=x;object=y", []string{"pkcs11"}},
		{"tpm2-device=,tpm2-pin=yes", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, cryptWith(tt.options).Tokens()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.options, diff)
		}
	}
}

func TestCryptFlags(t *testing.T) {
	tests := []struct {
		options                   string
		empty, readOnly, inInitrd bool
		script                    string
	}{
		{"luks", false, false, false, ""},
		{"try-empty-password,read-only,x-initrd.attach", true, true, true, ""},
		{"try-empty-password=no,readonly,initramfs", false, true, true, ""},
		{"try-empty-password=yes,try-empty-password=0", false, false, false, ""},
		{"luks,keyscript=decrypt_derived,noearly,loud,check=ext4", false, false, false, "decrypt_derived"},
		{"keyscript=", false, false, false, ""},
	}
	for _, tt := range tests {
		e := cryptWith(tt.options)
		script, hasScript := e.KeyScript()
		if script != tt.script || hasScript != (tt.script != "") {
			t.Errorf("%s: script %q, %v", tt.options, script, hasScript)
		}
		if e.TriesEmptyPassword() != tt.empty || e.IsReadOnly() != tt.readOnly || e.InInitrd() != tt.inInitrd {
			t.Errorf("%s: empty %v, read-only %v, initrd %v", tt.options, e.TriesEmptyPassword(), e.IsReadOnly(), e.InInitrd())
		}
	}
}

// README.initramfs of Debian's cryptsetup.
func TestPassDev(t *testing.T) {
	tests := []struct {
		line, file, device string
		ok                 bool
	}{
		{"cr UUID=1 /dev/disk/by-label/usb:/keys/k luks,keyscript=passdev", "/keys/k", "/dev/disk/by-label/usb", true},
		{"cr UUID=1 /dev/sdb1:k:5 luks,keyscript=/lib/cryptsetup/scripts/passdev", "/k", "/dev/sdb1", true},
		{"cr UUID=1 /dev/sdb1 luks,keyscript=passdev", "", "", false},
		{"cr UUID=1 /x:/k luks,keyscript=passdev", "", "", false},
		{"cr UUID=1 /dev/sdb1:/k luks,keyscript=decrypt_gnupg", "", "", false},
		{"cr UUID=1 /dev/sdb1:/k luks", "", "", false},
	}
	for _, tt := range tests {
		file, device, ok := ParseCrypttab([]byte(tt.line)).Entries[0].PassDev()
		if file != tt.file || device.String() != tt.device || ok != tt.ok {
			t.Errorf("%s: %q on %q, %v", tt.line, file, device, ok)
		}
	}
}
