package machine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// switchboard is a machine with one state, which commands set and files show.
type switchboard struct {
	Machine
	state string
}

func (s *switchboard) Run(_ context.Context, c Cmd) (Result, error) {
	s.state = c.Args[0]
	return Result{Stdout: []byte(s.state)}, nil
}

func (s *switchboard) ReadFile(string) ([]byte, error) { return []byte(s.state), nil }

func set(t testing.TB, m Machine, state string) {
	t.Helper()
	if _, err := m.Run(t.Context(), Cmd{Program: "set", Args: []string{state}}); err != nil {
		t.Fatalf("set %s: %v", state, err)
	}
}

func state(t testing.TB, m Machine) string {
	t.Helper()
	data, err := m.ReadFile("/state")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A replay that looks more often, or does not do all that was done, sees the machine
// as it was after what it did.
func TestReplayFollowsActs(t *testing.T) {
	rec := NewRecorder(&switchboard{Machine: NewLive(), state: "begin"})
	state(t, rec)
	for _, s := range []string{"one", "two", "three", "two", "end"} {
		set(t, rec, s)
		state(t, rec)
	}
	for _, acts := range []string{"one", "one two three two end", "two end", "three", "one three two", "end one two", "two two", "one one two two two"} {
		m := NewReplay(saveAndLoad(t, rec))
		if got := state(t, m); got != "begin" {
			t.Errorf("at first: %s", got)
		}
		for _, s := range strings.Fields(acts) {
			set(t, m, s)
			for range 3 {
				if got := state(t, m); got != s && acts != "end one two" {
					t.Errorf("%q: after %s it is %s", acts, s, got)
				}
			}
		}
		if len(m.Missed()) > 0 {
			t.Errorf("%q: %q", acts, m.Missed())
		}
	}
	if _, err := rec.Run(t.Context(), Cmd{Program: "udevadm", Args: []string{"begin"}}); err != nil {
		t.Fatal(err)
	}
	m := NewReplay(saveAndLoad(t, rec))
	for range 3 {
		if _, err := m.Run(t.Context(), Cmd{Program: "udevadm", Args: []string{"begin"}}); err != nil || state(t, m) != "begin" {
			t.Errorf("a program that changes nothing led to %s: %v", state(t, m), err)
		}
	}
	_, err := m.Run(t.Context(), Cmd{Program: "set", Args: []string{"four"}})
	wantErr(t, "another act", err, ErrNotRecorded)
	if got := state(t, m); got != "begin" {
		t.Errorf("a refused act led to %s", got)
	}
}

// Two commands that were recorded one after the other do the same acts in another
// order: the second one alone sees what it saw.
func TestReplayTellsCommandsApart(t *testing.T) {
	rec := NewRecorder(&switchboard{Machine: NewLive(), state: "closed"})
	first, second := []string{"array", "unlocked", "frozen", "closed"}, []string{"array", "frozen", "unlocked", "closed"}
	for _, s := range append(first, second...) {
		set(t, rec, s)
		state(t, rec)
	}
	for _, command := range [][]string{first, second} {
		m := NewReplay(saveAndLoad(t, rec))
		for i, s := range command {
			if set(t, m, s); state(t, m) != s {
				t.Errorf("%q: after act %d it is %s", command, i+1, state(t, m))
			}
		}
		if m.now() != 4 && m.now() != 8 {
			t.Errorf("%q ends at moment %d", command, m.now())
		}
	}
}

// Whatever is recorded in whatever order, the same again gives the same answers, also
// when each look is taken twice.
func TestReplayRepeats(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rec := NewRecorder(&switchboard{Machine: NewLive(), state: "begin"})
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c"}), 0, 20).Draw(rt, "steps")
		var want []string
		play := func(m Machine, looks int) (saw []string) {
			for _, s := range steps {
				if s != "" {
					set(t, m, s)
					continue
				}
				for range looks {
					saw = append(saw, state(t, m))
				}
			}
			return saw
		}
		want = play(rec, 1)
		if diff := cmp.Diff(want, play(NewReplay(saveAndLoad(t, rec)), 1)); diff != "" {
			rt.Fatalf("%q:\n%s", steps, diff)
		}
		twice := play(NewReplay(saveAndLoad(t, rec)), 2)
		for i, s := range want {
			if twice[2*i] != s || twice[2*i+1] != s {
				rt.Fatalf("%q: looking twice gives %q, once %q", steps, twice, want)
			}
		}
	})
}

func TestReplayKnowsWhatIsNotThere(t *testing.T) {
	dir := fixture(t)
	rec := NewRecorder(NewLive())
	for _, d := range []string{"", "/etc"} {
		_, err := rec.ReadDir(dir + d)
		must(t, err)
	}
	_, err := rec.Stat(dir + "/nowhere")
	wantErr(t, "recorded", err, fs.ErrNotExist)
	_, err = rec.Lookup("salvor-no-such-program")
	if err == nil {
		t.Fatal("the program is there")
	}
	tree, err := rec.Tree(dir)
	must(t, err)
	_, err = fs.ReadDir(tree, "etc")
	must(t, err)
	must(t, tree.Close())

	m := NewReplay(saveAndLoad(t, rec))
	tree, err = m.Tree(dir)
	must(t, err)
	ask := func(name string) error { _, err := m.ReadFile(dir + name); return err }
	inTree := func(name string) error { _, err := fs.Stat(tree, name); return err }
	_, errRun := m.Run(t.Context(), Cmd{Program: "salvor-no-such-program"})
	if !isMissing(errRun) {
		t.Errorf("a program that is not installed: %v", errRun)
	}
	for _, tt := range []struct {
		what string
		err  error
		want error
	}{
		{"in a listed directory", ask("/etc/passwd"), fs.ErrNotExist},
		{"below a missing directory", ask("/etc/no/such/file"), fs.ErrNotExist},
		{"below a directory that was seen missing", ask("/nowhere/file"), fs.ErrNotExist},
		{"a file that is there and was not read", ask("/etc/fstab"), ErrNotRecorded},
		{"in a directory that was not listed", ask("/etc/sub/x"), ErrNotRecorded},
		{"in a listed directory of a tree", inTree("etc/passwd"), fs.ErrNotExist},
		{"in a tree, never asked", inTree("binary"), ErrNotRecorded},
	} {
		wantErr(t, tt.what, tt.err, tt.want)
	}
	if got := len(m.Missed()); got != 3 {
		t.Errorf("%d questions were missed: %q", got, m.Missed())
	}
}

func TestReplayKeepsNewOwnFilesInMemory(t *testing.T) {
	m := NewReplay(saveAndLoad(t, NewRecorder(NewLive())))
	const name = "/run/salvor/other"
	wantErr(t, "nothing to remove", m.Remove(name), fs.ErrNotExist)
	must(t, m.MkdirAll("/run/salvor", 0o700))
	must(t, m.WriteFile(name, []byte("one\n"), 0o600))
	must(t, m.AppendFile(name, []byte("two\n"), 0o600))
	if data, err := m.ReadFile(name); string(data) != "one\ntwo\n" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	if info, err := m.Stat(name); info.Size != 8 || err != nil {
		t.Errorf("Stat = %+v, %v", info, err)
	}
	must(t, m.Remove(name))
	_, err := m.ReadFile(name)
	wantErr(t, "removed", err, ErrNotRecorded)
	unlock, err := m.Lock("/run/salvor/lock")
	must(t, err)
	unlock()
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a replay wrote to the live system: %v", err)
	}
}

// Two looks at one thing are one tree in the recording unless it has changed.
func TestLooksThatAgreeAreOneTree(t *testing.T) {
	dir := fixture(t)
	rec := NewRecorder(NewLive())
	look := func(names ...string) {
		tree, err := rec.Tree(dir)
		must(t, err)
		defer tree.Close()
		for _, name := range names {
			_, _ = fs.ReadFile(tree, name)
		}
	}
	look("etc/fstab", "missing")
	look("etc/fstab", "binary", "binary")
	trees := func() int { saveAndLoad(t, rec); return len(rec.asked.answers[question("tree", dir)]) }
	if n := trees(); n != 1 {
		t.Errorf("%d trees were kept", n)
	}
	must(t, os.WriteFile(filepath.Join(dir, "etc/fstab"), []byte("changed"), 0o644))
	look("etc/fstab")
	if n := trees(); n != 2 {
		t.Errorf("after a change, %d trees were kept", n)
	}
	m := NewReplay(saveAndLoad(t, rec))
	for i, want := range []string{"/dev/sda1 / ext4\n", "changed", "changed"} {
		tree, err := m.Tree(dir)
		must(t, err)
		if data, err := fs.ReadFile(tree, "etc/fstab"); string(data) != want || err != nil {
			t.Errorf("look %d: %q, %v", i+1, data, err)
		}
		if data, err := fs.ReadFile(tree, "binary"); len(data) != 4 || err != nil {
			t.Errorf("look %d: %q, %v", i+1, data, err)
		}
	}
}

func TestReplayOfASubtree(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "@/etc"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "@/etc/name"), []byte("inside"), 0o644))
	must(t, os.Symlink("/etc/name", filepath.Join(dir, "@/link")))
	onEveryMachine(t, func(t *testing.T, m Machine) {
		tree, err := m.Tree(dir)
		must(t, err)
		defer tree.Close()
		sub, err := fs.Sub(tree, "@")
		must(t, err)
		if data, err := fs.ReadFile(sub, "link"); string(data) != "inside" || err != nil {
			t.Errorf("an absolute link starts at the top of the subtree: %q, %v", data, err)
		}
		_, err = fs.Sub(tree, "missing")
		wantErr(t, "missing", err, fs.ErrNotExist)
	})
}
