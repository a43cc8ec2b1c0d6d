package ondisk

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestFATMade compares with what fsck.fat says of the boot sector.
func TestFATMade(t *testing.T) {
	for name, tt := range map[string]struct {
		size int64
		make []string
	}{
		"12":           {2 << 20, []string{"-F", "12", "-r", "224", "-M", "0xf0"}},
		"16":           {32 << 20, []string{"-F", "16", "-f", "1", "-s", "8", "-R", "8"}},
		"32":           {64 << 20, []string{"-F", "32", "-s", "1", "-R", "40", "-h", "2048"}},
		"32 in 4k":     {300 << 20, []string{"-F", "32", "-S", "4096", "-a"}},
		"chosen by it": {64 << 20, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := image(t, tt.size)
			run(t, append(append([]string{"mkfs.fat"}, tt.make...), path)...)
			got := madeBy[*FAT](t, path)
			text := run(t, "fsck.fat", "-nv", path)
			said := func(pattern string) int {
				if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
					return int(firstNumber(m[1]))
				}
				return 0
			}
			want := &FAT{
				ID: got.ID, BootLabel: got.BootLabel, Size: uint64(said(`(\d+) sectors total`) * said(`(\d+) bytes per logical`)),
				Width: said(`FATs?, (\d+) bit`), SectorSize: said(`(\d+) bytes per logical`), ClusterSize: said(`(\d+) bytes per cluster`),
				FATMade: FATMade{
					Tables: said(`(\d+) FATs?,`), Reserved: said(`(\d+) reserved`), RootEntries: said(`(\d+) root directory entries`),
					Hidden: uint32(said(`(\d+) hidden`)), Media: 0xf8, Clusters: uint32(said(`(\d+) data clusters`)), FreeKnown: strings.Contains(text, "32 bit"),
				},
			}
			if strings.Contains(text, "0xf0") {
				want.Media = 0xf0
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(FATMade{}, "FreeClusters")); diff != "" {
				t.Errorf("fsck.fat, ours:\n%s", diff)
			}
			used, known := got.Used()
			if known != want.FreeKnown || known && used != uint64(said(`files, (\d+)/`)*want.ClusterSize) {
				t.Errorf("%d bytes are used (known: %v)\n%s", used, known, text)
			}
		})
	}
}

func TestOthersMade(t *testing.T) {
	t.Run("exfat", func(t *testing.T) {
		path := image(t, 64<<20)
		run(t, "mkfs.exfat", "-c", "64K", path)
		got := madeBy[*ExFAT](t, path)
		said := fields(run(t, "dump.exfat", path))
		if want := int(firstNumber(said["Cluster size"])); got.ClusterSize != want || got.SectorSize != 1<<firstNumber(said["Sector Size Bits"]) || got.Tables != 1 {
			t.Errorf("%+v, dump.exfat: %v", got, said)
		}
	})
	t.Run("ntfs", func(t *testing.T) {
		path := image(t, 64<<20)
		run(t, "mkfs.ntfs", "-q", "-F", "-f", "-c", "8192", path)
		got := madeBy[*NTFS](t, path)
		said := fields(run(t, "ntfsinfo", "-m", path))
		if got.ClusterSize != int(firstNumber(said["Cluster Size"])) || got.SectorSize != int(firstNumber(said["Sector Size"])) {
			t.Errorf("%+v, ntfsinfo: %v", got, said)
		}
	})
	t.Run("f2fs", func(t *testing.T) {
		path := image(t, 128<<20)
		run(t, "mkfs.f2fs", "-q", path)
		if got := madeBy[*Plain](t, path); got.BlockSize != 4096 || got.SectorSize != 512 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("swap", func(t *testing.T) {
		path := image(t, 16<<20)
		run(t, "mkswap", "-q", "-p", "16384", path)
		if got := madeBy[*Swap](t, path); got.PageSize != 16384 || got.Version != 1 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("bcache", func(t *testing.T) {
		path := image(t, 256<<20)
		run(t, "make-bcache", "-C", "--bucket", "1M", "--block", "4k", "--discard", "--cache_replacement_policy", "fifo", path)
		got := madeBy[*Bcache](t, path)
		said := fields(regexp.MustCompile(`(?m)^(\S+)[ \t]`).ReplaceAllString(run(t, "bcache-super-show", path), "$1:"))
		if got.BucketSize != firstNumber(said["dev.sectors_per_bucket"])*512 || uint64(got.BlockSize) != firstNumber(said["dev.sectors_per_block"])*512 ||
			got.Discard != strings.Contains(said["dev.cache.discard"], "yes") || !strings.Contains(said["dev.cache.replacement"], got.Replacement) || got.Replacement != "fifo" {
			t.Errorf("%+v, bcache-super-show: %v", got, said)
		}
	})
}

// TestTableMade compares with sgdisk.
func TestTableMade(t *testing.T) {
	for name, tt := range map[string]struct {
		make   []string
		code   bool
		hybrid bool
	}{
		"plain":     {[]string{"-n", "1:0:+8M"}, false, false},
		"large":     {[]string{"-S", "512", "-n", "1:0:+8M"}, false, false},
		"boot code": {[]string{"-n", "1:0:+8M"}, true, false},
		"hybrid":    {[]string{"-n", "1:0:+8M", "-n", "2:0:+8M", "-h", "1"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := image(t, 64<<20)
			run(t, append(append([]string{"sgdisk"}, tt.make...), path)...)
			if tt.code {
				overwrite(t, path, 0, "\xeb\x63\x90")
			}
			got := readImage(t, path, 512).Table
			text := run(t, "sgdisk", "-p", path)
			said := func(pattern string) uint64 {
				return firstNumber(regexp.MustCompile(pattern).FindStringSubmatch(text)[1])
			}
			want := &Table{
				Format: "gpt", ID: got.ID, Sector: 512, Protected: true, Room: int(said(`holds up to (\d+)`)),
				FirstUsable: said(`First usable sector is (\d+)`), LastUsable: said(`last usable sector is (\d+)`),
				Hybrid: tt.hybrid, BootCode: tt.code,
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Table{}, "Entries")); diff != "" {
				t.Errorf("sgdisk, ours:\n%s", diff)
			}
		})
	}
	t.Run("dos", func(t *testing.T) {
		path := image(t, 64<<20)
		cmd := exec.Command(need(t, "sfdisk"), "-q", "--no-tell-kernel", path)
		cmd.Stdin = strings.NewReader("label: dos\nsize=8M, type=83\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("sfdisk: %v\n%s", err, out)
		}
		before := readImage(t, path, 512).Table.BootCode
		overwrite(t, path, 0, "\xeb\x63\x90")
		if after := readImage(t, path, 512).Table.BootCode; before || !after {
			t.Errorf("boot code: %v before, %v after it was written", before, after)
		}
	})
}

func overwrite(t *testing.T, path string, off int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), off); err != nil {
		t.Fatal(err)
	}
}
