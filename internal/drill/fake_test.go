package drill

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"salvor/internal/machine"
)

// TestMain lets the test's own binary stand in for QEMU: it is told by an argument that every
// VM has.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-nodefaults") {
		os.Exit(fakeQEMU(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakeMachine is this one with QEMU and firmware, but for what is absent.
type fakeMachine struct {
	*machine.Live
	absent []string // parts of paths
}

func (m fakeMachine) lacks(name string) bool {
	return slices.ContainsFunc(m.absent, func(part string) bool { return strings.Contains(name, part) })
}

func (m fakeMachine) Lookup(program string) (string, error) {
	if !strings.HasPrefix(program, "qemu-system-") || m.lacks(program) {
		return "", &machine.MissingProgram{Program: program}
	}
	return os.Executable()
}

func (m fakeMachine) Stat(name string) (machine.Info, error) {
	switch {
	case m.lacks(name):
		return machine.Info{}, fs.ErrNotExist
	case name == "/dev/kvm", strings.HasPrefix(name, "/usr/share/"):
		return machine.Info{}, nil
	}
	return m.Live.Stat(name)
}

func (m fakeMachine) ReadFile(name string) ([]byte, error) {
	if strings.HasPrefix(name, "/usr/share/") {
		return []byte("the variables of a new machine"), nil
	}
	return m.Live.ReadFile(name)
}

// kernelOf makes a file that passes for a kernel; where it says so, it runs under KVM.
func kernelOf(words string) []byte {
	k := make([]byte, 8192)
	copy(k[0x202:], "HdrS") // kernel: Documentation/arch/x86/boot.rst
	copy(k[4096:], words)
	return k
}

// initramfsOf makes a file that passes for an initramfs. It has the machine behave in a way,
// and write its process ID to a file.
func initramfsOf(behaviour, pid string) []byte { return []byte("070701|" + behaviour + "|" + pid) }

// fakeQEMU behaves as its initramfs says.
func fakeQEMU(args []string) int {
	value := func(name string) string {
		if at := slices.Index(args, name); at >= 0 {
			return args[at+1]
		}
		return ""
	}
	_, socket, _ := strings.Cut(value("-chardev"), "path=")
	f := &fakeVM{uefi: slices.Contains(args, "if=pflash,unit=0,readonly=on,format=raw,file=/usr/share/OVMF/OVMF_CODE_4M.fd")}
	kernel, _ := os.ReadFile(value("-kernel"))
	if value("-initrd") == "" && !bytes.Contains(kernel, []byte("works under KVM")) {
		fmt.Fprintln(os.Stderr, "failed to initialize kvm: Permission denied")
		return 1
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	f.conn = conn
	if value("-initrd") == "" {
		f.say("[    1.5] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n")
		return 0
	}
	initramfs, _ := os.ReadFile(value("-initrd"))
	words := strings.Split(string(initramfs), "|")
	f.behaviour = words[1]
	if err := os.WriteFile(words[2], fmt.Append(nil, os.Getpid()), 0o600); err != nil {
		return 2
	}
	return f.boot()
}

// fakeVM is a machine with a real shell.
type fakeVM struct {
	conn      net.Conn
	behaviour string
	uefi      bool
	typed     int
}

// stand does nothing until the machine is ended. It waits for what the console is told: a program
// in which nothing waits for anything is ended by Go as a deadlock.
func (f *fakeVM) stand() { io.Copy(io.Discard, f.conn) }

// key waits for one that is pressed.
func (f *fakeVM) key() byte {
	key := make([]byte, 1)
	io.ReadFull(f.conn, key)
	return key[0]
}

func (f *fakeVM) say(text string) { io.WriteString(f.conn, text) }

func (f *fakeVM) boot() int {
	f.say("\x1b[2JSeaBIOS\r\nBooting from ROM...\r\n")
	switch f.behaviour {
	case "panics":
		f.say("[    0.7] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\r\n")
		f.stand()
	case "unpacks a part":
		f.say("[    0.7] Initramfs unpacking failed: write error\r\n")
	case "loads nothing":
		f.say("error: out of memory.\r\n  Failed to boot both default and fallback entries.\r\nPress any key to continue...")
		f.stand()
	case "finds nothing":
		f.say("BdsDxe: failed to load Boot0001 \"UEFI\" from PciRoot(0x0): Access Denied\r\nBdsDxe: No bootable option or device was found.\r\n")
		f.stand()
	case "stays in its menu":
		f.say("Rescue\r\nRescue, safe graphics\r\nThe highlighted entry will be executed automatically in 5s.")
		if f.key() != '\r' {
			return 1
		}
	case "hangs":
		f.stand()
	case "ends":
		f.say("reboot: Restarting system\r\n")
		return 0
	case "crashes":
		fmt.Fprintln(os.Stderr, "KVM internal error. Suberror: 1")
		return 1
	case "floods":
		for range 2 * longestConsole / 4096 {
			f.say(strings.Repeat("\xff\x00\x1b[31m garbage\r\n", 4096/16))
		}
	}
	f.say("\r\nThis is the salvor rescue system. Nothing has been opened or mounted.\r\n\r\nsalvor: ready\r\n# ")
	return f.session()
}

// session reads lines as a terminal does, shows what is typed, and runs it.
func (f *fakeVM) session() int {
	dir, err := os.MkdirTemp("", "fake")
	if err != nil {
		return 2
	}
	defer os.RemoveAll(dir)
	var line []byte
	for key := make([]byte, 1); ; {
		if _, err := f.conn.Read(key); err != nil {
			return 3
		}
		if key[0] != '\r' {
			line = append(line, key[0])
			continue
		}
		f.say(string(line) + "\r\n\x1b[?2004l\r")
		f.typed++
		if string(line) == "poweroff" && f.behaviour != "stays" {
			f.say("salvor: closing\r\n")
			return 0
		}
		f.say(f.answer(dir, string(line)) + "\x1b[?2004h# ")
		line = nil
	}
}

// answer runs a line in a real shell, which sees another machine's files.
func (f *fakeVM) answer(dir, line string) string {
	efi := filepath.Join(dir, "efi")
	if f.uefi {
		os.MkdirAll(efi, 0o700)
	}
	probe, status := `{"version":1,"nodes":[],"mounts":[]}`, "0"
	switch f.behaviour {
	case "probe fails":
		status = "1"
	case "probe lies":
		probe = `{"version":99}`
	case "no salvor":
		status = "127"
	}
	prelude := "salvor() { case $1 in version) echo 'salvor 0.5 (go, linux)';; probe) echo '" + probe + "'; return " + status + ";; esac; return 0; }\n"
	if f.behaviour == "no salvor" {
		prelude = "salvor() { echo 'sh: salvor: not found' >&2; return 127; }\n"
	}
	line = strings.NewReplacer(result, filepath.Join(dir, "result"), "/sys/firmware/efi", efi, "dmesg", "true").Replace(line)
	out, _ := exec.Command("sh", "-c", prelude+line).CombinedOutput()
	text := strings.ReplaceAll(string(out), "\n", "\r\n")
	if f.behaviour == "talks" && f.typed%4 == 3 { // into the first reading of every other answer
		text = strings.Replace(text, "\r\n", "\r\nsalvor: ssh host key: ssh-ed25519\r\n", 1)
	}
	return text
}
