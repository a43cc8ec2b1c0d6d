package rear

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

func realFiles(t *testing.T) *Files {
	t.Helper()
	f, err := ReadFiles(os.DirFS("testdata/rear-2.7-debian12"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadFiles(t *testing.T) {
	f := realFiles(t)
	f.Usage = slices.DeleteFunc(f.Usage, func(u Usage) bool { return u.Device == "lab" })
	for _, file := range f.List() {
		if file.Name == "layout/disklayout.conf" {
			continue // TestReadReal
		}
		want := string(realFile(t, file.Name))
		if file.Name == "layout/config/df.txt" { // the lab's own file system has no device
			want = strings.Join(slices.DeleteFunc(strings.Split(want, "\n"), func(l string) bool { return strings.HasPrefix(l, "lab") }), "\n")
		}
		if diff := cmp.Diff(want, string(file.Data)); diff != "" {
			t.Errorf("%s\n%s", file.Name, diff)
		}
	}
}

// TestWhereFilesAre: the directory may be ReaR's own, the root of a system, or the
// layout directory alone.
func TestWhereFilesAre(t *testing.T) {
	disk := &fstest.MapFile{Data: []byte("disk /dev/sda 1 gpt\n")}
	boot := &fstest.MapFile{Data: []byte("GRUB2\nmore\n")}
	for _, c := range []struct {
		dir  fstest.MapFS
		boot string
	}{
		{fstest.MapFS{"layout/disklayout.conf": disk, "recovery/bootloader": boot}, "GRUB2"},
		{fstest.MapFS{"var/lib/rear/layout/disklayout.conf": disk, "var/lib/rear/recovery/bootloader": boot}, "GRUB2"},
		{fstest.MapFS{"disklayout.conf": disk}, ""},
	} {
		f, err := ReadFiles(c.dir)
		if err != nil || len(All[*Disk](f.Layout)) != 1 || f.Bootloader != c.boot {
			t.Errorf("%v: %+v, %v", c.dir, f, err)
		}
	}
	if _, err := ReadFiles(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestOverride(t *testing.T) {
	f := &Files{Layout: &File{}}
	if there, err := f.Override(fstest.MapFS{}); there || err != nil {
		t.Errorf("without one: %v, %v", there, err)
	}
	there, err := f.Override(fstest.MapFS{"disklayout.conf": {Data: []byte("disk /dev/sda 1 gpt\n")}})
	if !there || err != nil || len(All[*Disk](f.Layout)) != 1 {
		t.Errorf("%v, %v, %+v", there, err, f.Layout)
	}
}

func TestXFSInfo(t *testing.T) {
	data := realFile(t, "layout/xfs/system-home.xfs")
	x, err := ParseXFSInfo(data)
	if err != nil {
		t.Fatal(err)
	}
	want := &storage.XFS{BlockSize: 4096, SectorSize: 512, Blocks: 584704, InodeSize: 512, InodePercent: 25, Groups: 4,
		GroupBlocks: 146176, DirBlockSize: 4096, LogBlocks: 16384, LogVersion: 2,
		Features: []string{"attr", "bigtime", "crc", "finobt", "ftype", "inobtcount", "lazy-count", "projid32bit", "reflink", "sparse"}}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(string(data), string(XFSInfo("/dev/mapper/system-home", x))); diff != "" {
		t.Error(diff)
	}
}

func FuzzXFSInfo(f *testing.F) {
	f.Add("meta-data=/dev/x isize=512 agcount=4, agsize=1 blks\ndata = bsize=4096 blocks=4, imaxpct=25\n")
	f.Fuzz(func(t *testing.T, s string) {
		x, err := ParseXFSInfo([]byte(s))
		if err != nil {
			return
		}
		if _, err := ParseXFSInfo(XFSInfo("/dev/x", x)); err != nil {
			t.Error(err)
		}
	})
}

func TestParseVG(t *testing.T) {
	vg, err := parseVG(realFile(t, "layout/lvm/system.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	segment := func(extents, at uint64) storage.LVMade {
		return storage.LVMade{Segments: []storage.LVSegment{{Type: "linear", Extents: extents,
			Areas: []storage.LVArea{{PV: "pv:DBAPiM-AvJf-hSju-pLHM-jSZh-Qg8L-rnZqPb", Extent: at}}}}}
	}
	want := &vgConfig{Name: "system", UUID: "rZ10qd-1i9W-Gev3-vCnt-9drC-hB9q-7A8smw", Extent: 4 << 20,
		PVs: []pvConfig{{alias: "pv0", UUID: "DBAPiM-AvJf-hSju-pLHM-jSZh-Qg8L-rnZqPb", Size: 7811039 * 512,
			Made: storage.PVMade{DataOffset: 1 << 20, Extents: 953}}},
		Volumes: []lvConfig{
			{Name: "root", UUID: "TfaJ33-d8b4-LfZn-oUXB-VQ4I-tl1Y-ojO3Gz", Visible: true, Layout: "linear", Extents: 350, Made: segment(350, 0)},
			{Name: "swap", UUID: "zAQaA6-Oxd6-cpTy-KNS3-QYMb-PDxu-6swIh3", Visible: true, Layout: "linear", Extents: 32, Made: segment(32, 350)},
			{Name: "home", UUID: "ziZrsm-rbIj-Usq9-xwLW-eahE-4Won-hnQYOW", Visible: true, Layout: "linear", Extents: 571, Made: segment(571, 382)},
		}}
	if diff := cmp.Diff(want, vg, cmp.AllowUnexported(pvConfig{})); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseVG(f *testing.F) {
	f.Add("vg { id = \"x\" physical_volumes { pv0 { id = \"y\" } } logical_volumes { a { segment1 { type = \"striped\" stripes = [\"pv0\", 0] } } } }")
	f.Add("a = [")
	f.Add("vg { id = \"x\" logical_volumes { a { s { type = \"snapshot\" cow_store = \"a\" } } } }")
	f.Fuzz(func(t *testing.T, s string) {
		if vg, err := parseVG([]byte(s)); err == nil && vg.UUID == "" {
			t.Error("a group without a UUID was read")
		}
	})
}
