package bench

import (
	"testing"

	reartest "salvor/test/rear"
)

// BenchmarkSave compares salvor save with "rear savelayout" of Debian's ReaR on machine
// b, which is open and mounted as it runs. Both run in a chroot of it, and look at the
// same disks. ReaR runs once in a round: it takes most of a minute.
func BenchmarkSave(b *testing.B) {
	vm := boot(b, "b", withRear)
	output(b, vm, "/salvor/open.sh b && /salvor/inside.sh /bin/true")
	salvor, peer := 0.0, 0.0
	rounds := 0
	for b.Loop() {
		rounds++
		salvor += seconds(b, vm, "chroot /mnt/local /run/salvor-bench save")
		peer += once(b, vm, "chroot /mnt/local rear savelayout")
	}
	b.ReportMetric(salvor/float64(rounds), "s/salvor")
	b.ReportMetric(peer/float64(rounds), "s/rear")
	b.ReportMetric(peer/salvor, "ratio")
	b.ReportMetric(0, "ns/op")
}

// withRear puts Debian's ReaR and the scripts around it into the share.
func withRear(b *testing.B, share string) {
	if err := reartest.Share("../test/rear", share); err != nil {
		b.Fatal(err)
	}
}
