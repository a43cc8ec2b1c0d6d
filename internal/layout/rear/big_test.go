package rear

import (
	"fmt"
	"strings"
	"testing"
)

// bigMachine is a disklayout.conf of n disks, each with a group, a volume and a file
// system of its own.
func bigMachine(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "disk /dev/sd%d 107374182400 gpt\npart /dev/sd%d 107372085248 1048576 x lvm /dev/sd%dp1\n", i, i, i)
		fmt.Fprintf(&b, "lvmdev /dev/vg%d /dev/sd%dp1 uuid-%d 209711104\nlvmgrp /dev/vg%d 4096 25598 104849408\n", i, i, i, i)
		fmt.Fprintf(&b, "lvmvol /dev/vg%d data 53687091200b linear \n", i)
		fmt.Fprintf(&b, "fs /dev/mapper/vg%d-data /srv/%d xfs uuid=00000000-0000-4000-8000-%012d label=  options=rw,relatime\n", i, i, i)
	}
	return []byte(b.String())
}

func BenchmarkThousandDisks(b *testing.B) {
	data := bigMachine(1000)
	for b.Loop() {
		l, _, err := Import(&Files{Layout: Read(data)})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := Export(l, ExportOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
