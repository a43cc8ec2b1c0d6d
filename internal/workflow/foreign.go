package workflow

import (
	"fmt"
	"path"
	"strings"

	"salvor/internal/system"
)

// ForeignError is a system whose programs are made for another kind of machine.
type ForeignError struct{ Arch, Here string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("its programs are for %s, and this machine is %s", e.Arch, e.Here)
}

// alsoRuns are pairs of machine and program that can go together: whether they do
// is for the kernel to say.
var alsoRuns = map[[2]string]bool{
	{"x86_64", "i686"}: true, {"i686", "x86_64"}: true, // a live medium of 32 bits may have the larger kernel
	{"aarch64", "armv7l"}: true, {"armv7l", "aarch64"}: true,
	{"ppc64", "ppc"}: true, {"riscv64", "riscv32"}: true, {"mips64", "mips"}: true,
}

// checkRuns refuses early what the kernel would call an "exec format error". Here
// is what the live system's own programs are for.
func (w *Work) checkRuns(target string) error {
	arch, here := w.archOf(target), w.archOf("/")
	if arch == "" || here == "" || arch == here || alsoRuns[[2]string{here, arch}] || w.isEmulated(arch) {
		return nil
	}
	err := &ForeignError{arch, here}
	return &RefusedError{fmt.Sprintf("cannot enter the system at %s: %v", target, err), err}
}

func (w *Work) archOf(dir string) string {
	tree, err := w.Machine.Tree(dir)
	if err != nil {
		return ""
	}
	defer tree.Close()
	return system.Arch(tree)
}

// emulators are the names that QEMU has for machines, where uname(1) has others.
var emulators = map[string]string{"i686": "i386", "armv7l": "arm"}

// isEmulated: the kernel hands programs of this kind to an emulator
// (admin-guide/binfmt-misc.rst).
func (w *Work) isEmulated(arch string) bool {
	const dir = "/proc/sys/fs/binfmt_misc"
	name := arch
	if other := emulators[arch]; other != "" {
		name = other
	}
	for _, entry := range []string{"qemu-" + name, "qemu-" + name + "-static"} {
		data, err := w.Machine.ReadFile(path.Join(dir, entry))
		if err == nil && strings.HasPrefix(string(data), "enabled") {
			return true
		}
	}
	return false
}
