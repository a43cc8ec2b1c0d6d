package workflow

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/google/go-cmp/cmp"

	"salvor/internal/layout"
	"salvor/internal/machine/machinetest"
	"salvor/internal/storage"
)

// cryptsetup runs the real one.
func cryptsetup(t *testing.T, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("cryptsetup")
	if err != nil {
		t.Skip("there is no cryptsetup")
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("cryptsetup %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// container gives the bytes of one that opens with key, a file.
func container(t *testing.T) (content []byte, key string) {
	t.Helper()
	dir := t.TempDir()
	device, key := filepath.Join(dir, "device"), filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(device, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	cryptsetup(t, "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", device, key)
	content, err := os.ReadFile(device)
	if err != nil {
		t.Fatal(err)
	}
	return content, key
}

func recipient(t *testing.T) (*age.X25519Identity, []Recipient) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := ParseRecipients([]string{id.Recipient().String()}, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return id, to
}

// unsealed does what age -d | gunzip does.
func unsealed(t *testing.T, text string, id age.Identity) []byte {
	t.Helper()
	sealed, err := age.Decrypt(armor.NewReader(strings.NewReader(text)), id)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := gzip.NewReader(sealed)
	if err != nil {
		t.Fatal(err)
	}
	image, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func headerOrder(to []Recipient) SaveOrder {
	o := saveOrder()
	o.Headers.To = to
	return o
}

// TestHeaderBackup: what comes out of the backup, cryptsetup restores, and the key opens
// the container again.
func TestHeaderBackup(t *testing.T) {
	content, key := container(t)
	id, to := recipient(t)
	b := running("sda", "sdb").benchRunning(t, machinetest.WithBlocks(map[storage.ID][]byte{"part:one2": content}))
	r := b.save(headerOrder(to))
	if len(r.Layout.Headers) != 1 || len(r.Gaps) > 0 {
		t.Fatalf("the headers are %+v, the gaps %q", r.Layout.Headers, r.Gaps)
	}
	h := r.Layout.Headers[0]
	if h.ID != "luks:vault" || h.Recipients[0] != id.Recipient().String() {
		t.Errorf("the header is %+v", h)
	}
	if len(h.Age) > 1<<20 {
		t.Errorf("with one key slot in use it has %d bytes", len(h.Age))
	}
	dir := t.TempDir()
	backup, device := filepath.Join(dir, "backup"), filepath.Join(dir, "device")
	if err := errors.Join(os.WriteFile(backup, unsealed(t, h.Age, id), 0o600), os.WriteFile(device, make([]byte, len(content)), 0o600)); err != nil {
		t.Fatal(err)
	}
	if dump := cryptsetup(t, "luksDump", "--header", backup, device); !strings.Contains(dump, "pbkdf2") {
		t.Errorf("cryptsetup reads the backup as\n%s", dump)
	}
	cryptsetup(t, "luksHeaderRestore", "-q", "--header-backup-file", backup, device)
	cryptsetup(t, "open", "--test-passphrase", "--key-file", key, device)
}

// TestHeaderBackupsStay: the same header is encrypted once, also by saves that do not
// ask for it; a header that has changed is told, and is a difference.
func TestHeaderBackupsStay(t *testing.T) {
	content, _ := container(t)
	_, to := recipient(t)
	l := running("sda", "sdb")
	b := l.benchRunning(t, machinetest.WithBlocks(map[storage.ID][]byte{"part:one2": content}))
	first := b.save(headerOrder(to))
	for _, o := range []SaveOrder{headerOrder(to), saveOrder()} {
		if r := b.again().save(o); r.Written || len(r.Layout.Headers) != 1 {
			t.Errorf("with %d recipients: written is %v, headers are %d", len(o.Headers.To), r.Written, len(r.Layout.Headers))
		}
	}
	_, others := recipient(t)
	if r := b.again().save(headerOrder(others)); !r.Written || r.Layout.Headers[0].Age == first.Layout.Headers[0].Age {
		t.Error("for another recipient the backup is the same")
	}
	other, _ := container(t)
	b = running("sda", "sdb").benchRunning(t, machinetest.WithBlocks(map[storage.ID][]byte{"part:one2": other}))
	if err := b.Machine.WriteFile(savedAt, first.Text, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := b.w.Diff(t.Context(), first.Layout, DiffOrder{})
	if err != nil || !slices.ContainsFunc(d.Changes, func(c layout.Change) bool { return c.Section == "headers" }) {
		t.Errorf("the changes are %+v, %v", d, err)
	}
	r := b.save(saveOrder())
	if len(r.Layout.Headers) != 1 || !slices.ContainsFunc(b.notes, func(n string) bool { return strings.Contains(n, "of an older state") }) {
		t.Errorf("the headers are %d, the notes %q", len(r.Layout.Headers), b.notes)
	}
}

// TestHeaderThatCannotBeRead is a gap, and the old backup stays.
func TestHeaderThatCannotBeRead(t *testing.T) {
	_, to := recipient(t)
	r := running("sda", "sdb").benchRunning(t).save(headerOrder(to)) // its device is full of zeros
	if len(r.Gaps) != 1 || len(r.Layout.Headers) != 0 || !strings.Contains(r.Gaps[0], "no LUKS header") {
		t.Errorf("the gaps are %q", r.Gaps)
	}
	order := HeaderOrder{To: to, Before: []layout.Header{{ID: "luks:vault", Age: "of before"}}}
	made, err := running("sda", "sdb").benchRunning(t).w.Layout(t.Context(), LayoutOrder{Headers: order})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order.Before, made.Layout.Headers); diff != "" {
		t.Error(diff)
	}
}

func TestParseRecipients(t *testing.T) {
	const (
		native = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
		ssh    = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"
	)
	files := map[string]string{
		"/keys": "# ours\n\n" + native + "\n" + ssh + " alice@example\n",
		"/id":   "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n",
	}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	for _, tt := range []struct {
		given []string
		want  string // names, or the error
	}{
		{[]string{native}, native},
		{[]string{ssh}, ssh},
		{[]string{"/keys"}, native + " " + ssh},
		{[]string{native, "/keys", native}, native + " " + ssh},
		{[]string{"/id"}, "cannot encrypt to a secret key: give the public one (age-keygen -y)"},
		{[]string{"/nowhere"}, `cannot use "/nowhere" for header backups: it is no public key of age or ssh, and no file of them: file does not exist`},
		{[]string{"age1nonsense"}, `cannot read "age1nonsense" as a public key of age or ssh`},
		{[]string{"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"}, "cannot encrypt to a secret key"},
		{nil, ""},
	} {
		all, err := ParseRecipients(tt.given, read)
		got := strings.Join(recipientNames(all), " ")
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%q: %q, want %q", tt.given, got, tt.want)
		}
	}
}
