package house

import (
	"strings"
	"testing"
)

const goodDoc = "// Package %s is one. It is two. It is three.\n"

// TestRulesBite: each rule finds what it is there for, and says why.
func TestRulesBite(t *testing.T) {
	for name, c := range map[string]struct {
		rule, file, src string
		want            string // of the violation; "" if there is none
	}{
		"layer kept":           {"layers", "internal/plan/a.go", `package plan; import "salvor/internal/storage"`, ""},
		"layer broken":         {"layers", "internal/plan/a.go", `package plan; import "salvor/internal/machine"`, "plan may not import machine: a plan is made at a desk"},
		"tests are free":       {"layers", "internal/plan/a_test.go", `package plan; import "salvor/internal/machine"`, ""},
		"no row":               {"layers", "internal/attic/a.go", `package attic`, "attic has no row"},
		"no row for a command": {"layers", "cmd/other/a.go", `package main`, "cmd/other has no row"},
		"all but one":          {"layers", "internal/session/a.go", `package session; import "salvor/internal/apply"`, "session may not import apply"},
		"all but tests":        {"layers", "internal/cli/a.go", `package cli; import "salvor/internal/machine/machinetest"`, "cli may not import machine/machinetest"},
		"the probe reads":      {"layers", "internal/probe/a.go", `package probe; import "salvor/internal/ondisk"`, ""},
		"the graph does not":   {"layers", "internal/storage/a.go", `package storage; import "salvor/internal/ondisk"`, "storage may not import ondisk"},
		"the door":             {"doors", "internal/machine/a.go", `package machine; import "os/exec"`, ""},
		"a second door":        {"doors", "internal/probe/a.go", `package probe; import "os/exec"`, "one door to the outside"},
		"a window":             {"doors", "internal/tool/a.go", `package tool; import "golang.org/x/sys/unix"`, "which only machine, archive, rescue/live may"},
		"cli prints":           {"quiet", "internal/cli/a.go", `package cli; import "fmt"; func f() { fmt.Println() }`, ""},
		"Sprintf is quiet":     {"quiet", "internal/plan/a.go", `package plan; import "fmt"; var s = fmt.Sprintf("")`, ""},
		"plan prints":          {"quiet", "internal/plan/a.go", `package plan; import "fmt"; func f() { fmt.Println() }`, "uses fmt.Println: packages return results"},
		"plan writes":          {"quiet", "internal/plan/a.go", `package plan; import "os"; var w = os.Stderr`, "uses os.Stderr"},
		"plan logs":            {"quiet", "internal/plan/a.go", `package plan; import "log/slog"`, "imports log/slog"},
		"the terminal":         {"quiet", "internal/machine/a.go", `package machine; import "os"; var w = os.Stdout`, ""},
		"a local named os":     {"quiet", "internal/plan/a.go", `package plan; func f() { var os struct{ Stdout int }; _ = os.Stdout }`, ""},
		"documented":           {"doc", "internal/plan/a.go", strings.Replace(goodDoc, "%s", "plan", 1) + "package plan", ""},
		"no comment":           {"doc", "internal/plan/a.go", `package plan`, "0 package comments"},
		"short comment":        {"doc", "internal/plan/a.go", "// Package plan plans. That is all.\npackage plan", "has 2 sentences"},
		"wrong beginning":      {"doc", "internal/plan/a.go", strings.Replace(goodDoc, "%s", "plane", 1) + "package plan", "does not begin"},
		"grab bag":             {"name", "internal/plan/util/a.go", `package util`, "is named util"},
		"grab bag inside":      {"name", "internal/plan/x/a.go", `package helpers`, "is named helpers"},
		"short main":           {"main", "cmd/salvor/main.go", "// Salvor.\npackage main\n\n// why\nfunc main() {\n}\n", ""},
		"long main":            {"main", "cmd/salvor/main.go", "package main\n" + strings.Repeat("var _ = 1\n", 10), "has 11 lines of code"},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, c.file, c.src)
			got := strings.Join(rules[c.rule](p), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("violations are %q, want %q", got, c.want)
			}
		})
	}
}

func TestLinkedBites(t *testing.T) {
	all := []pkg{
		parse(t, "cmd/salvor/main.go", `package main; import "salvor/internal/cli"`),
		parse(t, "internal/cli/a.go", `package cli; import "salvor/internal/machine/machinetest"`),
		parse(t, "internal/plan/a.go", `package plan; import "testing"`),
	}
	got := strings.Join(checkLinked(all), "\n")
	for _, want := range []string{"machine/machinetest is linked into the program", "internal/plan/a.go imports testing"} {
		if !strings.Contains(got, want) {
			t.Errorf("violations are %q, want %q", got, want)
		}
	}
}

func parse(t *testing.T, name, src string) pkg {
	t.Helper()
	byPath := map[string]*pkg{}
	if err := add(byPath, name, src); err != nil {
		t.Fatal(err)
	}
	for _, p := range byPath {
		return *p
	}
	return pkg{}
}
