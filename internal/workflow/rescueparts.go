package workflow

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"salvor/internal/config"
	"salvor/internal/machine"
	"salvor/internal/rescue"
	"salvor/internal/rescue/live"
	"salvor/internal/rescue/medium"
)

// commandLine is what the kernel gets besides the consoles that every medium has.
func (b *imaging) commandLine() string {
	c := b.o.Config.Rescue
	var words []string
	for _, console := range b.consoles() {
		words = append(words, "console="+console)
	}
	switch c.Network {
	case config.NetworkSaved:
		words = append(words, "ip=saved")
	case config.NetworkNone:
		words = append(words, "ip=off")
	}
	if len(c.Keyboard) > 0 {
		words = append(words, "salvor.keymap="+c.Keyboard[0])
	}
	return strings.Join(append(words, strings.Fields(c.KernelCommandLine)...), " ")
}

// consoles are those of the configuration, or else those of the running kernel, but for
// what every medium has: the screen and the first serial line, at the usual speed.
func (b *imaging) consoles() []string {
	all := plainWords(b.o.Config.Rescue.Consoles)
	if len(all) == 0 && !b.o.Elsewhere {
		line, _ := b.w.Machine.ReadFile("/proc/cmdline") // what cannot be read has none
		all, _ = consoleWords(string(line))
	}
	return slices.DeleteFunc(all, func(c string) bool {
		return c == "tty0" || c == "tty" || c == "null" || c == "ttyS0" || c == "ttyAMA0" || strings.HasPrefix(c, "ttyS0,115200") || strings.HasPrefix(c, "ttyAMA0,115200")
	})
}

// consoleWords takes the consoles off a command line.
func consoleWords(line string) (consoles, rest []string) {
	for _, word := range strings.Fields(line) {
		if c, ok := strings.CutPrefix(word, "console="); ok && c != "" {
			consoles = append(consoles, c)
		} else {
			rest = append(rest, word)
		}
	}
	return consoles, rest
}

// NoLoaderError: nothing that could start a medium of the format is installed.
type NoLoaderError struct {
	Format  medium.Format
	Missing []rescue.Missing
}

func (e *NoLoaderError) Error() string {
	lines := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		lines[i] = "\n  " + m.String()
	}
	return fmt.Sprintf("cannot make an image of the format %s: there is no boot loader for it:%s", e.Format, strings.Join(lines, ""))
}

// loaders finds the boot loaders of the root for the kernel, and on this machine those that it lacks.
func (b *imaging) loaders(kernel io.ReaderAt) (medium.Loaders, []rescue.Missing, error) {
	arch, err := medium.KernelArch(kernel)
	if err != nil {
		return medium.Loaders{}, nil, err
	}
	l := medium.FindLoaders(b.files, arch)
	here := b.w.Machine
	if b.o.Elsewhere {
		here = b.o.Here
		if l, err = b.completed(l, here); err != nil {
			return l, nil, err
		}
	}
	startedByBIOS := b.o.Format == medium.ISO || b.o.Format == medium.USB
	if startedByBIOS && l.ISOLINUX == nil && l.GRUBPC != nil {
		if err := b.makeCore(here, l.GRUBPC); err != nil {
			l.GRUBPC = nil
			b.w.tell(Note{fmt.Sprintf("the image is without GRUB for the BIOS: %v", err)})
		}
	}
	return l, l.Missing(), nil
}

// completed adds loaders of the machine that the image is made on.
func (b *imaging) completed(l medium.Loaders, here machine.Machine) (medium.Loaders, error) {
	other := medium.Loaders{}
	if here != nil {
		tree, err := here.Tree("/")
		if err != nil {
			return l, fmt.Errorf("cannot look for boot loaders on this machine: %w", err)
		}
		other = medium.FindLoaders(tree, l.Arch)
		if err := tree.Close(); err != nil {
			return l, err
		}
	}
	l, taken := l.Complete(b.o.Format, other)
	if len(taken) > 0 {
		b.w.tell(Note{"boot loaders that the directory does not have are those of this machine: " + strings.Join(taken, ", ")})
	}
	return l, nil
}

// makeCore has the distribution's GRUB put itself together. Fedora, RHEL and SUSE call the
// program grub2-mkimage.
func (b *imaging) makeCore(here machine.Machine, g *medium.GRUBPC) error {
	program := "grub-mkimage"
	if _, err := here.Lookup(program); err != nil {
		program = "grub2-mkimage"
	}
	// It syncs what it writes, and fails on a pipe, which cannot be synced (GRUB, util/grub-mkimage.c).
	scratch, err := machine.CreateScratch(filepath.Dir(b.o.File))
	if err != nil {
		return err
	}
	defer scratch.Close()
	args := append([]string{"-O", "i386-pc", "-d", g.Dir, "-p", "/boot/grub", "-o", scratch.Path()}, medium.GRUBModules...)
	if _, err := here.Run(b.ctx, machine.Cmd{Program: program, Args: args}); err != nil {
		return err
	}
	core, err := scratch.Section()
	if err != nil {
		return err
	}
	g.Core.Source = path.Join(g.Dir, "core.img")
	g.Core.Data, err = io.ReadAll(core)
	return err
}

// parts are what a medium is made of.
func (b *imaging) parts(kernel, initramfs *io.SectionReader, l medium.Loaders) medium.Parts {
	title := "salvor rescue"
	if b.layout != nil && b.layout.Machine.Hostname != "" {
		title += " of " + b.layout.Machine.Hostname
	}
	return medium.Parts{
		Kernel: kernel, Initramfs: initramfs, CommandLine: b.report.CommandLine, Release: b.report.Kernel.Release,
		OSRelease: []byte("ID=salvor\nNAME=salvor\nPRETTY_NAME=\"" + title + "\"\n"),
		Title:     title, Label: b.o.Config.Rescue.Label, Loaders: l,
	}
}

// judge says what cannot start the medium: an error if it is all, a gap where it is what this machine
// starts with, else a note.
func (b *imaging) judge(p medium.Parts, missing []rescue.Missing) error {
	if b.o.Format == medium.PXE {
		return nil // what a directory is started by is up to the server
	}
	if b.o.Format == medium.UKI {
		if len(p.Loaders.Stub.Data) == 0 {
			return &NoLoaderError{b.o.Format, missing}
		}
		b.report.Boots = []medium.Firmware{medium.UEFI}
		return nil
	}
	b.report.Boots = p.Boots()
	if len(b.report.Boots) == 0 {
		return &NoLoaderError{b.o.Format, missing}
	}
	needs := b.firmware()
	for _, f := range []medium.Firmware{medium.BIOS, medium.UEFI, medium.SecureBoot} {
		switch {
		case slices.Contains(b.report.Boots, f), f == medium.BIOS && p.Loaders.Arch != medium.X64:
		case f == needs:
			b.report.Gaps = append(b.report.Gaps, "this machine cannot be started from the image: "+wants(f))
		case f == medium.SecureBoot && !slices.Contains(b.report.Boots, medium.UEFI):
		default:
			b.w.tell(Note{"the image is without " + wants(f)})
		}
	}
	return nil
}

// wants says what a way of starting needs, and in which packages of Debian it is.
func wants(f medium.Firmware) string {
	switch f {
	case medium.BIOS:
		return "a boot loader for the BIOS (isolinux and syslinux-common, or grub-pc-bin)"
	case medium.UEFI:
		return "a boot loader for UEFI (grub-efi-amd64-signed and shim-signed, grub-efi-amd64-bin, or systemd-boot-efi)"
	}
	return "a signed shim, GRUB and kernel for Secure Boot (shim-signed, grub-efi-amd64-signed)"
}

// efiSecureBoot is the variable that says whether Secure Boot is on (UEFI 2.10, 3.3); its value is
// behind four bytes of attributes (kernel: Documentation/filesystems/efivarfs.rst).
const efiSecureBoot = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

// firmware is what starts this machine; "" if that is not known.
func (b *imaging) firmware() medium.Firmware {
	if b.o.Elsewhere {
		return ""
	}
	if _, err := b.w.Machine.Stat("/sys/firmware/efi"); err != nil {
		return medium.BIOS
	}
	if on, err := b.w.Machine.ReadFile(efiSecureBoot); err == nil && len(on) == 5 && on[4] == 1 {
		return medium.SecureBoot
	}
	return medium.UEFI
}

// checkCommandLine refuses parameters that init would take for nothing.
func (b *imaging) checkCommandLine() error {
	_, notes := live.ParseParameters(b.report.CommandLine)
	if len(notes) == 0 {
		return nil
	}
	return errors.New("cannot use rescue.kernel_command_line: " + strings.Join(notes, "; "))
}
