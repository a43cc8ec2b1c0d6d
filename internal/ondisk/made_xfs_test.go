package ondisk

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestXFSMade compares with xfs_info, and the counters with xfs_db.
func TestXFSMade(t *testing.T) {
	const uuid = "11111111-2222-3333-4444-555555555555"
	for name, tt := range map[string]struct {
		make []string
		then []string // arguments of xfs_admin
	}{
		"defaults":       {nil, nil},
		"stripes":        {[]string{"-d", "su=64k,sw=4", "-l", "su=32k,size=70m"}, nil},
		"sizes":          {[]string{"-n", "size=8192", "-i", "size=1024,maxpct=10", "-d", "agcount=7", "-l", "size=80m"}, nil},
		"sectors":        {[]string{"-s", "size=4096"}, nil},
		"blocks":         {[]string{"-b", "size=1024"}, nil},
		"few features":   {[]string{"-m", "finobt=0,reflink=0,bigtime=0,inobtcount=0", "-i", "sparse=0"}, nil},
		"many features":  {[]string{"-m", "rmapbt=1", "-i", "nrext64=1", "-n", "version=ci"}, nil},
		"version 4":      {[]string{"-m", "crc=0"}, nil},
		"version 4, old": {[]string{"-m", "crc=0", "-n", "ftype=0", "-i", "attr=1,projid32bit=0", "-l", "lazy-count=0,version=1"}, nil},
		"another UUID":   {nil, []string{"-U", uuid}},
	} {
		t.Run(name, func(t *testing.T) {
			path := image(t, 2<<30)
			run(t, append(append([]string{"mkfs.xfs", "-q"}, tt.make...), path)...)
			first := fields(strings.ReplaceAll(run(t, "xfs_db", "-r", "-c", "sb 0", "-c", "p uuid", path), "=", ":"))["uuid"]
			if tt.then != nil {
				run(t, append(append([]string{"xfs_admin"}, tt.then...), path)...)
			}
			got := madeBy[*XFS](t, path)
			want := xfsInfo(run(t, "xfs_info", path))
			want.MetaUUID = first
			if diff := cmp.Diff(want, got.XFSMade, cmpopts.IgnoreFields(XFSMade{}, "FreeBlocks")); diff != "" {
				t.Errorf("xfs_info, ours:\n%s", diff)
			}
			free := firstNumber(fields(strings.ReplaceAll(run(t, "xfs_db", "-r", "-c", "sb 0", "-c", "p fdblocks", path), "=", ":"))["fdblocks"])
			used, known := got.Used()
			if taken := (want.Blocks - free - uint64(want.LogBlocks)) * uint64(got.BlockSize); !known || used != taken {
				t.Errorf("%d bytes are used (known: %v), xfs_db: %d", used, known, taken)
			}
		})
	}
}

var (
	xfsInfoSection = regexp.MustCompile(`^([a-z-]*) *=`)
	xfsInfoSetting = regexp.MustCompile(`([a-z0-9-]+)=(\d+)`)
)

// xfsInfo translates the words of xfs_info into ours.
func xfsInfo(text string) XFSMade {
	said, section := map[string]uint32{}, ""
	for line := range strings.Lines(text) {
		if m := xfsInfoSection.FindStringSubmatch(line); m != nil && m[1] != "" {
			section = m[1]
		}
		for _, m := range xfsInfoSetting.FindAllStringSubmatch(line, -1) {
			said[section+" "+m[1]] = uint32(firstNumber(m[2]))
		}
	}
	m := XFSMade{
		SectorSize: said["meta-data sectsz"], InodeSize: said["meta-data isize"], InodePercent: said["data imaxpct"],
		Blocks: uint64(said["data blocks"]), Groups: said["meta-data agcount"], GroupBlocks: said["meta-data agsize"],
		DirBlockSize: said["naming bsize"], StripeUnit: said["data sunit"], StripeWidth: said["data swidth"],
		LogBlocks: said["log blocks"], LogVersion: said["log version"], LogUnit: said["log sunit"] * said["log bsize"],
		LogExternal: !strings.Contains(text, "internal"),
	}
	if said["log sectsz"] != m.SectorSize {
		m.LogSector = said["log sectsz"]
	}
	on := map[string]bool{"attr": said["meta-data attr"] == 2}
	for _, name := range []string{"crc", "finobt", "rmapbt", "reflink", "inobtcount", "sparse", "bigtime", "nrext64", "projid32bit"} {
		on[name] = said["meta-data "+name] == 1
	}
	on["ftype"], on["ascii-ci"], on["lazy-count"] = said["naming ftype"] == 1, said["naming ascii-ci"] == 1, said["log lazy-count"] == 1
	maps.DeleteFunc(on, func(_ string, is bool) bool { return !is })
	m.Features = slices.Sorted(maps.Keys(on))
	return m
}

// TestXFSFeatureBits: what this machine's mkfs.xfs does not know yet.
func TestXFSFeatureBits(t *testing.T) {
	b := make([]byte, 512)
	be.PutUint32(b[216:], 0x3eb) // all but the metadata's UUID and the mark of a repair
	be.PutUint32(b[212:], 0xf)
	want := "attr bigtime crc exchange finobt ftype inobtcount lazy-count metadir nrext64 parent projid32bit reflink rmapbt sparse zoned"
	if got := fmt.Sprint(xfsFeatureNames(b, 0xb4a5)); got != "["+want+"]" {
		t.Errorf("features are %s", got)
	}
}

// TestXFSMadeElsewhere: log and real-time section on other devices. What mkfs.xfs
// says is what xfs_info would.
func TestXFSMadeElsewhere(t *testing.T) {
	path, log, rt := image(t, 1<<30), image(t, 100<<20), image(t, 600<<20)
	text := run(t, "mkfs.xfs", "-m", "reflink=0", "-l", "logdev="+log+",size=80m,sectsize=4096", "-r", "rtdev="+rt+",extsize=64k", path)
	got := madeBy[*XFS](t, path)
	want := xfsInfo(text)
	want.MetaUUID = got.UUID
	want.LogExternal, want.RTBlocks, want.RTExtent = true, 600<<20/4096, 64<<10/4096
	if diff := cmp.Diff(want, got.XFSMade, cmpopts.IgnoreFields(XFSMade{}, "FreeBlocks")); diff != "" {
		t.Errorf("mkfs.xfs, ours:\n%s\n%s", diff, text)
	}
	if _, known := got.Used(); known {
		t.Error("it is told what is used while the log cannot be seen")
	}
}
