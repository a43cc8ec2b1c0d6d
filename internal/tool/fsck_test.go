package tool

import (
	"strings"
	"testing"

	"salvor/test/doctable"

	"github.com/google/go-cmp/cmp"
)

func TestCheckFileSystem(t *testing.T) {
	for fsType, want := range map[string][3]string{
		"ext2":     {"e2fsck -p /dev/x", "e2fsck -n /dev/x", "e2fsck -f /dev/x"},
		"ext3":     {"e2fsck -p /dev/x", "e2fsck -n /dev/x", "e2fsck -f /dev/x"},
		"ext4":     {"e2fsck -p /dev/x", "e2fsck -n /dev/x", "e2fsck -f /dev/x"},
		"vfat":     {"fsck.fat -a /dev/x", "fsck.fat -n /dev/x", "fsck.fat -r /dev/x"},
		"exfat":    {"fsck.exfat -p /dev/x", "fsck.exfat -n /dev/x", "fsck.exfat -r /dev/x"},
		"f2fs":     {"fsck.f2fs -a /dev/x", "fsck.f2fs --dry-run /dev/x", "fsck.f2fs -f /dev/x"},
		"xfs":      {"xfs_repair -n /dev/x", "xfs_repair -n /dev/x", "xfs_repair /dev/x"},
		"btrfs":    {"btrfs check --readonly /dev/x", "btrfs check --readonly /dev/x", ""},
		"jfs":      {"fsck.jfs -a /dev/x", "fsck.jfs -n /dev/x", "fsck.jfs -f /dev/x"},
		"reiserfs": {"fsck.reiserfs -a /dev/x", "", "fsck.reiserfs /dev/x"},
		"minix":    {"fsck.minix -a /dev/x", "fsck.minix /dev/x", "fsck.minix -r /dev/x"},
		"ntfs":     {"", "", ""},
		"nilfs2":   {"", "", ""},
		"squashfs": {"", "", ""},
	} {
		var got [3]string
		if c, ok := CheckFileSystem(Check{Type: fsType, Device: "/dev/x"}); ok {
			got[0] = c.String()
		}
		if c, ok := CheckFileSystem(Check{Type: fsType, Device: "/dev/x", ReadOnly: true}); ok {
			got[1] = c.String()
		}
		if c, ok := RepairFileSystem(fsType, "/dev/x"); ok {
			got[2] = c.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", fsType, got, want)
		}
	}
}

// TestReadCheck: statuses that the programs ended with on images that were clean,
// dirty and overwritten (e2fsprogs 1.47, dosfstools 4.2, exfatprogs 1.2, f2fs-tools
// 1.15, xfsprogs 6.1, btrfs-progs 6.2), and those of fsck(8).
func TestReadCheck(t *testing.T) {
	for _, c := range []struct {
		fsType   string
		status   int
		readOnly bool
		want     Verdict
	}{
		{"ext4", 0, false, Clean}, {"ext4", 1, false, Corrected}, {"ext4", 2, false, Corrected}, {"ext4", 3, false, Corrected},
		{"ext4", 4, false, Damaged}, {"ext4", 4, true, Damaged}, {"ext4", 12, false, Damaged}, {"ext4", 5, false, Damaged},
		{"ext4", 8, false, Undone}, {"ext4", 16, false, Undone}, {"ext4", 32, false, Undone}, {"ext4", 128, false, Undone},
		{"ext4", 143, false, Undone}, {"ext4", 139, false, Undone}, // SIGTERM, SIGSEGV
		{"vfat", 0, false, Clean}, {"vfat", 1, false, Corrected}, {"vfat", 1, true, Damaged}, {"vfat", 2, false, Undone},
		{"exfat", 0, false, Clean}, {"exfat", 8, false, Undone}, {"exfat", 4, true, Damaged},
		{"f2fs", 0, false, Clean}, {"f2fs", 255, false, Undone},
		{"xfs", 0, false, Clean}, {"xfs", 1, false, Damaged}, {"xfs", 2, false, Undone},
		{"btrfs", 0, false, Clean}, {"btrfs", 1, false, Damaged}, {"btrfs", 134, false, Undone},
		{"ntfs", 0, false, Skipped},
	} {
		if got := ReadCheck(Check{Type: c.fsType, ReadOnly: c.readOnly}, c.status); got != c.want {
			t.Errorf("%+v gives %s", c, got)
		}
	}
}

// TestCheckersAreTheTable compares them with docs/tables.md.
func TestCheckersAreTheTable(t *testing.T) {
	var code [][]string
	command := func(program string, options []string) string {
		if options == nil {
			return "none"
		}
		return strings.TrimSpace(program + " " + strings.Join(options, " "))
	}
	for _, c := range checkers {
		code = append(code, []string{strings.Join(c.types, ", "), command(c.program, c.mend), command(c.program, c.look)})
	}
	if diff := cmp.Diff(doctable.Rows(t, "Checkers"), code); diff != "" {
		t.Error(diff)
	}
}
