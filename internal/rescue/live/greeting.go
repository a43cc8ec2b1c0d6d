package live

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// facts are what a greeting tells.
type facts struct {
	hostname string
	hardware string // vendor and product, as the firmware has them
	uuid     string
	saved    *layout.Machine // the machine that the image was made of; nil if it holds no layout
	disks    []diskFact
	network  []string // a line for each interface
	keys     []string // fingerprints of the host keys of sshd
}

// diskFact is a disk, as the kernel has it.
type diskFact struct {
	name   string
	bytes  uint64
	model  string
	serial string
}

// greetingWidth is that of the narrowest terminal that is in use.
const greetingWidth = 80

// greeting is the text above the first shell of a console. It is plain, and no line is
// longer than greetingWidth.
func greeting(f facts) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		text := fmt.Sprintf("  %-9s ", label) + storage.Printable(fmt.Sprintf(format, args...))
		if runes := []rune(text); len(runes) >= greetingWidth {
			text = string(runes[:greetingWidth-3]) + "…"
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	b.WriteString("\nThis is the salvor rescue system. Nothing has been opened or mounted.\n\n")
	line("machine", "%s", joinKnown(", ", f.hostname, f.hardware))
	if f.saved != nil {
		line("image", "%s", ofImage(f))
	}
	label := "disks"
	for _, d := range f.disks {
		line(label, "%-10s %10s  %s", d.name, storage.HumanSize(d.bytes), joinKnown(" ", d.model, d.serial))
		label = ""
	}
	if len(f.disks) == 0 {
		line("disks", "none is there; a driver may be missing: modprobe NAME")
	}
	label = "network"
	for _, n := range f.network {
		line(label, "%s", n)
		label = ""
	}
	label = "ssh key"
	for _, k := range f.keys {
		line(label, "%s", k)
		label = ""
	}
	b.WriteString(nextSteps)
	return b.String()
}

// nextSteps are what can be done. Nothing of it is done by itself: even a look wakes and reads
// every disk, which takes minutes where one is failing, and only who sits there knows
// whether that is wanted.
const nextSteps = `
  salvor systems     finds the systems on these disks; this only looks
  salvor mount       mounts one for repair at /mnt/local
  salvor chroot      goes into it
  salvor umount      takes all that down again
  salvor probe       shows what lies on what
  salvor help        tells the rest
  poweroff, reboot   end the rescue system; what is open is closed before

`

// ofImage says whether the machine is the one that the image was made of.
func ofImage(f facts) string {
	saved := f.saved.Hardware
	of := "made of " + joinKnown(", ", f.saved.Hostname, joinKnown(" ", saved.Vendor, saved.Product))
	switch {
	case saved.UUID == "" || f.uuid == "":
		return of
	case strings.EqualFold(saved.UUID, f.uuid):
		return of + ": this machine"
	}
	return of + ": ANOTHER machine"
}

func joinKnown(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), between)
}

// onTerminal makes lines of a terminal that is in whatever mode.
func onTerminal(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// notDisks are the kinds of block devices that are no disks of the machine.
var notDisks = []string{"loop", "ram", "zram", "dm-", "md", "nbd", "sr", "fd"}

// readDisks gives the disks that the kernel has, from sysfs alone: none is read.
func readDisks(h files) []diskFact {
	names, _ := h.ReadDir("/sys/block") // no block devices, no directory
	var out []diskFact
	for _, name := range names {
		if slices.ContainsFunc(notDisks, func(kind string) bool { return strings.HasPrefix(name, kind) }) {
			continue
		}
		dir := path.Join("/sys/block", name)
		sectors, _ := strconv.ParseUint(readWord(h, path.Join(dir, "size")), 10, 64)
		if sectors == 0 || readWord(h, path.Join(dir, "hidden")) == "1" {
			continue
		}
		out = append(out, diskFact{
			name:   strings.ReplaceAll(name, "!", "/"),
			bytes:  sectors * 512, // sysfs counts these whatever the disk's own are
			model:  readWord(h, path.Join(dir, "device/model")),
			serial: cmp.Or(readWord(h, path.Join(dir, "device/serial")), readWord(h, path.Join(dir, "serial"))),
		})
	}
	return out
}

// readHardware gives the maker and the product, as the firmware has them.
func readHardware(h files) (hardware, uuid string) {
	const dmi = "/sys/class/dmi/id/"
	hardware = joinKnown(" ", readWord(h, dmi+"sys_vendor"), readWord(h, dmi+"product_name"))
	if hardware == "" {
		hardware = strings.TrimRight(readWord(h, "/sys/firmware/devicetree/base/model"), "\x00")
	}
	return hardware, readWord(h, dmi+"product_uuid")
}

// readWord gives a short file without the white space around it, nothing if it is not there.
func readWord(h files, name string) string {
	data, err := h.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
