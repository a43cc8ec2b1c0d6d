package ondisk

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// scrubbed is a device as a report keeps it: every piece that is read has gone
// through Scrub.
type scrubbed struct {
	r interface {
		ReadAt([]byte, int64) (int, error)
	}
}

func (s scrubbed) ReadAt(b []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(b, off)
	Scrub(b[:n])
	return n, err
}

// madeBy makes a file system with a program's own tool, and returns what is read of
// it: the same from the device and from a report.
func madeBy[T Signature](t *testing.T, path string) T {
	t.Helper()
	f, size := open(t, path)
	c, err := Read(f, size, 512)
	if err != nil || len(c.Signatures) != 1 || len(c.Notes) > 0 {
		t.Fatalf("%+v, error %v", c, err)
	}
	s, err := Read(scrubbed{f}, size, 512)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, s); diff != "" {
		t.Errorf("a report shows something else:\n%s", diff)
	}
	return c.Signatures[0].(T)
}

// fields reads lines of "Name:   value".
func fields(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return out
}

func firstNumber(s string) uint64 {
	n, _ := strconv.ParseUint(regexp.MustCompile(`\d+`).FindString(s), 10, 64)
	return n
}

// TestExtMade compares with dumpe2fs.
func TestExtMade(t *testing.T) {
	const uuid = "11111111-2222-3333-4444-555555555555"
	for name, tt := range map[string]struct {
		size int64
		make []string
		tune []string
	}{
		"ext2":           {8 << 20, []string{"-t", "ext2"}, nil},
		"ext3":           {32 << 20, []string{"-t", "ext3", "-J", "size=4"}, nil},
		"ext4":           {64 << 20, []string{"-t", "ext4"}, nil},
		"revision 0":     {8 << 20, []string{"-t", "ext2", "-r", "0"}, nil},
		"4 KiB":          {256 << 20, []string{"-t", "ext4", "-b", "4096", "-I", "512", "-N", "4000", "-m", "1.5", "-G", "32", "-J", "size=16"}, nil},
		"bigalloc":       {256 << 20, []string{"-t", "ext4", "-O", "bigalloc", "-b", "4096", "-C", "65536"}, nil},
		"raid":           {256 << 20, []string{"-t", "ext4", "-E", "stride=16,stripe_width=48,resize=4000000"}, nil},
		"hash":           {64 << 20, []string{"-t", "ext4", "-E", "hash_seed=" + uuid, "-U", uuid}, []string{"-E", "hash_alg=tea"}},
		"casefold":       {64 << 20, []string{"-t", "ext4", "-O", "casefold", "-E", "encoding=utf8,encoding_flags=strict"}, nil},
		"quota":          {64 << 20, []string{"-t", "ext4", "-O", "quota,project", "-E", "quotatype=usrquota:prjquota"}, nil},
		"many features":  {64 << 20, []string{"-t", "ext4", "-O", "fast_commit,metadata_csum_seed,mmp,inline_data,large_dir,ea_inode,encrypt,verity,stable_inodes,orphan_file"}, nil},
		"few features":   {64 << 20, []string{"-t", "ext4", "-O", "^has_journal,^resize_inode,^64bit,^metadata_csum,^dir_index,uninit_bg,sparse_super2,meta_bg"}, nil},
		"tuned":          {64 << 20, []string{"-t", "ext4", "-e", "panic"}, []string{"-c", "30", "-i", "14d", "-u", "12", "-g", "34", "-r", "999", "-o", "^acl,journal_data_writeback,nodelalloc,discard", "-E", "mount_opts=noatime"}},
		"remount-ro":     {8 << 20, []string{"-t", "ext4", "-e", "remount-ro"}, []string{"-o", "journal_data_ordered,debug,bsdgroups"}},
		"no backup of j": {16 << 20, []string{"-t", "ext4", "-g", "4096", "-b", "1024"}, []string{"-c", "-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := image(t, tt.size)
			run(t, append(append([]string{"mke2fs", "-q", "-F"}, tt.make...), path)...)
			if tt.tune != nil {
				run(t, append(append([]string{"tune2fs"}, tt.tune...), path)...)
			}
			got := madeBy[*Ext](t, path)
			want := dumpe2fs(t, run(t, "dumpe2fs", "-h", path))
			want.EncodingStrict = strings.Contains(strings.Join(tt.make, " "), "=strict") // it does not say
			if diff := cmp.Diff(want, got.ExtMade, cmpopts.IgnoreFields(ExtMade{}, "FreeBlocks", "Overhead")); diff != "" {
				t.Errorf("dumpe2fs, ours:\n%s", diff)
			}
			said := fields(run(t, "dumpe2fs", "-h", path))
			unit := uint64(got.BlockSize)
			if got.ClusterSize > 0 {
				unit = uint64(got.ClusterSize)
			}
			taken := (want.Blocks-firstNumber(said["Free blocks"]))*uint64(got.BlockSize) - firstNumber(said["Overhead clusters"])*unit
			if used, known := got.Used(); !known || used != taken {
				t.Errorf("%d bytes are used (known: %v), dumpe2fs: %d", used, known, taken)
			}
		})
	}
}

// dumpe2fs translates the words of dumpe2fs into ours.
func dumpe2fs(t *testing.T, text string) ExtMade {
	t.Helper()
	said := fields(text)
	block := firstNumber(said["Block size"])
	m := ExtMade{
		ClusterSize: uint32(firstNumber(said["Cluster size"])), Blocks: firstNumber(said["Block count"]),
		ReservedBlocks: firstNumber(said["Reserved block count"]), BlocksPerGroup: uint32(firstNumber(said["Blocks per group"])),
		Inodes: uint32(firstNumber(said["Inode count"])), InodeSize: uint32(firstNumber(said["Inode size"])),
		ReservedUID: uint32(firstNumber(said["Reserved blocks uid"])), ReservedGID: uint32(firstNumber(said["Reserved blocks gid"])),
		Features:     strings.Fields(said["Filesystem features"]),
		MountOptions: said["Mount options"], CheckInterval: uint32(firstNumber(said["Check interval"])),
		Errors:      map[string]string{"Continue": "continue", "Remount read-only": "remount-ro", "Panic": "panic"}[said["Errors behavior"]],
		JournalSize: firstNumber(said["Total journal blocks"]) * block, HashAlgorithm: said["Default directory hash"], HashSeed: said["Directory Hash Seed"],
		Stride: uint32(firstNumber(said["RAID stride"])), StripeWidth: uint32(firstNumber(said["RAID stripe width"])),
		FlexGroups: uint32(firstNumber(said["Flex block group size"])), ReservedGDT: uint32(firstNumber(said["Reserved GDT blocks"])),
		MultiMount: uint32(firstNumber(said["MMP update interval"])), Revision: uint32(firstNumber(said["Filesystem revision #"])),
		Encoding: said["Character encoding"],
	}
	if defaults := said["Default mount options"]; defaults != "(none)" {
		m.MountDefaults = strings.Fields(defaults)
	}
	if m.Revision == 0 {
		m.InodeSize, m.Features = 128, nil
	}
	if _, err := fmt.Sscan(said["Maximum mount count"], &m.MaxMounts); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct{ said, name string }{{"User", "usrquota"}, {"Group", "grpquota"}, {"Project", "prjquota"}} {
		if said[q.said+" quota inode"] != "" {
			m.Quotas = append(m.Quotas, q.name)
		}
	}
	return m
}
