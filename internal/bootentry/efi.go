package bootentry

import (
	"path"
	"slices"
	"strings"
)

// readEFI lists the vendors' directories of each ESP.
func (r *reader) readEFI() {
	for _, esp := range r.esp {
		efi := r.fold(esp, "EFI")
		if efi == "" {
			continue
		}
		for _, name := range r.list(efi) {
			dir := path.Join(efi, name)
			if !r.isDir(dir) || strings.EqualFold(name, "Linux") { // unified kernel images: entries
				continue
			}
			v := Vendor{Dir: dir, Name: name, Programs: r.programs(dir)}
			if strings.EqualFold(name, "BOOT") {
				r.fallbacks(v)
			}
			if len(v.Programs) > 0 {
				r.out.Vendors = append(r.out.Vendors, v)
			}
		}
	}
}

func (r *reader) programs(dir string) []string {
	var out []string
	for _, name := range r.list(dir) {
		if strings.EqualFold(path.Ext(name), ".efi") && r.isFile(path.Join(dir, name)) {
			out = append(out, name)
		}
	}
	return out
}

// efiArchs are the architectures of which the UEFI specification (3.5.1.1) names
// a file, and LoongArch.
var efiArchs = []string{"X64", "IA32", "AA64", "ARM", "IA64", "RISCV32", "RISCV64", "RISCV128", "LOONGARCH32", "LOONGARCH64"}

func (r *reader) fallbacks(v Vendor) {
	for _, name := range v.Programs {
		stem := strings.TrimSuffix(strings.ToUpper(name), ".EFI")
		if arch, ok := strings.CutPrefix(stem, "BOOT"); ok && slices.Contains(efiArchs, arch) {
			r.out.Fallbacks = append(r.out.Fallbacks, Fallback{Path: path.Join(v.Dir, name), Arch: arch})
		}
	}
}
