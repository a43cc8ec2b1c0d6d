package machine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"salvor/internal/secret"
)

func TestReplayRefusesWhatWasNotRecorded(t *testing.T) {
	rec := NewRecorder(NewLive())
	dir := t.TempDir()
	tree, err := rec.Tree(dir)
	must(t, err)
	must(t, tree.Close())
	m := NewReplay(saveAndLoad(t, rec))
	ctx := context.Background()
	_, errRead := m.ReadFile("/etc/salvor")
	_, errRun := m.Run(ctx, Cmd{Program: "mkfs.ext4", Args: []string{"/dev/salvor"}})
	_, errAttach := m.Attach(ctx, Cmd{Program: "salvor"})
	_, errBlock := m.OpenBlock(ctx, "/dev/salvor")
	_, errSet := m.SetReadOnly("/dev/salvor", true)
	_, errLook := m.Look(ctx, MountRequest{Device: "/dev/salvor"})
	same, err := m.Tree(dir)
	must(t, err)
	_, errTree := fs.ReadFile(same, "salvor")
	for i, err := range []error{
		errRead, errRun, errAttach, errBlock, errSet, errLook, errTree,
		m.Mount(ctx, MountRequest{Device: "/dev/salvor", Point: "/mnt"}),
		m.Unmount("/salvor"), m.DetachLoop("/dev/salvor"),
		m.WriteSysfs("/sys/salvor", "1"),
	} {
		wantErr(t, "question", err, ErrNotRecorded)
		if err != nil && !strings.Contains(err.Error(), "salvor") {
			t.Errorf("%d: %v does not say what is missing", i, err)
		}
	}
}

func TestReplayGivesAnswersInOrder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	rec := NewRecorder(NewLive())
	steps := []string{"one", "one", "two", "one"}
	for _, s := range steps {
		must(t, os.WriteFile(name, []byte(s), 0o600))
		_, err := rec.ReadFile(name)
		must(t, err)
	}
	m := NewReplay(saveAndLoad(t, rec))
	for _, want := range append(steps, "one", "one") {
		if got, err := m.ReadFile(name); string(got) != want || err != nil {
			t.Errorf("ReadFile = %q, %v, want %q", got, err, want)
		}
	}
	if m.Euid() != os.Geteuid() || !m.Now().Equal(m.recording.started) || m.Now().IsZero() {
		t.Error("user or time are not the recorded ones")
	}
}

func TestReplayOfABlockInParts(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(image, []byte("0123456789"), 0o600))
	rec := NewRecorder(NewLive())
	ctx := context.Background()
	for _, off := range []int64{2, 4} { // two sessions
		b, err := rec.OpenBlock(ctx, image)
		must(t, err)
		_, err = b.ReadAt(make([]byte, 2), off)
		must(t, err)
		must(t, b.Close())
	}
	b, err := NewReplay(saveAndLoad(t, rec)).OpenBlock(ctx, image)
	must(t, err)
	for _, tt := range []struct {
		off  int64
		n    int
		want string
	}{{2, 2, "23"}, {3, 1, "3"}, {4, 2, "45"}, {6, 1, ""}, {0, 4, ""}} {
		p := make([]byte, tt.n)
		_, err := b.ReadAt(p, tt.off)
		if tt.want == "" {
			wantErr(t, "a place that was not read", err, ErrNotRecorded)
		} else if err != nil || string(p) != tt.want {
			t.Errorf("at %d: %q, %v, want %q", tt.off, p, err, tt.want)
		}
	}
	if n, err := b.ReadAt(make([]byte, 1), 10); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func TestSecretsAreNotRecorded(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/key", []byte("open sesame\n"), 0o600))
	must(t, os.WriteFile(dir+"/other", []byte("in the open\n"), 0o600))
	rec := NewRecorder(NewLive())
	tree, err := rec.Tree(dir)
	must(t, err)
	defer tree.Close()
	key, err := fs.ReadFile(tree, "key")
	must(t, err)
	_, err = fs.ReadFile(tree, "other")
	must(t, err)
	f, err := tree.Open("key")
	must(t, err)
	_, err = io.ReadAll(f)
	must(t, err)
	must(t, f.Close())
	_, err = rec.ReadFile(dir + "/key")
	must(t, err)
	_, err = rec.Run(context.Background(), Cmd{Program: "wc", Stdin: secret.New(bytes.TrimSpace(key))})
	must(t, err)
	var out bytes.Buffer
	r, _, err := rec.Recording()
	must(t, err)
	must(t, r.Save(&out))
	if strings.Contains(out.String(), "sesame") || !strings.Contains(out.String(), "in the open") {
		t.Errorf("the recording is:\n%s", out.String())
	}
}

func TestErrorsSurviveARecording(t *testing.T) {
	for _, err := range []error{
		wrap("read", "/x", fs.ErrNotExist),
		&MissingProgram{"lvm"},
		&ExitError{Cmd{Program: "lvm", Args: []string{"vgs"}}, 5, Result{Stderr: []byte("no\xff")}},
		&MountError{"mount", "/dev/sda1", "/mnt", ErrDirty, []string{"said"}},
		context.DeadlineExceeded,
		errors.New("plain"),
	} {
		data, e := json.Marshal(record(err))
		must(t, e)
		var loaded recordedError
		must(t, json.Unmarshal(data, &loaded))
		got := loaded.decode()
		if got.Error() != err.Error() {
			t.Errorf("%q became %q", err, got)
		}
		if diff := cmp.Diff(record(err), record(got)); diff != "" {
			t.Errorf("%v:\n%s", err, diff)
		}
	}
	if record(nil).decode() != nil {
		t.Error("no error became one")
	}
}

func TestLoadRecordingRefuses(t *testing.T) {
	for _, text := range []string{
		"", "{}", `{"version": 1}`, `{"version": 3}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"times":-1}]}]}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"at":2},{"at":1}]}]}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"at":-1}]}]}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"content":{"size":-1}}]}]}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"content":{"size":9,"pieces":[{"at":4,"data":"ab"},{"at":5,"data":"c"}]}}]}]}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"content":{"size":9,"pieces":[{"at":4,"data":"ab","zeros":3}]}}]}]}`,
		`{"version":2,"questions":[{"ask":"x","answers":[{"content":{"size":9,"pieces":[{"at":9223372036854775800,"zeros":300}]}}]}]}`,
	} {
		if _, err := LoadRecording(strings.NewReader(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

func FuzzLoadRecording(f *testing.F) {
	rec := NewRecorder(NewLive())
	rec.Lookup("sh")
	rec.ReadFile("/proc/version")
	rec.Stat("/")
	if tree, err := rec.Tree("/"); err == nil {
		fs.ReadDir(tree, "proc/self/fd")
		fs.Stat(tree, "etc")
	}
	if r, _, err := rec.Recording(); err == nil {
		var seed bytes.Buffer
		r.Save(&seed)
		f.Add(seed.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := LoadRecording(bytes.NewReader(data))
		if err != nil {
			return
		}
		m := NewReplay(r)
		m.Lookup("sh")
		m.ReadFile("/proc/version")
		if tree, err := m.Tree("/"); err == nil {
			fs.ReadDir(tree, "proc/self/fd")
			fs.Stat(tree, "etc")
		}
		if b, err := m.OpenBlock(context.Background(), "/dev/sda"); err == nil {
			b.ReadAt(make([]byte, 512), 0)
		}
		var first, second bytes.Buffer
		if err := r.Save(&first); err != nil {
			t.Fatal(err)
		}
		again, err := LoadRecording(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Save(&second); err != nil || first.String() != second.String() {
			t.Errorf("%v: saved as\n%s\nand then as\n%s", err, &first, &second)
		}
	})
}

// Whatever is read in whatever order, a read inside gives what was read last.
func TestExtentsRemember(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 64
		x := &extents{Size: size}
		var disk [size]byte
		var known [size]bool
		for i := range rapid.IntRange(0, 20).Draw(t, "reads") {
			off := rapid.IntRange(0, size-1).Draw(t, "off")
			n := rapid.IntRange(0, size-off).Draw(t, "n")
			for at := off; at < off+n; at++ {
				disk[at], known[at] = byte(i+1), true
			}
			x.record(int64(off), disk[off:off+n], n, nil)
		}
		data, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		var loaded extents
		if err := json.Unmarshal(data, &loaded); err != nil {
			t.Fatal(err)
		}
		for at := range size {
			var p [1]byte
			_, err, missing := loaded.read(p[:], int64(at))
			if err != nil || missing == known[at] || known[at] && p[0] != disk[at] {
				t.Fatalf("byte %d: %d, %v, missing %t; the disk has %d, known %t", at, p[0], err, missing, disk[at], known[at])
			}
		}
	})
}

func TestExtentsRememberFailures(t *testing.T) {
	x := &extents{Size: 100}
	x.record(0, []byte("0123456789"), 10, nil)
	x.record(20, []byte("ab"), 10, errors.New("cannot read: input/output error"))
	x.record(0, nil, 10, context.DeadlineExceeded)
	p := make([]byte, 12)
	if n, err, _ := x.read(p[:10], 0); n != 10 || err != nil {
		t.Errorf("lost patience took away what was read: %d, %v", n, err)
	}
	if n, err, _ := x.read(p, 20); n != 2 || err == nil || err.Error() != "cannot read: input/output error" {
		t.Errorf("read = %d, %v", n, err)
	}
	if _, _, missing := x.read(p, 30); !missing {
		t.Error("the failure reaches beyond what was asked")
	}
}

func TestRootedRefuses(t *testing.T) {
	m, err := NewRooted(t.TempDir())
	must(t, err)
	defer m.Close()
	ctx := context.Background()
	_, errRun := m.Run(ctx, Cmd{Program: "true"})
	_, errBlock := m.OpenBlock(ctx, "/dev/sda")
	_, errLook := m.Look(ctx, MountRequest{Device: "/dev/sda1"})
	for _, err := range []error{
		errRun, errBlock, errLook, m.Mount(ctx, MountRequest{Device: "/dev/sda1"}), m.Unmount("/mnt"),
		m.WriteFile("/x", nil, 0), m.Remove("/x"), m.MkdirAll("/x", 0), m.WriteSysfs("/sys/x", ""),
	} {
		wantErr(t, "an act", err, ErrOnlyFiles)
	}
	tree, err := m.Tree("/")
	must(t, err)
	must(t, tree.Close())
}
