// Package machine is the only door to the outside: running programs, reading
// files of the live system, reading block devices, mounting, and the few files
// that salvor itself keeps.
//
// A Machine is the live system that salvor runs on, or something that stands in
// for it: Live is the real one, Recorder writes down what passes through another
// machine, Replay gives back what a Recorder wrote, Rooted is a directory whose
// files stand in for the system's, and machinetest.Machine is a fake that changes
// when told to. A Cmd is one run of an outside program. A Tree is a directory to
// be looked at, most often a file system that was mounted detached, in no
// directory: it is gone when it is closed, or when the process dies.
//
// The package decides nothing and knows neither the device graph nor plans. It
// is the only one that imports os/exec and x/sys/unix (the rule and its reason
// are in docs/architecture.md).
package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"salvor/internal/secret"
)

// Machine is the contract that all implementations keep. Every method may be
// called from several goroutines. Paths are absolute paths of the live system.
type Machine interface {
	// Lookup gives the path of a program, found in the fixed directories
	// /usr/local/sbin, /usr/local/bin, /usr/sbin, /usr/bin, /sbin, /bin and
	// never by $PATH. It fails with *MissingProgram.
	Lookup(program string) (string, error)
	// Run runs a program to its end with LC_ALL=C and an otherwise fixed, small
	// environment. It fails with *MissingProgram, *ExitError (the program
	// ran and said no), or the context's error after the program was ended.
	Run(ctx context.Context, c Cmd) (Result, error)
	// Attach runs a program on the terminal of this process (its standard
	// input, output and error), inside the root directory of c, and gives its
	// exit status: 128+n when signal n ended it.
	Attach(ctx context.Context, c Cmd) (status int, err error)

	// ReadFile reads a regular file whole. It refuses anything else, so it never
	// blocks on a FIFO, and a file of more than 16 MiB.
	ReadFile(name string) ([]byte, error)
	// ReadDir gives the sorted names in a directory.
	ReadDir(name string) ([]string, error)
	// Readlink reads a symbolic link.
	Readlink(name string) (string, error)
	// Stat follows links, Lstat does not.
	Stat(name string) (Info, error)
	Lstat(name string) (Info, error)
	// Usage tells how full the file system is that is mounted at point. It waits for
	// a server that is gone, so it is for file systems on block devices.
	Usage(point string) (Usage, error)

	// OpenBlock opens a block device (or an image file) for reading only. Reads
	// end with ctx: a device that hangs costs the caller its patience and not more.
	OpenBlock(ctx context.Context, name string) (Block, error)
	// SetReadOnly sets or clears the kernel's read-only flag of a block device
	// (BLKROSET, ioctl_list(2)) and gives what it was before.
	SetReadOnly(device string, on bool) (was bool, err error)
	// AttachLoop makes a loop device over a new file of size bytes that lives
	// in memory only and is gone with the device. It gives the device's path.
	AttachLoop(size uint64) (device string, err error)
	// AttachImage attaches an image file to a loop device; the kernel reads the
	// partition table in it. It fails with ErrBusy when the device or the file is in
	// use. The device is there until DetachLoop, also when the process has ended.
	AttachImage(i Image) error
	// DetachLoop ends a loop device.
	DetachLoop(device string) error

	// Mount mounts as asked. It fails with *MountError.
	Mount(ctx context.Context, r MountRequest) error
	// Unmount unmounts what is seen at point: exactly one mount, without
	// following a symbolic link in the last component. It fails with *MountError.
	Unmount(point string) error
	// Look mounts detached: the tree is in no namespace's directory and nothing
	// has to be taken down after a crash. r.Point is not used. Device nodes and
	// set-user-ID programs do not work in it.
	Look(ctx context.Context, r MountRequest) (Tree, error)
	// Tree gives a Tree over a directory of the live system.
	Tree(root string) (Tree, error)

	// WriteFile writes a file of salvor's own atomically and durably, AppendFile
	// adds to its end durably (fsync), with the permissions perm if it is new.
	WriteFile(name string, data []byte, perm fs.FileMode) error
	AppendFile(name string, data []byte, perm fs.FileMode) error
	// MkdirAll makes a directory and those above it; Remove removes a file or an
	// empty directory. Both are for salvor's own files and mount points in the
	// live system, never for a target's.
	MkdirAll(name string, perm fs.FileMode) error
	Remove(name string) error
	// WriteSysfs writes value to a file below /sys that is there already, in one
	// write(2): the kernel's interface where it has no program (bcache).
	WriteSysfs(name, value string) error
	// Lock takes an exclusive lock on a file, without waiting: it fails with
	// ErrLocked when another process holds it. The lock ends with unlock or with
	// the process.
	Lock(name string) (unlock func(), err error)

	// Euid is the effective user.
	Euid() int
	// Now is the time, monotonic where the machine is live.
	Now() time.Time
}

// Cmd is one run of an outside program.
type Cmd struct {
	Program string   // base name, found by Lookup
	Args    []string // without the program's name
	Stdin   *secret.Secret
	// Keys can be read by the program as /dev/fd/3, /dev/fd/4 and so on: more than
	// one secret does not fit through its standard input.
	Keys []*secret.Secret
	// Secret: what it writes to its standard output is a key. It is in no error and
	// no recording.
	Secret bool
	Root   string // chroot here first ("" for no chroot); for Attach only
	// Note: there is no Env. A program that needs another environment is asked
	// for by argv, so that a plan's shell script and the real run are the same.
}

// String gives the command as a line of shell.
func (c Cmd) String() string {
	parts := make([]string, 0, len(c.Args)+1)
	for _, a := range append([]string{c.Program}, c.Args...) {
		parts = append(parts, Quote(a))
	}
	return strings.Join(parts, " ")
}

// Quote makes one shell word of s.
func Quote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("%+,-./:=@_", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Result is what a program that ended with status 0 wrote.
type Result struct {
	Stdout, Stderr []byte
}

// Info is what stat(2) tells and salvor needs.
type Info struct {
	Mode  fs.FileMode
	Size  int64
	Major uint32 // of the device that a block or character special file names
	Minor uint32
	Inode uint64
	// Device is the file system that the file lies on.
	DeviceMajor, DeviceMinor uint32
}

// Block is a block device open for reading.
type Block interface {
	io.ReaderAt
	io.Closer
	Size() int64
	SectorSize() int // logical, in bytes
}

// Tree is a file tree to look at. It resolves symbolic links inside itself, as
// openat2(2) does with RESOLVE_IN_ROOT: no name leads out of it. Opening anything
// but a regular file or a directory fails, so nothing blocks. It implements
// fs.ReadLinkFS and fs.ReadFileFS.
type Tree interface {
	fs.FS
	io.Closer
}

// MountRequest says what to mount where. Exactly one of Device, Bind and
// Virtual is set.
type MountRequest struct {
	Device  string // path of the block device, never the text of an fstab
	Bind    string // a tree of the live system, bound here; one below Root is resolved inside Root
	Virtual string // the "source" of a file system without a device: "proc", "tmpfs"
	Type    string // vfstype
	// Options are options of the file system and of the mount ("nosuid", "ro",
	// "subvol=@", "size=10%"), one each.
	Options  []string
	ReadOnly bool
	// Recursive takes along what is mounted below Bind.
	Recursive bool
	// Subtree is the directory of the device's file system that is shown, a path
	// without symbolic links; "" for all of it.
	Subtree string `json:",omitempty"`
	// Root and Point: the mount point is resolved inside Root, so that no
	// symbolic link of the target leads out of it. Root "" means "/".
	Root, Point string
}

// The errors that callers tell apart with errors.Is.
var (
	ErrLocked       = errors.New("held by another process")
	ErrBusy         = errors.New("device or mount point is busy")
	ErrNoPoint      = errors.New("the mount point does not exist")
	ErrPointNotDir  = errors.New("the mount point is not a directory")
	ErrDirty        = errors.New("its journal has to be replayed, and the device is read-only")
	ErrReadOnly     = errors.New("the device is read-only")
	ErrUnknownType  = errors.New("the kernel does not know this type of file system")
	ErrBadContent   = errors.New("wrong type, bad option or damaged file system")
	ErrNoSuchDevice = errors.New("the device does not exist")
	ErrNotMounted   = errors.New("nothing is mounted there")
	ErrPermission   = errors.New("permission denied: this needs root")
)

// MissingProgram is a program that is not installed.
type MissingProgram struct{ Program string }

func (e *MissingProgram) Error() string {
	return fmt.Sprintf("cannot run %s: the program is not installed", e.Program)
}

// ExitError is a program that ended with a status other than 0.
type ExitError struct {
	Cmd    Cmd
	Status int // 128+n when signal n ended it
	Result
}

func (e *ExitError) Error() string {
	said := strings.TrimSpace(string(e.Stderr))
	if said == "" {
		said = strings.TrimSpace(string(e.Stdout))
	}
	if said == "" {
		said = "it said nothing"
	}
	return fmt.Sprintf("%s: exit status %d: %s", e.Cmd, e.Status, said)
}

// MountError is a mount or unmount that the kernel refused.
type MountError struct {
	Act    string // "mount", "unmount", "look at"
	Source string
	Point  string
	Kind   error    // one of the errors above, or the kernel's errno
	Kernel []string // what the kernel said in words (fsopen(2) message log)
}

func (e *MountError) Error() string {
	what := e.Source
	if e.Point != "" {
		what = strings.TrimSpace(what + " at " + e.Point)
	}
	msg := fmt.Sprintf("cannot %s %s: %v", e.Act, what, e.Kind)
	if len(e.Kernel) > 0 {
		msg += " (kernel: " + strings.Join(e.Kernel, "; ") + ")"
	}
	return msg
}

func (e *MountError) Unwrap() error { return e.Kind }
