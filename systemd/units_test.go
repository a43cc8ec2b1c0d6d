// Package systemd has the units that "make install" installs. A unit names the program
// as a distribution's package would have it; "make install" puts another prefix in its
// place. There is nothing here but the test that systemd takes the units.
package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnits has systemd itself read the units, with a program in the place of salvor.
func TestUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	dir := t.TempDir()
	units, err := filepath.Glob("salvor.*")
	if err != nil || len(units) != 2 {
		t.Fatalf("the units are %q, %v", units, err)
	}
	args := []string{"verify", "--man=no"}
	for _, name := range units {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		placed := filepath.Join(dir, name)
		if err := os.WriteFile(placed, []byte(strings.ReplaceAll(string(text), "/usr/sbin/salvor", "/bin/true")), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, placed)
	}
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), dir) {
		t.Errorf("systemd-analyze says %v\n%s", err, out)
	}
}

// TestUnitsLeaveTheMountsAlone: with mounts of its own, the service would save others
// than the machine's.
func TestUnitsLeaveTheMountsAlone(t *testing.T) {
	text, err := os.ReadFile("salvor.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(line, "=")
		switch key {
		case "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateMounts", "ProtectKernelTunables", "ProtectKernelModules",
			"ProtectKernelLogs", "ProtectControlGroups", "ProtectProc", "ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths",
			"BindPaths", "TemporaryFileSystem", "RootDirectory", "DynamicUser", "MountFlags":
			t.Errorf("%s gives the service mounts of its own", key)
		}
	}
}
