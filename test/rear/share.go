package reartest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Share puts Debian's ReaR, which build.sh builds once, and the scripts around it into a
// directory that the lab sees at /salvor. dir is that of this package, as the caller sees it.
func Share(dir, share string) error {
	dir, err := filepath.Abs(dir) // a program without a slash would be looked for in $PATH
	if err != nil {
		return err
	}
	built, err := exec.Command(filepath.Join(dir, "build.sh")).Output()
	if err != nil {
		return fmt.Errorf("cannot build ReaR's tree: %w", err)
	}
	files := []string{filepath.Join(strings.TrimSpace(string(built)), "rear.squashfs"), filepath.Join(dir, "open.sh"), filepath.Join(dir, "inside.sh"), share}
	if out, err := exec.Command("cp", files...).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot fill the share: %w: %s", err, out)
	}
	return nil
}
