package storage

import (
	"cmp"
	"strings"
)

// letteredDisks are the drivers that count in letters: sdz is followed by sdaa
// (drivers/scsi/sd.c, sd_format_disk_name).
var letteredDisks = []string{"dasd", "xvd", "sd", "hd", "vd"}

// compareNames orders names as people count: sdb before sdaa, nvme2 before
// nvme10, sda9 before sda10.
func compareNames(a, b string) int {
	for _, driver := range letteredDisks {
		ra, oka := strings.CutPrefix(a, driver)
		rb, okb := strings.CutPrefix(b, driver)
		if oka && okb {
			la, lb := letters(ra), letters(rb)
			return cmp.Or(cmp.Compare(len(la), len(lb)), strings.Compare(la, lb), compareNumbers(ra[len(la):], rb[len(lb):]))
		}
	}
	return compareNumbers(a, b)
}

func letters(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz"))]
}

// compareNumbers compares byte by byte, but runs of digits by their value.
func compareNumbers(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da == "" || db == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		va, vb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
		if c := cmp.Or(cmp.Compare(len(va), len(vb)), strings.Compare(va, vb)); c != 0 {
			return c
		}
		a, b = a[len(da):], b[len(db):]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
