package machine

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sh(script string) Cmd { return Cmd{Program: "sh", Args: []string{"-c", script}} }

func TestRunEnvironment(t *testing.T) {
	t.Setenv("SALVOR_TEST", "leaks")
	t.Setenv("PATH", t.TempDir())
	res, err := NewLive().Run(context.Background(), sh("env; pwd; tty; cat; (: </dev/tty) 2>/dev/null || echo no terminal"))
	must(t, err)
	for _, want := range []string{"LC_ALL=C\n", "PATH=" + programPath + "\n", "\n/\n", "not a tty\n", "no terminal\n"} {
		if !strings.Contains(string(res.Stdout), want) {
			t.Errorf("%q is not in:\n%s", want, res.Stdout)
		}
	}
	if strings.Contains(string(res.Stdout), "leaks") {
		t.Errorf("the environment leaks:\n%s", res.Stdout)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	// The child of the shell is to end too: its trap says so in the file.
	said := filepath.Join(t.TempDir(), "said")
	ready := filepath.Join(t.TempDir(), "ready")
	script := "sh -c 'trap \"echo ended >" + said + "; exit 0\" TERM; : >" + ready + "; while :; do sleep 0.01; done' & wait"
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if _, err := os.Stat(ready); err == nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := NewLive().Run(ctx, sh(script))
	wantErr(t, "Run", err, context.Canceled)
	if read(t, said) != "ended\n" {
		t.Error("the process group was not ended")
	}
}

func TestRunRefusesTooMuchOutput(t *testing.T) {
	_, err := NewLive().Run(context.Background(), Cmd{Program: "head", Args: []string{"-c", "80M", "/dev/zero"}})
	if err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("the error is %v", err)
	}
}

func TestRunDoesNotChroot(t *testing.T) {
	_, err := NewLive().Run(context.Background(), Cmd{Program: "true", Root: "/"})
	if err == nil || !strings.HasPrefix(err.Error(), "internal error: ") {
		t.Errorf("the error is %v", err)
	}
}

func TestLookup(t *testing.T) {
	root := t.TempDir()
	must(t, os.MkdirAll(root+"/usr/bin", 0o755))
	must(t, os.MkdirAll(root+"/bin", 0o755))
	must(t, os.WriteFile(root+"/usr/bin/plain", nil, 0o644))
	must(t, os.WriteFile(root+"/usr/bin/real", nil, 0o755))
	must(t, os.Symlink("/usr/bin/real", root+"/bin/alias"))
	must(t, os.Symlink("/bin/sh", root+"/bin/sh"))
	fd, err := openRoot(root)
	must(t, err)
	for program, want := range map[string]string{
		"real": "/usr/bin/real", "alias": "/bin/alias", "/usr/bin/real": "/usr/bin/real",
		"plain": "", "sh": "", "": "", ".": "", "..": "", "bin/real": "", "/usr/bin": "",
	} {
		got, err := lookup(fd, program)
		if got != want {
			t.Errorf("lookup(%q) = %q, want %q", program, got, want)
		}
		if _, missing := errors.AsType[*MissingProgram](err); missing != (want == "") {
			t.Errorf("lookup(%q): %v", program, err)
		}
	}
}

// A read that never comes back is stood in for by a server that never answers.
func TestBlockDoesNotHang(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := &block{ctx: ctx, name: "/dev/dying", requests: make(chan readRequest), closed: make(chan struct{}), gone: make(chan struct{})}
	b.close = func() {}
	go func() {
		<-b.requests
		cancel()
	}()
	_, err := b.ReadAt(make([]byte, 512), 0)
	wantErr(t, "taken, not answered", err, context.Canceled)
	_, err = b.ReadAt(make([]byte, 512), 0)
	wantErr(t, "not taken", err, context.Canceled)
	must(t, b.Close())
}

func TestBlockRefuses(t *testing.T) {
	for _, name := range []string{"/dev/null", t.TempDir()} {
		if _, err := NewLive().OpenBlock(context.Background(), name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

func TestBlockIsClosed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(name, make([]byte, 1024), 0o600))
	b, err := NewLive().OpenBlock(context.Background(), name)
	must(t, err)
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := io.ReadFull(io.NewSectionReader(b, 0, b.Size()), make([]byte, 1024))
			done <- err
		}()
	}
	for range 4 {
		must(t, <-done)
	}
	must(t, b.Close())
	must(t, b.Close())
	if _, err := b.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("a closed device was read")
	}
}
