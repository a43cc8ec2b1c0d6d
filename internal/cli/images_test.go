package cli

import (
	"encoding/binary"
	"testing/fstest"

	"salvor/internal/storage"
)

// imageFiles lie on every live system of the scripts.
var imageFiles = fstest.MapFS{
	"srv/vm.img":         {Data: make([]byte, 4096), Mode: 0o600},
	"srv/vm.qcow2":       {Data: qcow2(""), Mode: 0o600},
	"srv/stranger.qcow2": {Data: qcow2("/etc/shadow"), Mode: 0o600},
}

// qcow2 makes a header, of an image with a backing file unless that is "".
func qcow2(backing string) []byte {
	b := make([]byte, 4096)
	copy(b, "QFI\xfb\x00\x00\x00\x03")
	if backing != "" {
		binary.BigEndian.PutUint64(b[8:], 1024)
		binary.BigEndian.PutUint32(b[16:], uint32(len(backing)))
		copy(b[1024:], backing)
	}
	return b
}

// imageDisks: an empty disk, and a system in an image.
func imageDisks(l *lab) {
	l.disk("BLANK DISK", "B-2", 8*gib)
	i := &storage.Image{Common: storage.Common{Identity: "image:/srv/vm.img", Size: gib}, Path: "/srv/vm.img", Format: storage.ImageRaw}
	d := &storage.Disk{Common: storage.Common{Identity: "disk:loop-/srv/vm.img", Size: gib}, Transport: "loop", BackingFile: i.Path}
	l.fs("ext4", "vm-root", "", l.Add(d, l.Add(i)))
}
