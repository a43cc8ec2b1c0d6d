package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/ondisk"
	"salvor/internal/storage"
)

// ImageSpec names an image file that takes the place of the machine's disks.
type ImageSpec struct {
	Path    string // absolute
	Format  string // storage.ImageRaw or ImageQcow2; "" for what its first bytes say
	Backing bool   // it may go on in other files, which it names
}

// ParseImage reads "FILE[,format=raw|qcow2][,backing=yes]"; a relative FILE lies in
// dir. A word that is there twice is a part of the name the first time.
func ParseImage(word, dir string) (ImageSpec, error) {
	spec := ImageSpec{Path: word}
	for {
		at := strings.LastIndexByte(spec.Path, ',')
		key, value, _ := strings.Cut(spec.Path[at+1:], "=")
		switch {
		case at >= 0 && key == "format" && spec.Format == "":
			spec.Format = value
		case at >= 0 && key == "backing" && !spec.Backing:
			spec.Backing = true
			if value != "yes" {
				return spec, fmt.Errorf("backing=%s: it can only be yes", value)
			}
		case spec.Path == "":
			return spec, errors.New("there is no name of a file")
		case !slices.Contains([]string{"", storage.ImageRaw, storage.ImageQcow2}, spec.Format):
			return spec, fmt.Errorf("format=%s: it can be raw or qcow2", spec.Format)
		default:
			if !path.IsAbs(spec.Path) {
				spec.Path = path.Join(dir, spec.Path)
			}
			return spec, nil
		}
		spec.Path = spec.Path[:at]
	}
}

// refuseImage is why a file is not taken for an image.
func refuseImage(file, why string) error {
	return &RefusedError{Text: fmt.Sprintf("cannot use the image %s: %s", storage.Printable(file), why)}
}

// image finds out what a file is, and refuses one that must not be opened.
func (s *sight) image(ctx context.Context, spec ImageSpec) (*storage.Image, error) {
	file, info, err := s.imageFile(spec.Path)
	if err != nil {
		return nil, err
	}
	head, err := s.imageHead(ctx, file, spec)
	if err != nil {
		return nil, err
	}
	if head.Format != storage.ImageRaw {
		if _, err := s.w.Machine.Lookup("qemu-nbd"); err != nil {
			return nil, fmt.Errorf("cannot use the %s image %s: %w", head.Format, file, err)
		}
	}
	i := &storage.Image{Path: file, Format: head.Format}
	i.ID = storage.ImageIdentity(file, 0)
	i.Identity, i.Size = i.ID, head.Size
	if i.Size == 0 {
		i.Size = uint64(info.Size)
	}
	if m := s.whole.MountOver(file); m != nil {
		i.Within = m.Source
	}
	return i, s.checkUnused(i, info)
}

// imageFile finds the file as the kernel will name it.
func (s *sight) imageFile(name string) (string, machine.Info, error) {
	file, err := s.realPath(name)
	if err != nil {
		return "", machine.Info{}, fmt.Errorf("cannot use the image %s: %w", name, err)
	}
	info, err := s.w.Machine.Stat(file)
	switch {
	case err != nil:
		err = fmt.Errorf("cannot use the image: %w", err)
	case info.Mode&fs.ModeDevice != 0:
		err = refuseImage(file, "it is a device; what lies on devices is seen without --image")
	case !info.Mode.IsRegular():
		err = refuseImage(file, "it is no regular file")
	}
	return file, info, err
}

// imageHead tells the format. The user's word for raw is taken as it is: whoever
// writes to a raw image from the inside can make it look like any other.
func (s *sight) imageHead(ctx context.Context, file string, spec ImageSpec) (ondisk.Image, error) {
	if spec.Format == storage.ImageRaw {
		return ondisk.Image{Format: storage.ImageRaw}, nil
	}
	b, err := s.w.Machine.OpenBlock(ctx, file)
	if err != nil {
		return ondisk.Image{}, fmt.Errorf("cannot use the image: %w", err)
	}
	defer b.Close()
	head, err := ondisk.ReadImage(b)
	if err != nil {
		return head, fmt.Errorf("cannot use the image %s: %w", file, err)
	}
	if why := unfit(head, spec); why != "" {
		return head, refuseImage(file, why)
	}
	return head, nil
}

// unfit says why an image is not opened. Whoever made it chose the files that it goes
// on in: an image from a stranger could lead to any file of this machine.
func unfit(head ondisk.Image, spec ImageSpec) string {
	other := head.Backing + head.Data
	switch {
	case spec.Format != "" && spec.Format != head.Format:
		return fmt.Sprintf("it is a %s image, not a %s one", head.Format, spec.Format)
	case head.Format != storage.ImageRaw && head.Format != storage.ImageQcow2:
		return fmt.Sprintf("it is a %s image; raw and qcow2 ones can be opened (qemu-img convert makes one of it)", head.Format)
	case head.Encrypted:
		return "it is encrypted by QEMU"
	case other != "" && !spec.Backing:
		return fmt.Sprintf("it goes on in the file %q; if that one may be opened for it, say FILE,backing=yes", storage.Printable(other))
	}
	return ""
}

// checkUnused refuses a file that is attached by others, or under another name: two
// devices that write to one file destroy what is in it.
func (s *sight) checkUnused(i *storage.Image, info machine.Info) error {
	h, err := s.journal.Holdings()
	if err != nil {
		return err
	}
	for o := range storage.All[*storage.Image](s.whole) {
		if o.Open == nil || o.Identity == i.Identity && h.Holds(s.whole, o) {
			continue
		}
		is, err := s.w.Machine.Stat(o.Path)
		same := err == nil && is.Inode == info.Inode && is.DeviceMajor == info.DeviceMajor && is.DeviceMinor == info.DeviceMinor
		if o.Path == i.Path || same {
			return refuseImage(i.Path, "it is attached already, as /dev/"+o.Open.Name)
		}
	}
	return nil
}
