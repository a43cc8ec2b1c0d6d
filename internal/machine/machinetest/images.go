package machinetest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

// An image of the graph is a file of the live system; a Disk lies on it, which is
// there while the image is attached, and has its names then.

// AttachImage attaches an image to a loop device.
func (m *Machine) AttachImage(i machine.Image) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), fmt.Sprintf("attach %s to %s", i.Path, i.Device)); err != nil {
		return err
	}
	n := m.image(i.Path, i.Offset)
	switch {
	case n == nil || n.Format != storage.ImageRaw:
		return fmt.Errorf("cannot attach %s to %s: %w", i.Path, i.Device, fs.ErrNotExist)
	case !strings.HasPrefix(i.Device, "/dev/loop"):
		return fmt.Errorf("machinetest: %s is no loop device", i.Device)
	case n.Open != nil || m.device(i.Device) != nil:
		return fmt.Errorf("cannot attach %s to %s: %w", i.Path, i.Device, machine.ErrBusy)
	}
	m.attachTo(n, i.Device, i.ReadOnly)
	return nil
}

func (m *Machine) image(file string, offset uint64) *storage.Image {
	for n := range storage.All[*storage.Image](m.graph) {
		if n.Path == file && n.Offset == offset {
			return n
		}
	}
	return nil
}

// attached finds the image that is attached to a device.
func (m *Machine) attached(device string) *storage.Image {
	for n := range storage.All[*storage.Image](m.graph) {
		if n.Open != nil && "/dev/"+n.Open.Name == device {
			return n
		}
	}
	return nil
}

func (m *Machine) attachTo(n *storage.Image, device string, readOnly bool) {
	n.Open = &storage.Opening{Name: path.Base(device), ReadOnly: readOnly}
	m.graph.SetReadOnly(n, readOnly)
	for _, up := range m.graph.Upper(n.ID) {
		up.Base().AddName(device, storage.FromKernel)
	}
}

func (m *Machine) detach(n *storage.Image) {
	device := "/dev/" + n.Open.Name
	n.Open = nil
	m.graph.SetReadOnly(n, false)
	for _, up := range m.graph.Upper(n.ID) {
		c := up.Base()
		c.Names = slices.DeleteFunc(c.Names, func(nm storage.Name) bool { return nm.Path == device })
		delete(m.numbers, string(c.ID))
	}
}

func (m *Machine) qemuNBD(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"--read-only"}, []string{"--connect", "--format", "--disconnect"})
	if err != nil {
		return machine.Result{}, err
	}
	device := l.options["--connect"] + l.options["--disconnect"]
	n := m.attached(device)
	switch {
	case !m.modules["nbd"]:
		return says(c, 1, "qemu-nbd: Failed to open %s: No such file or directory", device)
	case l.has("--disconnect") && len(l.words) == 0:
		if n == nil || m.inUse(n.ID) {
			return says(c, 1, "qemu-nbd: Cannot open %s: Device or resource busy", device)
		}
		m.detach(n)
		return done("")
	case !l.has("--connect") || len(l.words) != 1:
		return unknown(c)
	case n != nil:
		return says(c, 1, "qemu-nbd: Failed to set NBD socket\nqemu-nbd: Failed to open %s: Device or resource busy", device)
	}
	n = m.image(l.words[0], 0)
	switch {
	case n == nil:
		return says(c, 1, "qemu-nbd: Failed to blk_new_open '%[1]s': Could not open '%[1]s': No such file or directory", l.words[0])
	case n.Format != l.options["--format"]:
		return says(c, 1, "qemu-nbd: Failed to blk_new_open '%s': Image is not in %s format", l.words[0], l.options["--format"])
	case n.Open != nil:
		return says(c, 1, "qemu-nbd: Failed to blk_new_open '%[1]s': Failed to get \"write\" lock\nIs another process using the image [%[1]s]?", l.words[0])
	}
	m.attachTo(n, device, l.has("--read-only"))
	return done("")
}

// imageFiles are what sysfs shows of devices that images are attached to.
func (m *Machine) imageFiles(file func(name, data string)) {
	if m.modules["nbd"] && m.attached("/dev/nbd0") == nil {
		file("sys/block/nbd0/size", "0\n")
	}
	for n := range storage.All[*storage.Image](m.graph) {
		switch {
		case n.Open == nil:
		case strings.HasPrefix(n.Open.Name, "nbd"):
			file("sys/block/"+n.Open.Name+"/pid", "4711\n")
		default:
			file("sys/block/"+n.Open.Name+"/loop/backing_file", n.Path+"\n")
		}
	}
}

// fileBlock is a regular file of the live system, opened as OpenBlock does.
func (m *Machine) fileBlock(name string) (machine.Block, bool) {
	f := m.files[strings.TrimPrefix(name, "/")]
	if f == nil || !f.Mode.IsRegular() {
		return nil, false
	}
	return fileContent(f.Data), true
}

type fileContent []byte

func (f fileContent) Size() int64     { return int64(len(f)) }
func (f fileContent) SectorSize() int { return 512 }
func (f fileContent) Close() error    { return nil }

func (f fileContent) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f)) {
		return 0, io.EOF
	}
	n := copy(p, f[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
