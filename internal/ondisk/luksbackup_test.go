package ondisk

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// formatted makes a container with two keys, the second of which is removed again, and
// puts a mark where it was.
func formatted(t testing.TB, version, mark string) (path, key string) {
	t.Helper()
	path, key = image(t, 32<<20), image(t, 64)
	spare := image(t, 32)
	iterations := []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}
	run(t, append([]string{"cryptsetup", "luksFormat", "-q", "--type", version, path, key}, iterations...)...)
	run(t, append([]string{"cryptsetup", "luksAddKey", "-q", "--key-file", key, path, spare}, iterations...)...)
	run(t, "cryptsetup", "luksKillSlot", "-q", "--key-file", key, path, "1")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// Both formats place the second slot behind the first: by 4 KiB and 256 000 bytes,
	// rounded to 4 KiB.
	at := int64(4096 + 256000/4096*4096 + 8192)
	if version == "luks2" {
		at = 32<<10 + 258048 + 4096
	}
	if _, err := f.WriteAt([]byte(mark), at); err != nil {
		t.Fatal(err)
	}
	return path, key
}

// TestLUKSBackup: the backup opens what the container opens, and nothing that it does
// not open any more; cryptsetup restores it.
func TestLUKSBackup(t *testing.T) {
	const mark = "remnants of a key that was removed"
	for _, version := range []string{"luks1", "luks2"} {
		t.Run(version, func(t *testing.T) {
			path, key := formatted(t, version, mark)
			f, size := open(t, path)
			l, backup, err := LUKSBackup(f, size)
			if err != nil {
				t.Fatal(err)
			}
			if len(backup) != int(l.Extent) || len(l.Keyslots) != 1 {
				t.Errorf("%d of %d bytes, %d slots", len(backup), l.Extent, len(l.Keyslots))
			}
			if bytes.Contains(backup, []byte(mark)) {
				t.Error("what is left of a removed key is in the backup")
			}
			saved := image(t, 0)
			if err := os.WriteFile(saved, backup, 0o600); err != nil {
				t.Fatal(err)
			}
			if dump := run(t, "cryptsetup", "luksDump", saved); !strings.Contains(dump, l.UUID) {
				t.Errorf("cryptsetup reads the backup as\n%s", dump)
			}
			if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "cryptsetup", "luksHeaderRestore", "-q", "--header-backup-file", saved, path)
			run(t, "cryptsetup", "open", "--test-passphrase", "--key-file", key, path)
		})
	}
}

func TestLUKSBackupRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		damage func(b []byte)
		size   int64
		want   string
	}{
		"nothing":        {func(b []byte) { clear(b[:8]) }, 32 << 20, "no LUKS header"},
		"a cut device":   {func([]byte) {}, 8 << 20, "on a device of 8388608"},
		"a damaged copy": {func(b []byte) { b[5000] ^= 1 }, 32 << 20, "second header"},
	} {
		path, _ := formatted(t, "luks2", "")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tt.damage(b)
		if _, _, err := LUKSBackup(bytes.NewReader(b[:tt.size]), tt.size); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// FuzzLUKSBackup: whatever a header says, the backup has what the header says of its
// size, and nothing outside of the device is read.
func FuzzLUKSBackup(f *testing.F) {
	for _, version := range []string{"luks1", "luks2"} {
		path, _ := formatted(f, version, "")
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:16<<10], b[16<<10:20<<10])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := make([]byte, 4<<20)
		copy(b, first)
		copy(b[16<<10:], second)
		if l, backup, err := LUKSBackup(bytes.NewReader(b), int64(len(b))); err == nil && uint64(len(backup)) != l.Extent {
			t.Errorf("%d bytes of %d", len(backup), l.Extent)
		}
	})
}
