package medium

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/rescue"
)

// FindLoaders looks in a distribution's tree for the boot loaders that its packages have
// put there. What cannot be started for want of one is missing, see Missing.
func FindLoaders(root fs.FS, arch Arch) Loaders {
	s := searcher{root}
	l := Loaders{Arch: arch, Vendor: s.vendor()}
	if arch == X64 {
		l.ISOLINUX, l.PXELINUX, l.GRUBPC = s.isolinux(), s.pxelinux(), s.grubPC()
	}
	l.Shim, l.MokManager, l.GRUB = s.shimAndGRUB(arch)
	if !l.GRUB.there() {
		l.GRUB = s.first(arch.names("usr/lib/grub/ARCH-efi/monolithic/gcdUEFI.efi", "usr/lib/grub/ARCH-efi/monolithic/grubUEFI.efi",
			"usr/share/grub2/ARCH-efi/grub.efi"))
	}
	l.GRUBNet = s.first(arch.names("usr/lib/grub/ARCH-efi-signed/grubnetUEFI.efi.signed", "usr/lib/grub/ARCH-efi/monolithic/grubnetUEFI.efi"))
	l.SystemdBoot = s.first(arch.names("usr/lib/systemd/boot/efi/systemd-bootUEFI.efi.signed", "usr/lib/systemd/boot/efi/systemd-bootUEFI.efi"))
	l.Stub = s.first(arch.names("usr/lib/systemd/boot/efi/linuxUEFI.efi.stub"))
	return l
}

// names puts the architecture into paths: ARCH as GRUB, UEFI as UEFI calls it.
func (a Arch) names(patterns ...string) []string {
	grub := map[Arch]string{X64: "x86_64", AA64: "arm64"}[a]
	suse := map[Arch]string{X64: "x86_64", AA64: "aarch64"}[a]
	r := strings.NewReplacer("ARCH", grub, "CPU", suse, "UEFI", string(a))
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = r.Replace(p)
	}
	return out
}

// Missing tells what no firmware of a kind could start.
func (l Loaders) Missing() []rescue.Missing {
	var out []rescue.Missing
	lack := func(what, need string) {
		out = append(out, rescue.Missing{What: what, For: need, Why: fs.ErrNotExist.Error()})
	}
	if l.Arch == X64 && l.ISOLINUX == nil && l.GRUBPC == nil {
		lack("ISOLINUX, or GRUB for i386-pc", "starting by a BIOS")
	}
	switch l.uefi() {
	case uefiShim:
	case "":
		lack("shim with GRUB, systemd-boot or systemd's stub", "starting by UEFI")
	default:
		lack("shim with a signed GRUB", "starting by UEFI with Secure Boot")
	}
	if l.uefi() != uefiUKI && !l.Stub.there() {
		lack("systemd's stub for "+string(l.Arch), "a unified kernel image")
	}
	return out
}

// searcher reads loaders from a tree.
type searcher struct{ root fs.FS }

// largestLoader is far more than any boot loader has.
const largestLoader = 64 << 20

// read reads a file; links are followed, and never lead out of the tree: Debian's shim is
// one of /etc/alternatives.
func (s searcher) read(p string) LoaderFile {
	real, err := rescue.Follow(s.root, p)
	if err != nil {
		return LoaderFile{}
	}
	info, err := fs.Lstat(s.root, real)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largestLoader {
		return LoaderFile{}
	}
	data, err := fs.ReadFile(s.root, real)
	if err != nil {
		return LoaderFile{}
	}
	return LoaderFile{Source: "/" + p, Data: data}
}

// first reads the first of the files that is there.
func (s searcher) first(paths []string) LoaderFile {
	for _, p := range paths {
		if f := s.read(p); f.there() {
			return f
		}
	}
	return LoaderFile{}
}

// syslinuxDirs are where distributions keep the programs and the modules of Syslinux for the
// BIOS: Debian (both, apart), Fedora and SUSE, Arch.
var syslinuxDirs = []string{"usr/lib/ISOLINUX", "usr/lib/PXELINUX", "usr/lib/syslinux/modules/bios", "usr/share/syslinux", "usr/lib/syslinux/bios"}

func (s searcher) syslinuxFile(name string) LoaderFile {
	var paths []string
	for _, dir := range syslinuxDirs {
		paths = append(paths, dir+"/"+name)
	}
	return s.first(paths)
}

// syslinux gives a program with the modules of its menu, nil if one is not there.
func (s searcher) syslinux(program string) *Syslinux {
	l := &Syslinux{Program: s.syslinuxFile(program)}
	for _, name := range []string{"ldlinux.c32", "libcom32.c32", "libutil.c32", "menu.c32"} {
		l.Modules = append(l.Modules, s.syslinuxFile(name))
	}
	if !l.Program.there() || slices.ContainsFunc(l.Modules, func(f LoaderFile) bool { return !f.there() }) {
		return nil
	}
	return l
}

func (s searcher) isolinux() *Syslinux {
	l := s.syslinux("isolinux.bin")
	if l == nil {
		return nil
	}
	if l.MBR = s.syslinuxFile("isohdpfx.bin"); !l.MBR.there() {
		return nil
	}
	return l
}

func (s searcher) pxelinux() *Syslinux { return s.syslinux("pxelinux.0") }

func (s searcher) grubPC() *GRUBPC {
	for _, dir := range []string{"usr/lib/grub/i386-pc", "usr/share/grub2/i386-pc"} {
		g := &GRUBPC{Dir: "/" + dir, CDBoot: s.read(dir + "/cdboot.img"), MBR: s.read(dir + "/boot_hybrid.img")}
		if g.CDBoot.there() && g.MBR.there() {
			return g
		}
	}
	return nil
}

// shimAndGRUB gives a shim with a GRUB of the same vendor, since a shim starts only what its
// vendor has signed; without a pair, the GRUB alone may be there.
func (s searcher) shimAndGRUB(arch Arch) (shim, mokManager, grub LoaderFile) {
	for _, set := range s.signedSets(arch) {
		shim, grub = s.first(set.shim), s.first(set.grub)
		if shim.there() && grub.there() {
			return shim, s.first(set.mokManager), grub
		}
	}
	return LoaderFile{}, LoaderFile{}, LoaderFile{}
}

// signedSet is where a vendor's loaders may lie.
type signedSet struct{ shim, mokManager, grub []string }

// signedSets are those of packages first (Debian and Ubuntu, SUSE), then those that packages
// have put below /usr/lib/efi or straight into the EFI system partition (Fedora, RHEL).
func (s searcher) signedSets(arch Arch) []signedSet {
	sets := []signedSet{{
		shim:       arch.names("usr/lib/shim/shimUEFI.efi.signed", "usr/lib/shim/shimUEFI.efi.signed.latest", "usr/lib/shim/shimUEFI.efi.dualsigned"),
		mokManager: arch.names("usr/lib/shim/mmUEFI.efi.signed", "usr/lib/shim/mmUEFI.efi"),
		grub:       arch.names("usr/lib/grub/ARCH-efi-signed/gcdUEFI.efi.signed", "usr/lib/grub/ARCH-efi-signed/grubUEFI.efi.signed"),
	}, {
		shim:       arch.names("usr/share/efi/CPU/shim.efi"),
		mokManager: arch.names("usr/share/efi/CPU/MokManager.efi"),
		grub:       arch.names("usr/share/efi/CPU/grub.efi", "usr/share/grub2/CPU-efi/grub.efi"),
	}}
	for _, vendor := range s.vendors() {
		shimDirs := append(s.glob("usr/lib/efi/shim/*/EFI/"+vendor), "boot/efi/EFI/"+vendor, "efi/EFI/"+vendor)
		grubDirs := append(s.glob("usr/lib/efi/grub2/*/EFI/"+vendor), "boot/efi/EFI/"+vendor, "efi/EFI/"+vendor)
		sets = append(sets, signedSet{
			shim:       inDirs(shimDirs, arch.names("shimUEFI.efi", "shim.efi")),
			mokManager: inDirs(shimDirs, arch.names("mmUEFI.efi", "MokManager.efi")),
			grub:       inDirs(grubDirs, arch.names("gcdUEFI.efi", "grubUEFI.efi", "grub.efi")),
		})
	}
	return sets
}

func (s searcher) glob(pattern string) []string {
	found, err := fs.Glob(s.root, pattern)
	if err != nil {
		return nil // a vendor's name that is a bad pattern
	}
	return found
}

func inDirs(dirs, names []string) []string {
	var out []string
	for _, dir := range dirs {
		for _, name := range names {
			out = append(out, dir+"/"+name)
		}
	}
	return out
}

// vendors are the directories of vendors, that of the tree's own distribution first: an EFI
// system partition may serve several, and their kernels have other keys.
func (s searcher) vendors() []string {
	var out []string
	for _, pattern := range []string{"usr/lib/efi/shim/*/EFI/*", "boot/efi/EFI/*", "efi/EFI/*"} {
		for _, dir := range s.glob(pattern) {
			if name := path.Base(dir); !slices.Contains(out, name) && !strings.EqualFold(name, "BOOT") {
				out = append(out, name)
			}
		}
	}
	own := s.ownVendors()
	slices.SortStableFunc(out, func(a, b string) int { return rank(own, a) - rank(own, b) })
	return out
}

func rank(own []string, name string) int {
	if i := slices.Index(own, strings.ToLower(name)); i >= 0 {
		return i
	}
	return len(own)
}

// vendorOf is the directory of distributions that do not call it by their ID.
var vendorOf = map[string]string{"rhel": "redhat", "ol": "redhat"}

// vendor is the ID of the distribution (os-release(5)), "" if it is not told.
func (s searcher) vendor() string {
	if own := s.ownVendors(); len(own) > 0 {
		return own[0]
	}
	return ""
}

// ownVendors are the names that the distribution's directory may have (os-release(5)).
func (s searcher) ownVendors() []string {
	release := s.first([]string{"etc/os-release", "usr/lib/os-release"})
	var own []string
	for lines := bufio.NewScanner(bytes.NewReader(release.Data)); lines.Scan(); {
		id, ok := strings.CutPrefix(lines.Text(), "ID=")
		if id = strings.Trim(id, `"'`); !ok || id == "" {
			continue
		}
		first, _, _ := strings.Cut(id, "-") // opensuse-leap, opensuse-tumbleweed
		own = append(own, id, first)
		if dir := vendorOf[id]; dir != "" {
			own = append(own, dir)
		}
	}
	return own
}
