package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"salvor/internal/apply"
	"salvor/internal/machine"
	"salvor/internal/session"
	"salvor/internal/storage"
)

// marker is a passphrase that is looked for wherever it must not be.
const marker = "Marker-7c1f-of-mine"

// witness notes every command and every file that is written.
type witness struct {
	machine.Machine
	seen []string
}

func (w *witness) Run(ctx context.Context, c machine.Cmd) (machine.Result, error) {
	w.seen = append(w.seen, fmt.Sprintf("run %v %+v", c, c))
	r, err := w.Machine.Run(ctx, c)
	if err != nil {
		w.seen = append(w.seen, err.Error())
	}
	return r, err
}

func (w *witness) AppendFile(name string, data []byte, perm fs.FileMode) error {
	w.seen = append(w.seen, name+": "+string(data))
	return w.Machine.AppendFile(name, data, perm)
}

func (w *witness) WriteFile(name string, data []byte, perm fs.FileMode) error {
	w.seen = append(w.seen, name+": "+string(data))
	return w.Machine.WriteFile(name, data, perm)
}

// TestSecretsAreNowhere: a passphrase is typed, given, read from a key file, fetched
// by clevis, and wrong; it is in no command, no journal, no plan, no script, no
// report, no event, no recording and no error.
func TestSecretsAreNowhere(t *testing.T) {
	for name, w := range map[string]way{
		"typed":        {crypttab: "@ none", key: marker, answers: []string{marker}},
		"typed, wrong": {crypttab: "@ none", key: "another", answers: []string{marker, marker, marker}},
		"given":        {crypttab: "@ none", key: marker, given: marker},
		"key file":     {crypttab: "@ /etc/k luks,keyfile-offset=1,keyfile-size=19", key: marker, files: map[string]string{"etc/k": "." + marker + "."}},
		"clevis":       {crypttab: "@ none", key: marker, set: clevis(marker)},
		"PIN":          {crypttab: "@ none", key: "another", answers: []string{marker}, set: ways["token with a PIN"].set},
		"VeraCrypt":    {crypttab: "@ /etc/p tcrypt,tcrypt-keyfile=/etc/p", format: "tcrypt", key: marker + "+" + marker, files: map[string]string{"etc/p": marker}, set: headless("")},
		"plain":        {crypttab: "@ none plain,hash=sha256", format: "plain", key: "sha256:" + marker, answers: []string{marker}, set: headless("")},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := w.bench(t)
			recorder := machine.NewRecorder(b.actor)
			seen := &witness{Machine: recorder}
			b.w.Machine = seen
			r, err := b.w.Mount(t.Context(), w.order())
			if r == nil {
				t.Fatalf("mount: %v", err)
			}
			script, scriptErr := apply.Script(r.Plan, apply.Env{})
			asJSON, jsonErr := json.Marshal(r)
			journal, _ := b.ReadFile(session.Dir + "/journal")
			all := append(seen.seen, fmt.Sprint(err, scriptErr, jsonErr), r.Plan.Text(), script, string(asJSON), string(journal), fmt.Sprintf("%+v", b.events), strings.Join(b.notes, "\n"))
			if len(seen.seen) == 0 || len(journal) == 0 {
				t.Fatal("nothing was witnessed")
			}
			for _, text := range append(all, saved(t, recorder)...) {
				if strings.Contains(text, marker) {
					t.Errorf("it is in %.400q", text)
				}
			}
		})
	}
}

func saved(t *testing.T, r *machine.Recorder) []string {
	recording, _, err := r.Recording()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := recording.Save(&out); err != nil {
		t.Fatal(err)
	}
	return []string{out.String()}
}

// TestWithoutAPrompt: nobody is asked, and the locked volume is named.
func TestWithoutAPrompt(t *testing.T) {
	l := newLab()
	l.fs("ext4", "in", "", l.luks("t-1", passphrase, l.disk("sda", 1)[0]))
	b := l.bench(t)
	b.ask.nobody = true
	_, err := b.w.Mount(t.Context(), MountOrder{})
	if locked, ok := errors.AsType[*LockedError](err); !ok || !strings.Contains(locked.Text, "LUKS2 on sda1") {
		t.Errorf("mount gives %v", err)
	}
	r, err := b.w.Systems(t.Context(), SystemsOrder{Unlock: true})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Class != "locked" || r.Findings[0].Root != storage.ID("luks:t-1") {
		t.Errorf("systems gives %v, %+v", err, r)
	}
}

// TestOneWrongPassphraseCostsOneAttempt: one try of cryptsetup, one event with the
// volume's name.
func TestOneWrongPassphraseCostsOneAttempt(t *testing.T) {
	b, _ := way{crypttab: "@ none", key: "right", answers: []string{"wrong", "right"}}.bench(t)
	seen := &witness{Machine: b.actor}
	b.w.Machine = seen
	if _, err := b.w.Mount(t.Context(), MountOrder{PlanOnly: true}); err != nil {
		t.Fatal(err)
	}
	opens, wrong := 0, []string{}
	for _, c := range seen.seen {
		if strings.HasPrefix(c, "run cryptsetup open") {
			opens++
		}
	}
	for _, e := range b.events {
		if e, ok := e.(WrongKey); ok {
			wrong = append(wrong, e.Text)
		}
	}
	if opens != 2 || len(wrong) != 1 || !strings.Contains(wrong[0], "sda2") {
		t.Errorf("%d runs of cryptsetup open, told as wrong: %q", opens, wrong)
	}
}
