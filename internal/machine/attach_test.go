package machine

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// attachHelper names the variable that turns the test binary into a program that
// attaches a shell script to its own terminal.
const attachHelper = "SALVOR_TEST_ATTACH"

func TestMain(m *testing.M) {
	if script := os.Getenv(attachHelper); script != "" {
		c := sh(script)
		c.Root = os.Getenv(attachHelper + "_ROOT")
		status, err := NewLive().Attach(context.Background(), c)
		fmt.Printf("attached: %d %v\n", status, err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func attachCommand(script, root string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), attachHelper+"="+script, attachHelper+"_ROOT="+root, "TERM=vt100")
	return cmd
}

func TestAttachWithoutATerminal(t *testing.T) {
	cmd := attachCommand("read line; echo got $line; pwd; env; exit 7", "")
	cmd.Stdin = strings.NewReader("hello\n")
	out, err := cmd.CombinedOutput()
	must(t, err)
	for _, want := range []string{"got hello\n", "\n/\n", "TERM=vt100\n", "HOME=/root\n", "LANG=C.UTF-8\n", "attached: 7 <nil>\n"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if bytes.Contains(out, []byte(attachHelper)) {
		t.Errorf("the environment leaks:\n%s", out)
	}
}

func TestAttachGivesTheTerminal(t *testing.T) {
	tty, err := pty.Start(attachCommand(`trap 'echo caught; exit 5' INT; stty raw; stty -raw isig icanon icrnl onlcr opost; echo ready; read line; echo not here`, ""))
	must(t, err)
	defer tty.Close()
	lines := bufio.NewReader(tty)
	expect(t, lines, "ready")
	_, err = tty.Write([]byte{3}) // ^C
	must(t, err)
	expect(t, lines, "caught")
	expect(t, lines, "attached: 5 <nil>")
}

func TestAttachGoesOnAfterAStop(t *testing.T) {
	// The helper leads its session and so is an orphaned process group: there is
	// no shell to go back to, and a stopped program has to go on.
	tty, err := pty.Start(attachCommand(`echo ready; kill -STOP $$; echo going on; read line; echo got $line`, ""))
	must(t, err)
	defer tty.Close()
	lines := bufio.NewReader(tty)
	expect(t, lines, "going on")
	_, err = tty.WriteString("typed\n")
	must(t, err)
	expect(t, lines, "got typed")
	expect(t, lines, "attached: 0 <nil>")
}

func expect(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	var seen strings.Builder
	for {
		line, err := lines.ReadString('\n')
		seen.WriteString(line)
		if strings.Contains(line, want) {
			return
		}
		if err != nil {
			t.Fatalf("%q did not come: %v\n%s", want, err, &seen)
		}
	}
}

func TestAttachInARoot(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	must(t, os.Mkdir(filepath.Join(root, "bin"), 0o755))
	libs, err := exec.Command("ldd", "/bin/sh").Output()
	if err != nil {
		t.Skip("cannot tell the libraries of /bin/sh: ", err)
	}
	for _, word := range append(strings.Fields(string(libs)), "/bin/sh") {
		if strings.HasPrefix(word, "/") {
			copyFile(t, filepath.Join(root, word), word)
		}
	}
	must(t, os.Symlink("/bin/sh", filepath.Join(root, "link")))
	out, err := attachCommand("cd /; pwd; echo *; exit 3", root).CombinedOutput()
	must(t, err)
	if got := string(out); !strings.HasPrefix(got, "/\nbin ") || !strings.HasSuffix(got, "attached: 3 <nil>\n") {
		t.Errorf("it ran as:\n%s", got)
	}
	_, err = NewLive().Attach(context.Background(), Cmd{Program: "mount", Root: root})
	if err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("a program of the live system was found in the root: %v", err)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, err)
	must(t, out.Close())
}
