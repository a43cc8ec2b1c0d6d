package probe

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"salvor/internal/storage"
	"salvor/internal/tool"
)

// backing is the file that a device is attached to.
type backing struct {
	path          string // of a loop device as the kernel shows it, also when it is a device
	format        string
	offset, limit uint64
}

// describeBacking asks the kernel what a loop device is attached to (drivers/block/
// loop.c, loop_attr_backing_file_show), and the server of a network block device.
func (p *prober) describeBacking(d *device) backing {
	if strings.HasPrefix(d.name, "nbd") {
		return p.describeNBD(d)
	}
	b := backing{path: p.attr(d, "loop/backing_file"), format: storage.ImageRaw}
	if b.path != "" {
		b.offset, b.limit = p.number(d, "loop/offset"), p.number(d, "loop/sizelimit")
	}
	return b
}

// describeNBD reads the command line of the process that serves the device
// (drivers/block/nbd.c, pid_show). Only qemu-nbd over a file is told; a server on
// another machine has no file here.
func (p *prober) describeNBD(d *device) backing {
	pid, err := strconv.Atoi(strings.TrimSpace(p.attr(d, "pid")))
	if err != nil {
		return backing{}
	}
	proc := path.Join("/proc", strconv.Itoa(pid))
	cmdline, err := p.m.ReadFile(path.Join(proc, "cmdline"))
	if err != nil {
		return backing{}
	}
	server, ok := tool.ParseNBDServer(cmdline)
	if !ok {
		return backing{}
	}
	if !path.IsAbs(server.Path) {
		dir, err := p.m.Readlink(path.Join(proc, "cwd"))
		if err != nil {
			return backing{}
		}
		server.Path = path.Join(dir, server.Path)
	}
	return backing{path: server.Path, format: cmp.Or(server.Format, "unknown")}
}

// addImage lays a device on the image that is attached to it. Two devices on one
// file are two openings of it, and so twins. A loop device over another device is
// over no image.
func (a *assembly) addImage(n *storage.Disk, d *device) {
	b := d.hw.backing
	if b.path == "" || a.inv.byPath(b.path) != nil {
		return
	}
	i := &storage.Image{Path: b.path, Format: b.format, Offset: b.offset, SizeLimit: b.limit}
	i.Identity = storage.ImageIdentity(b.path, b.offset)
	i.Size, i.ReadOnly = d.size, d.readOnly
	i.Open = &storage.Opening{Name: d.name, ReadOnly: d.readOnly}
	a.Lay(n, a.Add(i))
}

// byPath gives the device of a path that the kernel gave it, or nil.
func (inv *inventory) byPath(name string) *device {
	for _, d := range inv.devices {
		if d.path == name {
			return d
		}
	}
	return nil
}

// locateImages says within what the file of each image lies.
func locateImages(g *storage.Graph) {
	for i := range storage.All[*storage.Image](g) {
		if m := g.MountOver(i.Path); m != nil {
			i.Within = m.Source
		}
	}
}
