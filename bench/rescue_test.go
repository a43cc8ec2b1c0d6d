package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"salvor/test/lab"
	"salvor/test/rescue"
)

// makeImages makes three images of machine b in a chroot of it, and tells for each the
// nanoseconds and the bytes: salvor's twice, and that of "rear mkrescue" as it is configured
// by default. The disk called out gets all of them. Memory is the scratch space of all, and
// all files are read before, so that who comes first does not read them for the others. It
// goes on in the background: it takes longer than the lab waits for an answer.
const makeImages = `set -e
/salvor/open.sh b
/salvor/inside.sh /bin/true
cp /run/rear/boot/vmlinuz-* /mnt/local/boot/
for dir in var/lib/salvor var/lib/rear var/tmp; do
	mkdir -p /mnt/local/$dir
	mount -t tmpfs -o size=2g none /mnt/local/$dir
done
mkdir -p /mnt/local/var/lib/rear/output
echo OUTPUT=ISO >/mnt/local/etc/rear/local.conf
echo nameserver 192.0.2.53 >/mnt/local/etc/resolv.conf # without one, ReaR ends, and whoever called it
cat >/run/make-images <<'END'
set -e
out=/mnt/local/var/lib/salvor
find /mnt/local/{boot,etc,usr} -xdev -type f -exec cat {} + >/dev/null
make_image() { # NAME FILE COMMAND…
	local name=$1 file=$2 from to
	shift 2
	from=$(date +%s%N)
	chroot /mnt/local "$@" >/run/$name.log 2>&1 || [ $? = 3 ] || { cat /run/$name.log; exit 1; }
	to=$(date +%s%N)
	mv $file $out/$name.iso
	echo "$name $((to - from)) $(stat -c %s $out/$name.iso)"
}
make_image salvor $out/rescue.iso /run/salvor-bench rescue build
make_image minimal $out/rescue.iso /run/salvor-bench rescue build --minimal
make_image rear "/mnt/local/var/lib/rear/output/rear-*.iso" timeout 3600 rear mkrescue
cd $out
tar -cf /dev/disk/by-id/virtio-out ./*.iso
sync
END
{ setsid -w bash /run/make-images >/run/making 2>&1 || echo failed; mv /run/making /run/made; } &
`

// awaitImages waits some minutes for what makeImages tells.
const awaitImages = `for i in $(seq 60); do [ ! -e /run/made ] || exec cat /run/made; sleep 5; done`

// rescueImage is an image that was made, and how it started.
type rescueImage struct {
	made, bytes float64 // seconds, bytes
	ready, used float64 // seconds since QEMU's start; MiB of memory, 0 where nobody can be asked
}

// BenchmarkRescue compares salvor rescue build with "rear mkrescue" of Debian's ReaR, both
// with their defaults, in the same VM, of the same machine with the same kernel: how long
// it takes, how large the ISO image is, and how long it takes from QEMU's start until the
// console says that the rescue system is ready. How much memory is in use then only salvor's
// can be asked: ReaR's gives no login at the serial line. It takes a quarter of an hour.
func BenchmarkRescue(b *testing.B) {
	for b.Loop() {
		images := makeAll(b)
		for name, i := range images {
			b.ReportMetric(i.made, "s-build/"+name)
			b.ReportMetric(i.bytes/1e6, "MB/"+name)
			b.ReportMetric(i.ready, "s-boot/"+name)
			if i.used > 0 {
				b.ReportMetric(i.used, "MiB-used/"+name)
			}
		}
		ours, peer := images["salvor"], images["rear"]
		b.ReportMetric(peer.made/ours.made, "ratio-build")
		b.ReportMetric(peer.bytes/ours.bytes, "ratio-size")
		b.ReportMetric(peer.ready/ours.ready, "ratio-boot")
	}
	b.ReportMetric(0, "ns/op")
}

// makeAll makes the images in the lab, and starts each.
func makeAll(b *testing.B) map[string]rescueImage {
	dir := b.TempDir()
	disk := filepath.Join(dir, "disk.raw")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.Truncate(disk, 1<<30); err != nil {
		b.Fatal(err)
	}
	vm := bootWith(b, "b", []string{"--memory", "5000", "--disk", disk + ",bus=virtio,serial=out"}, withRear)
	images := map[string]rescueImage{}
	output(b, vm, makeImages)
	told := ""
	for told == "" {
		told = output(b, vm, awaitImages)
	}
	for line := range strings.Lines(told) {
		var name string
		var i rescueImage
		if _, err := fmt.Sscan(line, &name, &i.made, &i.bytes); err != nil {
			b.Fatalf("%v:\n%s", err, told)
		}
		i.made /= 1e9
		images[name] = i
	}
	b.Logf("nanoseconds and bytes:\n%s", told) // before anything is started, which may fail
	vm.Kill()
	if out, err := exec.Command("tar", "-C", dir, "-xf", disk).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for name, i := range images {
		startImage(b, dir, name, &i)
		images[name] = i
	}
	return images
}

// start is how an image is started: where its ISO has the kernel and the initramfs, with
// how many MiB of memory, and what its console shows when it is ready.
type start struct {
	kernel, initramfs string
	memory            string
	ready             *regexp.Regexp
}

var starts = map[string]start{
	"salvor":  {"/BOOT/VMLINUZ.EFI", "/BOOT/INITRD.IMG", "1024", regexp.MustCompile(`salvor: ready`)},
	"minimal": {"/BOOT/VMLINUZ.EFI", "/BOOT/INITRD.IMG", "256", regexp.MustCompile(`salvor: ready`)},
	"rear":    {"/isolinux/kernel", "/isolinux/initrd.cgz", "1024", regexp.MustCompile(`rescue system is ready`)},
}

// startImage starts an image by QEMU's own loader, so that no boot loader's menu counts.
func startImage(b *testing.B, dir, name string, i *rescueImage) {
	s := starts[name]
	image := rescue.Image{Kernel: filepath.Join(dir, name+".kernel"), Initramfs: filepath.Join(dir, name+".initramfs")}
	for from, to := range map[string]string{s.kernel: image.Kernel, s.initramfs: image.Initramfs} {
		if out, err := exec.Command("xorriso", "-osirrox", "on", "-indev", filepath.Join(dir, name+".iso"), "-extract", from, to).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	sockets, err := os.MkdirTemp("", "bench")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(sockets)
	from := time.Now()
	v, err := rescue.Boot(sockets, image, "root=/dev/ram0 rw selinux=0", "-m", s.memory, "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n")
	if err != nil {
		b.Fatal(err)
	}
	defer v.Kill()
	if err := v.Console.Expect(s.ready); err != nil {
		b.Fatal(err)
	}
	i.ready = time.Since(from).Seconds()
	if name != "rear" {
		i.used = memoryUsed(b, v.Console)
	}
	b.Logf("%s: %+v", name, *i)
}

// memoryUsed asks at the console how many MiB the kernel cannot give to a program.
func memoryUsed(b *testing.B, c *lab.Console) float64 {
	if err := c.Send(`awk '/^Mem(Total|Available):/ { print "mem" NR "=" $2 "=" }' /proc/meminfo` + "\r"); err != nil {
		b.Fatal(err)
	}
	told := regexp.MustCompile(`mem1=(\d+)=\s+mem3=(\d+)=`)
	if err := c.Expect(told); err != nil {
		b.Fatal(err)
	}
	m := told.FindStringSubmatch(c.Text())
	return (number(b, m[1]) - number(b, m[2])) / 1024
}
