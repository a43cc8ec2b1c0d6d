package apply

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine/machinetest"
	"salvor/internal/plan"
	"salvor/internal/secret"
	"salvor/internal/storage"
)

// vault is a disk with a container on it that no header on the disk tells of.
func vault(t *testing.T, c *storage.Crypt) (closed, open *storage.Graph) {
	t.Helper()
	b := &storage.Builder{}
	disk := b.Add(&storage.Disk{Common: common("disk:v", "/dev/sdv")})
	c.Common = common("crypt:v", "")
	b.Add(c, disk)
	g, err := b.Build(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g, want(t, g).open("crypt:v", "vault", true).Graph
}

func TestDetachedHeader(t *testing.T) {
	closed, open := vault(t, &storage.Crypt{Format: "luks2", Terms: &storage.Terms{Header: "/run/salvor/header-v", HeaderOn: "disk:v", HeaderSize: 9}})
	p := mustPlan(t, closed, open)
	opt := Options{Key: func(storage.ID) *secret.Secret { return secret.New([]byte("K")) }}
	fake := func() *machinetest.Machine {
		return machinetest.New(closed, machinetest.WithKeys(map[storage.ID]string{"crypt:v": "K"}),
			machinetest.WithHeadless(map[storage.ID]machinetest.Headless{"crypt:v": {Header: "the header"}}))
	}
	m := fake()
	if _, err := Run(t.Context(), m, p, opt); !errors.Is(err, ErrNoHeader) {
		t.Errorf("without the header Run gives %v", err)
	}
	opt.Header = func(storage.ID) []byte { return []byte("the header") }
	if _, err := Run(t.Context(), m, p, opt); err != nil || !strings.Contains(m.String(), "open crypt:v as /dev/mapper/vault read-only") {
		t.Errorf("Run gives %v\n%s", err, m)
	}
	other := fake()
	opt.Header = func(storage.ID) []byte { return []byte("another") }
	if _, err := Run(t.Context(), other, p, opt); err == nil {
		t.Error("another header does as well")
	}
	for _, m := range []*machinetest.Machine{m, other} {
		if _, err := m.Stat("/run/salvor/header-v"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the copy is still there: %v", err)
		}
	}
}

func TestUnlockScripts(t *testing.T) {
	slot := 3
	for name, tt := range map[string]struct {
		crypt storage.Crypt
		want  string
	}{
		"header on a device": {storage.Crypt{Format: "luks2", Terms: &storage.Terms{Header: "/run/salvor/header-v", HeaderOn: "disk:v", HeaderSize: 9}},
			"copy_header /dev/sdv 9 /run/salvor/header-v\ncryptsetup open --type luks --header /run/salvor/header-v --readonly -- /dev/sdv vault\nrm -f /run/salvor/header-v\n"},
		"header in a file": {storage.Crypt{Format: "luks2", Terms: &storage.Terms{Header: "/run/salvor/header-v", HeaderOn: "fs:x", HeaderFile: "/a b", KeySlot: &slot}},
			"need_header '/a b of fs:x' /run/salvor/header-v\ncryptsetup open --type luks --header /run/salvor/header-v --key-slot 3 --readonly -- /dev/sdv vault\nrm -f /run/salvor/header-v\n"},
		"plain": {storage.Crypt{Format: "plain", Terms: &storage.Terms{Cipher: "aes-xts-plain64", KeyBits: 512, Hash: "sha256", Offset: 8, Skip: 4}},
			"cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 --hash sha256 --offset 8 --skip 4 --readonly -- /dev/sdv vault\n"},
		"VeraCrypt": {storage.Crypt{Format: "tcrypt", Terms: &storage.Terms{Hidden: true, PIM: 5, KeyFiles: []string{"/etc/k"}}},
			"cryptsetup open --type tcrypt --veracrypt --tcrypt-hidden --veracrypt-pim 5 --key-file /etc/k --readonly -- /dev/sdv vault\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.crypt
			closed, open := vault(t, &c)
			text, err := Script(mustPlan(t, closed, open), Env{})
			if err != nil {
				t.Fatal(err)
			}
			_, body, _ := strings.Cut(text, "\n# 1. ")
			_, body, _ = strings.Cut(body, "\n")
			body, _, _ = strings.Cut(body, "wait_for_device")
			if diff := cmp.Diff(tt.want, body); diff != "" {
				t.Error(diff)
			}
			for helper := range strings.FieldsSeq("copy_header need_header") {
				if strings.Contains(body, helper) && !strings.Contains(text, helper+"() {") {
					t.Errorf("the script does not have the function %s", helper)
				}
			}
		})
	}
}

func TestPlainNeedsItsParameters(t *testing.T) {
	if _, err := Lower(plan.Unlock{ID: "crypt:v", Format: "plain"}, Env{}); !errors.Is(err, ErrNoParameters) {
		t.Errorf("Lower gives %v", err)
	}
}
