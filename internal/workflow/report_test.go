package workflow

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
	"salvor/internal/secret"
)

// reportOf makes a report of a bench, of which only the questions to the machine are
// recorded: its graph does not come through the door.
func reportOf(t *testing.T, b *bench, keys ...GivenKey) *Report {
	t.Helper()
	rec := machine.NewRecorder(b.actor)
	b.w.Machine, b.ask.nobody = rec, true
	r, err := b.w.Report(t.Context(), rec, ReportOrder{Salvor: "test", Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lockedLab() *lab {
	l := newLab()
	p := l.disk("sda", 2)
	l.put(l.fs("ext4", "root", "", p[0]), rootTree("One", "UUID=root / ext4 defaults 0 1\nUUID=home /home ext4 defaults 0 2\n//nas/x /mnt cifs password=open-sesame 0 0\n", "", "home/", "mnt/"))
	l.fs("ext4", "home", "", l.luks("vault", passphrase, p[1]))
	return l
}

func TestReportGoesThroughTheLooks(t *testing.T) {
	b := lockedLab().bench(t)
	before := b.state()
	r := reportOf(t, b, GivenKey{Volume: "*", Key: secret.New([]byte(passphrase))})
	b.clean(before)
	var parts []string
	for _, p := range r.Parts {
		parts = append(parts, strings.TrimSpace(p.Name+" "+p.Error))
	}
	if diff := cmp.Diff([]string{"probe", "status", "systems", "check", "save", "mount --plan"}, parts); diff != "" {
		t.Error(diff)
	}
	var file bytes.Buffer
	if err := r.Save(&file); err != nil {
		t.Fatal(err)
	}
	text := unpacked(t, file.Bytes())
	for _, s := range []string{passphrase, "open-sesame"} {
		if strings.Contains(text, s) {
			t.Errorf("%q is in the report", s)
		}
	}
	if r.Redacted == 0 || !strings.Contains(text, "password=xxxxxxxxxxx") {
		t.Errorf("%d were replaced", r.Redacted)
	}
	loaded, err := LoadReport(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Parts, loaded.Parts); diff != "" || loaded.Salvor != "test" || loaded.Keys[0] != "*" {
		t.Errorf("the report was not read back: %+v\n%s", loaded, diff)
	}
}

func unpacked(t *testing.T, data []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReportKeepsWhatFailed(t *testing.T) {
	b := lockedLab().bench(t)
	b.again()
	first := true
	b.blind = func() error { // the second probe fails, and with it an order
		if first {
			first = false
			return nil
		}
		return errors.New("blind")
	}
	r := reportOf(t, b)
	if p := r.Parts[2]; p.Name != "systems" || !strings.Contains(p.Error, "blind") || r.Recording == nil {
		t.Errorf("the parts are %+v", r.Parts)
	}
}

func TestReportEndsWithItsContext(t *testing.T) {
	b := lockedLab().bench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.w.Tell = func(e Event) {
		if p, ok := e.(Rehearsing); ok && p.Part == "systems" {
			cancel()
		}
	}
	rec := machine.NewRecorder(b.actor)
	b.w.Machine = rec
	if _, err := b.w.Report(ctx, rec, ReportOrder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// packed is a file with this in it.
func packed(text string) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	z.Write([]byte(text)) // into memory: it cannot fail
	z.Close()
	return out.Bytes()
}

func TestLoadReportRefuses(t *testing.T) {
	for name, data := range map[string][]byte{
		"no gzip":      []byte("plain"),
		"no JSON":      packed("x"),
		"another file": packed(`{"version":1,"nodes":[]}`),
		"a later one":  packed(`{"salvor_report":2}`),
		"empty":        packed(`{"salvor_report":1}`),
		"cut short":    packed(`{"salvor_report":1,"recording":{"version":2,"questions":[]}}`)[:30],
		"many entries": packed(`{"salvor_report":1,"x":[` + strings.Repeat("{},", 100) + `{}]}`),
		"too large":    packed(strings.Repeat(" ", 4097)),
	} {
		if _, err := (reportLimits{bytes: 4096, objects: 100}).load(bytes.NewReader(data)); err == nil || !strings.HasPrefix(err.Error(), "cannot read the report: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzLoadReport: a report is a file of anyone's. What is read of it can be looked at.
func FuzzLoadReport(f *testing.F) {
	f.Add([]byte(`{"salvor_report":1,"recording":{"version":2,"euid":0,"questions":[{"ask":"run x","act":true,"answers":[{"at":1},{"at":7}]},` +
		`{"ask":"read /proc/self/mountinfo","answers":[{"data":"","times":3},{"at":2,"data":{"bytes":"AA=="}}]},` +
		`{"ask":"open /dev/sda","answers":[{"sector":512,"content":{"size":4096,"pieces":[{"at":0,"zeros":512},{"at":512,"data":"x"}]}}]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := usualLimits.parse(text)
		if err != nil {
			return
		}
		m := machine.NewReplay(r.Recording)
		m.Run(t.Context(), machine.Cmd{Program: "x"})
		m.ReadFile("/proc/self/mountinfo")
		if b, err := m.OpenBlock(t.Context(), "/dev/sda"); err == nil {
			b.ReadAt(make([]byte, 1024), 0)
		}
	})
}
