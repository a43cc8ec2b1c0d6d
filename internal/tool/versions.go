package tool

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"salvor/internal/machine"
)

// versionPhrase is how a program is asked for its version.
type versionPhrase struct {
	name     string         // by which the caller asks
	programs []string       // any of these answers, the first that is installed is asked
	args     []string       // what is said to it
	answer   *regexp.Regexp // the only group is the version
	fails    bool           // it ends with a status, because it was asked for nothing else
}

// versionPhrases are the programs that make or start what is in a layout. None of them
// looks at a device for this. Where a name of a package is usual, it is that.
var versionPhrases = []versionPhrase{
	{"btrfs-progs", []string{"mkfs.btrfs"}, []string{"--version"}, said(`btrfs-progs v?(\S+)`), false},
	{"cryptsetup", []string{"cryptsetup"}, []string{"--version"}, said(`^cryptsetup (\S+)`), false},
	{"dosfstools", []string{"mkfs.fat", "mkfs.vfat"}, []string{"--help"}, said(`^mkfs\.fat (\S+)`), false},
	{"dracut", []string{"dracut"}, []string{"--version"}, said(`^dracut (\S+)`), false},
	{"e2fsprogs", []string{"mke2fs", "mkfs.ext4"}, []string{"-V"}, said(`^mke2fs (\S+)`), false},
	{"efibootmgr", []string{"efibootmgr"}, []string{"--version"}, said(`^version (\S+)`), false},
	{"exfatprogs", []string{"mkfs.exfat"}, []string{"-V"}, said(`^exfatprogs version : (\S+)`), true},
	{"f2fs-tools", []string{"mkfs.f2fs"}, []string{"-V"}, said(`^mkfs\.f2fs (\S+)`), false},
	{"gptfdisk", []string{"sgdisk"}, []string{"--version"}, said(`version (\S+)`), false},
	{"grub", []string{"grub-install", "grub2-install"}, []string{"--version"}, said(`\(GRUB2?\) (\S+)`), false},
	{"iproute2", []string{"ip"}, []string{"-V"}, said(`iproute2-([^\s,]+)`), false},
	{"jfsutils", []string{"mkfs.jfs"}, []string{"-V"}, said(`^mkfs\.jfs version ([^\s,]+)`), false},
	{"lvm", []string{"lvm"}, []string{"version"}, said(`^\s*LVM version:\s+(\S+)`), false},
	{"mdadm", []string{"mdadm"}, []string{"--version"}, said(`^mdadm - v(\S+)`), false},
	{"mkinitcpio", []string{"mkinitcpio"}, []string{"--version"}, said(`^mkinitcpio v?(\S+)`), false},
	{"multipath-tools", []string{"multipath"}, []string{"-h"}, said(`^multipath-tools v(\S+)`), false},
	{"ntfs-3g", []string{"mkfs.ntfs"}, []string{"--version"}, said(`^mkntfs v(\S+)`), false},
	{"restic", []string{"restic"}, []string{"version"}, said(`^restic (\S+)`), false},
	{"rsync", []string{"rsync"}, []string{"--version"}, said(`^rsync  ?version (\S+)`), false},
	{"systemd", []string{"systemctl"}, []string{"--version"}, said(`^systemd (\S+)`), false},
	{"tar", []string{"tar", "bsdtar"}, []string{"--version"}, said(`^(?:tar \(GNU tar\)|bsdtar) (\S+)`), false},
	{"thin-provisioning-tools", []string{"thin_check"}, []string{"-V"}, said(`^(?:thin_check )?(\d\S*)`), false},
	{"util-linux", []string{"sfdisk"}, []string{"--version"}, said(`util-linux (\S+)`), false},
	{"xfsprogs", []string{"mkfs.xfs"}, []string{"-V"}, said(`^mkfs\.xfs version (\S+)`), false},
}

// said finds an answer on a line of its own among others.
func said(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?m)` + pattern) }

// Versioned gives the names that AskVersion knows, sorted.
func Versioned() []string {
	var names []string
	for _, p := range versionPhrases {
		names = append(names, p.name)
	}
	return names
}

func phraseFor(name string) (versionPhrase, bool) {
	at := slices.IndexFunc(versionPhrases, func(p versionPhrase) bool { return p.name == name })
	if at < 0 {
		return versionPhrase{}, false
	}
	return versionPhrases[at], true
}

// AskVersion asks for the version of what is called name: of the commands the first
// whose program is installed is to be run. A name that is not known gives none.
func AskVersion(name string) []machine.Cmd {
	p, _ := phraseFor(name)
	var out []machine.Cmd
	for _, program := range p.programs {
		out = append(out, machine.Cmd{Program: program, Args: p.args})
	}
	return out
}

// ReadVersion reads what came of such a command. Some programs answer on their
// standard error, and some end with a status though they answer.
func ReadVersion(name string, r machine.Result, err error) (string, error) {
	p, known := phraseFor(name)
	if !known {
		return "", fmt.Errorf("internal error: nobody knows how to ask %s for its version", name)
	}
	if exit, ended := errors.AsType[*machine.ExitError](err); ended && p.fails {
		r, err = exit.Result, nil
	}
	if err != nil {
		return "", err
	}
	for _, out := range [][]byte{r.Stdout, r.Stderr} {
		if m := p.answer.FindSubmatch(out); m != nil {
			return string(m[1]), nil
		}
	}
	return "", fmt.Errorf("cannot read the version of %s from what it said", name)
}

// Architecture asks for uname's word for the architecture of the running kernel.
func Architecture() machine.Cmd { return machine.Cmd{Program: "uname", Args: []string{"-m"}} }
