package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// probed looks at the machine with little patience.
func probed(t testing.TB, f *fake) *storage.Graph {
	t.Helper()
	g, err := Probe(context.Background(), f, Options{DeviceTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGolden(t *testing.T) {
	for name, build := range machines {
		t.Run(name, func(t *testing.T) {
			g := probed(t, build())
			raw, err := json.Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, raw, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			compareGolden(t, filepath.Join("testdata", name+".json"), got.Bytes())
		})
	}
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestStable: two looks at one machine give the same bytes, however the
// goroutines run.
func TestStable(t *testing.T) {
	for name, build := range machines {
		f := build()
		one, err1 := json.Marshal(probed(t, f))
		two, err2 := json.Marshal(probed(t, f))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(one), string(two)); diff != "" {
			t.Errorf("%s (-first +second):\n%s", name, diff)
		}
	}
}

func TestHangingDeviceCostsOneNote(t *testing.T) {
	f := newFake()
	bad := newImage(64)
	bad.hang = true
	f.disk("vda", "good", newImage(64).ext4(0, 1, "root", false))
	f.disk("vdb", "bad", bad)
	f.mountDevice("vdb", "/mnt", "xfs")
	g, err := Probe(context.Background(), f, Options{DeviceTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if g.Node("fs:"+storage.ID(uuidText(1))) == nil {
		t.Error("the good disk's file system is not there")
	}
	disk := g.Node("disk:serial-bad")
	if disk == nil || !disk.Base().Is(storage.Unreadable) {
		t.Errorf("the bad disk is not marked as unreadable: %+v", disk)
	}
	want := []string{"cannot look at /dev/vdb: reading it took longer than 20ms"}
	if diff := cmp.Diff(want, g.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if m := g.MountAt("/mnt"); m == nil || m.Source != "fs:xfs-on-disk:serial-bad" {
		t.Errorf("what is mounted from it was lost: %+v", m)
	}
}

func TestManyHangingDevicesAreWaitedForTogether(t *testing.T) {
	f := newFake()
	for _, name := range []string{"vda", "vdb", "vdc", "vdd"} {
		im := newImage(64)
		im.hang = true
		f.disk(name, name+"-serial", im)
	}
	g, err := Probe(context.Background(), f, Options{Parallel: 4, DeviceTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Notes) != 4 {
		t.Errorf("notes: %q", g.Notes)
	}
}

func TestBrokenDevice(t *testing.T) {
	f := newFake()
	bad := newImage(64)
	bad.fail = errors.New("input/output error")
	f.disk("vda", "bad", bad)
	g := probed(t, f)
	if len(g.Notes) != 1 || !strings.Contains(g.Notes[0], "input/output error") {
		t.Errorf("notes: %q", g.Notes)
	}
}

// TestSuspendedMappingIsNotRead: it would hang until somebody resumes it.
func TestSuspendedMappingIsNotRead(t *testing.T) {
	f := newFake()
	bad := newImage(64)
	bad.hang = true
	f.dm("dm-0", "stuck", "", bad)
	f.write("/sys/class/block/dm-0/dm/suspended", "1\n")
	g := probed(t, f)
	if n := g.Node("disk:dm-stuck"); n == nil || !n.Base().Is(storage.Unreadable) {
		t.Errorf("the mapping is not marked: %+v", n)
	}
}

func TestEndOfContext(t *testing.T) {
	f := newFake()
	f.disk("vda", "one", newImage(64))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Probe(ctx, f, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func TestNoSysfs(t *testing.T) {
	f := newFake()
	delete(f.dirs, "/sys/class/block")
	if _, err := Probe(context.Background(), f, Options{}); err == nil {
		t.Error("no error without sysfs")
	}
}
