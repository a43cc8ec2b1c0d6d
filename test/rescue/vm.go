package rescue

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"salvor/test/lab"
)

// patience bounds what a VM may take. It is generous: the VM is emulated, and shares two cores
// with other tests.
const patience = 5 * time.Minute

// VM is an image that runs.
type VM struct {
	Console *lab.Console
	monitor net.Conn
	cmd     *exec.Cmd
	stderr  bytes.Buffer
	ended   chan struct{}
}

// Boot boots an image. dir is for its sockets; more are options of QEMU.
func Boot(dir string, image Image, parameters string, more ...string) (*VM, error) {
	console, monitor := filepath.Join(dir, "console"), filepath.Join(dir, "monitor")
	args := []string{
		"-accel", "tcg,thread=multi", "-m", "512", "-smp", "2", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", image.Kernel, "-initrd", image.Initramfs, "-append", "console=tty0 console=ttyS0 quiet panic=-1 " + parameters,
		"-vga", "std",
		"-monitor", "unix:" + monitor + ",server=on,wait=off", "-serial", "unix:" + console + ",server=on,wait=on",
	}
	v := &VM{cmd: exec.Command("qemu-system-x86_64", append(args, more...)...), ended: make(chan struct{})}
	v.cmd.Stderr = &v.stderr
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { v.cmd.Wait(); close(v.ended) }()
	conn, err := v.dial(console)
	if err == nil {
		v.Console = lab.NewConsole(conn)
		v.monitor, err = v.dial(monitor)
	}
	if err != nil {
		v.Kill()
		return nil, fmt.Errorf("the VM does not start: %w: %s", err, v.stderr.String())
	}
	return v, nil
}

func (v *VM) dial(socket string) (net.Conn, error) {
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.Dial("unix", socket)
		if err == nil || time.Now().After(deadline) {
			return conn, err
		}
		select {
		case <-v.ended:
			return nil, errors.New("the emulator has ended")
		case <-time.After(50 * time.Millisecond): // QEMU makes its sockets, and tells nobody
		}
	}
}

// Monitor gives QEMU a command.
func (v *VM) Monitor(command string) error {
	_, err := fmt.Fprintln(v.monitor, command)
	return err
}

// Ended waits until the machine has ended by itself.
func (v *VM) Ended() error {
	select {
	case <-v.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the machine goes on; its console:\n%s", v.Console.Text())
	}
}

// Kill pulls the plug.
func (v *VM) Kill() {
	v.cmd.Process.Kill()
	<-v.ended
}
