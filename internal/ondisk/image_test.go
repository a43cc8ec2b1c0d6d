package ondisk

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// qcow2Head makes a header of version 3 with a disk of 10 MiB.
func qcow2Head(change func([]byte)) []byte {
	b := make([]byte, 4096)
	copy(b, "QFI\xfb")
	be := binary.BigEndian
	be.PutUint32(b[4:], 3)
	be.PutUint64(b[24:], 10<<20)
	be.PutUint32(b[100:], 104)
	if change != nil {
		change(b)
	}
	return b
}

func TestReadImage(t *testing.T) {
	be := binary.BigEndian
	data := func(name string) func([]byte) {
		return func(b []byte) {
			be.PutUint64(b[72:], qcow2DataFile)
			be.PutUint32(b[104:], 0x6803f857) // the names of features come first
			be.PutUint32(b[108:], 3)
			be.PutUint32(b[120:], qcow2DataName)
			be.PutUint32(b[124:], uint32(len(name)))
			copy(b[128:], name)
		}
	}
	for name, c := range map[string]struct {
		bytes []byte
		want  Image
		err   string
	}{
		"raw":          {gptImage(twoEntries), Image{Format: "raw"}, ""},
		"empty":        {nil, Image{Format: "raw"}, ""},
		"short":        {[]byte("QFI"), Image{Format: "raw"}, ""},
		"qcow2":        {qcow2Head(nil), Image{Format: "qcow2", Size: 10 << 20}, ""},
		"version 2":    {qcow2Head(func(b []byte) { b[7] = 2 }), Image{Format: "qcow2", Size: 10 << 20}, ""},
		"version 4":    {qcow2Head(func(b []byte) { b[7] = 4 }), Image{}, "its version is 4"},
		"cut":          {qcow2Head(nil)[:80], Image{}, "the file ends in it"},
		"encrypted":    {qcow2Head(func(b []byte) { b[35] = 2 }), Image{Format: "qcow2", Size: 10 << 20, Encrypted: true}, ""},
		"qcow":         {qcow2Head(func(b []byte) { b[7] = 1 }), Image{Format: "qcow"}, ""},
		"vmdk":         {[]byte("KDMV"), Image{Format: "vmdk"}, ""},
		"vdi":          {append(make([]byte, 0x40), "\x7f\x10\xda\xbe"...), Image{Format: "vdi"}, ""},
		"data file":    {qcow2Head(data("/etc/shadow")), Image{Format: "qcow2", Size: 10 << 20, Data: "/etc/shadow"}, ""},
		"no data name": {qcow2Head(func(b []byte) { b[79] = qcow2DataFile }), Image{Format: "qcow2", Size: 10 << 20, Data: "?"}, ""},
		"backing file": {qcow2Head(func(b []byte) {
			be.PutUint64(b[8:], 2000)
			be.PutUint32(b[16:], 11)
			copy(b[2000:], "/etc/shadow")
		}), Image{Format: "qcow2", Size: 10 << 20, Backing: "/etc/shadow"}, ""},
		"long backing name": {qcow2Head(func(b []byte) {
			be.PutUint64(b[8:], 2000)
			be.PutUint32(b[16:], 1<<31)
		}), Image{}, "has 2147483648 bytes"},
		"backing name far away": {qcow2Head(func(b []byte) {
			be.PutUint64(b[8:], 1<<63)
			be.PutUint32(b[16:], 1)
		}), Image{}, "at byte 9223372036854775808"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadImage(bytes.NewReader(c.bytes))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("the error is %v, not %q", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// TestReadImagesOfQemu: what qemu-img makes is read as it was asked for.
func TestReadImagesOfQemu(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "base.qcow2")
	for name, c := range map[string]struct {
		args []string
		want Image
	}{
		base:                              {[]string{"-f", "qcow2"}, Image{Format: "qcow2", Size: 10 << 20}},
		filepath.Join(dir, "old.qcow2"):   {[]string{"-f", "qcow2", "-o", "compat=0.10"}, Image{Format: "qcow2", Size: 10 << 20}},
		filepath.Join(dir, "data.qcow2"):  {[]string{"-f", "qcow2", "-o", "data_file=" + dir + "/data"}, Image{Format: "qcow2", Size: 10 << 20, Data: dir + "/data"}},
		filepath.Join(dir, "disk.vmdk"):   {[]string{"-f", "vmdk"}, Image{Format: "vmdk"}},
		filepath.Join(dir, "disk.vdi"):    {[]string{"-f", "vdi"}, Image{Format: "vdi"}},
		filepath.Join(dir, "disk.vhdx"):   {[]string{"-f", "vhdx"}, Image{Format: "vhdx"}},
		filepath.Join(dir, "disk.vpc"):    {[]string{"-f", "vpc"}, Image{Format: "vhd"}},
		filepath.Join(dir, "disk.qcow"):   {[]string{"-f", "qcow"}, Image{Format: "qcow"}},
		filepath.Join(dir, "disk.qed"):    {[]string{"-f", "qed"}, Image{Format: "qed"}},
		filepath.Join(dir, "disk.raw"):    {[]string{"-f", "raw"}, Image{Format: "raw"}},
		filepath.Join(dir, "child.qcow2"): {[]string{"-f", "qcow2", "-u", "-b", "base.qcow2", "-F", "qcow2"}, Image{Format: "qcow2", Size: 10 << 20, Backing: "base.qcow2"}},
	} {
		run(t, append(append([]string{"qemu-img", "create", "-q"}, c.args...), name, "10M")...)
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadImage(f)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(name), err, diff)
		}
		f.Close()
	}
}

func FuzzReadImage(f *testing.F) {
	f.Add(qcow2Head(nil))
	f.Add(qcow2Head(func(b []byte) { b[79], b[123] = qcow2DataFile, 8 }))
	f.Add([]byte("KDMV"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := ReadImage(bytes.NewReader(data)); err == nil && got.Format == "" {
			t.Error("it has no format")
		}
	})
}
