package medium

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestComplete: what is taken of the loaders of another tree, and how it is then started. A name
// is "OWNER:LOADER".
func TestComplete(t *testing.T) {
	file := func(owner, name string) LoaderFile { return LoaderFile{owner + ":" + name, []byte(name)} }
	of := func(owner, vendor string, names ...string) Loaders {
		l := Loaders{Arch: X64, Vendor: vendor}
		for _, name := range names {
			switch f := file(owner, name); name {
			case "isolinux":
				l.ISOLINUX = &Syslinux{Program: f}
			case "pxelinux":
				l.PXELINUX = &Syslinux{Program: f}
			case "i386-pc":
				l.GRUBPC = &GRUBPC{CDBoot: f}
			default:
				*map[string]*LoaderFile{
					"shim": &l.Shim, "mok": &l.MokManager, "grub": &l.GRUB, "systemd-boot": &l.SystemdBoot, "stub": &l.Stub, "grubnet": &l.GRUBNet,
				}[name] = f
			}
		}
		return l
	}
	all := []string{"isolinux", "pxelinux", "i386-pc", "shim", "mok", "grub", "systemd-boot", "stub", "grubnet"}
	cases := map[string]struct {
		format      Format
		have, other Loaders
		want        []string
		uefi        uefiLoader
	}{
		"of one distribution":         {ISO, of("a", "debian"), of("b", "debian", all...), []string{"b:isolinux", "b:shim", "b:mok", "b:grub"}, uefiShim},
		"of another distribution":     {ISO, of("a", "fedora"), of("b", "debian", all...), []string{"b:isolinux", "b:grub"}, uefiGRUB},
		"of no known distribution":    {USB, of("a", ""), of("b", "", all...), []string{"b:isolinux", "b:grub"}, uefiGRUB},
		"all is there":                {ISO, of("a", "debian", all...), of("b", "debian", all...), nil, uefiShim},
		"an unsigned GRUB":            {ISO, of("a", "debian", "isolinux", "grub"), of("b", "debian", all...), []string{"b:shim", "b:mok", "b:grub"}, uefiShim},
		"its own without Secure Boot": {ISO, of("a", "arch", "isolinux", "systemd-boot"), of("b", "debian", all...), nil, uefiSystemdBoot},
		"GRUB for the BIOS":           {ISO, of("a", "debian", "i386-pc", "shim", "grub"), of("b", "debian", "i386-pc"), []string{"b:i386-pc"}, uefiShim},
		"modules without a program":   {ISO, of("a", "debian", "i386-pc", "shim", "grub"), of("b", "debian"), nil, uefiShim},
		"systemd-boot":                {ISO, of("a", "debian"), of("b", "debian", "systemd-boot", "stub"), []string{"b:systemd-boot"}, uefiSystemdBoot},
		"the stub alone":              {ISO, of("a", "debian"), of("b", "debian", "stub"), []string{"b:stub"}, uefiUKI},
		"a UKI":                       {UKI, of("a", "fedora"), of("b", "debian", all...), []string{"b:stub"}, uefiUKI},
		"the network":                 {PXE, of("a", "debian"), of("b", "debian", all...), []string{"b:pxelinux", "b:shim", "b:grubnet"}, ""},
		"a network of others":         {PXE, of("a", "fedora"), of("b", "debian", all...), []string{"b:pxelinux", "b:grubnet"}, ""},
		"a shim starts its own":       {PXE, of("a", "fedora", "shim"), of("b", "debian", all...), []string{"b:pxelinux"}, ""},
		"nothing":                     {ISO, of("a", "debian"), of("b", "debian"), nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, taken := c.have.Complete(c.format, c.other)
			if diff := cmp.Diff(c.want, taken); diff != "" {
				t.Errorf("taken (-want +got):\n%s", diff)
			}
			if got.uefi() != c.uefi {
				t.Errorf("UEFI starts it by %q, want %q", got.uefi(), c.uefi)
			}
			if g := got.GRUBPC; g != nil && got.ISOLINUX == nil && g.CDBoot.Source != "b:i386-pc" {
				t.Errorf("GRUB for the BIOS is %s, whose program is not here", g.CDBoot.Source)
			}
		})
	}
}
