package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"salvor/internal/secret"
)

// onEveryMachine runs a part of the contract on the live system through a
// Recorder, and again on a Replay of what it recorded.
func onEveryMachine(t *testing.T, part func(t *testing.T, m Machine)) {
	t.Helper()
	rec := NewRecorder(NewLive())
	t.Run("live", func(t *testing.T) { part(t, rec) })
	var replay *Replay
	t.Run("replay", func(t *testing.T) {
		replay = NewReplay(saveAndLoad(t, rec))
		part(t, replay)
	})
}

func saveAndLoad(t *testing.T, rec *Recorder) *Recording {
	t.Helper()
	r, _, err := rec.Recording()
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := r.Save(&buf); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadRecording(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// fixture is a directory with one file of every kind that can be made without
// root.
func fixture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "etc/sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "etc/fstab"), []byte("/dev/sda1 / ext4\n"), 0o640))
	must(t, os.WriteFile(filepath.Join(dir, "etc/empty"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "binary"), []byte{0, 1, 2, 0xff}, 0o755))
	must(t, os.Symlink("/etc/fstab", filepath.Join(dir, "absolute")))
	must(t, os.Symlink("etc/fstab", filepath.Join(dir, "relative")))
	must(t, os.Symlink("../../../../../../../../etc/fstab", filepath.Join(dir, "up")))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	must(t, os.WriteFile(filepath.Join(dir, "etc/sub/odd\xff\n"), nil, 0o644))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	sparse(t, filepath.Join(dir, "sparse"), 1<<30)
	return dir
}

func sparse(t *testing.T, name string, size int64) {
	t.Helper()
	must(t, os.WriteFile(name, nil, 0o600))
	must(t, os.Truncate(name, size))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: the error is %v, want %v", what, err, want)
	}
}

func TestContractFiles(t *testing.T) {
	dir := fixture(t)
	onEveryMachine(t, func(t *testing.T, m Machine) { checkFiles(t, m, dir) })
	// A Rooted answers the same questions about the names inside.
	t.Run("rooted", func(t *testing.T) {
		m, err := NewRooted(dir)
		must(t, err)
		defer m.Close()
		checkFiles(t, m, "")
	})
}

func checkFiles(t *testing.T, m Machine, dir string) {
	data, err := m.ReadFile(dir + "/etc/fstab")
	if string(data) != "/dev/sda1 / ext4\n" || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	if data, err := m.ReadFile(dir + "/binary"); !bytes.Equal(data, []byte{0, 1, 2, 0xff}) || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	if data, err := m.ReadFile(dir + "/etc/empty"); len(data) != 0 || err != nil {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	names, err := m.ReadDir(dir + "/etc")
	if diff := cmp.Diff([]string{"empty", "fstab", "sub"}, names); diff != "" || err != nil {
		t.Errorf("ReadDir: %v\n%s", err, diff)
	}
	names, err = m.ReadDir(dir + "/etc/sub")
	if diff := cmp.Diff([]string{"odd\xff\n"}, names); diff != "" || err != nil {
		t.Errorf("a name that is no text: %v\n%s", err, diff)
	}
	if to, err := m.Readlink(dir + "/absolute"); to != "/etc/fstab" || err != nil {
		t.Errorf("Readlink = %q, %v", to, err)
	}
	if info, err := m.Stat(dir + "/relative"); info.Mode != 0o640 || info.Size != 17 || info.Inode == 0 || err != nil {
		t.Errorf("Stat = %+v, %v", info, err)
	}
	if info, err := m.Lstat(dir + "/relative"); info.Mode.Type() != fs.ModeSymlink || err != nil {
		t.Errorf("Lstat = %+v, %v", info, err)
	}
	checkRefusedFiles(t, m, dir)
}

func checkRefusedFiles(t *testing.T, m Machine, dir string) {
	_, err := m.ReadFile(dir + "/missing")
	wantErr(t, "missing file", err, fs.ErrNotExist)
	_, err = m.ReadDir(dir + "/missing")
	wantErr(t, "missing directory", err, fs.ErrNotExist)
	_, err = m.Stat(dir + "/missing")
	wantErr(t, "missing stat", err, fs.ErrNotExist)
	_, err = m.Lstat(dir + "/missing")
	wantErr(t, "missing lstat", err, fs.ErrNotExist)
	if _, err = m.Readlink(dir + "/etc/fstab"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Readlink of a file: %v", err)
	}
	for name, want := range map[string]string{
		"/fifo":   "it is a FIFO",
		"/sparse": "1073741824 bytes",
		"/etc":    "is a directory",
		"/loop":   "too many levels of symbolic links",
	} {
		if _, err := m.ReadFile(dir + name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadFile(%s): %v, want %q", name, err, want)
		}
	}
	for _, name := range []string{"/fifo", "/etc/fstab"} {
		if _, err := m.ReadDir(dir + name); err == nil {
			t.Errorf("%s is listed as a directory", name)
		}
	}
}

func TestContractTree(t *testing.T) {
	dir := fixture(t)
	onEveryMachine(t, func(t *testing.T, m Machine) {
		tree, err := m.Tree(dir)
		must(t, err)
		checkTree(t, tree)
		_, err = m.Tree(dir + "/missing")
		wantErr(t, "missing", err, fs.ErrNotExist)
	})
}

// checkTree checks a tree of a fixture, and closes it.
func checkTree(t *testing.T, tree Tree) {
	for _, name := range []string{"etc/fstab", "absolute", "relative", "up"} {
		if data, err := fs.ReadFile(tree, name); string(data) != "/dev/sda1 / ext4\n" || err != nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for _, name := range []string{"fifo", "sparse", "loop", "missing", "/etc/fstab", "../etc", ""} {
		if _, err := fs.ReadFile(tree, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := tree.Open("fifo"); err == nil {
		t.Error("a FIFO was opened")
	}
	f, err := tree.Open("sparse")
	must(t, err)
	if n, err := io.ReadFull(f, make([]byte, 100)); n != 100 || err != nil {
		t.Errorf("reading the start of a large file: %d, %v", n, err)
	}
	must(t, f.Close())
	info, err := fs.Stat(tree, "absolute")
	must(t, err)
	if sys, ok := info.Sys().(Info); !ok || sys.Inode == 0 || info.Size() != 17 || info.ModTime().IsZero() {
		t.Errorf("Stat = %+v", info)
	}
	if to, err := fs.ReadLink(tree, "up"); to != "../../../../../../../../etc/fstab" || err != nil {
		t.Errorf("ReadLink = %q, %v", to, err)
	}
	must(t, tree.Close())
	must(t, tree.Close())
	_, err = fs.ReadFile(tree, "etc/fstab")
	wantErr(t, "a closed tree", err, fs.ErrClosed)
}

func TestContractTreeIsAnFS(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "a/b/file"), bytes.Repeat([]byte("salvor\n"), 3000), 0o644))
	must(t, os.Symlink("b/file", filepath.Join(dir, "a/link")))
	must(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o644))
	onEveryMachine(t, func(t *testing.T, m Machine) {
		tree, err := m.Tree(dir)
		must(t, err)
		defer tree.Close()
		must(t, fstest.TestFS(tree, "a/b/file", "a/link", "empty"))
	})
}

func TestContractUsage(t *testing.T) {
	dir := t.TempDir()
	onEveryMachine(t, func(t *testing.T, m Machine) {
		u, err := m.Usage(dir)
		if err != nil || u.Size == 0 || u.Used > u.Size {
			t.Errorf("Usage = %+v, %v", u, err)
		}
		_, err = m.Usage(dir + "/missing")
		wantErr(t, "a missing point", err, fs.ErrNotExist)
	})
	t.Run("rooted", func(t *testing.T) {
		m, err := NewRooted(dir)
		must(t, err)
		defer m.Close()
		_, err = m.Usage("/")
		wantErr(t, "a directory", err, ErrOnlyFiles)
	})
}

func TestContractRun(t *testing.T) {
	ctx := context.Background()
	onEveryMachine(t, func(t *testing.T, m Machine) {
		if file, err := m.Lookup("sh"); !strings.HasSuffix(file, "/sh") || err != nil {
			t.Errorf("Lookup = %q, %v", file, err)
		}
		res, err := m.Run(ctx, Cmd{Program: "sh", Args: []string{"-c", "echo out; echo err >&2"}})
		if string(res.Stdout) != "out\n" || string(res.Stderr) != "err\n" || err != nil {
			t.Errorf("Run = %q, %v", res, err)
		}
		res, err = m.Run(ctx, Cmd{Program: "wc", Args: []string{"-c"}, Stdin: secret.New([]byte("open sesame"))})
		if strings.TrimSpace(string(res.Stdout)) != "11" || err != nil {
			t.Errorf("with a secret: %q, %v", res.Stdout, err)
		}
		for script, status := range map[string]int{"echo no >&2; exit 7": 7, "kill -9 $$": 128 + 9} {
			_, err = m.Run(ctx, Cmd{Program: "sh", Args: []string{"-c", script}})
			exit, ok := errors.AsType[*ExitError](err)
			if !ok || exit.Status != status || exit.Cmd.Program != "sh" {
				t.Errorf("%s: %v", script, err)
			}
		}
		_, err = m.Run(ctx, Cmd{Program: "salvor-no-such-program"})
		if missing, ok := errors.AsType[*MissingProgram](err); !ok || missing.Program != "salvor-no-such-program" {
			t.Errorf("a missing program: %v", err)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		_, err = m.Run(cancelled, Cmd{Program: "sh", Args: []string{"-c", "exit 0"}})
		wantErr(t, "cancelled", err, context.Canceled)
	})
}

func TestContractBlock(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	content := bytes.Repeat([]byte("0123456789abcdef"), 100<<10)
	must(t, os.WriteFile(image, content, 0o600))
	onEveryMachine(t, func(t *testing.T, m Machine) {
		ctx, cancel := context.WithCancel(context.Background())
		b, err := m.OpenBlock(ctx, image)
		must(t, err)
		if b.Size() != int64(len(content)) || b.SectorSize() != 512 {
			t.Errorf("size %d, sector %d", b.Size(), b.SectorSize())
		}
		all := make([]byte, len(content))
		if n, err := b.ReadAt(all, 0); n != len(content) || err != nil || !bytes.Equal(all, content) {
			t.Errorf("ReadAt = %d, %v", n, err)
		}
		tail := make([]byte, 32)
		if n, err := b.ReadAt(tail, b.Size()-16); n != 16 || err != io.EOF || string(tail[:16]) != "0123456789abcdef" {
			t.Errorf("ReadAt beyond the end = %d, %v", n, err)
		}
		if _, err := b.ReadAt(tail, -1); err == nil {
			t.Error("a negative offset was read")
		}
		cancel()
		_, err = b.ReadAt(tail, 0)
		wantErr(t, "after ctx", err, context.Canceled)
		must(t, b.Close())
		_, err = m.OpenBlock(context.Background(), image+".missing")
		wantErr(t, "missing", err, fs.ErrNotExist)
	})
}

func TestContractOwnFiles(t *testing.T) {
	dir := t.TempDir()
	onEveryMachine(t, func(t *testing.T, m Machine) {
		name := dir + "/var/lib/journal"
		must(t, m.MkdirAll(dir+"/var/lib", 0o700))
		must(t, m.WriteFile(name, []byte("one\n"), 0o600))
		must(t, m.WriteFile(name, []byte("two\n"), 0o600))
		must(t, m.AppendFile(name, []byte("three\n"), 0o600))
		if data, err := m.ReadFile(name); string(data) != "two\nthree\n" || err != nil {
			t.Errorf("ReadFile = %q, %v", data, err)
		}
		if info, err := m.Stat(name); info.Mode != 0o600 || err != nil {
			t.Errorf("Stat = %v, %v", info.Mode, err)
		}
		if names, err := m.ReadDir(dir + "/var/lib"); len(names) != 1 || err != nil {
			t.Errorf("something was left behind: %q, %v", names, err)
		}
		wantErr(t, "a directory with a file", m.Remove(dir+"/var/lib"), fs.ErrExist)
		must(t, m.Remove(name))
		must(t, m.Remove(dir+"/var/lib"))
		wantErr(t, "removed before", m.Remove(name), fs.ErrNotExist)
		wantErr(t, "no directory", m.WriteFile(name, nil, 0o600), fs.ErrNotExist)
	})
}

func TestContractLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	onEveryMachine(t, func(t *testing.T, m Machine) {
		unlock, err := m.Lock(name)
		must(t, err)
		_, err = m.Lock(name)
		wantErr(t, "second lock", err, ErrLocked)
		unlock()
		unlock()
		again, err := m.Lock(name)
		must(t, err)
		again()
	})
}
