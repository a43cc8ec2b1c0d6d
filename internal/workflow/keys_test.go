package workflow

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/machine/machinetest"
	"salvor/internal/secret"
	"salvor/internal/session"
	"salvor/internal/storage"
)

// twoLocked: the root in one container, /home in another; nothing else.
func twoLocked(homeKey string) *lab {
	l := newLab()
	p := l.disk("sda", 2)
	root := l.fs("ext4", "t-root", "", l.luks("t-1", passphrase, p[0]))
	l.fs("ext4", "t-home", "", l.luks("t-2", homeKey, p[1]))
	l.put(root, rootTree("Two", "/dev/mapper/cr_root / ext4 defaults 0 1\n/dev/mapper/cr_home /home ext4 defaults 0 2\n",
		"cr_root UUID=t-1 none luks\ncr_home UUID=t-2 none luks\n", "home/"))
	return l
}

func TestPassphrases(t *testing.T) {
	const both, rootOnly = "/ mounted; /home mounted", "/ mounted; /home failed locked"
	for name, c := range map[string]struct {
		homeKey string
		answers map[storage.ID][]string
		asked   []string
		lines   string // "" for a LockedError
	}{
		"one for both":   {passphrase, map[storage.ID][]string{"luks:t-1": {passphrase}}, []string{"luks:t-1 #1"}, both},
		"one for each":   {"other", map[storage.ID][]string{"luks:t-1": {passphrase}, "luks:t-2": {"other"}}, []string{"luks:t-1 #1", "luks:t-2 #1"}, both},
		"right at last":  {passphrase, map[storage.ID][]string{"luks:t-1": {"no", "nor this", passphrase}}, []string{"luks:t-1 #1", "luks:t-1 #2", "luks:t-1 #3"}, both},
		"second skipped": {"other", map[storage.ID][]string{"luks:t-1": {passphrase}, "luks:t-2": {""}}, []string{"luks:t-1 #1", "luks:t-2 #1"}, rootOnly},
		"first skipped, the second opens both": {passphrase, map[storage.ID][]string{"luks:t-1": {""}, "luks:t-2": {passphrase}},
			[]string{"luks:t-1 #1", "luks:t-2 #1"}, both},
		"wrong three times": {"other", map[storage.ID][]string{"luks:t-1": {"a", "b", "c", passphrase}},
			[]string{"luks:t-1 #1", "luks:t-1 #2", "luks:t-1 #3", "luks:t-2 #1"}, ""},
		"all skipped": {passphrase, nil, []string{"luks:t-1 #1", "luks:t-2 #1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := twoLocked(c.homeKey).bench(t)
			before := b.state()
			b.ask.keys = c.answers
			r, err := b.w.Mount(t.Context(), MountOrder{})
			if diff := cmp.Diff(c.asked, b.ask.asked); diff != "" {
				t.Errorf("asked: %s", diff)
			}
			for _, s := range b.ask.secrets {
				if s.Len() > 0 {
					t.Error("a passphrase was not wiped")
				}
			}
			if c.lines == "" {
				locked, ok := errors.AsType[*LockedError](err)
				if !ok || len(locked.IDs) != 2 {
					t.Errorf("it gives %v", err)
				}
				b.clean(before)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.lines, lines(r)); diff != "" {
				t.Error(diff)
			}
			b.umount()
			b.clean(before)
		})
	}
}

func TestNobodyToAsk(t *testing.T) {
	b := twoLocked(passphrase).bench(t)
	before := b.state()
	b.ask.nobody = true
	_, err := b.w.Mount(t.Context(), MountOrder{})
	if locked, ok := errors.AsType[*LockedError](err); !ok || !strings.Contains(locked.Text, "LUKS2 on sda1") {
		t.Errorf("it gives %v", err)
	}
	b.clean(before)
}

func TestGivenKeys(t *testing.T) {
	for _, c := range []struct {
		volume string
		lines  string
	}{
		{"*", "/ mounted; /home mounted"}, {"luks:t-1", "/ mounted; /home failed locked"}, {"t-1", "/ mounted; /home failed locked"},
		{"/dev/sda1", "/ mounted; /home failed locked"}, {"UUID=t-1", "/ mounted; /home failed locked"}, {"/dev/sda2", ""}, {"nobody", ""},
	} {
		b := twoLocked(passphrase).bench(t)
		b.ask.nobody = true
		key := secret.New([]byte(passphrase))
		r, err := b.w.Mount(t.Context(), MountOrder{Keys: []GivenKey{{c.volume, key, "a file", false}}})
		if key.Len() > 0 {
			t.Errorf("%s: the key was not wiped", c.volume)
		}
		if c.lines == "" {
			if _, ok := errors.AsType[*LockedError](err); !ok {
				t.Errorf("%s: it gives %v", c.volume, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.volume, err)
		}
		if diff := cmp.Diff(c.lines, lines(r)); diff != "" {
			t.Errorf("%s: %s", c.volume, diff)
		}
	}
}

// TestGivenKeysAreWiped: on every path, also when nothing was begun.
func TestGivenKeysAreWiped(t *testing.T) {
	key := secret.New(nil)
	given := func() []GivenKey {
		key = secret.New([]byte(passphrase))
		return []GivenKey{{"*", key, "a file", false}}
	}
	for name, do := range map[string]func(b *bench) error{
		"refused by the lock": func(b *bench) error {
			unlock, err := session.Lock(b.Machine)
			if err != nil {
				return err
			}
			defer unlock()
			_, err = b.w.Mount(b.t.Context(), MountOrder{Keys: given()})
			return err
		},
		"refused for its target": func(b *bench) error {
			_, err := b.w.Mount(b.t.Context(), MountOrder{Keys: given(), Target: "/"})
			return err
		},
		"systems, blind": func(b *bench) error {
			b.blind = func() error { return errors.New("no eyes") }
			_, err := b.w.Systems(b.t.Context(), SystemsOrder{Keys: given()})
			return err
		},
		"chroot, blind": func(b *bench) error {
			b.blind = func() error { return errors.New("no eyes") }
			_, err := b.w.Chroot(b.t.Context(), ChrootOrder{Mount: MountOrder{Keys: given()}}, nil)
			return err
		},
	} {
		if err := do(twoLocked(passphrase).bench(t)); err == nil || key.Len() > 0 {
			t.Errorf("%s: %v, and %d bytes are left", name, err, key.Len())
		}
	}
}

// TestSystemsAsksOnlyWhenTold: keys that were given are no leave to ask.
func TestSystemsAsksOnlyWhenTold(t *testing.T) {
	for _, unlock := range []bool{false, true} {
		b := twoLocked("other").bench(t)
		r, err := b.w.Systems(t.Context(), SystemsOrder{Unlock: unlock, Keys: []GivenKey{{"luks:t-1", secret.New([]byte(passphrase)), "a file", false}}})
		if err != nil || len(r.Gaps) != 1 {
			t.Fatalf("it gives %v, gaps %v", err, r.Gaps)
		}
		if asked := len(b.ask.asked) > 0; asked != unlock {
			t.Errorf("with unlock %v it asked %q", unlock, b.ask.asked)
		}
	}
}

func TestToken(t *testing.T) {
	l := twoLocked(passphrase)
	for _, n := range l.Nodes() {
		if c, ok := n.(*storage.Crypt); ok {
			c.Tokens = []string{"0:systemd-tpm2"}
		}
	}
	l.tokens = []storage.ID{"luks:t-1"}
	b := l.bench(t)
	b.ask.keys = map[storage.ID][]string{"luks:t-2": {passphrase}}
	r := b.mount(MountOrder{})
	if diff := cmp.Diff("/ mounted; /home mounted", lines(r)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"luks:t-2 #1"}, b.ask.asked); diff != "" {
		t.Errorf("asked: %s", diff)
	}
}

// TestOtherFailuresAreNotAskedAgain: another passphrase would not help.
func TestOtherFailuresAreNotAskedAgain(t *testing.T) {
	b := twoLocked("other").bench(t)
	before := b.state()
	b.ask.keys = map[storage.ID][]string{"luks:t-1": {passphrase, passphrase, passphrase}}
	b.FailNext("cryptsetup open", &machine.ExitError{Cmd: machine.Cmd{Program: "cryptsetup"}, Status: 5, Result: machine.Result{Stderr: []byte("Cannot use device /dev/sda1 which is in use (already mapped or mounted).")}})
	if _, err := b.w.Mount(t.Context(), MountOrder{}); err == nil {
		t.Error("it mounted")
	}
	if diff := cmp.Diff([]string{"luks:t-1 #1", "luks:t-2 #1"}, b.ask.asked); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	if !slices.ContainsFunc(b.notes, func(n string) bool {
		return strings.Contains(n, "LUKS2 on sda1: ") && strings.Contains(n, "it is in use")
	}) {
		t.Errorf("the notes are %q", b.notes)
	}
	b.clean(before)
}

func TestNobodyIsAskedWithoutCryptsetup(t *testing.T) {
	b := twoLocked(passphrase).bench(t, machinetest.Without("cryptsetup"))
	before := b.state()
	_, err := b.w.Mount(t.Context(), MountOrder{})
	if _, ok := errors.AsType[*LockedError](err); !ok || len(b.ask.asked) > 0 {
		t.Errorf("it gives %v and asked %q", err, b.ask.asked)
	}
	if all := strings.Join(b.notes, "; "); !strings.Contains(all, "cannot run cryptsetup: the program is not installed") {
		t.Errorf("the notes are %q", b.notes)
	}
	b.clean(before)
}

// TestNameOfTheLiveSystem: it may have a map of the very name that the container
// has in its own system.
func TestNameOfTheLiveSystem(t *testing.T) {
	l := twoLocked(passphrase)
	live := l.luks("live", "", l.disk("sdb", 0)[0])
	live.Open = &storage.Opening{Name: "cr_root"}
	b := l.bench(t)
	before := b.state()
	b.ask.keys = map[storage.ID][]string{"luks:t-1": {passphrase}, "luks:t-2": {passphrase}}
	r := b.mount(MountOrder{})
	// Its fstab names the root by the map, which is another one here: the root that
	// was chosen counts.
	if r.Lines[0].State != "mounted" || !strings.Contains(b.state(), "open luks:live as /dev/mapper/cr_root") {
		t.Errorf("the root is %+v\n%s", r.Lines[0], b.state())
	}
	b.umount()
	b.clean(before)
}
