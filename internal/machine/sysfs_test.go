package machine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteSysfsStaysInSysfs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, "/sys/.." + file, "/sys", "relative"} {
		if err := NewLive().WriteSysfs(name, "x"); err == nil || !strings.Contains(err.Error(), "internal error") {
			t.Errorf("a write to %s gives %v", name, err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "kept" {
		t.Errorf("the file is %q, %v", b, err)
	}
}

func TestWriteSysfsMakesNoFile(t *testing.T) {
	if err := NewLive().WriteSysfs("/sys/no-such-attribute", "1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a write to an attribute that is not there gives %v", err)
	}
}
