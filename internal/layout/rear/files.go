package rear

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Files are what ReaR keeps of a machine below /var/lib/rear.
type Files struct {
	Layout     *File             // layout/disklayout.conf
	Groups     map[string][]byte // layout/lvm/<vg>.cfg: what vgcfgbackup wrote, by volume group
	XFS        map[string][]byte // layout/xfs/<name>.xfs: what xfs_info said, by the last part of the device
	Usage      []Usage           // layout/config/df.txt
	Mounts     []Pair            // recovery/mountpoint_device
	Links      []Pair            // recovery/diskbyid_mappings: name below /dev/disk/by-id, device
	Bootloader string            // recovery/bootloader
}

// Pair is a line of two words.
type Pair struct{ A, B string }

// Usage is a line of df.txt, in MiB.
type Usage struct {
	Device               string
	Size, Used, Avail    uint64
	Mountpoint, Capacity string
}

// layoutFile is where a disklayout.conf is, below the directory that is given: that
// of ReaR itself, the root of a rescue system, a copy of the layout directory alone,
// or one next to it.
var layoutFile = []string{"layout/disklayout.conf", "var/lib/rear/layout/disklayout.conf", "disklayout.conf"}

// maxFile bounds what is read of one file. The largest that is known is that of a
// machine with a thousand LUNs, under 1 MiB.
const maxFile = 64 << 20

// ReadFiles reads ReaR's directory: /var/lib/rear, or a copy of it. A companion that
// is missing is empty; a machine need not have it.
func ReadFiles(dir fs.FS) (*Files, error) {
	for _, name := range layoutFile {
		data, err := readLimited(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f := &Files{Layout: Read(data)}
		base := path.Dir(path.Dir(name))
		if name == "disklayout.conf" {
			return f, f.companions(dir, ".", "../recovery")
		}
		return f, f.companions(dir, path.Join(base, "layout"), path.Join(base, "recovery"))
	}
	return nil, fmt.Errorf("cannot find ReaR's disklayout.conf: there is none of %s: %w", strings.Join(layoutFile, ", "), fs.ErrNotExist)
}

// Override takes the disklayout.conf of /etc/rear, if there is one: what an
// administrator puts there, ReaR takes in place of the one that it saved. It reports
// whether there is one.
func (f *Files) Override(etc fs.FS) (bool, error) {
	data, err := readLimited(etc, "disklayout.conf")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f.Layout = Read(data)
	return true, nil
}

func (f *Files) companions(dir fs.FS, layout, recovery string) error {
	r := &companionReader{dir: dir}
	f.Groups = r.all(path.Join(layout, "lvm"), ".cfg")
	f.XFS = r.all(path.Join(layout, "xfs"), ".xfs")
	f.Usage = parseDF(r.one(path.Join(layout, "config/df.txt")))
	if fs.ValidPath(recovery) {
		f.Mounts = parsePairs(r.one(path.Join(recovery, "mountpoint_device")))
		f.Links = parsePairs(r.one(path.Join(recovery, "diskbyid_mappings")))
		f.Bootloader, _, _ = strings.Cut(strings.TrimSpace(string(r.one(path.Join(recovery, "bootloader")))), "\n")
	}
	return r.err
}

type companionReader struct {
	dir fs.FS
	err error
}

// one reads a file; one that is not there is empty.
func (r *companionReader) one(name string) []byte {
	data, err := readLimited(r.dir, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && r.err == nil {
		r.err = err
	}
	return data
}

// all reads the files of a directory with an ending, by their names without it.
func (r *companionReader) all(dir, ending string) map[string][]byte {
	entries, err := fs.ReadDir(r.dir, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && r.err == nil {
		r.err = fmt.Errorf("cannot list ReaR's %s: %w", dir, err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ending); ok && e.Type().IsRegular() {
			out[name] = r.one(path.Join(dir, e.Name()))
		}
	}
	return out
}

func readLimited(dir fs.FS, name string) ([]byte, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot open ReaR's %s: %w", name, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read ReaR's %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("cannot read ReaR's %s: it has more than %d MiB", name, maxFile>>20)
	}
	return data, nil
}

func parsePairs(data []byte) []Pair {
	var out []Pair
	for _, l := range strings.Split(string(data), "\n") {
		if w := split(l); len(w) >= 2 {
			out = append(out, Pair{w[0], w[1]})
		}
	}
	return out
}

// parseDF reads the output of df -Pl -BM. Names with blanks make a line unreadable,
// as df itself does not mark where they end.
func parseDF(data []byte) []Usage {
	var out []Usage
	for _, l := range strings.Split(string(data), "\n") {
		w := split(l)
		if len(w) != 6 || !strings.HasPrefix(w[0], "/") {
			continue
		}
		var n [3]uint64
		var err error
		for i := range n {
			var e error
			n[i], e = strconv.ParseUint(strings.TrimSuffix(w[1+i], "M"), 10, 43) // of MiB, so that bytes fit
			err = errors.Join(err, e)
		}
		if err == nil {
			out = append(out, Usage{Device: w[0], Size: n[0], Used: n[1], Avail: n[2], Capacity: w[4], Mountpoint: w[5]})
		}
	}
	return out
}

// NamedFile is a file below /var/lib/rear.
type NamedFile struct {
	Name string
	Data []byte
}

// List gives the files to be written, disklayout.conf first.
func (f *Files) List() []NamedFile {
	out := []NamedFile{{"layout/disklayout.conf", f.Layout.Bytes()}}
	for _, name := range slices.Sorted(maps.Keys(f.Groups)) {
		out = append(out, NamedFile{"layout/lvm/" + name + ".cfg", f.Groups[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(f.XFS)) {
		out = append(out, NamedFile{"layout/xfs/" + name + ".xfs", f.XFS[name]})
	}
	out = append(out, NamedFile{"layout/config/df.txt", writeDF(f.Usage)},
		NamedFile{"recovery/mountpoint_device", writePairs(f.Mounts)},
		NamedFile{"recovery/diskbyid_mappings", writePairs(f.Links)})
	if f.Bootloader != "" {
		out = append(out, NamedFile{"recovery/bootloader", []byte(f.Bootloader + "\n")})
	}
	return out
}

func writePairs(pairs []Pair) []byte {
	var b strings.Builder
	for _, p := range pairs {
		fmt.Fprintf(&b, "%s %s\n", p.A, p.B)
	}
	return []byte(b.String())
}

func writeDF(usage []Usage) []byte {
	wide := len("Filesystem")
	for _, u := range usage {
		wide = max(wide, len(u.Device))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s 1048576-blocks   Used Available Capacity Mounted on\n", wide, "Filesystem")
	for _, u := range usage {
		fmt.Fprintf(&b, "%-*s %14s %6s %9s %8s %s\n", wide, u.Device, num(u.Size)+"M", num(u.Used)+"M", num(u.Avail)+"M", u.Capacity, u.Mountpoint)
	}
	return []byte(b.String())
}
