package workflow

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"

	"salvor/internal/storage"
)

// UseKind is how a disk, or something on it, is used.
type UseKind string

// The uses. Those from UseProcess on are of other processes, and are not in the graph.
const (
	UseMounted   UseKind = "mounted"
	UseSwap      UseKind = "swap"
	UseOpen      UseKind = "open"      // assembled, activated, unlocked
	UseStandIn   UseKind = "stand-in"  // a copy-on-write overlay
	UseMap       UseKind = "map"       // a device-mapper device of unknown purpose
	UseLoop      UseKind = "loop"      // a loop device whose file is a device
	UseProcess   UseKind = "process"   // a process has it open
	UseElsewhere UseKind = "elsewhere" // mounted where another process sees it, and this one does not
)

// Use is one use of a disk.
type Use struct {
	Kind UseKind
	Node storage.Node // what is used; nil for the last two kinds
	Name string       // a mount point, or the device
	// PID and Program are those of a process that uses it, or sees it in use.
	PID     int
	Program string
}

func (u Use) String() string {
	switch u.Kind {
	case UseMounted:
		return "mounted at " + storage.Printable(u.Name)
	case UseSwap:
		return "swap on " + u.Name
	case UseOpen:
		return u.Name + " is open"
	case UseStandIn:
		return u.Name + " is stood in for"
	case UseMap:
		return u.Name + " is mapped to it"
	case UseLoop:
		return u.Name + " is attached to it"
	case UseProcess:
		return fmt.Sprintf("%s is open in process %d (%s)", u.Name, u.PID, storage.Printable(u.Program))
	case UseElsewhere:
		return fmt.Sprintf("mounted at %s for process %d (%s)", storage.Printable(u.Name), u.PID, storage.Printable(u.Program))
	default:
		return "internal error: a use of the unknown kind " + string(u.Kind)
	}
}

// InUseError: something has the disk. Without Uses it is nothing that can be seen from here.
type InUseError struct{ Uses []Use }

func (e *InUseError) Error() string {
	if len(e.Uses) == 0 {
		return "it is in use, by something that cannot be seen from here: the medium that this system was started from, or the kernel itself"
	}
	var all []string
	for _, u := range e.Uses {
		all = append(all, u.String())
	}
	return "it is in use: " + strings.Join(slices.Compact(all), ", ")
}

// stickUses finds out what uses a disk. The kernel lets nobody have a disk for himself that anybody else has for
// himself, as a mount, an array or a volume does; but it does not mind loop devices, and programs that write to it
// directly, such as a virtual machine.
type stickUses struct {
	w       *Work
	g       *storage.Graph
	disk    *storage.Disk
	readers bool // processes that only read count, too
}

// all lists the uses, from above to below: as they can be ended.
func (s *stickUses) all() []Use {
	var out []Use
	for _, n := range s.nodes() {
		out = append(out, s.ofNode(n)...)
	}
	slices.Reverse(out)
	return append(out, s.ofProcesses()...)
}

// nodes are the disk and all that lies on it.
func (s *stickUses) nodes() []storage.Node {
	return append([]storage.Node{s.disk}, s.g.Above(s.disk.ID)...)
}

// ofNode lists the uses of a node, from below to above.
func (s *stickUses) ofNode(n storage.Node) []Use {
	c := n.Base()
	name := s.g.DevicePath(c.ID)
	if name == "" {
		name = s.g.ShortName(c.ID)
	}
	use := func(kind UseKind) Use { return Use{Kind: kind, Node: n, Name: name} }
	var out []Use
	if storage.OpeningOf(n) != nil {
		out = append(out, use(UseOpen))
	} else if isMap(n) && n != storage.Node(s.disk) {
		out = append(out, use(UseMap))
	}
	if c.Overlay != nil {
		out = append(out, use(UseStandIn))
	}
	if swap, ok := n.(*storage.Swap); ok && swap.Active {
		out = append(out, use(UseSwap))
	}
	for loop := range storage.All[*storage.Disk](s.g) {
		if loop.BackingFile != "" && c.HasName(loop.BackingFile) {
			out = append(out, Use{Kind: UseLoop, Node: loop, Name: s.g.DevicePath(loop.ID)})
		}
	}
	for _, m := range s.g.MountsOf(c.ID) {
		out = append(out, Use{Kind: UseMounted, Node: n, Name: m.Point})
	}
	return out
}

// isMap: the device is one of device-mapper's, but of no kind that can be open or closed.
func isMap(n storage.Node) bool {
	switch n.(type) {
	case *storage.Disk, *storage.Partition:
		return slices.ContainsFunc(n.Base().Names, func(name storage.Name) bool { return name.Origin == storage.FromDM })
	}
	return false
}

// holds: the path is one of the disk's devices.
func (s *stickUses) holds(file string) bool {
	info, err := s.w.Machine.Stat(file)
	return err == nil && info.Major != 0 && s.numbers()[storage.Dev{Major: info.Major, Minor: info.Minor}]
}

// numbers are the device numbers of the disk and its partitions.
func (s *stickUses) numbers() map[storage.Dev]bool {
	out := map[storage.Dev]bool{}
	for _, n := range s.nodes() {
		switch n.(type) {
		case *storage.Disk, *storage.Partition:
			if d := n.Base().Dev; !d.IsZero() {
				out[d] = true
			}
		}
	}
	return out
}

// ofProcesses looks through the other processes (proc(5)): what they have open, and what is mounted where they see it.
func (s *stickUses) ofProcesses() []Use {
	m, numbers := s.w.Machine, s.numbers()
	names, err := m.ReadDir("/proc")
	if err != nil {
		return nil
	}
	self, _ := m.Readlink("/proc/self")
	seen := map[string]bool{s.view("self"): true}
	var out []Use
	for _, p := range names {
		pid, err := strconv.Atoi(p)
		if err != nil || p == self {
			continue
		}
		uses := s.opened(p, numbers)
		if view := s.view(p); !seen[view] {
			seen[view] = true
			uses = append(uses, s.mounted(p, numbers)...)
		}
		program, _ := m.ReadFile(path.Join("/proc", p, "comm")) // it may have ended by now
		for _, u := range uses {
			u.PID, u.Program = pid, strings.TrimSpace(string(program))
			out = append(out, u)
		}
	}
	return out
}

// view is what of the file systems a process sees: its mount namespace and its root.
func (s *stickUses) view(p string) string {
	namespace, _ := s.w.Machine.Readlink(path.Join("/proc", p, "ns/mnt"))
	root, _ := s.w.Machine.Readlink(path.Join("/proc", p, "root"))
	return namespace + root
}

// opened lists the devices of the disk that a process has open. Only files that are named as devices are asked for
// their number: one of a server that is gone would not answer.
func (s *stickUses) opened(p string, numbers map[storage.Dev]bool) []Use {
	m, dir := s.w.Machine, path.Join("/proc", p, "fd")
	files, err := m.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []Use
	for _, f := range files {
		to, err := m.Readlink(path.Join(dir, f))
		if err != nil || !strings.HasPrefix(to, "/dev/") && path.Dir(to) != "/" {
			continue
		}
		info, err := m.Stat(path.Join(dir, f))
		if err != nil || !numbers[storage.Dev{Major: info.Major, Minor: info.Minor}] || !s.readers && !s.writes(p, f) {
			continue
		}
		if u := (Use{Kind: UseProcess, Name: to}); !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// writes reports whether a file is open for writing: by the access mode in the octal flags of fdinfo (proc_pid_fdinfo(5)).
func (s *stickUses) writes(p, f string) bool {
	data, err := s.w.Machine.ReadFile(path.Join("/proc", p, "fdinfo", f))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(text), 8, 64)
			return err == nil && flags&3 != 0
		}
	}
	return false
}

// mounted lists the mounts of the disk's devices that a process sees.
func (s *stickUses) mounted(p string, numbers map[storage.Dev]bool) []Use {
	m := s.w.Machine
	data, err := m.ReadFile(path.Join("/proc", p, "mountinfo"))
	if err != nil {
		return nil
	}
	mounts, err := mountinfo.GetMountsFromReader(bytes.NewReader(data), nil)
	if err != nil {
		return nil
	}
	var out []Use
	for _, i := range mounts {
		dev := storage.Dev{Major: uint32(i.Major), Minor: uint32(i.Minor)}
		if i.Major == 0 && strings.HasPrefix(i.Source, "/dev/") { // btrfs has numbers of its own
			if info, err := m.Stat(i.Source); err == nil {
				dev = storage.Dev{Major: info.Major, Minor: info.Minor}
			}
		}
		if numbers[dev] {
			out = append(out, Use{Kind: UseElsewhere, Name: i.Mountpoint})
		}
	}
	return out
}
