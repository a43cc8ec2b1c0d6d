package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
	"salvor/internal/system"
	"salvor/internal/workflow"
)

// crowded is a machine with a system of so many snapshots, as many of its /home,
// and containers; and one with deployments.
func crowded(t *testing.T, n int) *workflow.SystemsReport {
	t.Helper()
	var b storage.Builder
	disk := &storage.Disk{Common: storage.Common{Identity: "disk:a"}}
	disk.AddName("/dev/sda", storage.FromKernel)
	b.Add(disk)
	fsys := &storage.FileSystem{Common: storage.Common{Identity: "fs:p"}, Type: "btrfs"}
	b.Add(fsys, disk)
	r := &workflow.SystemsReport{}
	add := func(p string) storage.ID {
		id := storage.ID("subvol:p/" + p)
		b.Add(&storage.Subvolume{Common: storage.Common{Identity: id}, Path: p}, fsys)
		return id
	}
	root, home := add("@"), add("@home")
	r.Findings = append(r.Findings, system.Finding{Root: root, Class: system.Installed, System: &system.System{Root: root, Number: 1, Name: "SUSE"}})
	for i := range n {
		s := &system.Snapshot{Number: i + 1, Date: time.Date(2024, 5, 1, 10, i, 0, 0, time.UTC), Description: "zypp", ReadOnly: true}
		id := add(fmt.Sprintf("@/.snapshots/%d/snapshot", i+1))
		r.Findings = append(r.Findings, system.Finding{Root: id, Class: system.Installed, System: &system.System{Root: id, Number: 4 + i, Name: "SUSE", SnapshotOf: root, Snapshot: s}})
		r.Findings = append(r.Findings, system.Finding{Root: add(fmt.Sprintf("@home/.snapshots/%d/snapshot", i+1)), Class: system.Data, SnapshotOf: home, Snapshot: s})
		r.Findings = append(r.Findings, system.Finding{Root: add(fmt.Sprintf("@/var/lib/machines/%d", i)), Class: system.Container, Cause: "a container"})
	}
	for i, d := range []*system.Deployment{{OS: "fedora", Checksum: "fedcba9876543210", Origin: "fedora:40"}, {OS: "fedora", Checksum: "0123456789abcdef", Index: 1, Older: true, Pinned: true}} {
		s := &system.System{Root: "fs:p", Number: 2 + i, Name: "Silverblue", Dir: "ostree/deploy/x", Deployment: d}
		r.Findings = append(r.Findings, system.Finding{Root: "fs:p", Class: system.Installed, System: s})
	}
	var err error
	if r.Graph, err = b.Build(nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestManySnapshotsStayReadable: hundreds are counted.
func TestManySnapshotsStayReadable(t *testing.T) {
	var text strings.Builder
	a := &app{out: &screen{Writer: &text, width: 100}}
	a.showSystems(crowded(t, 200), false)
	want := ` 1  SUSE
    root      sda[/@], btrfs subvolume 0, on sda
    mount     can be mounted completely

    200 snapshots (--all lists them), the youngest of them, each after its number in this list:
    203  snapshot sda[/@/.snapshots/200/snapshot]: SUSE; number 200, 2024-05-01 13:19 UTC, "zypp", read-only

 2  Silverblue
    root      sda, btrfs, on sda
    ostree    its root is the directory /ostree/deploy/x, of fedora, follows fedora:40
    mount     can be mounted completely

     3  older deployment 0123456789.0: Silverblue, of fedora, pinned

Also found:
  sda[/@home]             data         200 snapshots of it (--all lists them)
  sda[/@/var/lib/machines]  container    200 roots or layers of containers (--all lists them)
`
	got := strings.ReplaceAll(text.String(), "   ", "  ")
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got)); diff != "" {
		t.Errorf("%s\n%s", diff, text.String())
	}
	text.Reset()
	a.showSystems(crowded(t, 200), true)
	if lines := strings.Count(text.String(), "\n"); lines < 600 {
		t.Errorf("--all lists only %d lines", lines)
	}
	text.Reset()
	a.showSystems(crowded(t, 2), false)
	if strings.Contains(text.String(), "--all") {
		t.Errorf("few are counted:\n%s", text.String())
	}
}
