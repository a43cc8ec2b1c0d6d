package machine

import (
	"io/fs"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// entry is what is known of one file. It is the fs.FileInfo and the fs.DirEntry
// of a Tree; its Sys is an Info.
type entry struct {
	name string
	info Info
	time time.Time
}

func (e *entry) Name() string               { return e.name }
func (e *entry) Size() int64                { return e.info.Size }
func (e *entry) Mode() fs.FileMode          { return e.info.Mode }
func (e *entry) ModTime() time.Time         { return e.time }
func (e *entry) IsDir() bool                { return e.info.Mode.IsDir() }
func (e *entry) Sys() any                   { return e.info }
func (e *entry) Type() fs.FileMode          { return e.info.Mode.Type() }
func (e *entry) Info() (fs.FileInfo, error) { return e, nil }
func (e *entry) String() string             { return fs.FormatDirEntry(e) }

func newEntry(name string, st *unix.Stat_t) *entry {
	return &entry{
		name: path.Base(name),
		info: newInfo(st),
		time: time.Unix(st.Mtim.Unix()),
	}
}

func newInfo(st *unix.Stat_t) Info {
	info := Info{
		Mode:        fileMode(st.Mode),
		Size:        st.Size,
		Inode:       st.Ino,
		DeviceMajor: unix.Major(uint64(st.Dev)),
		DeviceMinor: unix.Minor(uint64(st.Dev)),
	}
	if info.Mode&fs.ModeDevice != 0 {
		info.Major, info.Minor = unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
	}
	return info
}

// fileMode turns the st_mode of inode(7) into Go's bits.
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		m |= fs.ModeDevice
	case unix.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	case unix.S_IFREG:
	default:
		m |= fs.ModeIrregular
	}
	for bit, set := range map[uint32]fs.FileMode{
		unix.S_ISUID: fs.ModeSetuid, unix.S_ISGID: fs.ModeSetgid, unix.S_ISVTX: fs.ModeSticky,
	} {
		if mode&bit != 0 {
			m |= set
		}
	}
	return m
}
