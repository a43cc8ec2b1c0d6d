package machine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"salvor/internal/secret"
)

func TestHideSecrets(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		// fstab
		{"//nas/x /mnt cifs user=me,password=open,uid=0 0 0", "//nas/x /mnt cifs user=me,password=xxxx,uid=0 0 0"},
		{"//nas/x /mnt cifs username=me%open,ro 0 0", "//nas/x /mnt cifs username=me%xxxx,ro 0 0"},
		{"//nas/x /mnt cifs credentials=/etc/cred 0 0", ""},
		{"//nas/x /mnt cifs pass=\"a b\",vers=3 0 0", "//nas/x /mnt cifs pass=\"x x\",vers=3 0 0"},
		{"https://me:open@dav.example/x /dav davfs rw 0 0", "https://me:xxxx@dav.example/x /dav davfs rw 0 0"},
		{"UUID=1-2 / ext4 defaults,x-systemd.device-timeout=9,errors=remount-ro 0 1", ""},
		// crypttab
		{"cr UUID=1-2 /etc/key:UUID=3-4 luks,keyfile-offset=512,key-slot=1,token-timeout=9,password-echo=no", ""},
		{"cr UUID=1-2 none tpm2-device=auto,tpm2-pin=yes,header=/x", ""},
		{"cr UUID=1-2 none pkcs11-uri=pkcs11:model=X;pin-value=1234", "cr UUID=1-2 none pkcs11-uri=pkcs11:model=X;pin-value=xxxx"},
		// the kernel's command line
		{"root=UUID=1 rd.luks.key=/etc/k:LABEL=x rd.luks.key.1-2=/k luks.key=/k quiet", ""},
		{"root=/dev/sda my.api_key=AbC123 provision.token=t0k, x", "root=/dev/sda my.api_key=xxxxxx provision.token=xxx, x"},
		{"cryptkey=UUID=1:auto:/key vconsole.keymap=de", ""},
		// others
		{"password_pbkdf2 root grub.pbkdf2.sha512.10000.AB.CD", "password_pbkdf2 xxxx xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
		{"  password --md5 $1$abc$defghijk", "  password xxxxx xxxxxxxxxxxxxxx"},
		{"root:$6$salt$hashhashhash:19000:0:99999:7:::", "root:xxxxxxxxxxxxxxxxxxxx:19000:0:99999:7:::"},
		{"root:x:0:0:root:/root:/bin/sh", ""},
		{"PrivateKey = abc=\nPresharedKey=def=", "PrivateKey = xxxx\nPresharedKey=xxxx"},
		{"psk: \"open\"\nname: x", "psk: \"xxxx\"\nname: x"},
		{"-----BEGIN RSA PRIVATE KEY-----\nAB\n-----END", "-----BEGIN RSA PRIVATE KEY-----\nxx\n-----END"},
		{"cr: 0 9 crypt aes-xts-plain64 00112233445566778899aabbccddeeff 0 8:1 4096", "cr: 0 9 crypt aes-xts-plain64 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 0 8:1 4096"},
		{"cr: 0 9 crypt aes-xts-plain64 :64:logon:cryptsetup:1-d0 0 8:1 4096", ""},
	} {
		if tt.want == "" {
			tt.want = tt.text
		}
		got, n := hideSecrets([]byte(tt.text))
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s (%d found):\n%s", tt.text, n, diff)
		}
		if (n > 0) != (string(got) != tt.text) {
			t.Errorf("%s: %d were counted", tt.text, n)
		}
	}
}

func TestHidingKeepsTheShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringMatching(`([a-z]+|password=|token: |"|'|\$6\$|,| |\n|://a:b@|user=a%b|key=){0,20}`).Draw(t, "text"))
		got, _ := hideSecrets(text)
		if len(got) != len(text) || bytes.Count(got, []byte("\n")) != bytes.Count(text, []byte("\n")) {
			t.Fatalf("%q became %q", text, got)
		}
		again, n := hideSecrets(got)
		if !bytes.Equal(again, got) {
			t.Fatalf("%q, then %q (%d)", got, again, n)
		}
	})
}

func TestKeysAreFoundInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), minPart, 64).Draw(t, "key")
		before, after := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "before"), rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "after")
		var k keys
		k.add(secret.New(bytes.Clone(key)))
		data := append(append(bytes.Clone(before), key...), after...)
		got, n := k.hide(data)
		if n == 0 || bytes.Contains(got, key) && !bytes.Contains(key, []byte("xxxxxxxx")) || len(got) != len(data) {
			t.Fatalf("%x in %x: %x, %d", key, data, got, n)
		}
	})
	var k keys
	k.add(secret.New([]byte("short")))
	for text, hidden := range map[string]bool{"short": true, "short\n": true, "a short text": false, "shor": false} {
		if _, n := k.hide([]byte(text)); (n > 0) != hidden {
			t.Errorf("%q: %d hidden", text, n)
		}
	}
}

// A secret is in no part of what is saved, wherever it came by.
func TestNoSecretIsSaved(t *testing.T) {
	const key, word = "salvor marker 4711", "marker-of-a-password"
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "key"), []byte("head "+key+" tail"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "fstab"), []byte("//nas/x /mnt cifs password="+word+" 0 0\n"), 0o600))
	rec := NewRecorder(NewLive())
	tree, err := rec.Tree(dir)
	must(t, err)
	for _, name := range []string{"key", "fstab"} {
		f, err := tree.Open(name)
		must(t, err)
		_, err = io.ReadAll(f)
		must(t, err)
		must(t, f.Close())
		_, err = rec.ReadFile(filepath.Join(dir, name))
		must(t, err)
	}
	b, err := rec.OpenBlock(t.Context(), filepath.Join(dir, "key"))
	must(t, err)
	_, err = b.ReadAt(make([]byte, b.Size()), 0)
	must(t, err)
	must(t, b.Close())
	ctx := context.Background()
	_, err = rec.Run(ctx, Cmd{Program: "cat", Stdin: secret.New([]byte(key))})
	must(t, err)
	_, err = rec.Run(ctx, Cmd{Program: "sh", Args: []string{"-c", "cat; cat >&2; exit 3"}, Stdin: secret.New([]byte(key))})
	if err == nil {
		t.Fatal("it did not fail")
	}
	_, err = rec.Run(ctx, Cmd{Program: "sh", Args: []string{"-c", "echo second marker 4711"}, Secret: true})
	must(t, err)
	_, err = rec.Run(ctx, Cmd{Program: "echo", Args: []string{"the second", "marker 4711"}})
	must(t, err)
	r, n, err := rec.Recording()
	must(t, err)
	data, err := r.MarshalJSON()
	must(t, err)
	for _, s := range []string{key, word} {
		if bytes.Contains(data, []byte(s)) || bytes.Contains(data, []byte(fmt.Sprintf("%q", s))) {
			t.Errorf("%q is in the recording (%d replaced):\n%s", s, n, data)
		}
	}
	m := NewReplay(r)
	if res, err := m.Run(ctx, Cmd{Program: "cat", Stdin: secret.New([]byte("anything"))}); err != nil || string(res.Stdout) != strings.Repeat("x", len(key)) {
		t.Errorf("a command with a key: %q, %v", res.Stdout, err)
	}
	if n < 8 {
		t.Errorf("only %d were replaced", n)
	}
}

func TestTrimLeavesWhatMatters(t *testing.T) {
	const size = 64 << 10
	image := bytes.Repeat([]byte{0xaa}, size)
	copy(image[4096:], "MAGIC")
	name := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(name, image, 0o600))
	rec := NewRecorder(NewLive())
	looks := 0
	rec.Trim(func(r io.ReaderAt, _ int64, _ int) any {
		looks++
		b := make([]byte, 32<<10)
		if _, err := r.ReadAt(b, 0); err != nil {
			return err.Error()
		}
		return string(b[4096:4101])
	})
	read := func(n int) {
		b, err := rec.OpenBlock(t.Context(), name)
		must(t, err)
		_, err = b.ReadAt(make([]byte, n), 0)
		must(t, err)
		must(t, b.Close())
	}
	read(size)
	first := looks
	read(size)
	if looks != first || first > 40 {
		t.Errorf("looked %d times, then %d", first, looks-first)
	}
	r, _, err := rec.Recording()
	must(t, err)
	if c := r.Contents(); c.Bytes != 32<<10+512 { // what look does not read stays
		t.Errorf("%d bytes are kept", c.Bytes)
	}
	b, err := NewReplay(r).OpenBlock(t.Context(), name)
	must(t, err)
	got := make([]byte, size)
	if _, err := b.ReadAt(got, 0); err != nil || string(got[4096:4101]) != "MAGIC" || got[0] != 0 || got[size-1] != 0xaa {
		t.Errorf("the replay reads %q…, %v", got[4096:4101], err)
	}
	part := NewRecorder(NewLive())
	part.Trim(func(r io.ReaderAt, _ int64, _ int) any { _, err := r.ReadAt(make([]byte, size), 0); return err })
	rec = part
	read(1000)
	if r, _, err := rec.Recording(); err != nil || r.Contents().Bytes != 1000 {
		t.Errorf("a device of which less was read than look asks for was trimmed: %v", err)
	}
}

func TestScrubSeesPiecesTogether(t *testing.T) {
	const size = 8 << 10
	image := bytes.Repeat([]byte("slot"), size/4)
	copy(image, "HEADER")
	clear(image[1024:2048]) // a gap of zeros
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "image"), image, 0o600))
	rec := NewRecorder(NewLive())
	rec.Scrub(func(b []byte) {
		if bytes.HasPrefix(b, []byte("HEADER")) && len(b) > 512 {
			clear(b[512:])
		}
	})
	tree, err := rec.Tree(dir)
	must(t, err)
	f, err := tree.Open("image")
	must(t, err)
	for part := make([]byte, 100); err == nil; {
		_, err = f.Read(part)
	}
	must(t, f.Close())
	b, err := rec.OpenBlock(t.Context(), filepath.Join(dir, "image"))
	must(t, err)
	for at := int64(0); at < size; at += 768 { // with gaps
		_, err := b.ReadAt(make([]byte, 256), at)
		must(t, err)
	}
	must(t, b.Close())
	r, _, err := rec.Recording()
	must(t, err)
	data, err := r.MarshalJSON()
	must(t, err)
	if n, want := bytes.Count(data, []byte("slot")), (512-8)/4+(256-8)/4; n != want { // before byte 512
		t.Errorf("%d are left, want %d:\n%s", n, want, data)
	}
}

func FuzzHideSecrets(f *testing.F) {
	f.Add([]byte("//nas/x /mnt cifs password=open,uid=0 0 0\n"))
	f.Add([]byte("root:$6$salt$hash:1\n-----BEGIN PRIVATE KEY-----\nAB\xff\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, n := hideSecrets(text)
		if len(got) != len(text) {
			t.Errorf("%q became %q", text, got)
		}
		if n == 0 && !bytes.Equal(got, text) {
			t.Errorf("%q was changed, and nothing counted", text)
		}
	})
}
