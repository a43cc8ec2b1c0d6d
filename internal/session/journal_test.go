package session

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine/machinetest"
	"salvor/internal/plan"
	"salvor/internal/storage"
)

const file = "/run/salvor/journal"

// on gives a machine whose journal has this text.
func on(t *testing.T, text string) *machinetest.Machine {
	t.Helper()
	return machinetest.New(newLab().graph(t), machinetest.WithFiles(fstest.MapFS{file[1:]: {Data: []byte(text), Mode: 0o600}}))
}

func read(t *testing.T, m *machinetest.Machine) string {
	t.Helper()
	data, err := m.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestChecks: a check that was cut short has no result, and none counts as an act.
func TestChecks(t *testing.T) {
	m := on(t, "")
	j, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Record{
		{Kind: Begin, Command: "mount", Target: "/mnt/local"},
		{Kind: Check, Command: "e2fsck -p /dev/sda1", Subject: "fs:a@part:1"},
		{Kind: Checked, Command: "e2fsck -p /dev/sda1", Subject: "fs:a@part:1", Result: "clean"},
		{Kind: Check, Command: "e2fsck -p /dev/sda2", Subject: "fs:b@part:2"},
	} {
		if err := j.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if j, err = Load(m); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range j.Checks() {
		got = append(got, r.Command+": "+r.Result)
	}
	if diff := cmp.Diff([]string{"e2fsck -p /dev/sda1: clean", "e2fsck -p /dev/sda2: "}, got); diff != "" {
		t.Error(diff)
	}
	if h, err := j.Holdings(); err != nil || !h.Empty() || !j.interrupted() {
		t.Errorf("it holds %+v, %v", h, err)
	}
}

func kinds(j *Journal) string {
	var out []string
	for _, r := range j.Records() {
		out = append(out, string(r.Kind))
	}
	return strings.Join(out, " ")
}

func TestLoad(t *testing.T) {
	for name, c := range map[string]struct{ text, want, err string }{
		"empty":           {"", "", ""},
		"whole":           {`{"kind":"begin"}` + "\n" + `{"kind":"settled"}` + "\n", "begin settled", ""},
		"cut":             {`{"kind":"begin"}` + "\n" + `{"kind":"int`, "begin", ""},
		"cut at the end":  {`{"kind":"begin"}` + "\n" + `{"kind":"settled"}`, "begin settled", ""},
		"only a cut line": {`{"ki`, "", ""},
		"damaged":         {`{"kind":"begin"}` + "\n" + `{"kind":"in` + "\n" + `{"kind":"settled"}` + "\n", "", "cannot read the session's journal /run/salvor/journal: record 2 is damaged"},
		"zeros":           {`{"kind":"begin"}` + "\n\x00\x00\n", "", "record 2 is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := Load(on(t, c.text))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("it gives %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, kinds(j)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGoingOnAfterACut: what is appended to a line that was cut short must not
// become a part of it.
func TestGoingOnAfterACut(t *testing.T) {
	for _, cut := range []string{`{"kind":"int`, `{"kind":"settled"}`} {
		m := on(t, `{"kind":"begin"}`+"\n"+cut)
		j, err := Load(m)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSpace(kinds(j) + " intent done")
		for _, k := range []Kind{Intent, Done} {
			if err := j.Add(Record{Kind: k}); err != nil {
				t.Fatal(err)
			}
		}
		again, err := Load(m)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, read(t, m))
		}
		if diff := cmp.Diff(want, kinds(again)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestFailedAppendMayLeaveAPart: so the file is written anew before the next
// record.
func TestFailedAppendMayLeaveAPart(t *testing.T) {
	m := on(t, `{"kind":"begin"}`+"\n")
	j, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	m.FailNext("append "+file, full)
	if err := j.Add(Record{Kind: Intent}); !errors.Is(err, full) {
		t.Fatalf("it gives %v", err)
	}
	if err := m.AppendFile(file, []byte(`{"kind":"in`), 0o600); err != nil { // what was written of it
		t.Fatal(err)
	}
	m.FailNext("write "+file, full)
	if err := j.Add(Record{Kind: Settled}); !errors.Is(err, full) {
		t.Fatalf("while it cannot be mended it gives %v", err)
	}
	if err := j.Add(Record{Kind: Settled}); err != nil {
		t.Fatal(err)
	}
	again, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("begin settled", kinds(again)); diff != "" {
		t.Error(diff)
	}
}

func TestAddIsReadBack(t *testing.T) {
	l := newLab()
	crypt := l.crypt("1", "", l.disk("a"))
	l.fs("1", crypt)
	now := l.graph(t)
	m := on(t, "")
	j, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	steps := []plan.Step{
		{Number: 1, Op: plan.Unlock{ID: "luks:1", MapName: "cr"}},
		{Number: 2, Op: plan.Mount{Mount: storage.Mount{Point: "/mnt/local", Source: "fs:1"}}},
		{Number: 3, Op: plan.Mount{Mount: storage.Mount{Point: "/mnt/local/srv", Source: "fs:1", Bind: "/mnt/local/data"}}},
	}
	begin := Record{Kind: Begin, Command: "mount", Target: "/mnt/local", System: "Debian", Root: "fs:1@luks:1@disk:a", Made: true, Points: []string{"/mnt/local"}}
	if err := j.Add(begin); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if err := errors.Join(j.Intend(now, s), j.Finish(s, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Add(Record{Kind: Settled, Gaps: true, Lacks: []Lack{{"/home", "locked"}}}); err != nil {
		t.Fatal(err)
	}
	again, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	h, err := again.Holdings()
	if err != nil {
		t.Fatal(err)
	}
	want := NewHoldings()
	want.Opened["luks:1@disk:a"], want.Mounts["/mnt/local"], want.Mounts["/mnt/local/srv"] = true, "fs:1", ""
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
	target, system, root, ok := again.Mounting()
	if target != "/mnt/local" || system != "Debian" || root != begin.Root || !ok || !again.MadeTarget() {
		t.Errorf("mounting is %s, %s, %s, %v", target, system, root, ok)
	}
	points, lacks := again.Wanted()
	if diff := cmp.Diff(begin.Points, points) + cmp.Diff([]Lack{{"/home", "locked"}}, lacks); diff != "" {
		t.Error(diff)
	}
}

func TestClear(t *testing.T) {
	m := on(t, `{"kind":"begin"}`+"\n")
	j, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	m.FailNext("remove "+file, errors.New("read-only file system"))
	if err := j.Clear(); err == nil || len(j.Records()) != 1 {
		t.Errorf("a failed clearing gives %v and leaves %d records", err, len(j.Records()))
	}
	if err := errors.Join(j.Clear(), j.Clear()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.ReadFile(file); !errors.Is(err, fs.ErrNotExist) || len(j.Records()) > 0 {
		t.Errorf("it is still there: %v", err)
	}
	if _, _, _, ok := j.Mounting(); ok || j.MadeTarget() {
		t.Error("an empty journal tells of a mount")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"kind":"intent","op":"unlock","subject":"x"}` + "\n"))
	f.Add([]byte("{\"kind\":\"begin\"}\n{\"kind\":\"int"))
	f.Add([]byte("null\n[]\n"))
	g, err := storage.NewGraph(nil, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := machinetest.New(g, machinetest.WithFiles(fstest.MapFS{file[1:]: {Data: data}}))
		j, err := Load(m)
		if err != nil {
			return
		}
		before := len(j.Records())
		if _, err := j.Condition(g); err != nil && !strings.Contains(err.Error(), "record") {
			t.Errorf("an error that does not say where: %v", err)
		}
		if err := j.Add(Record{Kind: Settled}); err != nil {
			t.Fatal(err)
		}
		again, err := Load(m)
		if err != nil || len(again.Records()) != before+1 {
			t.Errorf("%d records became %v, %v", before, again, err)
		}
	})
}
