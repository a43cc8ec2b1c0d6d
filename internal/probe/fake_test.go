package probe

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

// fake is a machine made of files and images. What the probe must not do (run
// programs, mount, write) is not there: the embedded interface is nil, so a call
// of it panics.
type fake struct {
	machine.Machine
	files map[string]string
	links map[string]string
	dirs  map[string][]string
	disks map[string]*image // by path
	devs  map[string]storage.Dev
	minor uint32
}

func newFake() *fake {
	f := &fake{
		files: map[string]string{}, links: map[string]string{}, dirs: map[string][]string{},
		disks: map[string]*image{}, devs: map[string]storage.Dev{},
	}
	f.mkdir("/sys/class/block")
	f.write("/proc/self/mountinfo", "")
	return f
}

func (f *fake) mkdir(dir string) {
	if _, there := f.dirs[dir]; there {
		return
	}
	f.dirs[dir] = nil
	if dir != "/" {
		f.mkdir(path.Dir(dir))
		f.dirs[path.Dir(dir)] = append(f.dirs[path.Dir(dir)], path.Base(dir))
	}
}

func (f *fake) write(name, text string) {
	if _, there := f.files[name]; !there {
		f.mkdir(path.Dir(name))
		f.dirs[path.Dir(name)] = append(f.dirs[path.Dir(name)], path.Base(name))
	}
	f.files[name] = text
}

func (f *fake) ReadFile(name string) ([]byte, error) {
	if text, ok := f.files[name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f *fake) ReadDir(name string) ([]string, error) {
	if names, ok := f.dirs[name]; ok {
		return slices.Sorted(slices.Values(names)), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f *fake) Readlink(name string) (string, error) {
	if to, ok := f.links[name]; ok {
		return to, nil
	}
	return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrNotExist}
}

func (f *fake) Stat(name string) (machine.Info, error) {
	if d, ok := f.devs[name]; ok {
		return machine.Info{Mode: fs.ModeDevice, Major: d.Major, Minor: d.Minor}, nil
	}
	return machine.Info{}, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

func (f *fake) OpenBlock(ctx context.Context, name string) (machine.Block, error) {
	if im := f.disks[name]; im != nil {
		return openImage{im, ctx}, nil
	}
	return nil, fmt.Errorf("cannot open %s: no such device", name)
}

func (im openImage) OpalLocked() bool { return im.opal }

// image is a device: a few pieces of bytes in a sea of zeros.
type image struct {
	size   int64
	sector int
	pieces []piece // later ones lie over earlier ones
	hang   bool    // every read waits until its context ends
	fail   error   // every read fails
	opal   bool    // it has locked itself
	set    int     // goes into the identifiers that are put onto it
}

type piece struct {
	off  int64
	data []byte
}

func newImage(mib int64) *image { return &image{size: mib << 20, sector: 512} }

func (im *image) put(off int64, data []byte) *image {
	im.pieces = append(im.pieces, piece{off, data})
	return im
}

// part gives the image of a part of the device, which shares its bytes.
func (im *image) part(start, size int64) *image {
	p := &image{size: size, sector: im.sector}
	for _, x := range im.pieces {
		if x.off >= start && x.off < start+size {
			p.put(x.off-start, x.data)
		}
	}
	return p
}

func (im *image) readAt(b []byte, off int64) (int, error) {
	if off >= im.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), im.size-off))
	clear(b[:n])
	for _, x := range im.pieces {
		if from, to := max(x.off, off), min(x.off+int64(len(x.data)), off+int64(n)); from < to {
			copy(b[from-off:to-off], x.data[from-x.off:to-x.off])
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

type openImage struct {
	*image
	ctx context.Context
}

func (o openImage) ReadAt(b []byte, off int64) (int, error) {
	switch {
	case o.hang:
		<-o.ctx.Done()
		return 0, o.ctx.Err()
	case o.fail != nil:
		return 0, o.fail
	}
	return o.readAt(b, off)
}

func (o openImage) Close() error    { return nil }
func (o openImage) Size() int64     { return o.size }
func (o openImage) SectorSize() int { return o.sector }

// attrs are sysfs attributes by their path below the device's directory.
type attrs map[string]string

// add puts a block device into sysfs and /dev.
func (f *fake) add(name, at string, im *image, a attrs) {
	dir := path.Join("/sys/class/block", name)
	f.minor++
	dev := storage.Dev{Major: 8, Minor: f.minor}
	f.links[dir] = "../../devices/" + at + "/block/" + name
	f.write(path.Join(dir, "dev"), dev.String()+"\n")
	f.write(path.Join(dir, "size"), fmt.Sprintf("%d\n", im.size/512))
	f.write(path.Join(dir, "ro"), "0\n")
	for name, value := range a {
		f.write(path.Join(dir, name), value+"\n")
	}
	p := "/dev/" + strings.ReplaceAll(name, "!", "/")
	f.disks[p], f.devs[p] = im, dev
}

// scsi adds a SCSI disk with a WWN.
func (f *fake) scsi(name, wwid string, im *image) {
	at := fmt.Sprintf("pci0000:00/0000:00:05.0/virtio2/host2/target2:0:0/2:0:0:%d", f.minor)
	f.add(name, at, im, attrs{"device/wwid": wwid, "device/model": "TEST DISK       ", "queue/logical_block_size": "512", "queue/physical_block_size": "4096"})
	f.links["/sys/class/block/"+name+"/device"] = fmt.Sprintf("../../../2:0:0:%d", f.minor-1)
}

// disk adds a virtio disk with a serial.
func (f *fake) disk(name, serial string, im *image) {
	at := fmt.Sprintf("pci0000:00/0000:00:%02x.0/virtio%d", f.minor, f.minor)
	f.add(name, at, im, attrs{"serial": serial, "queue/logical_block_size": "512"})
}

// partition adds a partition as the kernel does.
func (f *fake) partition(disk string, number int, startMiB, sizeMiB int64) string {
	name := fmt.Sprintf("%s%d", disk, number)
	if strings.ContainsAny(disk[len(disk)-1:], "0123456789") {
		name = fmt.Sprintf("%sp%d", disk, number)
	}
	whole := f.disks["/dev/"+disk]
	f.add(name, "x", whole.part(startMiB<<20, sizeMiB<<20), attrs{
		"partition": fmt.Sprint(number), "start": fmt.Sprint(startMiB << 20 / 512),
	})
	f.links["/sys/class/block/"+name] = f.links["/sys/class/block/"+disk] + "/" + name
	return name
}

// dm adds a device-mapper device over others.
func (f *fake) dm(name, dmName, uuid string, im *image, slaves ...string) {
	f.add(name, "virtual", im, attrs{"dm/name": dmName, "dm/uuid": uuid, "dm/suspended": "0"})
	f.lieOn(name, slaves...)
	f.devs[storage.DMPath(dmName)] = f.devs["/dev/"+name]
}

func (f *fake) lieOn(name string, slaves ...string) {
	dir := path.Join("/sys/class/block", name, "slaves")
	f.mkdir(dir)
	f.dirs[dir] = append(f.dirs[dir], slaves...)
}

// md adds a running array.
func (f *fake) md(name, state, level string, im *image, members ...string) {
	a := attrs{"md/array_state": state, "md/level": level, "md/raid_disks": fmt.Sprint(len(members)), "md/metadata_version": "1.2", "md/degraded": "0"}
	for i, m := range members {
		a["md/dev-"+m+"/slot"] = fmt.Sprint(i)
	}
	f.add(name, "virtual", im, a)
	f.mkdir(path.Join("/sys/class/block", name, "md"))
	f.lieOn(name, members...)
}

// mount adds a line to mountinfo.
func (f *fake) mount(dev storage.Dev, root, point, options, fstype, source, super string) {
	f.files["/proc/self/mountinfo"] += fmt.Sprintf("30 1 %s %s %s %s shared:1 - %s %s %s\n", dev, root, point, options, fstype, source, super)
}

// mountDevice mounts a device whole.
func (f *fake) mountDevice(name, point, fstype string) {
	f.mount(f.devs["/dev/"+name], "/", point, "rw,relatime", fstype, "/dev/"+name, "rw")
}

func (f *fake) swap(source string) {
	f.files["/proc/swaps"] += fmt.Sprintf("%s partition 1048572 0 -2\n", source)
}
