package bootentry

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
	"pgregory.net/rapid"
)

// packed makes a cpio archive of files: "a -> b" is a symbolic link, "a/" a
// directory.
func packed(t testing.TB, files ...[2]string) []byte {
	var out bytes.Buffer
	w := cpio.NewWriter(&out)
	for _, f := range files {
		h := &cpio.Header{Name: f[0], Mode: cpio.TypeReg | 0o644, Size: int64(len(f[1]))}
		content := f[1]
		if name, target, ok := strings.Cut(f[0], " -> "); ok {
			h.Name, h.Mode, h.Size, content = name, cpio.TypeSymlink|0o777, int64(len(target)), target
		} else if strings.HasSuffix(f[0], "/") {
			h.Mode = cpio.TypeDir | 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// compressors are the formats for which there is a writer in Go.
var compressors = map[string]func(io.Writer) (io.WriteCloser, error){
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"xz": func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{CheckSum: xz.CRC32, BlockSize: 4096, DictCap: 1 << 16}.NewWriter(w)
	},
	"lzma": func(w io.Writer) (io.WriteCloser, error) { return lzma.WriterConfig{DictCap: 1 << 16}.NewWriter(w) },
	"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) },
	"lz4": func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.LegacyOption(true))
	},
	"cpio": func(w io.Writer) (io.WriteCloser, error) { return plainWriter{w}, nil },
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

func compressed(t testing.TB, format string, data []byte) []byte {
	var out bytes.Buffer
	w, err := compressors[format](&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t *testing.T, data []byte) *Initramfs {
	t.Helper()
	i, err := OpenInitramfs(bytes.NewReader(data), 0)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

var mainArchive = [][2]string{
	{"usr/", ""}, {"usr/sbin/", ""}, {"lib -> usr/lib", ""}, {"bin -> usr/bin", ""}, {"./sbin -> /usr/sbin", ""},
	{"usr/lib/modules/6.1.0-18-amd64/kernel/drivers/md/dm-crypt.ko.xz", "\x7fELF"},
	{"usr/lib/modules/6.1.0-18-amd64/kernel/fs/ext4/ext4.ko", strings.Repeat("ext4", 5000)},
	{"usr/lib/modules/6.1.0-18-amd64/modules.builtin", "kernel/drivers/md/md-mod.ko\nkernel/fs/x.ko\n"},
	{"usr/sbin/cryptsetup", "elf"}, {"usr/lib/systemd/systemd-cryptsetup", "elf"},
	{"etc/crypttab", "cr UUID=1 none luks\n"}, {"etc/shadow", "secret"},
	{"loop -> loop", ""}, {"out -> ../../etc/crypttab", ""},
}

func TestInitramfs(t *testing.T) {
	i := open(t, packed(t, mainArchive...))
	yes := []string{"etc/crypttab", "/etc/crypttab", "sbin", "sbin/cryptsetup", "lib/modules/6.1.0-18-amd64/kernel/fs/ext4/ext4.ko", "out"}
	for _, name := range yes {
		if !i.Has(name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"", "loop", "loop/x", "etc/fstab", "usr/lib/nothing", "etc/crypttab/x"} {
		if i.Has(name) {
			t.Errorf("%q is there", name)
		}
	}
	got := map[string]bool{
		"dm-crypt": i.HasModule("dm-crypt"), "dm_crypt": i.HasModule("dm_crypt"), "md_mod": i.HasModule("md_mod"), "xfs": i.HasModule("xfs"),
		"cryptsetup": i.HasProgram("cryptsetup"), "systemd-cryptsetup": i.HasProgram("systemd-cryptsetup"), "lvm": i.HasProgram("lvm"),
	}
	want := map[string]bool{
		"dm-crypt": true, "dm_crypt": true, "md_mod": true, "xfs": false,
		"cryptsetup": true, "systemd-cryptsetup": true, "lvm": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"6.1.0-18-amd64"}, i.Kernels); diff != "" {
		t.Errorf("kernels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"etc/crypttab": "cr UUID=1 none luks\n"}, i.Files); diff != "" {
		t.Errorf("contents that are kept (-want +got):\n%s", diff)
	}
}

// TestInitramfsParts: archives of all formats follow each other in any order, with
// zeros between them.
func TestInitramfsParts(t *testing.T) {
	followed := []string{"cpio", "gzip", "xz", "zstd", "lz4"} // lzma does not tell where it ends
	rapid.Check(t, func(rt *rapid.T) {
		formats := rapid.SliceOfN(rapid.SampledFrom(followed), 1, 4).Draw(rt, "formats")
		if rapid.Bool().Draw(rt, "lzma") {
			formats = append(formats, "lzma")
		}
		var data []byte
		for n, f := range formats {
			content := strings.Repeat("kernel", rapid.IntRange(0, 5000).Draw(rt, "size"))
			part := compressed(t, f, packed(t, [2]string{fmt.Sprintf("early/%d", n), content}))
			data = append(data, part...)
			least := 0
			if f == "lz4" {
				least = 1 // the format has no end; the kernel needs zeros too
			}
			data = append(data, make([]byte, 4*rapid.IntRange(least, 300).Draw(rt, "zeros"))...)
		}
		i, err := OpenInitramfs(bytes.NewReader(data), 0)
		if err != nil {
			rt.Fatalf("%v: %v", formats, err)
		}
		if diff := cmp.Diff(formats, i.Archives); diff != "" {
			rt.Errorf("parts (-want +got):\n%s", diff)
		}
		if len(i.Names()) != len(formats) {
			rt.Errorf("files %v of %d parts", i.Names(), len(formats))
		}
	})
}

// TestInitramfsOfRealPrograms: what cpio, gzip and xz write, with the options that
// the tools of the distributions give them.
func TestInitramfsOfRealPrograms(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"etc/crypttab": "cr UUID=1 none luks\n", "conf/arch.conf": "DPKG_ARCH=amd64\n",
		"usr/lib/modules/6.1/kernel/dm-mod.ko": strings.Repeat("module", 100000), "usr/sbin/cryptsetup": "elf",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("usr/sbin", filepath.Join(dir, "sbin")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ pack, format string }{
		{"cpio -o -H newc -R 0:0", "cpio"},
		{"cpio -o -H crc -R 0:0 --reproducible", "cpio"},
		{"cpio -o -H newc -R 0:0 | gzip -n -9", "gzip"},
		{"cpio -o -H newc -R 0:0 | xz --check=crc32 --lzma2=dict=1MiB", "xz"},
		{"cpio -o -H newc -R 0:0 | xz --check=sha256 -T2 --block-size=65536 -9", "xz"},
		{"cpio -o -H newc -R 0:0 | xz --format=lzma", "lzma"},
	} {
		cmd := exec.Command("bash", "-o", "pipefail", "-c", "find . | sort | "+tt.pack)
		cmd.Dir = dir
		data, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", tt.pack, err)
		}
		i, err := OpenInitramfs(bytes.NewReader(data), 0)
		if err != nil {
			t.Errorf("%s: %v", tt.pack, err)
			continue
		}
		if !i.HasModule("dm-mod") || !i.HasProgram("cryptsetup") || !i.Has("sbin/cryptsetup") || i.Tool != InitramfsTools || i.Archives[0] != tt.format {
			t.Errorf("%s: %v %v %v", tt.pack, i.Archives, i.Names(), i.Tool)
		}
	}
}

// bzip2Archive has etc/crypttab, as Python's bz2 packs what cpio wrote: Go has no
// writer for it.
const bzip2Archive = "QlpoOTFBWSZTWakOJkcAAC1/wFxQCABoCP3CNiQWADoN3iBAACAAdBpE2oCMmyCaHpGGg01BqZEAAAANAAG1mFkISBBHRDrWVsLYQ4QCAFXkVWCTMzSahahISku0GNXGV7Lm90mWGNWCPhgqx4WZixjUYigV/f02Wkaj0yPN7kBbuJB1I9Coah8+4hB9P8XckU4UJCpDiZHA"

func TestInitramfsBzip2(t *testing.T) {
	data, err := base64.StdEncoding.DecodeString(bzip2Archive)
	if err != nil {
		t.Fatal(err)
	}
	for name, after := range map[string][]byte{
		"nothing": nil, "zeros": make([]byte, 8), "an archive": packed(t, [2]string{"x", ""}), "zeros and bzip2": append(make([]byte, 4), data...),
	} {
		i := open(t, append(bytes.Clone(data), after...))
		if i.Files["etc/crypttab"] != "cr UUID=1 none luks\n" || i.Archives[0] != "bzip2" || i.Has("x") != (name == "an archive") {
			t.Errorf("followed by %s: %v %v", name, i.Archives, i.Names())
		}
	}
}

func TestInitramfsRefuses(t *testing.T) {
	whole := packed(t, mainArchive...)
	header := string(whole[:cpioHeader])
	huge := header[:94] + "FFFFFFFF" + header[102:] // length of the name
	xzData := compressed(t, "xz", whole)
	bigDict := bytes.Clone(xzData)
	bigDict[12+4] = 40 // size byte, flags, filter, size of properties, dictionary
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":        {nil, "it is empty"},
		"zeros":          {make([]byte, 1000), "it is empty"},
		"text":           {[]byte("#!/bin/sh"), "part 1 is neither a cpio archive nor compressed in a known way"},
		"lzop":           {[]byte("\x89LZO\x00\r\n\x1a\n123"), "no reader for lzop"},
		"old cpio":       {[]byte("070707" + strings.Repeat("0", 200)), "neither a cpio archive"},
		"long name":      {[]byte(huge), "a name in the cpio archive has 4294967295 bytes"},
		"bad number":     {[]byte(strings.Replace(header, "000", "zzz", 1) + "x"), "a header of the cpio archive is damaged"},
		"cut off":        {whole[:len(whole)/2], "unexpected EOF"},
		"gzip cut off":   {compressed(t, "gzip", whole)[:100], "unexpected EOF"},
		"zstd cut off":   {compressed(t, "zstd", whole)[:100], "unexpected EOF"},
		"xz cut off":     {xzData[:100], "unexpected EOF"},
		"lz4 cut off":    {compressed(t, "lz4", whole)[:100], "unexpected EOF"},
		"huge xz window": {bigDict, "dictionary (size code 40) is larger"},
		"packed text":    {compressed(t, "gzip", []byte(strings.Repeat("text", 100))), "no header of a cpio archive"},
	} {
		i, err := OpenInitramfs(bytes.NewReader(tt.data), 0)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, not %q", name, err, tt.want)
		}
		if name == "cut off" && !i.HasModule("dm_crypt") {
			t.Error("what comes before the damage is lost")
		}
	}
	if _, err := OpenInitramfs(bytes.NewReader(whole), 1000); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestTool(t *testing.T) {
	for want, files := range map[Tool][][2]string{
		Dracut:         {{"lib -> usr/lib", ""}, {"usr/lib/dracut/modules.txt", "bash\ncrypt\n"}, {"etc/initrd-release", "ID=fedora"}},
		InitramfsTools: {{"conf/arch.conf", ""}, {"conf/initramfs.conf", ""}, {"scripts/functions", ""}},
		Mkinitcpio:     {{"buildconfig", ""}, {"config", ""}, {"init_functions", ""}},
		Booster:        {{"etc/booster.init.yaml", ""}, {"init", ""}},
		Mkinitfs:       {{"sbin/nlplug-findfs", ""}},
		Mkosi:          {{"usr/lib/initrd-release", "ID=mkosi"}, {"etc/initrd-release -> ../usr/lib/initrd-release", ""}},
		UnknownTool:    {{"init", ""}},
	} {
		i := open(t, packed(t, files...))
		if i.Tool != want || (want != UnknownTool) != (len(i.Marks) > 0) {
			t.Errorf("%q by %v, not %q", i.Tool, i.Marks, want)
		}
		if want == Dracut && !cmp.Equal([]string{"bash", "crypt"}, i.DracutModules()) {
			t.Errorf("modules of dracut: %v", i.DracutModules())
		}
	}
}

// BenchmarkInitramfs: 60 MB of modules that compress by half.
func BenchmarkInitramfs(b *testing.B) {
	var files [][2]string
	noise := make([]byte, 20000)
	state := uint32(1)
	for n := range 3000 {
		for k := range noise {
			state = state*1664525 + 1013904223
			noise[k] = byte(state>>24) & (0x0f | byte(n)<<4)
		}
		files = append(files, [2]string{fmt.Sprintf("lib/modules/6.1/kernel/m%d.ko", n), string(noise)})
	}
	archive := packed(b, files...)
	for _, format := range []string{"cpio", "gzip", "xz", "zstd", "lz4"} {
		var data []byte
		if format == "xz" { // the writer in Go takes minutes
			cmd := exec.Command("xz", "-0", "--check=crc32")
			cmd.Stdin = bytes.NewReader(archive)
			var err error
			if data, err = cmd.Output(); err != nil {
				b.Fatal(err)
			}
		} else {
			data = compressed(b, format, archive)
		}
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(len(archive)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := OpenInitramfs(bytes.NewReader(data), 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
