package layout

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/test/doctable"
)

func TestRowsAreTheTables(t *testing.T) {
	var left, cover, mounts, fs, volumes [][]string
	for _, r := range outside {
		left = append(left, []string{r.reason, r.when})
	}
	for _, r := range coverRows {
		with := map[bool]string{true: "too"}[r.takes]
		cover = append(cover, []string{r.reason, r.state, with, r.when, r.why})
	}
	for _, r := range mountRows {
		state := r.state
		switch {
		case r.state == "" && !r.list:
			state = "none"
		case r.state == "":
			state = "covered"
		}
		mounts = append(mounts, []string{r.when, state, r.reason})
	}
	for _, r := range fileSystemRows {
		fs = append(fs, []string{r.types, r.by})
	}
	for _, r := range volumeRows {
		volumes = append(volumes, []string{r.types, r.made})
	}
	for heading, rows := range map[string][][]string{
		"What is not part of the machine": left, "What is not made again": cover, "Mounts in a layout": mounts,
		"File systems that are made again": fs, "Volumes that are made again": volumes,
	} {
		if diff := cmp.Diff(doctable.Rows(t, heading), rows); diff != "" {
			t.Errorf("%s (-page +code):\n%s", heading, diff)
		}
	}
}
