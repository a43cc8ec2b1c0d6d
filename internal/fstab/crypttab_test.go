package fstab

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func briefCrypt(e CryptEntry) string {
	s := fmt.Sprintf("%s = %v:%s", e.Name, e.Source.Kind, e.Source.Value)
	if e.KeyFile != "" {
		s += " key " + e.KeyFile
	}
	if !e.KeyDevice.IsZero() {
		s += fmt.Sprintf(" on %v:%s", e.KeyDevice.Kind, e.KeyDevice.Value)
	}
	return s + " (" + e.Options.String() + ")"
}

// The readings are those of systemd-cryptsetup-generator 252, measured, except
// that escapes are decoded, as by Debian's scripts.
func TestParseCrypttabLine(t *testing.T) {
	tests := []struct{ line, want, problems string }{
		{"", "", ""},
		{"  # comment", "", ""},
		{"cr UUID=1-2 none luks", "cr = UUID:1-2 (luks)", ""},
		{"\tcr\tUUID=\"1-2\"\t-\tluks,discard", "cr = UUID:1-2 (luks,discard)", ""},
		{"cr UUID=1-2 none luks # note", "cr = UUID:1-2 (luks)", ""},
		{"cr LABEL=x none", "cr = LABEL:x ()", ""},
		{"cr /dev/sda1 - none", "cr = device path:/dev/sda1 ()", ""},
		{"cr PARTUUID=z /k:LABEL=kd luks", "cr = PARTUUID:z key /k on LABEL:kd (luks)", ""},
		{"cr PARTUUID=z /k:/dev/sdb1 luks", "cr = PARTUUID:z key /k on device path:/dev/sdb1 (luks)", ""},
		{"cr PARTUUID=z /a:b:LABEL=\"q\" luks", "cr = PARTUUID:z key /a:b on LABEL:q (luks)", ""},
		{"cr PARTUUID=z /k:foo luks", "cr = PARTUUID:z key /k:foo (luks)", ""},
		{"cr PARTUUID=z /k: luks", "cr = PARTUUID:z key /k: (luks)", ""},
		{"cr UUID=2 pkcs11:token=x;object=y luks", "cr = UUID:2 key pkcs11:token=x;object=y (luks)", ""},
		{"cr /img/file none luks,noauto", "cr = file:/img/file (luks,noauto)", ""},
		{"swap /dev/sda2 /dev/urandom swap,cipher=aes-xts-plain64", "swap = device path:/dev/sda2 key /dev/urandom (swap,cipher=aes-xts-plain64)", ""},
		{"cr UUID=1-2 none luks\r\n", "cr = UUID:1-2 (luks)", "1:encoding"},
		{"\uFEFFcr UUID=1-2 none luks", "cr = UUID:1-2 (luks)", "1:encoding"},
		{"cr\xe9 UUID=1-2 none luks", "cr\xe9 = UUID:1-2 (luks)", "1:encoding"},
		{`cr\x20home UUID=1 none luks`, `cr\x20home = UUID:1 (luks)`, ""},
		{`cr\040home UUID=1 /key\040file luks`, `cr home = UUID:1 key /key file (luks)`, "1:disagreement 1:disagreement"},
		{"cr UUID=1", "cr = UUID:1 ()", "1:disagreement"},
		{"cr UUID=1 # foo", "cr = UUID:1 key # (foo)", "1:suspect"},
		{"cr uuid=1 none", "cr = virtual:uuid=1 ()", "1:suspect"},
		{"cr UUID=1\vnone\fluks", "cr = UUID:1 (luks)", ""},
		{"cr UUID=1 - -", "cr = UUID:1 ()", ""},
		{"cr UUID=1 none luks extra words", "cr = UUID:1 (luks)", ""},
		{";x UUID=1 none", ";x = UUID:1 ()", ""},
		{"cr PARTUUID=1234abcd-01 none", "cr = PARTUUID:1234abcd-01 ()", ""},
		{`cr PARTLABEL=a\x20b none`, `cr = PARTLABEL:a\x20b ()`, ""},
		{`cr /dev/mapper/a\x20b none`, "cr = mapper:a b ()", ""},
		{"cr ID=x none", "cr = ID:x ()", "1:disagreement"},
		{`cr UUID=1 none x="a,b"`, `cr = UUID:1 (x="a,b")`, ""},
		{"cr UUID=1 /k:/dev/sdb:1 luks", "cr = UUID:1 key /k:/dev/sdb:1 (luks)", ""},
		{"cr UUID=1 /etc/k:UUID=ab tcrypt", "cr = UUID:1 key /etc/k on UUID:ab (tcrypt)", ""},
		{"cr UUID=1 key luks", "cr = UUID:1 key key (luks)", "1:suspect"},
		{"cr/x UUID=1 none luks", "cr/x = UUID:1 (luks)", "1:suspect"},
		{"cr UUID=1 /k keyfile-offset=-1,keyfile-size=8k,key-slot=1", "cr = UUID:1 key /k (keyfile-offset=-1,keyfile-size=8k,key-slot=1)", "1:suspect 1:suspect"},
		{"cr UUID=1 none header=UUID=x", "cr = UUID:1 (header=UUID=x)", "1:disagreement"},
		{"cr UUID=1 none header=/a,header=/b", "cr = UUID:1 (header=/a,header=/b)", "1:disagreement"},
		{"cr UUID=1 none luks,header=/h:LABEL=x,x-initrd.attach,nofail", "cr = UUID:1 (luks,header=/h:LABEL=x,x-initrd.attach,nofail)", ""},
		{
			"cr UUID=1 none luks,tpm2-device=auto,fido2-device=auto,pkcs11-uri=auto,password-echo=no,try-empty-password",
			"cr = UUID:1 (luks,tpm2-device=auto,fido2-device=auto,pkcs11-uri=auto,password-echo=no,try-empty-password)", "",
		},

		// Debian's words, crypttab(5) of cryptsetup 2.6.
		{"cr UUID=1 none luks,initramfs,noearly,loud,check=ext4,checkargs=x", "cr = UUID:1 (luks,initramfs,noearly,loud,check=ext4,checkargs=x)", ""},
		{"cr UUID=1 cr_root luks,keyscript=decrypt_derived", "cr = UUID:1 key cr_root (luks,keyscript=decrypt_derived)", "1:disagreement"},
		{"cr UUID=1 /dev/sdb1:/k luks,keyscript=passdev", "cr = UUID:1 key /dev/sdb1:/k (luks,keyscript=passdev)", "1:disagreement"},
		{"cr /dev/sda2 none plain,cipher=aes-xts-plain64,size=512,hash=sha256", "cr = device path:/dev/sda2 (plain,cipher=aes-xts-plain64,size=512,hash=sha256)", ""},
		{"cr /dev/sda2 /k plain,cipher=aes-xts-plain64,size=512", "cr = device path:/dev/sda2 key /k (plain,cipher=aes-xts-plain64,size=512)", ""},
		{"cr /dev/sda2 /k plain,cipher=aes-xts-plain64,size=512,hash=sha256", "cr = device path:/dev/sda2 key /k (plain,cipher=aes-xts-plain64,size=512,hash=sha256)", "1:disagreement"},
		{"cr /dev/sda2 none plain", "cr = device path:/dev/sda2 (plain)", "1:disagreement 1:disagreement 1:disagreement"},

		{"cr", "", "1:garbage"},
		{"cr UUID= none", "", "1:garbage"},
		{"cr UU\x00ID=1 none", "", "1:garbage"},
	}
	for _, tt := range tests {
		c := ParseCrypttab([]byte(tt.line))
		got := ""
		for _, e := range c.Entries {
			got += briefCrypt(e)
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.line, got, tt.want)
		}
		if got := kinds(c.Problems); got != tt.problems {
			t.Errorf("%q: problems %q, want %q: %v", tt.line, got, tt.problems, c.Problems)
		}
		if string(c.Bytes()) != tt.line {
			t.Errorf("%q is written as %q", tt.line, c.Bytes())
		}
	}
}

func TestCrypttabDuplicate(t *testing.T) {
	c := ParseCrypttab([]byte("a UUID=1 none\nb UUID=2 none\na UUID=3 none\n"))
	want := []Problem{{3, `the name "a" stands on line 1 already: systemd opens only that one`, Duplicate}}
	if diff := cmp.Diff(want, c.Problems); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(c.Entries) != 3 || c.Entries[2].Line != 3 || c.Entries[2].Raw != "a UUID=3 none" {
		t.Errorf("entries: %+v", c.Entries)
	}
}

func TestMapNames(t *testing.T) {
	spellings := []string{"cr home", `cr\040home`, `cr\x20home`}
	for _, name := range spellings {
		names := CryptEntry{Name: name}.MapNames()
		for _, want := range spellings {
			if !slices.Contains(names, want) {
				t.Errorf("%q has the names %q, not %q", name, names, want)
			}
		}
	}
	c := ParseCrypttab([]byte("cr\\040home UUID=1 none luks\ncr\\\\x20b UUID=2 none luks\ncr_a UUID=3 none luks\n"))
	if got := c.Entries[0].MapNames(); !slices.Contains(got, `cr\x5c040home`) {
		t.Errorf("the name that systemd opens is missing: %q", got)
	}
	if got := c.Entries[1].MapNames(); !slices.Contains(got, `cr\\x20b`) {
		t.Errorf("the name as written is missing: %q", got)
	}
	if diff := cmp.Diff([]string{"cr_a"}, c.Entries[2].MapNames()); diff != "" {
		t.Errorf("a plain name has one form:\n%s", diff)
	}
	if got := (CryptEntry{}).MapNames(); len(got) != 0 {
		t.Errorf("no name: %q", got)
	}
}

// A map below /dev/mapper is found by its crypttab entry, however either is
// spelled.
func TestMapNamesMatchMapperSpecs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z_#" é-]{1,8}`).Draw(t, "name")
		names := CryptEntry{Name: name}.MapNames()
		for _, path := range []string{Escape("/dev/mapper/" + name), "/dev/mapper/" + EncodeDM(name), Escape("/dev/mapper/" + EncodeDM(name))} {
			if s := ParseSpec(path); s.Kind != Mapper || !slices.Contains(names, s.Value) {
				t.Fatalf("%q is %v %q, which is none of %q", path, s.Kind, s.Value, names)
			}
		}
	})
}

func TestRandomKey(t *testing.T) {
	for key, want := range map[string]bool{
		"": false, "/etc/key": false, "/dev/urandom": true, "/dev/hwrng": true, "/dev/urandom2": false,
		"/sys/devices/virtual/misc/pkey/protkey/protkey_aes_256_xts": true,
		"/sys/devices/virtual/misc/pkey/ccadata/ccadata_aes_256_xts": true,
	} {
		if got := (CryptEntry{KeyFile: key}).RandomKey(); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
