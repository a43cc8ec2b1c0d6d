package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"salvor/internal/storage"
	"salvor/internal/workflow"
)

func TestCopyingText(t *testing.T) {
	const mib = 1 << 20
	for want, c := range map[string]workflow.Copying{
		"writing: 0 B of 100.0 MiB …":                                    {Act: "writing", Total: 100 * mib},
		"writing: 8.0 MiB of 100.0 MiB …":                                {Act: "writing", Done: 8 * mib, Total: 100 * mib, Took: time.Second / 2},
		"writing: 20.0 MiB of 100.0 MiB, 5.0 MiB/s, 16s left …":          {Act: "writing", Done: 20 * mib, Total: 100 * mib, Took: 4 * time.Second},
		"reading back: 50.0 MiB of 2.0 GiB, 512.0 KiB/s, 1h6m36s left …": {Act: "reading back", Done: 50 * mib, Total: 2048 * mib, Took: 100 * time.Second},
	} {
		if got := copyingText(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestEndOfUse: every use of a disk has a next command, and a device's name is one word of shell.
func TestEndOfUse(t *testing.T) {
	for want, u := range map[string]workflow.Use{
		"free it: umount '/a b'":                                            {Kind: workflow.UseMounted, Name: "/a b"},
		"free it: swapoff /dev/sda2":                                        {Kind: workflow.UseSwap, Name: "/dev/sda2"},
		"free it: losetup --detach /dev/loop5":                              {Kind: workflow.UseLoop, Name: "/dev/loop5"},
		"free it: dmsetup remove /dev/mapper/odd":                           {Kind: workflow.UseMap, Name: "/dev/mapper/odd"},
		"salvor umount":                                                     {Kind: workflow.UseStandIn, Name: "/dev/mapper/cow"},
		"free it: mdadm --stop /dev/md8":                                    {Kind: workflow.UseOpen, Name: "/dev/md8", Node: &storage.MD{}},
		"free it: cryptsetup close /dev/mapper/c":                           {Kind: workflow.UseOpen, Name: "/dev/mapper/c", Node: &storage.Crypt{}},
		"free it: lvchange --activate n /dev/mapper/vg-lv":                  {Kind: workflow.UseOpen, Name: "/dev/mapper/vg-lv", Node: &storage.LV{}},
		"free it: multipath -f /dev/mapper/m":                               {Kind: workflow.UseOpen, Name: "/dev/mapper/m", Node: &storage.Multipath{}},
		"see what it is: salvor probe":                                      {Kind: workflow.UseOpen, Name: "/dev/bcache0", Node: &storage.Bcache{}},
		"see what that is, and end it: ps -fp 12":                           {Kind: workflow.UseProcess, Name: "/dev/sda", PID: 12},
		"unmount it there: nsenter --target 12 --mount --root umount /data": {Kind: workflow.UseElsewhere, Name: "/data", PID: 12},
	} {
		if got := endOf(u); got != want {
			t.Errorf("%s: got %q, want %q", u.Kind, got, want)
		}
	}
}

// TestStickErrors: what is said, what follows, and the exit code.
func TestStickErrors(t *testing.T) {
	again := "write it again: salvor rescue write '/a b.iso' --device disk:x --destroy disk:x"
	for _, c := range []struct {
		err   workflow.StickError
		says  string
		exit  int
		hints []string
	}{
		{workflow.StickError{State: workflow.StickEmpty, Err: context.Canceled}, "stopped while", exitInterrupted, []string{again}},
		{workflow.StickError{State: workflow.StickUnproved, Err: context.Canceled}, "is not proved", exitInterrupted, []string{again}},
		{workflow.StickError{State: workflow.StickEmpty, Gone: true, Err: errors.New("EIO")}, "it was pulled out, or has failed: EIO", exitError, []string{"plug it in again, into another port if it was not you who pulled it", again}},
		{workflow.StickError{State: workflow.StickEmpty, Err: errors.New("EIO")}, "no boot medium now", exitError, []string{"see what the kernel says of it: dmesg", again}},
		{workflow.StickError{State: workflow.StickWrong, Err: &workflow.VerifyError{}}, "is wrong", exitError, []string{"the stick is worn out, or smaller than it says: take another one"}},
	} {
		c.err.Image, c.err.ID, c.err.Disk = "/a b.iso", "disk:x", "disk:x (/dev/sdx)"
		exit, hints := explain(&c.err)
		if exit != c.exit || strings.Join(hints, "\n") != strings.Join(c.hints, "\n") || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%v: exit %d, hints %q", &c.err, exit, hints)
		}
	}
}
