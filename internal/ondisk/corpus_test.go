package ondisk

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corpusName is what a signature is called by.
type corpusName struct{ Format, UUID, Label string }

// divergence is a place in which Read says something else than libblkid.
type divergence struct {
	want   corpusName // what Read says
	reason string
}

// divergences are all that remain, by image.
var divergences = map[string]divergence{}

// corpus returns the folder that test/corpus/fetch.sh filled.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SALVOR_CORPUS")
	if dir == "" {
		t.Skip("SALVOR_CORPUS is not set: run this test by \"make test\", or set SALVOR_CORPUS to what test/corpus/build.sh prints")
	}
	return dir
}

// unxz unpacks an image; the standard library knows no xz.
func unxz(t *testing.T, file string) []byte {
	t.Helper()
	out, err := exec.Command("xz", "-dc", file).Output()
	if err != nil {
		t.Fatalf("cannot unpack %s: %v", file, err)
	}
	return out
}

// TestCorpus compares Read with what libblkid is expected to say of
// util-linux's own images.
func TestCorpus(t *testing.T) {
	dir := corpus(t)
	images, err := filepath.Glob(filepath.Join(dir, "util-linux/tests/ts/blkid/images-fs/*.img.xz"))
	if err != nil || len(images) == 0 {
		t.Fatalf("cannot find the images in %s: %v", dir, err)
	}
	for _, image := range images {
		name := strings.TrimSuffix(filepath.Base(image), ".img.xz")
		t.Run(name, func(t *testing.T) {
			want, ok := expected(t, dir, name)
			if !ok {
				t.Fatalf("cannot find the expected output of %s", name)
			}
			raw := unxz(t, image)
			c, err := Read(bytes.NewReader(raw), int64(len(raw)), 512)
			if err != nil {
				t.Fatal(err)
			}
			got := nameOf(c)
			d, diverges := divergences[name]
			if diverges {
				if got == want {
					t.Errorf("no longer diverges: %+v", got)
				}
				want = d.want
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (libblkid, ours):\n%snotes: %q", name, diff, c.Notes)
			}
		})
	}
}

func nameOf(c *Content) (n corpusName) {
	if len(c.Signatures) == 0 {
		return n
	}
	s := c.Signatures[0]
	n = corpusName{s.Format(), s.Identity().UUID, s.Identity().Label}
	if md, ok := s.(*MD); ok {
		n.UUID = dashed(strings.ReplaceAll(md.UUID, ":", "")) // mdadm's notation and libblkid's
	}
	return n
}

// multi is a name with the sessions of a disc in it: the first is compared.
var multi = regexp.MustCompile(`^(.*multi)-(0)(?:-\d+)+-(.*)$`)

// expected reads the output that util-linux expects.
func expected(t *testing.T, dir, name string) (corpusName, bool) {
	t.Helper()
	if m := multi.FindStringSubmatch(name); m != nil {
		name = m[1] + "-" + m[3] + "-" + m[2]
	}
	out, err := os.ReadFile(filepath.Join(dir, "util-linux/tests/expected/blkid/low-probe-"+name))
	if errors.Is(err, fs.ErrNotExist) {
		return corpusName{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return parseUdev(string(out)), true
}

// parseUdev reads the output of "blkid -p -o udev".
func parseUdev(out string) (n corpusName) {
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch key {
		case "ID_FS_TYPE":
			n.Format = value
		case "ID_FS_UUID_ENC":
			n.UUID = decodeUdev(value)
		case "ID_FS_LABEL_ENC":
			n.Label = decodeUdev(value)
		}
	}
	return n
}

// decodeUdev undoes udev's escapes, "\x20".
func decodeUdev(s string) string {
	return regexp.MustCompile(`\\x[0-9a-f]{2}`).ReplaceAllStringFunc(s, func(e string) string {
		b, err := hex.DecodeString(e[2:])
		if err != nil {
			return e
		}
		return string(b)
	})
}

// TestCorpusCryptsetup asks the installed libblkid about cryptsetup's images,
// which are damaged in many ways.
func TestCorpusCryptsetup(t *testing.T) {
	dir := corpus(t)
	need(t, "blkid")
	packed, err := filepath.Glob(filepath.Join(dir, "cryptsetup/tests/*.xz"))
	if err != nil || len(packed) == 0 {
		t.Fatalf("cannot find the images in %s: %v", dir, err)
	}
	for _, file := range packed {
		for name, path := range unpack(t, file) {
			t.Run(name, func(t *testing.T) {
				want, got := blkidOrNothing(t, path), nameOf(readImage(t, path, 512))
				d, diverges := cryptsetupDivergences[name]
				if diverges {
					if got == want {
						t.Errorf("no longer diverges: %+v", got)
					}
					want = d.want
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("blkid, ours:\n%s", diff)
				}
			})
		}
	}
}

// cryptsetupDivergences are all that remain, by image.
var cryptsetupDivergences = map[string]divergence{}

// blkidOrNothing is for images in which blkid finds nothing, or too much.
func blkidOrNothing(t *testing.T, path string) corpusName {
	t.Helper()
	out, err := exec.Command(need(t, "blkid"), "-p", "-o", "udev", path).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		return corpusName{}
	}
	if err != nil {
		t.Fatal(err)
	}
	return parseUdev(string(out))
}

// unpack unpacks one image, or an archive of them, and returns them by name.
func unpack(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	base := strings.TrimSuffix(filepath.Base(file), ".xz")
	if !strings.HasSuffix(base, ".tar") {
		path := filepath.Join(dir, base)
		if err := os.WriteFile(path, unxz(t, file), 0o644); err != nil {
			t.Fatal(err)
		}
		return map[string]string{base: path}
	}
	run(t, "tar", "-xJf", file, "-C", dir)
	images := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			images[filepath.Base(path)] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return images
}
