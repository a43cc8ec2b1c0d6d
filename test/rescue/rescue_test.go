package rescue

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func needLab(t *testing.T) {
	t.Helper()
	if os.Getenv("SALVOR_LAB") == "" {
		t.Skip("needs the VM lab: run \"make test\", or set SALVOR_LAB=1")
	}
}

// start boots an image until it ends with the test. Its directory is short: a socket's path has
// at most 107 bytes.
func start(t *testing.T, image Image, parameters string, more ...string) *VM {
	t.Helper()
	dir, err := os.MkdirTemp("", "rescue")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	v, err := Boot(dir, image, parameters, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Kill)
	return v
}

func expect(t *testing.T, v *VM, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if err := v.Console.Expect(regexp.MustCompile(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func send(t *testing.T, v *VM, line string) {
	t.Helper()
	if err := v.Console.Send(line + "\r"); err != nil {
		t.Fatal(err)
	}
}

// TestWithoutUdev: busybox alone, a command of the kernel's command line, and power off.
func TestWithoutUdev(t *testing.T) {
	needLab(t)
	image, err := Build(t.TempDir(), "plain", "/bin/sh", nil)
	if err != nil {
		t.Fatal(err)
	}
	v := start(t, image, `salvor.ssh=off salvor.hostname=wreck salvor.run="hostname; tty; salvor systems; exit 7"`,
		"-netdev", "user,id=n", "-device", "e1000,netdev=n")
	expect(t, v, `machine +wreck, QEMU`, `salvor: ready`)
	expect(t, v, `salvor: run: exit status 7`, `salvor: closing`)
	if err := v.Ended(); err != nil {
		t.Fatal(err)
	}
	text := v.Console.Text()
	if n := strings.Count(text, "salvor: ready"); n != 1 {
		t.Errorf("the console says %d times that all is ready:\n%s", n, text)
	}
	if strings.Contains(text, "Kernel panic") {
		t.Errorf("the kernel panicked:\n%s", text)
	}
}

// TestFull: udev, DHCP, a session with job control, Ctrl-Alt-Del with things open.
func TestFull(t *testing.T) {
	needLab(t)
	home := t.TempDir()
	image, err := Build(home, "full", "/bin/bash", nil)
	if err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(home, "disk")
	if err := os.WriteFile(disk, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	v := start(t, image, "", "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n",
		"-drive", "if=none,id=d,format=raw,file="+disk, "-device", "virtio-blk-pci,drive=d,serial=wreck1")
	expect(t, v, `vda +32.0 MiB +wreck1`)
	expectAll(t, v, `salvor: ready`, `10\.0\.2\.15/24 by DHCP`)

	t.Run("nothing is opened by itself", func(t *testing.T) {
		send(t, v, `test -e /tmp/assembled; echo assembled=$?`)
		expect(t, v, `assembled=1`)
	})
	t.Run("jobs", func(t *testing.T) {
		// The word comes from a job that is in the foreground already when it is written.
		send(t, v, `sh -c 'echo is=$((1+1)); exec sleep 1000'`)
		expect(t, v, `is=2`)
		if err := v.Console.Send("\x03"); err != nil {
			t.Fatal(err)
		}
		expect(t, v, `\^C`)
		send(t, v, `echo interrupted=$?`)
		expect(t, v, `interrupted=130`)
	})
	t.Run("a second init", func(t *testing.T) {
		send(t, v, `/init worker; echo status=$?`)
		expect(t, v, `started by the kernel`, `status=1`)
	})
	t.Run("Ctrl-Alt-Del", func(t *testing.T) {
		send(t, v, `echo 0 65536 linear /dev/vda 0 | dmsetup create opened && mkdir -p /mnt/local && mount -t tmpfs x /mnt/local && cd /mnt/local && echo is=open`)
		expect(t, v, `is=open`)
		if err := v.Monitor("sendkey ctrl-alt-delete"); err != nil {
			t.Fatal(err)
		}
		expect(t, v, `salvor: closing`)
		if err := v.Ended(); err != nil {
			t.Fatal(err)
		}
		text := v.Console.Text()
		for _, bad := range []string{"stays", "cannot be ended", "Kernel panic", "internal error"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q stands on the console:\n%s", bad, text)
			}
		}
	})
}

// expectAll waits for patterns that come in any order.
func expectAll(t *testing.T, v *VM, patterns ...string) {
	t.Helper()
	left := patterns
	for len(left) > 0 {
		expect(t, v, strings.Join(left, "|"))
		seen := v.Console.Text()
		var more []string
		for _, p := range left {
			if !regexp.MustCompile(p).MatchString(seen) {
				more = append(more, p)
			}
		}
		left = more
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
