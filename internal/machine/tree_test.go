package machine

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestSubResolvesLinksInItself(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"@/etc/own": "of the subvolume", "etc/own": "of the top"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/own", filepath.Join(dir, "@/link")); err != nil {
		t.Fatal(err)
	}
	top, err := NewLive().Tree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer top.Close()
	sub, err := fs.Sub(top, "@")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.(Tree).Close()
	if got, err := fs.ReadFile(sub, "link"); err != nil || string(got) != "of the subvolume" {
		t.Errorf("the link leads to %q, %v", got, err)
	}
	if _, err := fs.Sub(top, "@/etc/own"); err == nil {
		t.Error("a file was taken for a tree")
	}
}
