// Command tally reads the output of "go test -json" and shows it to people: a line a
// package, what failing tests wrote, and at the end how many passed and failed. It
// fails when one of them failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// event is one line of go test -json (cmd/test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of build output
	Elapsed                       float64
}

// tally counts tests; a package that fails without a failing test counts as one.
type tally struct {
	passed, failed, skipped int
	output                  map[[2]string][]string // package and test → what it wrote
	bad                     map[string]bool        // packages with a failing test
}

func main() {
	t := &tally{output: map[[2]string][]string{}, bad: map[string]bool{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text()) // not of go test: shown as it is
			continue
		}
		t.take(e)
	}
	if t.skipped > 0 {
		fmt.Printf("%d skipped\n", t.skipped)
	}
	fmt.Printf("%d passed, %d failed\n", t.passed, t.failed)
	if err := lines.Err(); err != nil || t.failed > 0 || t.passed == 0 {
		os.Exit(1)
	}
}

func (t *tally) take(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		if e.Action == "build-output" {
			fmt.Print(e.Output)
		}
		t.output[key] = append(t.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e)
		} else {
			t.endTest(e, key)
		}
	}
}

func (t *tally) endTest(e event, key [2]string) {
	switch e.Action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		t.bad[e.Package] = true
		t.show(key)
	case "skip":
		t.skipped++
		t.show(key)
	}
	delete(t.output, key)
}

func (t *tally) endPackage(e event) {
	if e.Action == "fail" && !t.bad[e.Package] {
		t.failed++
		t.show([2]string{e.Package, ""})
	}
	if e.Action != "skip" { // a package without tests
		fmt.Printf("%-5s %s  %.1f s\n", e.Action, e.Package, e.Elapsed)
	}
}

func (t *tally) show(key [2]string) {
	for line := range slices.Values(t.output[key]) {
		fmt.Print(line)
	}
}
