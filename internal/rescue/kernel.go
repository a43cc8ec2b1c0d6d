package rescue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/bootentry"
)

// Kernel is a kernel of the root that an image can be made with.
type Kernel struct {
	Release string `json:"release"` // as below /lib/modules
	Image   string `json:"image"`   // its file
	// Compression is the best one that it can unpack an initramfs of.
	Compression Compression `json:"compression"`
}

// imagePlaces are where distributions have the kernel of a release: Debian, Fedora, SUSE
// (as vmlinuz or, for machines other than PCs, Image, zImage, image or vmlinux); Fedora, SUSE
// and Arch beside the modules.
var imagePlaces = []string{
	"/boot/vmlinuz-%s", "/lib/modules/%s/vmlinuz", "/usr/lib/modules/%s/vmlinuz", "/boot/Image-%s", "/lib/modules/%s/Image",
	"/boot/zImage-%s", "/lib/modules/%s/zImage", "/boot/image-%s", "/lib/modules/%s/image", "/boot/vmlinux-%s", "/boot/kernel-%s", "/boot/bzImage-%s",
}

// unnamedImages have no release in their names: Arch, Alpine, and links to the newest.
var unnamedImages = []string{"/boot/vmlinuz-linux*", "/boot/vmlinuz-lts", "/boot/vmlinuz-virt", "/boot/vmlinuz", "/vmlinuz", "/boot/Image", "/boot/bzImage"}

// ErrNoKernel is a root without a kernel that has its modules there.
var ErrNoKernel = errors.New("no kernel with modules is there")

// FindKernel finds the kernel of a release, or the one in a file, or, if both are empty, the
// newest that has modules. Where both are given they are believed.
func FindKernel(fsys fs.FS, release, image string) (Kernel, error) {
	r := root{fsys}
	switch {
	case release != "" && image != "":
	case image != "":
		var err error
		if release, err = r.releaseOf(image); err != nil {
			return Kernel{}, fmt.Errorf("cannot tell the release of the kernel %s: %w", image, err)
		}
	case release != "":
		if image = r.imageOf(release); image == "" {
			return Kernel{}, fmt.Errorf("cannot find the image of the kernel %s: it is in none of %s", release, strings.ReplaceAll(strings.Join(imagePlaces, ", "), "%s", release))
		}
	default:
		found := Kernels(fsys)
		if len(found) == 0 {
			return Kernel{}, ErrNoKernel
		}
		return found[0], nil
	}
	if !r.has("/lib/modules/" + release + "/modules.dep") {
		return Kernel{}, fmt.Errorf("cannot use the kernel %s: it has no modules in /lib/modules/%s", image, release)
	}
	return r.kernel(release, image), nil
}

// Kernels are those that have modules and an image, the newest first.
func Kernels(fsys fs.FS) []Kernel {
	r := root{fsys}
	var out []Kernel
	for _, release := range r.names("/lib/modules") {
		if !r.has("/lib/modules/" + release + "/modules.dep") {
			continue
		}
		if image := r.imageOf(release); image != "" {
			out = append(out, r.kernel(release, image))
		}
	}
	slices.SortStableFunc(out, func(a, b Kernel) int { return bootentry.CompareVersions(b.Release, a.Release) })
	return out
}

// imageOf is the file of a release's kernel, "" if there is none.
func (r root) imageOf(release string) string {
	for _, place := range imagePlaces {
		if p := strings.ReplaceAll(place, "%s", release); r.has(p) {
			return p
		}
	}
	for _, pattern := range unnamedImages {
		for _, p := range r.glob(pattern) {
			if found, err := r.releaseOf(p); err == nil && found == release {
				return p
			}
		}
	}
	return ""
}

// releaseOf tells the release of the kernel in a file: by what the file says, else by its
// name, which for a link is the name of what it leads to.
func (r root) releaseOf(image string) (string, error) {
	f, err := r.open(image)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if release := releaseInHeader(f); release != "" {
		return release, nil
	}
	real, _, err := r.find(image)
	if err != nil {
		return "", err
	}
	if path.Dir(path.Dir(strings.TrimPrefix(real, "/usr"))) == "/lib/modules" {
		return path.Base(path.Dir(real)), nil
	}
	if _, release, ok := strings.Cut(path.Base(real), "-"); ok && r.has("/lib/modules/"+release) {
		return release, nil
	}
	return "", errors.New("neither its header nor its name says it")
}

// releaseInHeader reads the release out of the header of an x86 kernel
// (Documentation/arch/x86/boot.rst, kernel_version); "" for others.
func releaseInHeader(f openFile) string {
	head := f.head(0x210)
	if len(head) < 0x210 || string(head[0x202:0x206]) != "HdrS" {
		return ""
	}
	text := make([]byte, 256)
	n, _ := f.ReadAt(text, int64(binary.LittleEndian.Uint16(head[0x20e:]))+0x200) // what is not there is no text
	text, _, ok := bytes.Cut(text[:n], []byte{0})
	words := strings.Fields(string(text))
	if !ok || len(words) == 0 || strings.Contains(words[0], "/") {
		return ""
	}
	return words[0]
}

// kernel adds to a release how its initramfs may be compressed.
func (r root) kernel(release, image string) Kernel {
	k := Kernel{Release: release, Image: image, Compression: Gzip}
	for _, file := range []string{"/boot/config-" + release, "/lib/modules/" + release + "/config", "/lib/modules/" + release + "/build/.config"} {
		data, err := r.read(file)
		if err != nil {
			continue
		}
		switch {
		case hasLine(data, "CONFIG_RD_ZSTD=y"):
			k.Compression = Zstd
		case hasLine(data, "CONFIG_RD_GZIP=y"):
		default:
			k.Compression = Uncompressed
		}
		return k
	}
	if bootentry.CompareVersions(release, "5.10") >= 0 { // with 5.9 it came, and every distribution has switched it on since
		k.Compression = Zstd
	}
	return k
}

func hasLine(data []byte, want string) bool {
	for line := range bytes.Lines(data) {
		if string(bytes.TrimSpace(line)) == want {
			return true
		}
	}
	return false
}
