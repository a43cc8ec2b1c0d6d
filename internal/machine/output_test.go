package machine

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestOutput: until it is committed, what was there stays; afterwards, or when it is given up, nothing else is left.
func TestOutput(t *testing.T) {
	name := filepath.Join(t.TempDir(), "image")
	for _, step := range []struct {
		text   string
		commit bool
		want   string
	}{{"first", true, "first"}, {"given up", false, "first"}, {"second", true, "second"}} {
		o, err := CreateOutput(name, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(o, step.text); err != nil {
			t.Fatal(err)
		}
		if _, err := CreateOutput(name, 0o600); !errors.Is(err, ErrLocked) {
			t.Errorf("two write it at once: %v", err)
		}
		end := o.Abort
		if step.commit {
			end = o.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != step.want {
			t.Errorf("after %q it has %q, %v", step.text, got, err)
		}
		if _, err := os.Lstat(name + ".part"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after %q the part is left: %v", step.text, err)
		}
	}
}

// TestScratch: it has no name, and all of it can be read.
func TestScratch(t *testing.T) {
	dir := t.TempDir()
	s, err := CreateScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("there is %v, %v", left, err)
	}
	if err := os.WriteFile(s.Path(), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := s.Section()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestOverwriteRefuses: what is no block device is not opened for writing.
func TestOverwriteRefuses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewLive().Overwrite(name); err == nil {
		t.Error("a file is taken for a disk")
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != "text" {
		t.Errorf("it has %q, %v", got, err)
	}
}
