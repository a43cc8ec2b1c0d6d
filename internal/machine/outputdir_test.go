package machine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// namesIn are the files in a directory and what they say; nil where there is none.
func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Name()+"="+string(text))
	}
	return out
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOutputDir: until it is committed, what was there stays; afterwards there is the new one alone,
// and nothing of a run that was killed.
func TestOutputDir(t *testing.T) {
	home := t.TempDir()
	name := filepath.Join(home, "images")
	put(t, name+".part", "left", "by one that was killed")
	for _, step := range []struct {
		file   string
		commit bool
		want   string
	}{{"first", true, "first=x"}, {"given-up", false, "first=x"}, {"second", true, "second=x"}} {
		before := namesIn(t, name)
		o, err := CreateOutputDir(name, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		put(t, o.Path(), step.file, "x")
		if _, err := CreateOutputDir(name, 0o755); !errors.Is(err, ErrLocked) {
			t.Errorf("two write it at once: %v", err)
		}
		if now := namesIn(t, name); !slices.Equal(now, before) {
			t.Errorf("before %q is whole, there is %q, not %q", step.file, now, before)
		}
		end := o.Abort
		if step.commit {
			end = o.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if got := namesIn(t, name); !slices.Equal(got, []string{step.want}) {
			t.Errorf("after %q there is %q", step.file, got)
		}
		if left, err := os.ReadDir(home); err != nil || len(left) != 1 {
			t.Errorf("after %q there is %v, %v", step.file, left, err)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("it has %v, %v", info.Mode(), err)
	}
}

// TestReplaceDirSlowly: as it is done where two names cannot be exchanged. A directory of somebody else
// is in nobody's way.
func TestReplaceDirSlowly(t *testing.T) {
	home := t.TempDir()
	from, to := filepath.Join(home, "from"), filepath.Join(home, "to")
	for _, file := range []string{"first", "second"} {
		put(t, from, file, "x")
		if err := replaceDirSlowly(from, to); err != nil {
			t.Fatal(err)
		}
		if got := namesIn(t, to); !slices.Equal(got, []string{file + "=x"}) {
			t.Errorf("there is %q", got)
		}
	}
	put(t, to+".old", "mine", "x")
	put(t, from, "third", "x")
	if err := replaceDirSlowly(from, to); err == nil {
		t.Error("a directory of somebody else was taken away")
	}
	for dir, want := range map[string]string{to: "second=x", to + ".old": "mine=x", from: "third=x"} {
		if got := namesIn(t, dir); !slices.Equal(got, []string{want}) {
			t.Errorf("%s has %q", dir, got)
		}
	}
}
