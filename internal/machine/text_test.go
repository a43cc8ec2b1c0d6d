package machine

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"salvor/internal/secret"
)

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{
		"": "''", "plain": "plain", "/dev/sda1": "/dev/sda1", "a b": "'a b'", "$x": "'$x'",
		"it's": `'it'\''s'`, "k=v,w": "k=v,w", "é": "'é'", "~": "'~'", "-n": "-n", "a\nb": "'a\nb'",
	} {
		if got := Quote(s); got != want {
			t.Errorf("Quote(%q) = %s, want %s", s, got, want)
		}
	}
}

func TestQuoteIsOneWordForAShell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.ReplaceAll(rapid.String().Draw(t, "s"), "\x00", "")
		out, err := exec.Command("sh", "-c", "printf '%s|' "+Quote(s)).Output()
		if err != nil || string(out) != s+"|" {
			t.Fatalf("Quote(%q) = %s gives %q, %v", s, Quote(s), out, err)
		}
	})
}

func TestSplitOptions(t *testing.T) {
	const ro, nosuid, noatime = unix.MOUNT_ATTR_RDONLY, unix.MOUNT_ATTR_NOSUID, unix.MOUNT_ATTR_NOATIME
	const atimes = unix.MOUNT_ATTR__ATIME
	for _, tt := range []struct {
		options  string
		readOnly bool
		want     split
	}{
		{"", false, split{}},
		{"defaults", false, split{}},
		{"", true, split{set: ro, fs: []string{"ro"}}},
		{"rw", true, split{set: ro, fs: []string{"rw", "ro"}}},
		{"ro rw", false, split{clear: ro, fs: []string{"ro", "rw"}}},
		{"nosuid subvol=@ a=b=c", false, split{set: nosuid, fs: []string{"subvol=@", "a=b=c"}}},
		{"nosuid suid", false, split{clear: nosuid}},
		{"suid nosuid", false, split{set: nosuid}},
		{"noatime", false, split{set: noatime, clear: atimes&^noatime | noatime}},
		{"noatime strictatime", false, split{set: unix.MOUNT_ATTR_STRICTATIME, clear: atimes}},
		{"strictatime relatime", false, split{clear: atimes}},
		{"noatime nodiratime", false, split{set: noatime | unix.MOUNT_ATTR_NODIRATIME, clear: atimes}},
	} {
		got := splitOptions(strings.Fields(tt.options), tt.readOnly)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(split{})); diff != "" {
			t.Errorf("%q, %t:\n%s", tt.options, tt.readOnly, diff)
		}
	}
}

func TestMountErrorKinds(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want error
	}{
		{&contextError{unix.EINVAL, []string{"Unknown parameter"}}, ErrBadContent},
		{&contextError{unix.EUCLEAN, nil}, ErrBadContent},
		{&contextError{unix.EBUSY, nil}, ErrBusy},
		{&contextError{unix.ENXIO, nil}, ErrNoSuchDevice},
		{&contextError{unix.EIO, nil}, unix.EIO},
		{tooOld("fsopen", unix.EPERM), ErrPermission},
		{unix.EINVAL, unix.EINVAL},
		{ErrNoPoint, ErrNoPoint},
	} {
		err := MountRequest{Device: "/dev/salvor-missing", Type: "ext4", Point: "/mnt"}.failed("mount", tt.err)
		wantErr(t, tt.err.Error(), err, tt.want)
		if tt.err == unix.EINVAL && errors.Is(err, ErrBadContent) {
			t.Error("an errno of another call is taken for the file system's")
		}
	}
}

func TestErrorTexts(t *testing.T) {
	c := Cmd{Program: "mdadm", Args: []string{"--assemble", "/dev/md/a b"}, Stdin: secret.New([]byte("open sesame"))}
	for want, err := range map[string]error{
		"mdadm --assemble '/dev/md/a b': exit status 1: no such array":              &ExitError{c, 1, Result{[]byte("out"), []byte("no such array\n")}},
		"mdadm --assemble '/dev/md/a b': exit status 1: out":                        &ExitError{c, 1, Result{[]byte("out"), nil}},
		"mdadm --assemble '/dev/md/a b': exit status 1: it said nothing":            &ExitError{c, 1, Result{}},
		"cannot run mdadm: the program is not installed":                            &MissingProgram{"mdadm"},
		"cannot mount /dev/sda1 at /: device or mount point is busy (kernel: a; b)": &MountError{"mount", "/dev/sda1", "/", ErrBusy, []string{"a", "b"}},
		"cannot unmount at /mnt: nothing is mounted there":                          &MountError{Act: "unmount", Point: "/mnt", Kind: ErrNotMounted},
	} {
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
}

func TestMessage(t *testing.T) {
	for line, want := range map[string]string{
		"e ext4: Unknown parameter 'x'\n": "ext4: Unknown parameter 'x'", "w xfs: old": "xfs: old", "plain": "plain", "": "", "e": "e",
	} {
		if got := message(line); got != want {
			t.Errorf("message(%q) = %q", line, got)
		}
	}
}
