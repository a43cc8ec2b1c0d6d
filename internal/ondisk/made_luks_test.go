package ondisk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// weak makes cryptsetup fast.
var weak = []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}

// format makes a container with the passphrase in the file that is returned.
func format(t *testing.T, args ...string) (path, key string) {
	t.Helper()
	path, key = image(t, 64<<20), image(t, 32)
	run(t, append(append([]string{"cryptsetup", "luksFormat", "-q"}, args...), path, key)...)
	return path, key
}

// TestLUKS2Made compares with what luksDump says to people.
func TestLUKS2Made(t *testing.T) {
	for name, args := range map[string][]string{
		"defaults":    weak,
		"argon2id":    {"--pbkdf", "argon2id", "--pbkdf-force-iterations", "5", "--pbkdf-memory", "64", "--pbkdf-parallel", "3"},
		"argon2i":     {"--pbkdf", "argon2i", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel", "1"},
		"sizes":       append([]string{"--sector-size", "4096", "--luks2-metadata-size", "64k", "--luks2-keyslots-size", "1M", "--offset", "8192"}, weak...),
		"hash":        append([]string{"--hash", "sha512", "--key-size", "256", "--subsystem", "mine"}, weak...),
		"cipher":      append([]string{"--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"}, weak...),
		"slot cipher": append([]string{"--keyslot-cipher", "aes-cbc-plain64", "--keyslot-key-size", "128"}, weak...),
	} {
		t.Run(name, func(t *testing.T) {
			path, key := format(t, append([]string{"--type", "luks2"}, args...)...)
			run(t, append(append([]string{"cryptsetup", "luksAddKey", "-q", "--key-file", key, "--key-slot", "7"}, weak...), path, image(t, 16))...)
			run(t, append(append([]string{"cryptsetup", "luksAddKey", "-q", "--unbound", "--key-size", "192", "--key-slot", "3"}, weak...), path, image(t, 16))...)
			run(t, "cryptsetup", "config", "-q", "--key-slot", "7", "--priority", "prefer", path)
			run(t, "cryptsetup", "config", "-q", "--key-slot", "3", "--priority", "ignore", path)
			got := madeBy[*LUKS](t, path)
			if diff := cmp.Diff(luksDump(run(t, "cryptsetup", "luksDump", path)), facts(got)); diff != "" {
				t.Errorf("luksDump, ours:\n%s", diff)
			}
		})
	}
}

// facts writes what was read as luksDump has it.
func facts(l *LUKS) map[string]string {
	out := map[string]string{
		"Metadata area": fmt.Sprint(l.HeaderSize), "Keyslots area": fmt.Sprint(l.KeyslotsSize), "Subsystem": l.Subsystem,
		"offset": fmt.Sprint(l.PayloadOffset), "cipher": l.Cipher, "sector": fmt.Sprint(l.SectorSize), "digest hash": l.Hash,
	}
	for _, k := range l.Keyslots {
		slot := fmt.Sprintf("slot %d ", k.ID)
		kind := "luks2"
		if k.Unbound {
			kind += " (unbound)"
		} else {
			out["Key"] = fmt.Sprint(l.KeySize * 8)
		}
		out[slot+"type"], out[slot+"pbkdf"], out[slot+"priority"] = kind, k.KDF, k.Priority
		out[slot+"cipher"], out[slot+"key"] = k.Cipher, fmt.Sprint(k.CipherBits)
		if k.KDF == "pbkdf2" {
			out[slot+"hash"], out[slot+"cost"] = k.Hash, fmt.Sprint(k.Iterations)
		} else {
			out[slot+"cost"] = fmt.Sprintf("%d %d %d", k.Iterations, k.Memory, k.Threads)
		}
	}
	return out
}

// luksDump reads the dump of a LUKS2 header.
func luksDump(text string) map[string]string {
	out := map[string]string{}
	slot, section := "", ""
	heading := regexp.MustCompile(`^  (\d+): (.*)$`)
	var keyBits string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil && section == "Keyslots" {
			slot = "slot " + m[1] + " "
			out[slot+"type"] = m[2]
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if line != "" && line[0] != ' ' && line[0] != '\t' && value == "" {
			section = name
		}
		number := fmt.Sprint(firstNumber(value))
		switch {
		case name == "Metadata area" || name == "Keyslots area":
			out[name] = number
		case name == "Subsystem":
			out[name] = strings.TrimPrefix(value, "(no subsystem)")
		case section == "Data segments" && (name == "offset" || name == "sector"):
			out[name] = number
		case section == "Data segments" && name == "cipher":
			out[name] = value
		case section == "Digests" && name == "Hash" && out["digest hash"] == "":
			out["digest hash"] = value
		case section != "Keyslots":
		case name == "Key":
			keyBits = number
		case name == "Priority":
			out[slot+"priority"] = map[string]string{"ignored": "ignore", "preferred": "prefer"}[value]
		case name == "Cipher":
			out[slot+"cipher"] = value
		case name == "Cipher key":
			out[slot+"key"] = number
		case name == "PBKDF":
			out[slot+"pbkdf"] = value
			if out[slot+"type"] == "luks2" {
				out["Key"] = keyBits
			}
		case name == "Hash":
			out[slot+"hash"] = value
		case name == "Iterations" || name == "Time cost":
			out[slot+"cost"] = number
		case name == "Memory" || name == "Threads":
			out[slot+"cost"] += " " + number
		}
	}
	return out
}

func TestLUKS1Made(t *testing.T) {
	path, key := format(t, "--type", "luks1", "--hash", "sha512", "--key-size", "256", "--pbkdf-force-iterations", "1234", "--align-payload", "8192")
	run(t, "cryptsetup", "luksAddKey", "-q", "--key-file", key, "--key-slot", "4", "--pbkdf-force-iterations", "2345", path, image(t, 16))
	got := madeBy[*LUKS](t, path)
	said := fields(run(t, "cryptsetup", "luksDump", path))
	want := &LUKS{
		ID: ID{UUID: said["UUID"]}, Version: 1, Cipher: said["Cipher name"] + "-" + said["Cipher mode"], KeySize: int(firstNumber(said["MK bits"])) / 8,
		PayloadOffset: firstNumber(said["Payload offset"]) * 512, HeaderSize: luks1Size, Extent: got.Extent,
		Keyslots: []Keyslot{
			{0, "luks1", "pbkdf2", KeyslotMade{Hash: said["Hash spec"], Iterations: 1234}},
			{4, "luks1", "pbkdf2", KeyslotMade{Hash: said["Hash spec"], Iterations: 2345}},
		},
		LUKSMade: LUKSMade{Hash: said["Hash spec"], SectorSize: 512},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("luksDump, ours:\n%s", diff)
	}
}

// protected is the head of a JWE.
func protected(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// TestTokens imports tokens as systemd and clevis write them.
func TestTokens(t *testing.T) {
	tang := protected(`{"alg":"ECDH-ES","clevis":{"pin":"tang","tang":{"adv":{"keys":[{"kty":"EC"}]},"url":"http://me:sesame@tang.example:7500"}},"enc":"A256GCM"}`)
	tpm := protected(`{"alg":"dir","clevis":{"pin":"tpm2","tpm2":{"hash":"sha256","jwk_priv":"AOAAIO","jwk_pub":"ADYACAALAAAEkg","key":"ecc","pcr_bank":"sha256","pcr_ids":"0,7"}},"enc":"A256GCM"}`)
	shares := protected(`{"clevis":{"pin":"sss","sss":{"jwe":["` + tang + `.x.y.z","` + tpm + `.x.y.z"],"p":"8sJq","t":2}}}`)
	jwe := func(head string) string {
		return `{"type":"clevis","keyslots":["0"],"jwe":{"ciphertext":"c2VjcmV0","encrypted_key":"","iv":"aXY","protected":"` + head + `","tag":"dGFn"}}`
	}
	for name, tt := range map[string]struct {
		json string
		want []string
	}{
		"tpm2": {`{"type":"systemd-tpm2","keyslots":["0"],"tpm2-blob":"c2VjcmV0","tpm2-pcrs":[7,14],"tpm2-pcr-bank":"sha256","tpm2-primary-alg":"ecc","tpm2-policy-hash":"5ec4e7","tpm2-pin":true,"tpm2_pubkey_pcrs":[11],"tpm2_pubkey":"c2VjcmV0"}`,
			[]string{"tpm2-pcrs=7+14", "tpm2-pcr-bank=sha256", "tpm2-primary-alg=ecc", "tpm2-with-pin=yes", "tpm2-public-key-pcrs=11"}},
		"fido2": {`{"type":"systemd-fido2","keyslots":["0"],"fido2-credential":"c2VjcmV0","fido2-salt":"c2VjcmV0","fido2-rp":"io.systemd.cryptsetup","fido2-clientPin-required":true,"fido2-up-required":true,"fido2-uv-required":false}`,
			[]string{"fido2-rp=io.systemd.cryptsetup", "fido2-with-client-pin=yes", "fido2-with-user-presence=yes", "fido2-with-user-verification=no"}},
		"pkcs11":    {`{"type":"systemd-pkcs11","keyslots":["0"],"pkcs11-uri":"pkcs11:model=PIV;serial=42?pin-value=secret","pkcs11-key":"c2VjcmV0"}`, []string{"pkcs11-token-uri=pkcs11:model=PIV;serial=42"}},
		"recovery":  {`{"type":"systemd-recovery","keyslots":["0"]}`, nil},
		"tang":      {jwe(tang), []string{`tang {"url":"http://tang.example:7500"}`}},
		"clevis":    {jwe(tpm), []string{`tpm2 {"hash":"sha256","key":"ecc","pcr_bank":"sha256","pcr_ids":"0,7"}`}},
		"sss":       {jwe(shares), []string{`sss {"pins":{"tang":[{"url":"http://tang.example:7500"}],"tpm2":[{"hash":"sha256","key":"ecc","pcr_bank":"sha256","pcr_ids":"0,7"}]},"t":2}`}},
		"no clevis": {jwe("%%%"), nil},
		"strange":   {`{"type":"mine","keyslots":[],"note":"secret"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := format(t, append([]string{"--type", "luks2"}, weak...)...)
			file := filepath.Join(t.TempDir(), "token.json")
			if err := os.WriteFile(file, []byte(tt.json), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "cryptsetup", "token", "import", "--json-file", file, "--token-id", "2", path)
			got := madeBy[*LUKS](t, path)
			if len(got.Tokens) != 1 || got.Tokens[0].ID != 2 {
				t.Fatalf("tokens %+v", got.Tokens)
			}
			if diff := cmp.Diff(tt.want, got.Tokens[0].Details); diff != "" {
				t.Error(diff)
			}
			if text, _ := json.Marshal(got); strings.Contains(string(text), "secret") || strings.Contains(string(text), "c2VjcmV0") || strings.Contains(string(text), "sesame") {
				t.Errorf("it tells secrets: %s", text)
			}
		})
	}
}

// TestStrangeToken: what its own program would refuse does not hide the header.
func TestStrangeToken(t *testing.T) {
	got, err := parseToken("4", []byte(`{"type":"systemd-tpm2","keyslots":["0"],"tpm2-pcrs":"all","tpm2-pcr-bank":"sha1"}`))
	want := Token{ID: 4, Type: "systemd-tpm2", Keyslots: []int{0}, Details: []string{"tpm2-pcr-bank=sha1"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
}

// TestLUKS2JSON reads what cryptsetup writes only with a kernel or a disk at hand.
func TestLUKS2JSON(t *testing.T) {
	slots := `"keyslots":{"0":{"type":"luks2","key_size":64,"area":{"encryption":"aes-xts-plain64","key_size":64},"kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000}},
		"1":{"type":"reencrypt","key_size":1,"area":{"type":"checksum"},"mode":"reencrypt"}}`
	digests := `"digests":{"0":{"type":"pbkdf2","keyslots":["0"],"segments":[%s],"hash":"sha256"}}`
	for name, tt := range map[string]struct {
		json string
		want LUKSMade
	}{
		"flags": {`{` + slots + `,` + fmt.Sprintf(digests, `"0"`) + `,"segments":{"0":{"type":"crypt","offset":"16777216","size":"dynamic","encryption":"aes-xts-plain64","sector_size":512}},
			"config":{"keyslots_size":"1048576","flags":["allow-discards","no-read-workqueue"]}}`,
			LUKSMade{Hash: "sha256", SectorSize: 512, KeyslotsSize: 1 << 20, Flags: []string{"allow-discards", "no-read-workqueue"}}},
		"opal": {`{` + slots + `,` + fmt.Sprintf(digests, `"0"`) + `,"segments":{"0":{"type":"hw-opal-crypt","offset":"16777216","size":"1073741824","encryption":"aes-xts-plain64","sector_size":4096,"opal_segment_number":1}}}`,
			LUKSMade{Hash: "sha256", SectorSize: 4096, DataSize: 1 << 30, OpalType: "hw-opal-crypt"}},
		"reencryption": {`{` + slots + `,` + fmt.Sprintf(digests, `"0","1"`) + `,"segments":{"0":{"type":"crypt","offset":"16777216","size":"4096","encryption":"aes-xts-plain64","sector_size":512},
			"1":{"type":"crypt","offset":"16781312","size":"dynamic","encryption":"aes-cbc-plain64","sector_size":512}}}`,
			LUKSMade{Hash: "sha256", SectorSize: 512}},
	} {
		t.Run(name, func(t *testing.T) {
			var l LUKS
			if err := l.parseJSON([]byte(tt.json)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, l.LUKSMade); diff != "" {
				t.Error(diff)
			}
			if l.PayloadOffset != 16<<20 || l.Cipher != "aes-xts-plain64" || l.KeySize != 64 || len(l.Keyslots) != 2 || l.Keyslots[1].Unbound {
				t.Errorf("%+v", l)
			}
		})
	}
}

// FuzzLUKSJSON: the JSON area of a header, with tokens of every type.
func FuzzLUKSJSON(f *testing.F) {
	f.Add([]byte(`{"keyslots":{"0":{"type":"luks2","priority":2}},"segments":{"0":{"offset":"1","size":"2"}},"digests":{"0":{"keyslots":["0"]}}}`))
	f.Add([]byte(`{"tokens":{"0":{"type":"systemd-tpm2","tpm2-pcrs":[7]},"1":{"type":"systemd-fido2","fido2-up-required":false},"2":{"type":"systemd-pkcs11","pkcs11-uri":"pkcs11:?pin-value=1"}}}`))
	f.Add([]byte(`{"tokens":{"3":{"type":"clevis","keyslots":["1"],"jwe":{"protected":"` + protected(`{"clevis":{"pin":"sss","sss":{"t":1,"jwe":["`+protected(`{"clevis":{"pin":"tang","tang":{"url":"http://a:b@c"}}}`)+`.x"]}}}`) + `"}}}}`))
	f.Fuzz(func(t *testing.T, area []byte) {
		var l LUKS
		if l.parseJSON(area) != nil {
			return
		}
		if _, err := json.Marshal(l); err != nil {
			t.Fatal(err)
		}
	})
}
