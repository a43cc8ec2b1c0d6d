package rescue

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"salvor/test/lab"
)

// TestBuilt: what salvor rescue build makes of the files of the lab's live medium starts, and comes up.
func TestBuilt(t *testing.T) {
	needLab(t)
	dir := t.TempDir()
	if err := lab.Build(dir); err != nil {
		t.Fatal(err)
	}
	tree, kernel := liveTree(t, dir)
	image := Image{kernel, filepath.Join(dir, "built.initramfs")}
	out, err := exec.Command(filepath.Join(dir, "bin/salvor"), "rescue", "build", "--root", tree, "--format", "initramfs", "--output", image.Initramfs).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	if out, err := exec.Command(filepath.Join(dir, "bin/salvor"), "rescue", "audit", image.Initramfs).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	v := start(t, image, "")
	expect(t, v, `salvor: ready`)
	send(t, v, "salvor probe; echo exit=$?")
	expect(t, v, `exit=[05]`)
	send(t, v, "poweroff")
	if err := v.Ended(); err != nil {
		t.Error(err)
	}
}

// liveTree unpacks the lab's live medium, and puts its kernel where a distribution has it.
func liveTree(t *testing.T, dir string) (tree, kernel string) {
	t.Helper()
	out, err := exec.Command("bash", filepath.Join(lab.Repo, "test/lab/build.sh")).Output()
	if err != nil {
		t.Fatal(err)
	}
	built := strings.TrimSpace(string(out))
	tree = filepath.Join(dir, "tree")
	if out, err := exec.Command("unsquashfs", "-q", "-n", "-no-xattrs", "-d", tree, filepath.Join(built, "live.squashfs")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	releases, err := os.ReadDir(filepath.Join(tree, "usr/lib/modules"))
	if err != nil || len(releases) != 1 {
		t.Fatalf("the live medium has %d kernels: %v", len(releases), err)
	}
	data, err := os.ReadFile(filepath.Join(built, "vmlinuz"))
	if err != nil {
		t.Fatal(err)
	}
	kernel = filepath.Join(tree, "boot/vmlinuz-"+releases[0].Name())
	if err := os.WriteFile(kernel, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return tree, kernel
}
