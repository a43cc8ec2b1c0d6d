// Package bench measures what README reports, in the VM lab: salvor against the
// programs that administrators use for the same question, in the same VM, in the
// same run, as a ratio. "make bench" runs it.
package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"salvor/test/lab"
)

// times runs a command n times in the lab, after one run that is not counted, and
// gives the seconds of each. The lab's own clock counts, so that the way to the lab
// does not.
const times = `
%[1]s >/dev/null 2>&1
for i in $(seq %[2]d); do
	from=$(date +%%s%%N); %[1]s >/dev/null 2>&1; to=$(date +%%s%%N)
	echo $((to - from))
done
`

// peak runs a command and prints the peak of its resident memory in KiB: ru_maxrss
// of getrusage(2) for the children, system call 98 on x86-64.
const peak = `perl -e 'system(@ARGV); my $u = "\0" x 144; syscall(98, -1, $u); print STDERR "peak ", (unpack("q*", $u))[4], "\n"' %s 2>&1 >/dev/null | sed -n 's/^peak //p'`

// BenchmarkProbe compares salvor probe with lsblk and blkid on machine b: what
// they print together is what the probe has to know. The commands take turns.
func BenchmarkProbe(b *testing.B) {
	vm := boot(b, "b")
	salvor, peers := 0.0, 0.0
	rounds := 0
	for b.Loop() {
		rounds++
		salvor += seconds(b, vm, "/run/salvor-bench probe --json")
		peers += seconds(b, vm, "sh -c 'lsblk -O --json; blkid -p /dev/sd*'")
	}
	b.ReportMetric(salvor/float64(rounds), "s/salvor")
	b.ReportMetric(peers/float64(rounds), "s/lsblk+blkid")
	b.ReportMetric(salvor/peers, "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPeakMemory reports the peak of resident memory of looks at machine b.
func BenchmarkPeakMemory(b *testing.B) {
	vm := boot(b, "b")
	for b.Loop() {
		for _, command := range []string{"probe", "systems"} {
			kib := number(b, output(b, vm, fmt.Sprintf(peak, "/run/salvor-bench "+command)))
			b.ReportMetric(kib/1024, "MiB/"+command)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// boot starts the rescue image with a machine: what is measured is the salvor in it. A copy
// of that lies in /run, which a chroot has too. Each of add puts something into the share.
func boot(b *testing.B, machine string, add ...func(b *testing.B, share string)) *lab.VM {
	return bootWith(b, machine, nil, add...)
}

// bootWith is boot with options of test/lab/run.sh.
func bootWith(b *testing.B, machine string, options []string, add ...func(b *testing.B, share string)) *lab.VM {
	if os.Getenv("SALVOR_LAB") == "" {
		b.Skip("needs the VM lab: run \"make bench\", or set SALVOR_LAB=1")
	}
	share := b.TempDir()
	for _, more := range add {
		more(b, share)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	vm, err := lab.BootImage(dir, share, []string{machine}, options...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(vm.Kill)
	output(b, vm, "cp /init /run/salvor-bench")
	return vm
}

// seconds gives the median of five runs.
func seconds(b *testing.B, vm *lab.VM, command string) float64 {
	const runs = 5
	lines := strings.Fields(output(b, vm, "{ "+fmt.Sprintf(times, command, runs)+"} | sort -n"))
	if len(lines) != runs {
		b.Fatalf("the lab gave %d times: %v", len(lines), lines)
	}
	return number(b, lines[runs/2]) / 1e9
}

// once gives the seconds of one run, which has to succeed.
func once(b *testing.B, vm *lab.VM, command string) float64 {
	return number(b, output(b, vm, "from=$(date +%s%N); "+command+" >/dev/null 2>&1 || exit; to=$(date +%s%N); echo $((to - from))")) / 1e9
}

func output(b *testing.B, vm *lab.VM, script string) string {
	out, stderr, status, err := vm.Run(script)
	if err != nil || status != 0 {
		b.Fatalf("%s: status %d, %v\n%s", script, status, err, stderr)
	}
	return string(out)
}

func number(b *testing.B, text string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
