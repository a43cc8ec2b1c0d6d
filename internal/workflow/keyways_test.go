package workflow

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine/machinetest"
	"salvor/internal/secret"
	"salvor/internal/storage"
	"salvor/test/doctable"
)

const (
	recoveryTyped = "CCCCCCCCCCCCCCCCBBBBBBBBBBBBBBBBDDDDDDDDDDDDDDDDEEEEEEEEEEEEEEEE"
	recoveryKey   = "cccccccc-cccccccc-bbbbbbbb-bbbbbbbb-dddddddd-dddddddd-eeeeeeee-eeeeeeee"
)

// way is a machine with a root in the open on sda1 and a container on sda2, how
// it opens, and what has to come of mounting it. The crypttab calls it "vault".
type way struct {
	crypttab string // from the second column on; the device is @
	format   string // luks2 if empty
	key      string // that opens it
	set      func(l *lab, c *storage.Crypt) []machinetest.Option
	files    map[string]string // in the system
	stick    map[string]string // files of the file system STICK
	given    string            // --key vault=
	answers  []string
	asked    int
	locked   bool
	notes    string // part of what is told
}

func none(*lab, *storage.Crypt) []machinetest.Option { return nil }

// luks1Header is a LUKS1 header of its own: the data are elsewhere.
func luks1Header(uuid string) []byte {
	b := make([]byte, 4096)
	copy(b, "LUKS\xba\xbe\x00\x01")
	copy(b[8:], "aes")
	copy(b[40:], "xts-plain64")
	binary.BigEndian.PutUint32(b[108:], 64)
	copy(b[168:], uuid)
	binary.BigEndian.PutUint32(b[208:], 0x00ac71f3)
	binary.BigEndian.PutUint32(b[208+40:], 2)
	binary.BigEndian.PutUint32(b[208+44:], 1)
	return b
}

func headless(header string) func(*lab, *storage.Crypt) []machinetest.Option {
	return func(_ *lab, c *storage.Crypt) []machinetest.Option {
		return []machinetest.Option{machinetest.WithHeadless(map[storage.ID]machinetest.Headless{c.Identity: {Header: header}})}
	}
}

func tokens(types ...string) func(*lab, *storage.Crypt) []machinetest.Option {
	return func(l *lab, c *storage.Crypt) []machinetest.Option {
		c.Tokens = types
		l.tokens = append(l.tokens, c.Identity)
		return nil
	}
}

var header = luks1Header("77aa-vault")

var ways = map[string]way{
	"key file":               {crypttab: "@ /etc/k", key: "K1", files: map[string]string{"etc/k": "K1"}},
	"part of a key file":     {crypttab: "@ /etc/k luks,keyfile-offset=2,keyfile-size=3", key: "KEY", files: map[string]string{"etc/k": "..KEY.."}},
	"key in the usual place": {crypttab: "@ none", key: "K1", files: map[string]string{"etc/cryptsetup-keys.d/vault.key": "K1"}},
	"key on a stick":         {crypttab: "@ /deep/k:LABEL=STICK", key: "K1", stick: map[string]string{"deep/k": "K1"}},
	"key on a stick that is not there": {crypttab: "@ /deep/k:LABEL=OTHER", key: "K1", answers: []string{"K1"}, asked: 1,
		notes: "the key file of vault cannot be had: the device that it is on: nothing on this machine answers to LABEL=OTHER"},
	"key is a device": {crypttab: "@ /dev/disk/by-partuuid/pu-sda3 luks,keyfile-offset=4,keyfile-size=2", key: "KY",
		set: func(*lab, *storage.Crypt) []machinetest.Option {
			return []machinetest.Option{machinetest.WithBlocks(map[storage.ID][]byte{"part:sda3": []byte("....KY....")})}
		}},
	"key made while booting":     {crypttab: "@ /run/k", key: "K1", given: "K1", notes: ""},
	"wrong key file, then asked": {crypttab: "@ /etc/k", key: "K1", files: map[string]string{"etc/k": "K2"}, answers: []string{"K1"}, asked: 1},
	"empty passphrase":           {crypttab: "@ none luks,try-empty-password", key: ""},
	"key slot":                   {crypttab: "@ /etc/k luks,key-slot=3", key: "K1", files: map[string]string{"etc/k": "K1"}, set: inSlot("3")},
	"another key slot":           {crypttab: "@ none luks,key-slot=3", key: "K1", answers: []string{"K1"}, asked: 1, set: inSlot("0")},
	"recovery key":               {crypttab: "@ none", key: recoveryKey, answers: []string{recoveryTyped}, asked: 1},
	"BitLocker recovery":         {crypttab: "@ none bitlk", format: "bitlk", key: strings.Repeat("123456-", 7) + "123456", answers: []string{strings.Repeat("123456", 8)}, asked: 1},

	"header in the system": {crypttab: "@ none luks,header=/etc/h", format: "luks1", key: "K1", given: "K1", files: map[string]string{"etc/h": string(header)}, set: headless(string(header))},
	"header on a stick":    {crypttab: "@ /k:LABEL=STICK luks,header=/h:LABEL=STICK", format: "luks1", key: "K1", stick: map[string]string{"h": string(header), "k": "K1"}, set: headless(string(header))},
	"header on a partition": {crypttab: "@ none luks,header=/dev/disk/by-partuuid/pu-sda3", format: "luks1", key: "K1", answers: []string{"K1"}, asked: 1,
		set: func(l *lab, c *storage.Crypt) []machinetest.Option {
			small := header[:1024+64] // the header and its key slot
			return append(headless(string(small))(l, c), machinetest.WithBlocks(map[storage.ID][]byte{"part:sda3": header}))
		}},
	"header that is none": {crypttab: "@ none luks,header=/etc/h", format: "luks1", key: "K1", given: "K1", files: map[string]string{"etc/h": "no header"}, set: headless(string(header)), locked: true,
		notes: "crypttab, vault: its header cannot be had: it is no LUKS header"},

	"plain, passphrase":       {crypttab: "@ none plain,cipher=aes-xts-plain64,size=512,hash=sha256", format: "plain", key: "sha256:K1", answers: []string{"K1"}, asked: 1, set: headless("")},
	"plain, wrong then right": {crypttab: "@ none plain,hash=sha256", format: "plain", key: "sha256:K1", answers: []string{"K2", "K1"}, asked: 2, set: headless("")},
	"plain, key file":         {crypttab: "@ /etc/k plain,size=16", format: "plain", key: "plain:K1", files: map[string]string{"etc/k": "K1 and more"}, set: headless("")},
	"plain, hashed key file":  {crypttab: "@ /etc/k plain,size=16,hash=sha512", format: "plain", key: "sha512:K1", files: map[string]string{"etc/k": "K1 and more"}, set: headless("")},
	"VeraCrypt": {crypttab: "@ /etc/p tcrypt,tcrypt-veracrypt,veracrypt-pim=7,tcrypt-keyfile=/etc/m", format: "tcrypt", key: "K1+mixed in",
		files: map[string]string{"etc/p": "K1\nmore", "etc/m": "mixed in"}, set: headless("")},

	"TPM2":                       {crypttab: "@ none", key: "K1", set: tokens("0:systemd-tpm2")},
	"FIDO2, beside a recovery":   {crypttab: "@ none", key: "K1", set: tokens("0:systemd-recovery", "1:systemd-fido2")},
	"a recovery key is no token": {crypttab: "@ none", key: "K1", answers: []string{"K1"}, asked: 1, set: tokens("0:systemd-recovery")},
	"token with a PIN": {crypttab: "@ none", key: "K1", answers: []string{"0000", "1234"}, asked: 2, set: func(l *lab, c *storage.Crypt) []machinetest.Option {
		c.Tokens = []string{"0:systemd-tpm2"}
		return []machinetest.Option{machinetest.WithPINs(map[storage.ID]string{c.Identity: "1234"})}
	}},
	"token that does not help": {crypttab: "@ none", key: "K1", answers: []string{"K1"}, asked: 1,
		set:   func(_ *lab, c *storage.Crypt) []machinetest.Option { c.Tokens = []string{"0:systemd-tpm2"}; return nil },
		notes: "for systemd-tpm2, cryptsetup needs libcryptsetup-token-systemd-tpm2.so, which comes with systemd and is not installed; a passphrase or a recovery key does"},
	"clevis": {crypttab: "@ none", key: "K1", set: clevis("K1")},
	"clevis is not there": {crypttab: "@ none", key: "K1", answers: []string{"K1"}, asked: 1, notes: "cannot run clevis: the program is not installed (package clevis-luks)",
		set: func(l *lab, c *storage.Crypt) []machinetest.Option {
			return append(clevis("K1")(l, c), machinetest.Without("clevis"))
		}},
	"the Tang server is away": {crypttab: "@ none", key: "K1", answers: []string{"K1"}, asked: 1, notes: "It was not possible to decrypt",
		set: func(_ *lab, c *storage.Crypt) []machinetest.Option { c.ClevisSlots = []int{1}; return nil }},
	"with integrity": {crypttab: "@ none", key: "K1", answers: []string{"K1"}, asked: 1,
		set: func(_ *lab, c *storage.Crypt) []machinetest.Option {
			c.OpenWrites = "dm-integrity writes to its journal"
			return nil
		}},
}

func inSlot(slot string) func(*lab, *storage.Crypt) []machinetest.Option {
	return func(_ *lab, c *storage.Crypt) []machinetest.Option {
		return []machinetest.Option{machinetest.WithKeySlots(map[storage.ID]string{c.Identity: slot})}
	}
}

func clevis(pass string) func(*lab, *storage.Crypt) []machinetest.Option {
	return func(_ *lab, c *storage.Crypt) []machinetest.Option {
		c.Tokens, c.ClevisSlots = []string{"0:clevis"}, []int{1}
		return []machinetest.Option{machinetest.WithClevis(map[storage.ID]string{c.Identity: pass})}
	}
}

// vaultID is what the container has to be called before and after it is opened.
func (w way) vault(on storage.Node) *storage.Crypt {
	c := &storage.Crypt{Common: common("", ""), Format: w.format, UUID: "77aa-vault"}
	if c.Format == "" {
		c.Format = "luks2"
	}
	if c.Format == "plain" || c.Format == "tcrypt" {
		c.UUID = ""
	}
	c.Identity = c.IdentityOn(on)
	return c
}

func (w way) bench(t *testing.T) (*bench, *storage.Crypt) {
	l := newLab()
	p := l.disk("sda", 4)
	c := w.vault(p[1])
	if w.set == nil {
		w.set = none
	}
	opts := w.set(l, c)
	l.Add(c, p[1])
	l.keys[c.Identity] = w.key
	inside := l.fs("ext4", "inside", "", c)
	_ = inside
	root := l.fs("ext4", "root", "", p[0])
	tree := rootTree("W", "UUID=root / ext4 defaults 0 1\n/dev/mapper/vault /vault ext4 defaults 0 2\n",
		"vault "+strings.ReplaceAll(w.crypttab, "@", "PARTUUID=pu-sda2")+"\n", "vault/")
	for name, data := range w.files {
		tree[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o600}
	}
	l.put(root, tree)
	stick := fstest.MapFS{}
	for name, data := range w.stick {
		stick[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o600}
	}
	l.put(l.fs("vfat", "stick", "STICK", p[3]), stick)
	b := l.bench(t, opts...)
	b.ask.keys = map[storage.ID][]string{c.Identity: w.answers}
	return b, c
}

func (w way) order() MountOrder {
	if w.given == "" {
		return MountOrder{}
	}
	return MountOrder{Keys: []GivenKey{{"vault", secret.New([]byte(w.given)), "a file", false}}}
}

func TestKeyWays(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			b, c := w.bench(t)
			before := b.state()
			r := b.mount(w.order())
			want := "/ mounted; /vault mounted"
			if w.locked {
				want = "/ mounted; /vault failed locked"
			}
			if diff := cmp.Diff(want, lines(r)); diff != "" {
				t.Errorf("%s\nnotes: %q\n%s", diff, b.notes, b.state())
			}
			if !w.locked && !strings.Contains(b.state(), fmt.Sprintf("open %s as /dev/mapper/vault\n", c.Identity)) {
				t.Errorf("it is not open for writing under its name:\n%s", b.state())
			}
			if len(b.ask.asked) != w.asked {
				t.Errorf("asked %q", b.ask.asked)
			}
			if all := strings.Join(b.notes, "\n"); !strings.Contains(all, w.notes) {
				t.Errorf("the notes are %q", b.notes)
			}
			b.umount()
			b.clean(before)
			b.noCopies()
		})
	}
}

// noCopies: no header was left in memory.
func (b *bench) noCopies() {
	b.t.Helper()
	names, _ := b.ReadDir("/run/salvor")
	if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "header-") }) {
		b.t.Errorf("a header is left in /run/salvor: %q", names)
	}
}

// TestLooksDoNotWrite: in all these ways, a plan is made without a write.
func TestLooksDoNotWrite(t *testing.T) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) {
			b, _ := w.bench(t)
			before := b.state()
			o := w.order()
			o.PlanOnly = true
			r := b.mount(o)
			if !w.locked && !strings.Contains(r.Plan.Text(), "unlock ") {
				t.Errorf("the plan is\n%s", r.Plan.Text())
			}
			if writes := b.Writes(); len(writes) > 0 {
				t.Errorf("the look wrote: %q", writes)
			}
			b.clean(before)
			b.noCopies()
		})
	}
}

// TestPlainWithAWrongKeyIsClosed: any key opens it.
func TestPlainWithAWrongKeyIsClosed(t *testing.T) {
	w := ways["plain, wrong then right"]
	w.answers = []string{"K2"}
	b, c := w.bench(t)
	before := b.state()
	r := b.mount(MountOrder{})
	if diff := cmp.Diff("/ mounted; /vault failed locked", lines(r)); diff != "" {
		t.Error(diff)
	}
	wrong := slices.ContainsFunc(b.events, func(e Event) bool { k, ok := e.(WrongKey); return ok && k.ID == c.Identity })
	if !wrong || strings.Contains(b.state(), string(c.Identity)) {
		t.Errorf("told as wrong: %v\n%s", wrong, b.state())
	}
	b.umount()
	b.clean(before)
}

// TestKeyWaysAreTheTable: docs/tables.md has the order in which keys are tried.
func TestKeyWaysAreTheTable(t *testing.T) {
	var table, code []string
	for _, row := range doctable.Rows(t, "Where keys come from") {
		name, _, _ := strings.Cut(row[0], "`")
		table = append(table, name)
	}
	for _, way := range keyWays {
		code = append(code, way.name)
	}
	if diff := cmp.Diff(table, code); diff != "" {
		t.Error(diff)
	}
}
