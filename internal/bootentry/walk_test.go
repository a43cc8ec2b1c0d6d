package bootentry

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
)

// TestWalkInitramfs: all members of two archives, one of them compressed, whether they are read or not.
func TestWalkInitramfs(t *testing.T) {
	archive := func(names ...string) []byte {
		var out bytes.Buffer
		w := cpio.NewWriter(&out)
		for _, name := range names {
			text := "content of " + name
			if err := w.WriteHeader(&cpio.Header{Name: name, Mode: cpio.TypeReg | 0o4755, Size: int64(len(text))}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(archive("c", "./d")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	initrd := append(archive("/a", "b"), packed.Bytes()...)
	var got []string
	err := WalkInitramfs(bytes.NewReader(initrd), 0, func(m Member, content io.Reader) error {
		line := fmt.Sprint(m.Archive, " ", m.Name, " ", m.Mode)
		if m.Name == "b" || m.Name == "d" {
			text, err := io.ReadAll(content)
			line += " " + string(text)
			if err != nil {
				return err
			}
		}
		got = append(got, line)
		return nil
	})
	mode := fs.ModeSetuid | 0o755
	want := []string{
		fmt.Sprint(1, " a ", mode), fmt.Sprint(1, " b ", mode, " content of b"),
		fmt.Sprint(2, " c ", mode), fmt.Sprint(2, " d ", mode, " content of ./d"),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}

	stop := errors.New("stop")
	err = WalkInitramfs(bytes.NewReader(initrd), 0, func(Member, io.Reader) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("an error of the visitor's became %v", err)
	}
	err = WalkInitramfs(bytes.NewReader(initrd[:150]), 0, func(m Member, content io.Reader) error {
		_, err := io.ReadAll(content)
		return err
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an initrd that is cut off: %v", err)
	}
	if err := WalkInitramfs(bytes.NewReader(initrd), 100, func(Member, io.Reader) error { return nil }); !errors.Is(err, ErrTooLarge) {
		t.Errorf("with a limit: %v", err)
	}
}
