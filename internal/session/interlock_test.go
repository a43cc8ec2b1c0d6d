package session

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine/machinetest"
	"salvor/internal/plan"
	"salvor/internal/storage"
)

// published reads the first table of a page, its header first.
func published(t *testing.T, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				return rows
			}
			continue
		}
		var cells []string
		for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.Trim(c, " `"))
		}
		if !strings.HasPrefix(cells[0], "---") {
			rows = append(rows, cells)
		}
	}
	return rows
}

// TestInterlockIsThePublishedTable compares every cell of docs/interlock.md.
func TestInterlockIsThePublishedTable(t *testing.T) {
	table := published(t, "../../docs/interlock.md")
	var conditions, commands []string
	for _, c := range Conditions {
		conditions = append(conditions, string(c))
	}
	for _, row := range table[1:] {
		commands = append(commands, row[0])
	}
	if diff := cmp.Diff(append([]string{"command"}, conditions...), table[0]); diff != "" {
		t.Fatalf("columns (-code +page):\n%s", diff)
	}
	if diff := cmp.Diff(Commands, commands); diff != "" {
		t.Fatalf("rows (-code +page):\n%s", diff)
	}
	for _, row := range table[1:] {
		for i, c := range Conditions {
			got, err := Interlock(row[0], c)
			if err != nil || string(got) != row[i+1] {
				t.Errorf("%s when %s: the code says %q (%v), the page %q", row[0], c, got, err, row[i+1])
			}
		}
	}
}

func TestInterlockKnowsNoOthers(t *testing.T) {
	for _, c := range []struct {
		command string
		Condition
	}{{"format", Free}, {"", Free}, {"mount", "haunted"}, {"umount", ""}} {
		if v, err := Interlock(c.command, c.Condition); v != Refuse || err == nil || !strings.Contains(err.Error(), "internal error") {
			t.Errorf("%q when %q gives %q, %v", c.command, c.Condition, v, err)
		}
	}
}

func TestCondition(t *testing.T) {
	begin, settled := Record{Kind: Begin, Command: "mount", Target: "/mnt/local"}, Record{Kind: Settled, Command: "mount"}
	look := Record{Kind: Begin, Command: "look"}
	open, closed := did(plan.Unlock{}, "luks:1@disk:a"), did(plan.Lock{}, "luks:1@disk:a")
	for name, c := range map[string]struct {
		records []Record
		isOpen  bool
		want    Condition
	}{
		"nothing was done":               {nil, false, Free},
		"nothing of ours":                {nil, true, Free},
		"a look began":                   {[]Record{look}, false, Free},
		"all was closed":                 {slices.Concat([]Record{look}, open, closed), true, Free},
		"others closed it":               {slices.Concat([]Record{begin}, open, []Record{settled}), false, Free},
		"a look was cut short":           {slices.Concat([]Record{look}, open), true, Leftover},
		"a look without a beginning":     {open, true, Leftover},
		"a mount was cut short":          {slices.Concat([]Record{look}, open, []Record{begin}), true, Interrupted},
		"it stands":                      {slices.Concat([]Record{begin}, open, []Record{settled}), true, Standing},
		"an umount was cut short":        {slices.Concat([]Record{begin}, open, []Record{settled, {Kind: Begin, Command: "umount"}}), true, Interrupted},
		"a closing was only announced":   {slices.Concat([]Record{begin}, open, []Record{settled, {Kind: Begin, Command: "umount"}}, closed[:1]), true, Interrupted},
		"a second mount, also cut short": {slices.Concat([]Record{begin}, open, []Record{settled, begin}), true, Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			disk := l.disk("a")
			l.crypt("1", opened(c.isOpen, "cr"), disk)
			j := &Journal{records: c.records}
			got, err := j.Condition(l.graph(t))
			if err != nil || got != c.want {
				t.Errorf("it is %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func opened(is bool, name string) string {
	if is {
		return name
	}
	return ""
}

func TestConditionOfADamagedJournal(t *testing.T) {
	j := &Journal{records: []Record{{Kind: Intent, Op: "explode"}}}
	g, err := storage.NewGraph(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Condition(g); err == nil || !strings.Contains(err.Error(), `record 1: the operation "explode" is not known`) {
		t.Errorf("an unknown operation gives %v", err)
	}
}

func TestCheckSame(t *testing.T) {
	j := &Journal{records: []Record{{Kind: Begin, Target: "/mnt/local", System: "Debian", Root: "fs:1@disk:a"}}}
	for _, c := range []struct {
		root, target string
		same         bool
	}{
		{"", "", true}, {"fs:1@disk:a", "", true}, {"", "/mnt/local", true}, {"fs:1@disk:a", "/mnt/local/", true},
		{"fs:2@disk:a", "", false}, {"", "/mnt", false}, {"fs:1@disk:a", "/mnt/local/x", false},
	} {
		err := j.CheckSame(c.root, c.target)
		if (err == nil) != c.same || err != nil && !errors.Is(err, ErrInterlock) {
			t.Errorf("CheckSame(%q, %q) gives %v", c.root, c.target, err)
		}
	}
	if err := (&Journal{}).CheckSame("fs:2", "/srv"); err != nil {
		t.Errorf("with nothing mounted it gives %v", err)
	}
}

func TestLock(t *testing.T) {
	m := machinetest.New(newLab().graph(t))
	unlock, err := Lock(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(m); !errors.Is(err, ErrAnother) {
		t.Errorf("a second lock gives %v", err)
	}
	unlock()
	if unlock, err = Lock(m); err != nil {
		t.Fatalf("after unlocking: %v", err)
	}
	unlock()
	m.FailNext("mkdir /run/salvor", errors.New("no space left on device"))
	if _, err := Lock(m); err == nil || !strings.Contains(err.Error(), "cannot keep a session") {
		t.Errorf("without a directory it gives %v", err)
	}
}
