package ondisk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// parseToken reads a token. What it has to be given to be made again is in Details,
// in the words of systemd-cryptenroll(1), clevis-luks-bind(1) and cryptsetup-token(8);
// what opens the slot, or was made at random, is not.
func parseToken(key string, raw []byte) (Token, error) {
	var j struct {
		Type     string   `json:"type"`
		Keyslots []string `json:"keyslots"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return Token{}, err
	}
	t := Token{Type: j.Type}
	var err error
	if t.ID, err = strconv.Atoi(key); err != nil {
		return t, fmt.Errorf("cannot read the token number %q", key)
	}
	for _, k := range j.Keyslots {
		slot, err := strconv.Atoi(k)
		if err != nil {
			return t, fmt.Errorf("cannot read the key slot number %q of token %s", k, key)
		}
		t.Keyslots = append(t.Keyslots, slot)
	}
	if details := tokenDetails[t.Type]; details != nil {
		t.Details = details(raw)
	}
	return t, nil
}

// tokenDetails read what is known of a type. What they cannot read they leave out: a
// token that its own program understands must not make the header unreadable here.
var tokenDetails = map[string]func(raw []byte) []string{
	"systemd-tpm2":   tpm2Details,
	"systemd-fido2":  fido2Details,
	"systemd-pkcs11": pkcs11Details,
	"luks2-keyring":  keyringDetails,
	"clevis":         clevisDetails,
}

// lenient decodes what has the right type and ignores the rest.
func lenient(raw []byte, v any) { _ = json.Unmarshal(raw, v) }

func setting(name, value string) []string {
	if value == "" {
		return nil
	}
	return []string{name + "=" + value}
}

func yesNo(name string, on *bool) []string {
	switch {
	case on == nil:
		return nil
	case *on:
		return []string{name + "=yes"}
	}
	return []string{name + "=no"}
}

func numbers(list []uint) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(words, "+")
}

// tpm2Details: systemd, src/shared/tpm2-util.c, tpm2_make_luks2_json.
func tpm2Details(raw []byte) []string {
	var j struct {
		PCRs       []uint `json:"tpm2-pcrs"`
		Bank       string `json:"tpm2-pcr-bank"`
		Primary    string `json:"tpm2-primary-alg"`
		PIN        *bool  `json:"tpm2-pin"`
		SignedPCRs []uint `json:"tpm2_pubkey_pcrs"`
		Lock       *bool  `json:"tpm2_pcrlock"`
	}
	lenient(raw, &j)
	return slices.Concat(
		setting("tpm2-pcrs", numbers(j.PCRs)), setting("tpm2-pcr-bank", j.Bank), setting("tpm2-primary-alg", j.Primary),
		yesNo("tpm2-with-pin", j.PIN), setting("tpm2-public-key-pcrs", numbers(j.SignedPCRs)), yesNo("tpm2-pcrlock", j.Lock))
}

// fido2Details: systemd, src/cryptenroll/cryptenroll-fido2.c.
func fido2Details(raw []byte) []string {
	var j struct {
		RP           string `json:"fido2-rp"`
		PIN          *bool  `json:"fido2-clientPin-required"`
		Presence     *bool  `json:"fido2-up-required"`
		Verification *bool  `json:"fido2-uv-required"`
	}
	lenient(raw, &j)
	return slices.Concat(
		setting("fido2-rp", j.RP), yesNo("fido2-with-client-pin", j.PIN),
		yesNo("fido2-with-user-presence", j.Presence), yesNo("fido2-with-user-verification", j.Verification))
}

// pkcs11Details: systemd, src/cryptenroll/cryptenroll-pkcs11.c.
func pkcs11Details(raw []byte) []string {
	var j struct {
		URI string `json:"pkcs11-uri"`
	}
	lenient(raw, &j)
	return setting("pkcs11-token-uri", withoutPIN(j.URI))
}

// withoutPIN cuts the query of a PKCS #11 URI, which is where a PIN can be (RFC 7512,
// 2.4).
func withoutPIN(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}

func keyringDetails(raw []byte) []string {
	var j struct {
		Key string `json:"key_description"`
	}
	lenient(raw, &j)
	return setting("key_description", j.Key)
}

// clevisDetails gives pin and settings as clevis-luks-bind(1) takes them:
// tang {"url":"http://tang.example"}. They stand in the protected header of a JWE
// (RFC 7516), which is not encrypted.
func clevisDetails(raw []byte) []string {
	var j struct {
		JWE struct {
			Protected string `json:"protected"`
		} `json:"jwe"`
	}
	lenient(raw, &j)
	pin, config := clevisPin(j.JWE.Protected, 0)
	if pin == "" {
		return nil
	}
	text, err := json.Marshal(config)
	if err != nil {
		return []string{pin}
	}
	return []string{pin + " " + string(text)}
}

// clevisMaxDepth is how deep shared secrets may lie in each other; people use one.
const clevisMaxDepth = 4

// clevisSettings are what a pin is given, by its name; the rest of what is stored
// follows from it (clevis: src/pins).
var clevisSettings = map[string][]string{
	"tang":   {"url"},
	"tpm2":   {"hash", "key", "pcr_bank", "pcr_ids"},
	"pkcs11": {"uri", "mechanism"},
}

func clevisPin(protected string, depth int) (pin string, config map[string]any) {
	header, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(protected, "="))
	if err != nil {
		return "", nil
	}
	var j struct {
		Clevis map[string]json.RawMessage `json:"clevis"`
	}
	lenient(header, &j)
	lenient(j.Clevis["pin"], &pin)
	if pin == "sss" && depth < clevisMaxDepth {
		return pin, clevisShares(j.Clevis[pin], depth)
	}
	var stored map[string]any
	lenient(j.Clevis[pin], &stored)
	config = map[string]any{}
	for _, name := range clevisSettings[pin] {
		switch value := stored[name].(type) {
		case string:
			config[name] = withoutSecret(name, value)
		case float64:
			config[name] = value
		}
	}
	return pin, config
}

// clevisShares reads Shamir's secret sharing: a threshold, and a JWE in its compact
// form for every share.
func clevisShares(raw []byte, depth int) map[string]any {
	var j struct {
		Threshold int      `json:"t"`
		JWE       []string `json:"jwe"`
	}
	lenient(raw, &j)
	pins := map[string][]any{}
	for _, compact := range j.JWE {
		protected, _, _ := strings.Cut(compact, ".")
		if pin, config := clevisPin(protected, depth+1); pin != "" {
			pins[pin] = append(pins[pin], config)
		}
	}
	return map[string]any{"t": j.Threshold, "pins": pins}
}

// withoutSecret takes a password or a PIN out of a URL.
func withoutSecret(name, value string) string {
	switch name {
	case "uri":
		return withoutPIN(value)
	case "url":
		u, err := url.Parse(value)
		if err != nil {
			return ""
		}
		if u.User != nil {
			u.User = nil
			return u.String()
		}
	}
	return value
}
