package rescue

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// image gives files as those of an image, in the order of the list.
func image(files ...[2]string) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for _, f := range files {
			if !yield(Member{Entry{Path: f[0], Kind: File, Size: int64(len(f[1]))}, strings.NewReader(f[1])}, nil) {
				return
			}
		}
	}
}

// keys are private keys as they lie on disks, made for the test.
func keys(t testing.TB) map[string]string {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return map[string]string{
		"PKCS #8": asPEM("PRIVATE KEY", pkcs8), "PKCS #1": asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)),
		"EC": asPEM("EC PRIVATE KEY", ecDER), "OpenSSH": asPEM("OPENSSH PRIVATE KEY", []byte(strings.Repeat("openssh-key-v1\x00", 10))),
		"encrypted": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs8, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}})),
		"DER PKCS8": string(pkcs8), "DER EC": string(ecDER), "DER PKCS1": string(x509.MarshalPKCS1PrivateKey(rsaKey)),
		"in JSON": `{"type":"service_account","private_key":"` + strings.ReplaceAll(asPEM("PRIVATE KEY", pkcs8), "\n", `\n`) + `"}`,
		"PGP":     asPEM("PGP PRIVATE KEY BLOCK", []byte(strings.Repeat("secret", 20))),
		"PuTTY":   "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 2\nAAAA\nPrivate-Lines: 1\nAAAA\n",
		"age":     "# created\nAGE-SECRET-KEY-1" + strings.Repeat("QPZRY9X8GF", 6)[:58] + "\n",
		"signify": "untrusted comment: signify secret key\nRWRCSwAAAA" + strings.Repeat("A", 100) + "\n",
		"PKCS 12": "\x30\x82\x09\x00\x02\x01\x03\x30\x82\x08\xc6",
	}
}

// TestPlantedKeys: whatever a key is called and whatever stands around it, it is found, but for
// those that are one only as a whole.
func TestPlantedKeys(t *testing.T) {
	for name, key := range keys(t) {
		places := map[string]string{"/opt/x": key}
		if !strings.HasPrefix(name, "DER") && name != "PKCS 12" {
			places["/usr/share/x"] = "text\nbefore it\n" + key + "and after it"
			places["/opt/program"] = "\x7fELF\x02\x00\x00" + strings.Repeat("\x00\xff", 5000) + "\n" + key
			places["/opt/border"] = strings.Repeat("x", chunk-20) + key
			places["/opt/crlf"] = strings.ReplaceAll(key, "\n", "\r\n")
		}
		for p, content := range places {
			found, err := NewAuditor(nil, nil).Audit(image([2]string{p, content}))
			if err != nil || len(found) == 0 || found[0].Rule != rulePrivateKey {
				t.Errorf("%s in %s: found %v, %v", name, p, found, err)
			}
		}
	}
}

// TestPlantedSecrets: one of each kind that is no key.
func TestPlantedSecrets(t *testing.T) {
	b64 := strings.Repeat("A+/b", 30)
	crypt := strings.Repeat("./09azAZ", 12)
	for _, x := range []struct {
		p, content string
		rule       Rule
		line       int
	}{
		{"/etc/shadow", "daemon:*:1::::::\nroot:$y$j9T$" + crypt[:22] + "$" + crypt[:43] + ":1::::::\n", ruleHash, 2},
		{"/etc/gshadow", "wheel:$6$" + crypt[:16] + "$" + crypt[:86] + "::\n", ruleHash, 1},
		{"/etc/passwd-", "root:" + crypt[:13] + ":0:0::/root:/bin/sh\n", ruleHash, 1},
		{"/srv/.htpasswd", "u:$apr1$abcdefgh$" + crypt[:22] + "\n", ruleCredential, 0},
		{"/srv/users", "a\nu:$2y$05$" + crypt[:53] + "\n", ruleHash, 2},
		{"/boot/grub/user.cfg", "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000." + strings.Repeat("AB", 64) + "." + strings.Repeat("CD", 64) + "\n", ruleHash, 1},
		{"/etc/x.conf", "h=$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + b64[:43] + "\n", ruleHash, 1},
		{"/srv/http.keytab", "x", ruleKerberos, 0},
		{"/srv/k", "\x05\x02\x00\x00\x00\x20\x00\x01\x00\x0bEXAMPLE.ORG\x00\x04host\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00", ruleKerberos, 0},
		{"/root/.netrc", "machine x", ruleCredential, 0},
		{"/home/a/.pgpass", "", ruleCredential, 0},
		{"/root/.my.cnf", "[client]\n", ruleCredential, 0},
		{"/etc/smb-credentials", "username=u\n", ruleCredential, 0},
		{"/etc/NetworkManager/system-connections/home.nmconnection", "[wifi-security]\npsk=hunter22\n", rulePassword, 2},
		{"/etc/NetworkManager/system-connections/vpn.nmconnection", "[802-1x]\nidentity=a\npassword=hunter22\n", rulePassword, 3},
		{"/etc/wpa_supplicant/wpa.conf", "network={\n\tssid=\"a\"\n\tpsk=\"hunter22\"\n}\n", rulePassword, 3},
		{"/etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = " + b64[:43] + "=\n", rulePassword, 2},
		{"/etc/systemd/network/wg.netdev", "[WireGuardPeer]\nPresharedKey=" + b64[:43] + "=\n", rulePassword, 2},
		{"/etc/cryptsetup-keys.d/data.key", "\x00\x01", ruleKeyFile, 0},
		{"/etc/mykey", "\x00\x01", ruleKeyFile, 0},
		{"/srv/header", "LUKS\xba\xbe\x00\x02" + strings.Repeat("\x00", 600), ruleLUKS, 0},
		{"/etc/ssl/private/host.key", "x", ruleTLS, 0},
		{"/root/.aws/credentials", "[default]\n", ruleCloud, 0},
		{"/srv/env", "aws_secret_access_key=" + b64[:40] + "\n", ruleToken, 1},
		{"/var/lib/systemd/credential.secret", "x", ruleSystemd, 0},
		{"/etc/credstore/db", "x", ruleSystemd, 0},
		{"/etc/ssh/ssh_host_ed25519_key", "x", ruleSSH, 0},
		{"/root/.ssh/id_rsa", "x", ruleSSH, 0},
		{"/root/.config/borg/keys/host", "BORG_KEY", ruleBackup, 0},
		{"/etc/restic-password", "x", ruleBackup, 0},
		{"/etc/backup/my.key", "x", ruleConfigured, 0},
		{"/srv/t1", "ghp_" + strings.Repeat("a1B2", 9), ruleToken, 1},
		{"/srv/t2", "\n\nx: glpat-" + strings.Repeat("a1B2", 5), ruleToken, 3},
		{"/srv/t3", "xoxb-" + strings.Repeat("12345", 5), ruleToken, 1},
		{"/srv/t4", "AIza" + strings.Repeat("a1B2C", 7), ruleToken, 1},
		{"/srv/t5", "key = hvs." + strings.Repeat("a1B2", 6), ruleToken, 1},
		{"/srv/t6", "DHHC-1:01:" + b64[:44] + ":", ruleToken, 1},
		{"/etc/fstab", "//s/x /x cifs username=u,ro 0 0\nhttps://me:hunter22@dav.example.org/ /y davfs\n", rulePassword, 2},
		{"/etc/iscsi/iscsid.conf", "# node.session.auth.password = x\nnode.session.auth.password = hunter22\n", rulePassword, 2},
		{"/etc/app.yaml", "db:\n  password: hunter22\n", rulePassword, 2},
		{"/etc/app.json", "{\n  \"api_key\": \"hunter22\"\n}\n", rulePassword, 2},
		{"/root/.bash_history", "ls\n", ruleHistory, 0},
		{"/var/lib/systemd/random-seed", "x", ruleSeed, 0},
	} {
		a := NewAuditor([]string{"/etc/backup/*.key"}, []string{"/etc/mykey"})
		found, err := a.Audit(image([2]string{"/etc/hostname", "host\n"}, [2]string{x.p, x.content}))
		if err != nil || len(found) == 0 {
			t.Errorf("%s: nothing was found (%v)", x.p, err)
			continue
		}
		found[0].Why = ""
		if diff := cmp.Diff(Finding{Path: x.p, Rule: x.rule, Line: x.line}, found[0]); diff != "" {
			t.Errorf("%s: %s", x.p, diff)
		}
	}
}

// TestEveryRuleIsPlanted: each row of the table of contents has a text that it finds.
func TestEveryRuleIsPlanted(t *testing.T) {
	samples := []string{
		"github_pat_" + strings.Repeat("a1", 40), "sk_live_" + strings.Repeat("a1", 12), "npm_" + strings.Repeat("a1B2", 9),
		"pypi-AgEIcHlwaS5vcmc" + strings.Repeat("a1B2", 12), "tskey-auth-" + strings.Repeat("a1B2", 6), "dop_v1_" + strings.Repeat("0f", 32),
		"SG." + strings.Repeat("a1", 11) + "." + strings.Repeat("a1B", 15)[:43], "AccountKey=" + strings.Repeat("a1B2", 22)[:86] + "==",
		"sk-ant-" + strings.Repeat("a1B2", 8), "NVMeTLSkey-1:01:" + strings.Repeat("a1B2", 12), "$5$rounds=5000$salt$" + strings.Repeat("a1B2", 11)[:43],
		"$7$CU..../....salt$" + strings.Repeat("a1B2", 11)[:43], "$1$salt$" + strings.Repeat("a1", 11), "{SSHA}" + strings.Repeat("a1B2", 8),
		"$6$salt$" + strings.Repeat("a1", 43), "$y$j9T$salt$" + strings.Repeat("a1B2", 11)[:43], "$2b$05$" + strings.Repeat("a1B2", 14)[:53],
		"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$" + strings.Repeat("a1B2", 8), "grub.pbkdf2.sha512.10000." + strings.Repeat("AB", 32) + "." + strings.Repeat("CD", 64),
		"ghs_" + strings.Repeat("a1B2", 9), "glrt-" + strings.Repeat("a1B2", 6), "xoxp-" + strings.Repeat("1a", 12), "AIza" + strings.Repeat("a1B2C", 7),
		"hvs." + strings.Repeat("a1B2", 6), "DHHC-1:00:" + strings.Repeat("a1B2", 11), "aws_secret_access_key: " + strings.Repeat("a1B2", 10),
	}
	for _, key := range keys(t) {
		samples = append(samples, key)
	}
	for _, row := range compiled() {
		hit := false
		for _, s := range samples {
			hit = hit || row.first([]byte("x "+s+"\n")) >= 0
		}
		if !hit {
			t.Errorf("nothing that is planted is %s (%s)", row.why, row.anchor)
		}
	}
}

// TestNoSecrets: what looks like a secret and is none.
func TestNoSecrets(t *testing.T) {
	marks := "-----BEGIN OPENSSH PRIVATE KEY-----\n\x00-----END OPENSSH PRIVATE KEY-----\n\x00PuTTY-User-Key-File-\x00AGE-SECRET-KEY-1\x00$6$\x00LUKS\xba\xbe"
	found, err := NewAuditor(nil, nil).Audit(image(
		[2]string{"/usr/bin/ssh", "\x7fELF" + marks}, [2]string{"/opt/bin/ssh", "\x7fELF" + marks}, [2]string{"/opt/data", "\x00" + marks},
		[2]string{"/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nsshd:*:74:74::/:/usr/sbin/nologin\n"},
		[2]string{"/etc/nsswitch.conf", "passwd: files systemd\nshadow: files\n"},
		[2]string{"/etc/ssh/sshd_config", "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"},
		[2]string{"/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA host\n"}, [2]string{"/root/.ssh/id_rsa.pub", "ssh-rsa AAAA me\n"},
		[2]string{"/root/.ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me\n"},
		[2]string{"/etc/salvor/layout.yaml", "password: (secret)\nkey: none\nurl: https://user@host/x\n"},
		[2]string{"/etc/script", "PASSWORD=$1\npassword=${PW}\n#password=hunter22\n; secret = hunter22\npassword = <yours>\n"},
		[2]string{"/etc/app.conf", "private_key = /etc/ssl/private/x.key\nsecret = pass:insta # can be used\nsecret = # disable PBM\npassword_file=/x\npsk-flags=1\n"},
		[2]string{"/etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("AAAA", 200) + "\n-----END CERTIFICATE-----\n"},
		[2]string{"/usr/share/x/users", "\x00sk-something ghp_short $1$ x"},
	))
	if err != nil || len(found) > 0 {
		t.Errorf("%v %v", Secrets(found), err)
	}
}

func TestKeyFiles(t *testing.T) {
	got := KeyFiles([]byte("a UUID=1 none luks\nb UUID=2 /etc/keys/b luks,header=/boot/b.hdr\nc /dev/sdx /dev/urandom swap\nd UUID=3 /k:LABEL=stick luks\n"))
	if diff := cmp.Diff([]string{"/etc/keys/b", "/boot/b.hdr", "/k"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsError(t *testing.T) {
	if err := Secrets(nil); err != nil {
		t.Error(err)
	}
	err := Secrets([]Finding{{Path: "/a", Why: "a key"}, {Path: "/b", Why: "a hash", Line: 7}})
	if want := "there are secrets in it:\n  /a: a key\n  /b, line 7: a hash"; !errors.Is(err, ErrSecret) || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// FuzzAudit: whatever a file holds, looking ends, and a key behind it is found.
func FuzzAudit(f *testing.F) {
	all := keys(f)
	for _, key := range all {
		f.Add([]byte(key), uint8(0))
	}
	f.Add([]byte("\x05\x02\xff\xff\xff\xff\x00\x01\x00\x0bX"), uint8(1))
	f.Add([]byte("root:$6$"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, at uint8) {
		p := []string{"/etc/passwd", "/usr/lib/x", "/opt/x"}[at%3]
		if _, err := NewAuditor(nil, nil).Audit(image([2]string{p, string(data)})); err != nil {
			t.Fatal(err)
		}
		if isELF(data) && at%3 == 1 {
			return
		}
		found, err := NewAuditor(nil, nil).Audit(image([2]string{p, string(data) + "\n" + all["PKCS #8"]}))
		if err != nil || len(found) == 0 {
			t.Errorf("a key behind %q is not found: %v", data, err)
		}
	})
}

// BenchmarkAudit: what is looked at is the bulk of an image, data without a secret.
func BenchmarkAudit(b *testing.B) {
	data := make([]byte, 64<<20)
	if _, err := rand.Read(data); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := NewAuditor(nil, nil).scan("/opt/x", bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
