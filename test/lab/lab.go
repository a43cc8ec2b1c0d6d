// Package lab boots the VM lab and talks to it: over a control channel that runs
// scripts, and over the serial console as a person would.
//
// What boots is the rescue image that salvor made, or the lab's own live medium, which owes
// salvor nothing. A VM is one of these that runs with overlays of a golden machine's disks and a copy of its
// TPM, so that the machine itself never changes. Its Console is a root shell. The package builds
// what is not built yet by calling the scripts beside it; it judges nothing.
package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Repo is the top of the tree that this file lies in.
var Repo = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../..")
}()

// patience bounds one command in the lab. It is generous: the lab is emulated,
// and shares two cores with other tests.
const patience = 8 * time.Minute

// VM is a lab, or a rescue image, that runs with a machine's disks.
type VM struct {
	cmd     *exec.Cmd
	stderr  bytes.Buffer
	control net.Conn
	lines   *bufio.Reader
	Console *Console
	disks   []disk
	ended   chan struct{}
}

// disk is an overlay that the lab writes to, and the image below it.
type disk struct{ overlay, base string }

// BootImage boots the rescue image that this checkout's salvor makes, with overlays of the
// machines' disks. dir is for its files; share is seen at /salvor.
func BootImage(dir, share string, machines []string, args ...string) (*VM, error) {
	image, err := imageDir()
	if err != nil {
		return nil, err
	}
	return Boot(dir, share, machines, append([]string{"--image", image}, args...)...)
}

// Boot boots the lab's own live medium in the same way, or what args say (see run.sh).
func Boot(dir, share string, machines []string, args ...string) (*VM, error) {
	v := &VM{ended: make(chan struct{})}
	run := append([]string{filepath.Join(Repo, "test/lab/run.sh"), "--sockets", dir, "--share", share}, args...)
	for _, m := range machines {
		home, err := machineDir(m)
		if err != nil {
			return nil, err
		}
		disks, err := v.overlays(dir, m, home)
		if err != nil {
			return nil, err
		}
		tpm, err := copyTPM(dir, home)
		if err != nil {
			return nil, err
		}
		run = slices.Concat(run, disks, tpm)
	}
	v.cmd = exec.Command("bash", run...)
	v.cmd.Stderr = &v.stderr
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { v.cmd.Wait(); close(v.ended) }()
	if err := v.connect(dir); err != nil {
		v.Kill()
		return nil, fmt.Errorf("the lab does not answer: %w\n%s", err, v.stderr.String())
	}
	return v, nil
}

// overlays makes an overlay of each disk of a built machine and gives the --disk
// arguments for them.
func (v *VM) overlays(dir, machine, home string) ([]string, error) {
	list, err := os.ReadFile(filepath.Join(home, "disks"))
	if err != nil {
		return nil, err
	}
	var args []string
	for line := range strings.Lines(string(list)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ",")
		d := disk{overlay: filepath.Join(dir, machine+"-"+name), base: filepath.Join(home, name)}
		out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", d.base, d.overlay).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("cannot make an overlay: %w: %s", err, out)
		}
		v.disks = append(v.disks, d)
		args = append(args, "--disk", d.overlay+","+rest)
	}
	return args, nil
}

// copyTPM copies the state of a built machine's TPM, if it has one, and gives the
// --tpm argument for it.
func copyTPM(dir, home string) ([]string, error) {
	state := filepath.Join(dir, "tpm")
	err := os.CopyFS(state, os.DirFS(filepath.Join(home, "tpm")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return []string{"--tpm", state}, err
}

// connect waits for the sockets, and for the lab to say that it is ready.
func (v *VM) connect(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if v.control, err = v.dial(ctx, filepath.Join(dir, "control")); err != nil {
		return err
	}
	con, err := v.dial(ctx, filepath.Join(dir, "console"))
	if err != nil {
		return err
	}
	v.Console = NewConsole(con)
	v.lines = bufio.NewReader(v.control)
	v.control.SetReadDeadline(time.Now().Add(patience))
	line, err := v.lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "READY") {
		return fmt.Errorf("not ready: %q, %w; console:\n%s", line, err, v.Console.Text())
	}
	return nil
}

func (v *VM) dial(ctx context.Context, socket string) (net.Conn, error) {
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn, nil
		}
		select {
		case <-v.ended:
			return nil, errors.New("the emulator has ended")
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond): // QEMU makes its sockets, and tells nobody
		}
	}
}

// Run runs a script in the lab and gives what it wrote and its exit status.
func (v *VM) Run(script string) (stdout, stderr []byte, status int, err error) {
	v.control.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintln(v.control, base64.StdEncoding.EncodeToString([]byte(script))); err != nil {
		return nil, nil, 0, err
	}
	for {
		line, err := v.lines.ReadString('\n')
		if err != nil {
			return stdout, stderr, 0, fmt.Errorf("the lab has ended while it ran %q: %w; console:\n%s", script, err, v.Console.Text())
		}
		kind, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if kind == "RC" {
			_, err := fmt.Sscan(value, &status)
			return stdout, stderr, status, err
		}
		piece, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return stdout, stderr, 0, fmt.Errorf("the lab answered %q: %w", line, err)
		}
		switch kind {
		case "OUT":
			stdout = append(stdout, piece...)
		case "ERR":
			stderr = append(stderr, piece...)
		}
	}
}

// Kill pulls the plug. What the lab has written to its disks is in the overlays.
func (v *VM) Kill() {
	select {
	case <-v.ended:
		return
	default:
	}
	v.cmd.Process.Signal(syscall.SIGTERM) // QEMU stops the guest at once and closes its images
	select {
	case <-v.ended:
	case <-time.After(20 * time.Second):
		syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL)
		<-v.ended
	}
}

// Changed compares every disk, byte for byte, with what it was before the boot.
func (v *VM) Changed() ([]string, error) {
	var out []string
	for _, d := range v.disks {
		said, err := exec.Command("qemu-img", "compare", "-F", "qcow2", "-f", "qcow2", d.base, d.overlay).CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.ExitCode() == 1:
			out = append(out, fmt.Sprintf("%s: %s", filepath.Base(d.overlay), bytes.TrimSpace(said)))
		default:
			return nil, fmt.Errorf("cannot compare %s: %w: %s", d.overlay, err, said)
		}
	}
	return out, nil
}

// Console is the lab's serial console: a root shell, typed at and read.
type Console struct {
	conn net.Conn
	mu   sync.Mutex
	seen []byte
	read int // what has been expected already
	more chan struct{}
	tee  io.Writer
}

// NewConsole reads what comes over a connection to a serial console.
func NewConsole(conn net.Conn) *Console {
	c := &Console{conn: conn, more: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			c.mu.Lock()
			c.seen = append(c.seen, buf[:n]...)
			if c.tee != nil {
				c.tee.Write(buf[:n])
			}
			c.mu.Unlock()
			select {
			case c.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return c
}

// Text is all that was shown so far.
func (c *Console) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.seen)
}

// Tee copies what the console shows from now on to w, as it comes; nil ends that.
func (c *Console) Tee(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tee = w
}

// Send types text; the return key is a carriage return.
func (c *Console) Send(text string) error {
	_, err := io.WriteString(c.conn, text)
	return err
}

// Expect waits until what came after the last Expect matches re.
func (c *Console) Expect(re *regexp.Regexp) error {
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		at := re.FindIndex(c.seen[c.read:])
		if at != nil {
			c.read += at[1]
		}
		rest := string(c.seen[c.read:])
		c.mu.Unlock()
		if at != nil {
			return nil
		}
		select {
		case <-c.more:
		case <-deadline:
			return fmt.Errorf("the console does not show %s; it shows:\n%s", re, rest)
		}
	}
}

var building sync.Mutex

// machineDir is where a golden machine lies.
func machineDir(name string) (string, error) {
	building.Lock()
	defer building.Unlock()
	return built("test/machines/build.sh", name)
}

// imageDir is where the rescue image lies. It is the same for all of a run.
var imageDir = sync.OnceValues(func() (string, error) { return built("test/lab/image.sh") })

// built gives what a script prints that builds what is not there yet: where it lies.
func built(script string, args ...string) (string, error) {
	cmd := exec.Command("bash", append([]string{filepath.Join(Repo, script)}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("cannot build by %s %s: %w", script, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build makes salvor as "make build" does, as dir/bin/salvor; dir is then a share for Boot. Env is more
// for the environment of go build.
func Build(dir string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "bin/salvor"), "./cmd/salvor")
	cmd.Dir, cmd.Env = Repo, append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build salvor: %w\n%s", err, out)
	}
	return nil
}
