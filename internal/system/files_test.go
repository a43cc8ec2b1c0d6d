package system

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

// TestFiles reads a system of several file systems through their links.
func TestFiles(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	root, boot := l.fs("ext4", "root", l.part(table, 1)), l.fs("ext4", "boot", l.part(table, 2))
	esp, stale := l.fs("vfat", "esp", l.part(table, 3)), l.fs("ext4", "stale", l.part(table, 4))
	l.crypt("vault", "", l.part(table, 5))
	fstabText := "UUID=root / ext4 defaults 0 0\nUUID=boot /boot ext4 noauto 0 0\nUUID=esp /boot/efi vfat defaults 0 0\n" +
		"UUID=stale /stale ext4 defaults 0 0\nUUID=gone /gone ext4 nofail 0 0\n/dev/mapper/vault /home ext4 defaults 0 0\ntmpfs /tmp tmpfs defaults 0 0\n"
	files := rootTree(fstabText, "vault UUID=vault none luks\n", "boot/", "boot/hidden", "gone/", "stale/", "home/", "tmp/",
		"vmlinuz -> boot/vmlinuz", "up -> ../../../boot/efi", "loop -> loop", "lost -> /home/me")
	l.put(root, files)
	kernels := tree("efi/", "grub/", "vmlinuz -> vmlinuz-6.1")
	kernels["vmlinuz-6.1"] = file("kernel 6.1")
	l.put(boot, kernels)
	efi := tree("EFI/")
	efi["EFI/grubx64.efi"] = file("loader")
	l.put(esp, efi)
	l.trees[stale.Base().Identity] = lookedTree{tree("seen"), &LookError{Root: stale.Base().Identity, Stale: true, Cause: errors.New("dirty")}}
	whole := Files(l.graph(storage.Mount{Point: "/boot", Type: "tmpfs"}), sysOn(root, fstabText, "vault UUID=vault none luks\n"), l.trees)

	tests := map[string]struct{ path, want, err string }{
		"a file of the root":         {path: "etc/os-release", want: "ID=test\nPRETTY_NAME=\"Test Linux 1\"\n"},
		"through two links":          {path: "vmlinuz", want: "kernel 6.1"},
		"what a mount hides":         {path: "boot/hidden", err: "file does not exist"},
		"not there":                  {path: "etc/none", err: "file does not exist"},
		"missing device":             {path: "gone/x", err: "/gone cannot be seen: nothing on this machine answers to UUID=gone"},
		"locked":                     {path: "lost/x", err: "/home cannot be seen"},
		"in memory":                  {path: "tmp/x", err: "it lies in memory"},
		"in a circle":                {path: "loop", err: "more than 40 symbolic links"},
		"seen without its journal":   {path: "stale/unseen", err: "/stale cannot be seen: dirty"},
		"no valid path":              {path: "../etc", err: "invalid argument"},
		"a file taken for directory": {path: "etc/fstab/x", err: "file does not exist"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := fs.ReadFile(whole, tt.path)
			if !strings.Contains(errText(err), tt.err) || string(got) != tt.want {
				t.Errorf("got %q, error %q; want %q, error %q", got, errText(err), tt.want, tt.err)
			}
		})
	}
	if got, err := fs.ReadFile(whole, "up/EFI/grubx64.efi"); string(got) != "loader" {
		t.Errorf("through .. and links: %q, %v", got, err)
	}
	if link, err := fs.ReadLink(whole, "vmlinuz"); link != "boot/vmlinuz" {
		t.Errorf("ReadLink: %q, %v", link, err)
	}
	var names []string
	err := fs.WalkDir(whole, "boot", func(p string, _ fs.DirEntry, err error) error { names = append(names, p); return err })
	if diff := cmp.Diff([]string{"boot", "boot/efi", "boot/efi/EFI", "boot/efi/EFI/grubx64.efi", "boot/grub", "boot/vmlinuz", "boot/vmlinuz-6.1"}, names); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	_, err = fs.Stat(whole, "lost/x")
	if gap, ok := errors.AsType[*GapError](err); !ok || gap.Point != "/home" {
		t.Errorf("%v is no gap of /home", err)
	}
}
