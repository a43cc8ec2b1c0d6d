package ondisk

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBtrfsMade compares with what btrfs itself dumps.
func TestBtrfsMade(t *testing.T) {
	for name, tt := range map[string]struct {
		devices int
		make    []string
		want    []string // features that only mkfs.btrfs tells
	}{
		"defaults":        {1, nil, nil},
		"mixed":           {1, []string{"--mixed"}, nil},
		"sizes":           {1, []string{"-n", "32768", "--checksum", "xxhash64", "-m", "single"}, nil},
		"old":             {1, []string{"-O", "^no-holes", "-R", "^free-space-tree"}, nil},
		"quota":           {1, []string{"-R", "quota"}, []string{"quota"}},
		"raid1":           {2, []string{"-m", "raid1", "-d", "raid1", "--checksum", "sha256"}, nil},
		"raid0 and raid1": {2, []string{"-m", "raid1", "-d", "raid0"}, nil},
		"raid1c34":        {4, []string{"-m", "raid1c4", "-d", "raid1c3"}, nil},
		"raid10":          {4, []string{"-m", "raid10", "-d", "raid10"}, nil},
		"raid56":          {4, []string{"-m", "raid6", "-d", "raid5"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			devs, scrubs := map[uint64]io.ReaderAt{}, map[uint64]io.ReaderAt{}
			for i := range tt.devices {
				paths = append(paths, image(t, int64(130+10*i)<<20))
			}
			run(t, slices.Concat([]string{"mkfs.btrfs", "-q"}, tt.make, paths)...)
			for i, path := range paths {
				f, _ := open(t, path)
				devs[uint64(i+1)], scrubs[uint64(i+1)] = f, scrubbed{f}
			}
			got := madeBy[*Btrfs](t, paths[0])
			super := fields(regexp.MustCompile(`(?m)^(\S+)[ \t]`).ReplaceAllString(run(t, "btrfs", "inspect-internal", "dump-super", paths[0]), "$1:"))
			want := BtrfsMade{
				SectorSize: uint32(firstNumber(super["sectorsize"])), NodeSize: uint32(firstNumber(super["nodesize"])),
				BytesUsed: firstNumber(super["bytes_used"]), Features: dumpedFeatures(run(t, "btrfs", "inspect-internal", "dump-super", paths[0])),
			}
			if diff := cmp.Diff(want, got.BtrfsMade); diff != "" || !strings.Contains(super["csum_type"], "("+got.ChecksumType+")") {
				t.Errorf("dump-super, ours: %s, %s\n%s", super["csum_type"], got.ChecksumType, diff)
			}
			tree, err := BtrfsSubvolumes(devs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(dumpedChunks(run(t, slices.Concat([]string{"btrfs", "inspect-internal", "dump-tree", "-t", "chunk"}, paths)...)), treeFacts(tree)); diff != "" {
				t.Errorf("dump-tree, ours:\n%s", diff)
			}
			if tree.Quota != slices.Contains(tt.want, "quota") {
				t.Errorf("quota: %v", tree.Quota)
			}
			if again, err := BtrfsSubvolumes(scrubs); err != nil || cmp.Diff(tree, again) != "" {
				t.Errorf("a report shows something else: %v\n%s", err, cmp.Diff(tree, again))
			}
		})
	}
}

// dumpedFeatures takes the names in brackets, as in "( MIXED_BACKREF |\n NO_HOLES )",
// and leaves those out that mkfs.btrfs does not let choose.
func dumpedFeatures(text string) []string {
	names := map[string]string{
		"MIXED_GROUPS": "mixed-bg", "EXTENDED_IREF": "extref", "RAID56": "raid56", "SKINNY_METADATA": "skinny-metadata",
		"NO_HOLES": "no-holes", "RAID1C34": "raid1c34", "ZONED": "zoned", "FREE_SPACE_TREE": "free-space-tree", "BLOCK_GROUP_TREE": "block-group-tree",
	}
	incompat, readOnly := []string(nil), []string(nil)
	in := ""
	for line := range strings.Lines(text) {
		for _, word := range []string{"incompat_flags", "compat_ro_flags", "cache_generation"} {
			if strings.HasPrefix(line, word) {
				in = word
			}
		}
		for word := range strings.FieldsSeq(line) {
			switch name := names[word]; {
			case name == "":
			case in == "compat_ro_flags":
				readOnly = append(readOnly, name)
			case in == "incompat_flags":
				incompat = append(incompat, name)
			}
		}
	}
	return append(incompat, readOnly...)
}

func treeFacts(tree *BtrfsTree) map[string]string {
	out := map[string]string{"data": tree.Data, "metadata": tree.Metadata, "system": tree.System}
	for _, d := range tree.Devices {
		out[fmt.Sprintf("device %d", d.Number)] = fmt.Sprintf("%d %s", d.Size, d.UUID)
	}
	return out
}

// dumpedChunks reads devices and chunks out of the dump of their tree.
func dumpedChunks(text string) map[string]string {
	out := map[string]string{}
	device := regexp.MustCompile(`devid (\d+) total_bytes (\d+)`)
	uuid := regexp.MustCompile(`^\s+uuid (\S+)`)
	kind := regexp.MustCompile(`type ([A-Za-z0-9_|]+)$`)
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := device.FindStringSubmatch(line); m != nil {
			last = "device " + m[1]
			out[last] = m[2]
		}
		if m := uuid.FindStringSubmatch(line); m != nil && last != "" {
			out[last] += " " + m[1]
			last = ""
		}
		if m := kind.FindStringSubmatch(line); m != nil {
			words := strings.Split(strings.ToLower(m[1]), "|")
			profile := "single"
			if p := words[len(words)-1]; !slices.Contains([]string{"data", "metadata", "system", "single"}, p) {
				profile = p
			}
			for _, w := range words {
				if w == "data" || w == "metadata" || w == "system" {
					out[w] = profile
				}
			}
		}
	}
	return out
}
