package cli

import (
	"os"
	"strings"
	"testing"
)

// TestWhatIsNoSalvor: the program of these tests has been built by Go, and is none.
func TestWhatIsNoSalvor(t *testing.T) {
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := salvorInfo(own); err == nil || !strings.Contains(err.Error(), "built from salvor/internal/cli.test") {
		t.Error(err)
	}
}
