package rescue

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// makeKey makes a pair of keys in dir, and gives the public one.
func makeKey(t *testing.T, dir string) string {
	t.Helper()
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "who repairs", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return string(public)
}

// hasNoHostKeys: the machine has private keys of its sshd, and the image has none of them, by whatever
// name.
func hasNoHostKeys(t *testing.T, tree, initramfs string) {
	keys, err := filepath.Glob(filepath.Join(tree, "etc/ssh/ssh_host_*_key"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("the machine has no keys: %v", err)
	}
	f, err := os.Open(initramfs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	image, err := io.ReadAll(z)
	// Zeros behind the last frame are no frame.
	for _, part := range []string{"sshd_config", "who repairs", "TRAILER!!!"} {
		if !bytes.Contains(image, []byte(part)) {
			t.Fatalf("the image has no %s: %v", part, err)
		}
	}
	for _, name := range keys {
		key, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(key, []byte("\n"))
		if bytes.Contains(image, lines[len(lines)/2]) {
			t.Errorf("%s is in the image", name)
		}
	}
}

// login is a way into a VM by ssh.
type login struct {
	dir  string
	args []string
}

// newLogin waits until sshd answers, and takes its host key for good only if it is the one whose fingerprint
// stands on the console.
func newLogin(t *testing.T, v *VM, dir string, port int) login {
	t.Helper()
	expectSeen(t, v, `ssh host key: ssh-ed25519 SHA256:`)
	known := filepath.Join(dir, "known")
	l := login{dir, []string{"-F", "none", "-p", fmt.Sprint(port), "-o", "UserKnownHostsFile=" + known, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=120"}}
	send(t, v, `until ss -ltn | grep -q :22; do sleep 0.2; done; echo is=$((3+1))`)
	expect(t, v, `is=4`)
	scanned, err := exec.Command("ssh-keyscan", "-T", "120", "-t", "ed25519", "-p", fmt.Sprint(port), "127.0.0.1").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, scanned, 0o600); err != nil {
		t.Fatal(err)
	}
	shown, err := exec.Command("ssh-keygen", "-l", "-f", known).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, scanned)
	}
	print := regexp.MustCompile(`SHA256:\S+`).FindString(string(shown))
	if print == "" || !strings.Contains(v.Console.Text(), "ssh host key: ssh-ed25519 "+print) {
		t.Fatalf("sshd has a key that was not told: %s", shown)
	}
	return l
}

func expectSeen(t *testing.T, v *VM, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(v.Console.Text()) {
		expect(t, v, pattern)
	}
}

func (l login) ssh(more ...string) *exec.Cmd {
	return exec.Command("ssh", append(append([]string(nil), l.args...), more...)...)
}

// run runs a command there.
func (l login) run(t *testing.T, command string) string {
	t.Helper()
	cmd := l.ssh("-i", filepath.Join(l.dir, "key"), "root@127.0.0.1", command)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, stderr.String())
	}
	return string(out)
}

// isByKeyAlone: root gets in by the key that the machine's root has, and by nothing else.
func (l login) isByKeyAlone(t *testing.T) {
	if got := l.run(t, "id -un; echo $HOME; salvor version"); !strings.HasPrefix(got, "root\n/root\n") || !strings.Contains(got, "salvor") {
		t.Errorf("a login gives %q", got)
	}
	stranger := filepath.Join(l.dir, "stranger")
	if err := os.Mkdir(stranger, 0o700); err != nil {
		t.Fatal(err)
	}
	makeKey(t, stranger)
	for name, args := range map[string][]string{
		"another key":  {"-i", filepath.Join(stranger, "key"), "root@127.0.0.1"},
		"another user": {"-i", filepath.Join(l.dir, "key"), "nobody@127.0.0.1"},
		"a password":   {"-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password,keyboard-interactive", "root@127.0.0.1"},
	} {
		out, err := l.ssh(append(args, "true")...).CombinedOutput()
		// Only the ways that sshd offers stand in the brackets.
		if err == nil || !strings.Contains(string(out), "Permission denied (publickey).") {
			t.Errorf("by %s: %v: %s", name, err, out)
		}
	}
	if got := l.run(t, "ls -d /etc/ssh/ssh_host_* /etc/shadow 2>/dev/null; stat -c %a /run/salvor-ssh/ssh_host_ed25519_key"); got != "600\n" {
		t.Errorf("keys and passwords in the rescue system: %s", got)
	}
}
