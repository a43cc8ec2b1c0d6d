package tool

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
)

func TestNBDCommands(t *testing.T) {
	n := NBD{Device: "/dev/nbd3", Path: "/srv/old vm.qcow2", Format: "qcow2"}
	look := n
	look.ReadOnly = true
	for want, got := range map[string]machine.Cmd{
		"qemu-nbd --connect=/dev/nbd3 --format=qcow2 -- '/srv/old vm.qcow2'":             ConnectNBD(n),
		"qemu-nbd --connect=/dev/nbd3 --format=qcow2 --read-only -- '/srv/old vm.qcow2'": ConnectNBD(look),
		"qemu-nbd --disconnect /dev/nbd3":                                                DisconnectNBD("/dev/nbd3"),
	} {
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestNBDFailures: as qemu-nbd 7.2 says it.
func TestNBDFailures(t *testing.T) {
	for said, want := range map[string]error{
		"qemu-nbd: Failed to open /dev/nbd0: No such file or directory":                                                                               ErrNoDevice,
		"qemu-nbd: Failed to blk_new_open '/r.img': Image is not in qcow2 format":                                                                     ErrBadContent,
		"qemu-nbd: Failed to blk_new_open '/a.qcow2': Failed to get \"write\" lock\nIs another process using the image [/a.qcow2]?":                   ErrBusy,
		"qemu-nbd: Failed to blk_new_open '/a.qcow2': Could not open '/a.qcow2': Permission denied":                                                   ErrPermission,
		"qemu-nbd: Failed to blk_new_open '/a.qcow2': qcow2: feature is not supported":                                                                ErrUnsupported,
		"qemu-nbd: Failed to set NBD socket\nqemu-nbd: Failed to open /dev/nbd0: Device or resource busy\nqemu-nbd: Disconnect client, due to: Fail.": ErrBusy,
	} {
		err := &machine.ExitError{Cmd: machine.Cmd{Program: "qemu-nbd"}, Status: 1, Result: machine.Result{Stderr: []byte(said)}}
		if got := Explain(err); !strings.HasPrefix(got.Error(), want.Error()) {
			t.Errorf("%q means %v, not %v", said, got, want)
		}
	}
}

func TestParseNBDServer(t *testing.T) {
	for line, want := range map[string]NBD{
		"/usr/bin/qemu-nbd --connect=/dev/nbd0 --format=qcow2 --read-only -- /srv/x.qcow2": {Device: "/dev/nbd0", Path: "/srv/x.qcow2", Format: "qcow2", ReadOnly: true},
		"qemu-nbd -c /dev/nbd1 disk.vmdk":                                                  {Device: "/dev/nbd1", Path: "disk.vmdk"},
		"qemu-nbd -c/dev/nbd1 -r -fraw ./a:b.img":                                          {Device: "/dev/nbd1", Path: "./a:b.img", Format: "raw", ReadOnly: true},
		"qemu-nbd --cache none --connect /dev/nbd2 -v /srv/x":                              {Device: "/dev/nbd2", Path: "/srv/x"},
		"qemu-nbd -c /dev/nbd1 nbd://host/x":                                               {},
		"qemu-nbd -c /dev/nbd1 json:{}":                                                    {},
		"qemu-nbd -c /dev/nbd1 --image-opts driver=qcow2":                                  {},
		"qemu-nbd -c /dev/nbd1 one two":                                                    {},
		"qemu-nbd -c":                                                                      {},
		"qemu-nbd /srv/x":                                                                  {},
		"nbd-client -c /dev/nbd1 /srv/x":                                                   {},
		"":                                                                                 {},
	} {
		got, ok := ParseNBDServer([]byte(strings.ReplaceAll(line, " ", "\x00") + "\x00"))
		if !ok {
			got = NBD{}
		}
		if diff := cmp.Diff(want, got); diff != "" || ok != (want != NBD{}) {
			t.Errorf("%s: %v\n%s", line, ok, diff)
		}
	}
}

// TestParseNBDServerKnowsItsOwn: what ConnectNBD starts is recognised.
func TestParseNBDServerKnowsItsOwn(t *testing.T) {
	want := NBD{Device: "/dev/nbd7", Path: "/srv/--odd= name", Format: "qcow2", ReadOnly: true}
	c := ConnectNBD(want)
	line := strings.Join(append([]string{c.Program}, c.Args...), "\x00") + "\x00"
	if got, ok := ParseNBDServer([]byte(line)); !ok || got != want {
		t.Errorf("it is %+v, %v", got, ok)
	}
}

func FuzzParseNBDServer(f *testing.F) {
	f.Add([]byte("qemu-nbd\x00-c\x00/dev/nbd0\x00--\x00/x\x00"))
	f.Add([]byte("qemu-nbd\x00--connect=/dev/nbd0\x00--format\x00"))
	f.Fuzz(func(t *testing.T, cmdline []byte) {
		if n, ok := ParseNBDServer(cmdline); ok && (n.Path == "" || n.Device == "") {
			t.Errorf("%q is %+v", cmdline, n)
		}
	})
}
