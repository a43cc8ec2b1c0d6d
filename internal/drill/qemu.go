package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"salvor/internal/machine"
	"salvor/internal/rescue/medium"
)

// archRow is what QEMU has to be told about an architecture.
type archRow struct {
	arch    medium.Arch
	host    string // as Go calls it
	program string
	machine []string
	cpu     string // when emulated; 5-level paging makes emulation slow, and so do PAC's real keys
	serial  string
	cd      []string
}

var archs = []archRow{
	{medium.X64, "amd64", "qemu-system-x86_64", []string{"-machine", "q35", "-vga", "std"}, "max,la57=off", "ttyS0",
		[]string{"-device", "ide-cd,drive=medium,bootindex=1"}},
	{medium.AA64, "arm64", "qemu-system-aarch64", []string{"-machine", "virt"}, "max,pauth-impdef=on", "ttyAMA0",
		[]string{"-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=medium,bootindex=1"}},
}

// qemu is the emulator for an architecture.
type qemu struct {
	m       machine.Machine
	program string
	archRow
	kvm    bool
	memory int // MiB
}

// libexecQEMU is where RHEL has its QEMU, which emulates the host's own architecture alone.
const libexecQEMU = "/usr/libexec/qemu-kvm"

func findQEMU(m machine.Machine, arch medium.Arch, memory int) (*qemu, error) {
	for _, row := range archs {
		if row.arch != arch {
			continue
		}
		program, err := m.Lookup(row.program)
		if err != nil && row.host == runtime.GOARCH {
			if other, otherErr := m.Lookup(libexecQEMU); otherErr == nil {
				program, err = other, nil
			}
		}
		return &qemu{m: m, program: program, archRow: row, memory: memory}, err
	}
	return nil, fmt.Errorf("internal error: no emulator is known for the architecture %q", arch)
}

// ground are the arguments that every VM has: no devices but those that are named, and an end
// where a machine would start again.
func (q *qemu) ground() []string {
	args := append([]string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-m", fmt.Sprint(q.memory), "-smp", fmt.Sprint(min(2, runtime.NumCPU())),
	}, q.machine...)
	if q.kvm {
		return append(args, "-accel", "kvm", "-cpu", "host")
	}
	return append(args, "-accel", "tcg,thread=multi", "-cpu", q.cpu)
}

// media are the arguments for the image; dir is for files that it takes.
func (q *qemu) media(i *image, stick bool, dir string) ([]string, error) {
	disk := []string{"-device", "qemu-xhci", "-device", "usb-storage,drive=medium,bootindex=1"}
	const drive = "if=none,id=medium,format=raw,"
	switch {
	case i.direct():
		return q.kernel(i, dir)
	case i.contents.Format == medium.UKI:
		esp := filepath.Join(dir, "esp")
		program := filepath.Join(esp, i.arch.EFIProgram())
		if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
			return nil, err
		}
		return append([]string{"-drive", drive + "snapshot=on,file=fat:" + escape(esp)}, disk...), os.Symlink(i.name, program)
	case i.contents.Format == medium.ISO && !stick:
		return append([]string{"-drive", drive + "media=cdrom,readonly=on,file=" + escape(i.name)}, q.cd...), nil
	}
	return append([]string{"-drive", drive + "snapshot=on,file=" + escape(i.name)}, disk...), nil
}

// kernel has QEMU start the kernel of an image.
func (q *qemu) kernel(i *image, dir string) ([]string, error) {
	kernel, initramfs := filepath.Join(dir, "kernel"), filepath.Join(dir, "initramfs")
	err := errors.Join(save(i.kernel, kernel), save(i.contents.Initramfs, initramfs))
	line := cmp.Or(i.contents.CommandLine, "console="+q.serial+",115200 console=tty0")
	return []string{"-kernel", kernel, "-initrd", initramfs, "-append", line}, err
}

func network(on bool) []string {
	if !on {
		return []string{"-nic", "none"}
	}
	return []string{"-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="}
}

// tryKVM finds out whether the host can run the image's kernel by itself, by doing it. That
// /dev/kvm can be opened proves nothing: in a machine that is itself virtual, or has an unusual
// processor, a kernel may hang there before its first word. Without an initramfs it soon
// has nothing left to do but to panic.
func (q *qemu) tryKVM(ctx context.Context, i *image) (bool, error) {
	if q.host != runtime.GOARCH {
		return false, nil
	}
	if _, err := q.m.Stat("/dev/kvm"); err != nil {
		return false, nil // no KVM, then
	}
	dir, err := os.MkdirTemp("", "salvor-drill-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	kernel := filepath.Join(dir, "kernel")
	if err := save(i.kernel, kernel); err != nil {
		return false, err
	}
	with := *q
	with.kvm = true
	v, err := start(ctx, &with, dir, "-kernel", kernel, "-append", "panic=-1 console="+q.serial)
	if err != nil {
		return false, ctx.Err() // QEMU cannot use KVM at all
	}
	defer v.end()
	within, cancel := context.WithTimeout(ctx, kvmLimit)
	defer cancel()
	_, err = v.console.expect(within, panicked)
	return err == nil, ctx.Err()
}
