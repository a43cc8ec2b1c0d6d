package live

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const page = "../../../docs/rescue.md"

// tables are those of docs/rescue.md that are about the init, by heading, as the code has them.
func tables() map[string][][]string {
	var params, ip, ends, rules [][]string
	for _, row := range parameters {
		params = append(params, []string{"`" + row.word + "`", row.means})
	}
	for _, row := range ipRows {
		ip = append(ip, []string{"`" + strings.ReplaceAll(row.examples, " ", "`, `") + "`", row.meaning})
	}
	for _, row := range endings {
		signals := []string{unix.SignalName(row.signal)}
		for _, s := range row.also {
			signals = append(signals, unix.SignalName(s))
		}
		ends = append(ends, []string{"`" + string(row.Ending) + "`", strings.Join(signals, ", ")})
	}
	for _, row := range bannedRules {
		rules = append(rules, []string{"`" + row.pattern + "`", row.does})
	}
	return map[string][][]string{"Kernel parameters": params, "Values of ip=": ip, "How it ends": ends, "Rules of udev that are masked": rules}
}

func TestTables(t *testing.T) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for heading, rows := range tables() {
		_, rest, found := strings.Cut(string(data), "\n### ⚙ "+heading+"\n")
		if !found {
			t.Errorf("%s has no %q", page, heading)
			continue
		}
		rest, _, _ = strings.Cut(rest, "\n#")
		var have, want []string
		for line := range strings.Lines(rest) {
			if strings.HasPrefix(line, "|") {
				have = append(have, strings.TrimSpace(line))
			}
		}
		for _, row := range rows {
			want = append(want, "| "+strings.Join(row, " | ")+" |")
		}
		if diff := cmp.Diff(want, have[min(2, len(have)):]); diff != "" {
			t.Errorf("%s (-code +page):\n%s", heading, diff)
		}
	}
}

func TestExamplesOfIP(t *testing.T) {
	for _, row := range ipRows {
		for example := range strings.FieldsSeq(row.examples) {
			if got, err := parseIP(example); err != nil || got.Mode != row.mode {
				t.Errorf("ip=%s: %s, %v", example, got.Mode, err)
			}
		}
	}
}
