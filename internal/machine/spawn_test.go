package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSpawn(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	c, err := NewLive().Spawn(Service{Program: "sh", Name: "-sh", Args: []string{"-c", `echo "$0 $X $PWD"; read line || echo end; exit 7`}, Env: []string{"X=y"}, Output: out})
	if err != nil {
		t.Fatal(err)
	}
	if c.Pid() <= 0 {
		t.Errorf("its process ID is %d", c.Pid())
	}
	if status, err := c.Wait(); status != 7 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	if said, err := os.ReadFile(out); string(said) != "-sh y /\nend\n" || err != nil {
		t.Errorf("it wrote %q, %v", said, err)
	}
	if _, err := NewLive().Spawn(Service{Program: "no-such-program"}); err == nil {
		t.Error("a program that is not there was started")
	}
	if _, err := NewLive().Spawn(Service{Program: "sh", Terminal: "/dev/no-such-terminal"}); err == nil {
		t.Error("a terminal that is not there was opened")
	}
}
