package tool

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
)

// NBD is an image file that qemu-nbd serves to the kernel as a network block device.
type NBD struct {
	Device   string // /dev/nbd0
	Path     string // absolute, so that qemu takes no part of it for a protocol
	Format   string // qcow2; never left to be guessed, since a guest can write any header into a raw image
	ReadOnly bool
}

// ConnectNBD asks for the device. qemu-nbd goes to the background by itself, with
// its outputs closed; with --fork it would keep them open (qemu-nbd(8), qemu-nbd.c).
func ConnectNBD(n NBD) machine.Cmd {
	args := []string{"--connect=" + n.Device, "--format=" + n.Format}
	if n.ReadOnly {
		args = append(args, "--read-only")
	}
	return machine.Cmd{Program: "qemu-nbd", Args: append(args, "--", n.Path)}
}

// DisconnectNBD ends it; the process goes with it.
func DisconnectNBD(device string) machine.Cmd {
	return machine.Cmd{Program: "qemu-nbd", Args: []string{"--disconnect", device}}
}

// qemuNBDSays: qemu 7.2, qemu-nbd.c and block/file-posix.c.
var qemuNBDSays = []rule{
	{1, "Is another process using the image", ErrBusy},
	{1, "Device or resource busy", ErrBusy},
	{1, "is not in qcow2 format", ErrBadContent},
	{1, "No such file or directory", ErrNoDevice},
	{1, "Permission denied", ErrPermission},
	{1, "not supported", ErrUnsupported},
}

// nbdValues are the options of qemu-nbd that take a value, as far as they can stand
// before the file's name of a server that the kernel is connected to (qemu-nbd(8)).
var nbdValues = []string{
	"-o", "--offset", "-f", "--format", "-l", "--load-snapshot", "-c", "--connect", "-e", "--shared",
	"-x", "--export-name", "-D", "--description", "-B", "--bitmap", "-T", "--trace", "-b", "--bind", "-p", "--port",
	"-k", "--socket", "--cache", "--aio", "--discard", "--detect-zeroes", "--object", "--tls-creds", "--pid-file",
}

// ParseNBDServer reads the command line of a process (proc_pid_cmdline(5)). It
// reports false when it is not a qemu-nbd over a file with a path of its own.
// Format is "" when qemu was left to guess it. Path is as it was given.
func ParseNBDServer(cmdline []byte) (NBD, bool) {
	args := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	if path.Base(args[0]) != "qemu-nbd" || slices.Contains(args, "--image-opts") {
		return NBD{}, false
	}
	var n NBD
	var files []string
	for args = args[1:]; len(args) > 0; {
		name, value, joined := strings.Cut(args[0], "=")
		switch {
		case args[0] == "--":
			files, args = append(files, args[1:]...), args[len(args):]
			continue
		case !strings.HasPrefix(name, "-"):
			files, args = append(files, args[0]), args[1:]
			continue
		case !strings.HasPrefix(name, "--") && len(args[0]) > 2: // -c/dev/nbd0
			name, value, joined = args[0][:2], args[0][2:], true
		}
		args = args[1:]
		if !joined && slices.Contains(nbdValues, name) && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		n.set(name, value)
	}
	if len(files) != 1 || strings.Contains(strings.SplitN(files[0], "/", 2)[0], ":") {
		return NBD{}, false // "nbd://host/x" is no file, nor is "json:{…}"
	}
	n.Path = files[0]
	return n, n.Path != "" && n.Device != ""
}

func (n *NBD) set(option, value string) {
	switch option {
	case "-c", "--connect":
		n.Device = value
	case "-f", "--format":
		n.Format = value
	case "-r", "--read-only":
		n.ReadOnly = true
	}
}
