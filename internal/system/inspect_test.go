package system

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// elfFile is the header of a program.
func elfFile(m elf.Machine, class elf.Class, data elf.Data) *fstest.MapFile {
	head := make([]byte, 64)
	copy(head, elf.ELFMAG)
	head[elf.EI_CLASS], head[elf.EI_DATA] = byte(class), byte(data)
	var order binary.ByteOrder = binary.LittleEndian
	if data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	order.PutUint16(head[18:], uint16(m))
	return &fstest.MapFile{Data: head, Mode: 0o755}
}

var amd64 = elfFile(elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB)

const debianRelease = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
ID=debian
`

func with(t fstest.MapFS, more fstest.MapFS) fstest.MapFS {
	maps.Copy(t, more)
	return t
}

func TestInspect(t *testing.T) {
	tests := map[string]struct {
		tree fstest.MapFS
		usr  fs.FS
		want *System
		err  error
	}{
		"Debian": {
			tree: with(tree("usr/", "lib/modules/6.1.0-18-amd64/modules.dep", "lib/modules/lost+found/", "boot/vmlinuz-6.1.0-21-amd64", "bin/sh -> dash"), fstest.MapFS{
				"etc/os-release": file(debianRelease), "etc/hostname": file("# ours\nalbacore\n"), "etc/fstab": file("UUID=1 / ext4\n"), "bin/dash": amd64,
			}),
			want: &System{Name: "Debian GNU/Linux 12 (bookworm)", Distro: "debian", Version: "12", Arch: "x86_64", Hostname: "albacore", Kernels: []string{"6.1.0-18-amd64", "6.1.0-21-amd64"}},
		},
		"Fedora: os-release is a link, all of it in /usr": {
			tree: with(tree("bin -> usr/bin", "lib -> usr/lib", "sbin -> usr/sbin", "etc/os-release -> ../usr/lib/os-release", "usr/lib/modules/6.8.5-301.fc40.x86_64/modules.dep"), fstest.MapFS{
				"usr/lib/os-release": file("NAME=\"Fedora Linux\"\nVERSION=\"40 (Server Edition)\"\nID=fedora\nVERSION_ID=40\n"), "usr/bin/sh": amd64,
			}),
			want: &System{Name: "Fedora Linux 40 (Server Edition)", Distro: "fedora", Version: "40", Arch: "x86_64", Kernels: []string{"6.8.5-301.fc40.x86_64"}},
		},
		"openSUSE: os-release in /usr alone": {
			tree: with(tree("etc/", "usr/lib/modules/6.4.0-1-default/"), fstest.MapFS{
				"usr/lib/os-release": file("ID=\"opensuse-leap\"\nPRETTY_NAME='openSUSE Leap 15.6'\n"), "usr/bin/sh": elfFile(elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB),
			}),
			want: &System{Name: "openSUSE Leap 15.6", Distro: "opensuse-leap", Arch: "aarch64", Kernels: []string{"6.4.0-1-default"}},
		},
		"Alpine: busybox, no fstab": {
			tree: with(tree("bin/sh -> busybox", "boot/vmlinuz-lts"), fstest.MapFS{
				"etc/os-release": file("NAME=\"Alpine Linux\"\nID=alpine\n"), "bin/busybox": elfFile(elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB),
			}),
			want: &System{Name: "Alpine Linux", Distro: "alpine", Arch: "s390x", Kernels: []string{"lts"}},
		},
		"separate /usr, not at hand": {
			tree: with(tree("usr/", "bin/sh"), fstest.MapFS{"etc/fstab": file("PARTUUID=x /usr ext4\n"), "etc/os-release": &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../usr/lib/os-release")}}),
			err:  ErrNeedsUsr,
		},
		"separate /usr, which the fstab names, with the name in /etc": {
			tree: with(tree("usr/", "bin/sh"), fstest.MapFS{"etc/fstab": file("PARTUUID=x /usr ext4\n"), "etc/os-release": file("ID=x\n")}),
			err:  ErrNeedsUsr,
		},
		"separate /usr": {
			tree: with(tree("usr/", "bin -> usr/bin", "etc/os-release -> ../usr/lib/os-release"), fstest.MapFS{"etc/fstab": file("PARTUUID=x /usr ext4\n"), "sbin/init": file("")}),
			usr:  fstest.MapFS{"lib/os-release": file(debianRelease), "bin/sh": amd64, "lib/modules/5.10.0/x": file("")},
			want: &System{Name: "Debian GNU/Linux 12 (bookworm)", Distro: "debian", Version: "12", Arch: "x86_64", Kernels: []string{"5.10.0"}},
		},
		"nothing tells its name": {
			tree: with(tree("usr/bin/x", "var/"), fstest.MapFS{"etc/fstab": file("UUID=1 / ext4\n")}),
			want: &System{Name: "unknown Linux"},
		},
		"a disk with an etc":            {tree: tree("etc/passwd", "photos/")},
		"a copy of a configuration":     {tree: with(tree("photos/"), fstest.MapFS{"etc/os-release": file(debianRelease), "etc/fstab": file("UUID=1 / ext4\n")})},
		"no etc":                        {tree: tree("home/")},
		"etc is a file":                 {tree: tree("etc", "usr/")},
		"etc is a link that leads away": {tree: tree("etc -> ../../etc", "usr/")},
		"os-release is a FIFO": {
			tree: with(tree("usr/", "bin/sh"), fstest.MapFS{"etc/os-release": &fstest.MapFile{Mode: fs.ModeNamedPipe}, "etc/fstab": file("UUID=1 / ext4\n"), "usr/lib/os-release": file("ID=x\nNAME=X\n")}),
			want: &System{Name: "X", Distro: "x", Notes: []string{"cannot read /etc/os-release: it is a FIFO, not a regular file"}},
		},
		"os-release is /dev/zero": {
			tree: with(tree("usr/x", "bin/sh"), fstest.MapFS{"etc/os-release": &fstest.MapFile{Mode: fs.ModeDevice | fs.ModeCharDevice}, "etc/fstab": file("UUID=1 / ext4\n")}),
			want: &System{Name: "unknown Linux", Notes: []string{"cannot read /etc/os-release: it is a device node, not a regular file"}},
		},
		"os-release is a directory, fstab too large": {
			tree: with(tree("usr/x", "bin/sh", "etc/os-release/x"), fstest.MapFS{"etc/fstab": file(strings.Repeat("#", maxConfig+1))}),
			want: &System{Name: "unknown Linux", Notes: []string{
				"cannot read /etc/os-release: it is a directory, not a regular file",
				"cannot read /etc/fstab: it is too large (4194305 bytes; at most 4194304 are read)",
			}},
		},
		"a name that steers the terminal": {
			tree: with(tree("usr/x"), fstest.MapFS{
				"etc/os-release": file("PRETTY_NAME=\"Evil\x1b[2J\x07 \u202eLinux\u009b31m\x80\"\nID=$'\\e'\n"), "etc/hostname": file("a\x1b]0;b\x07\n"),
			}),
			want: &System{Name: "Evil[2J Linux31m\uFFFD", Distro: "$'e'", Hostname: "a]0;b"},
		},
		"a name that fills the screen": {
			tree: with(tree("usr/x"), fstest.MapFS{"etc/os-release": file("NAME=" + strings.Repeat("x", 100000))}),
			want: &System{Name: strings.Repeat("x", maxText) + "…"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Inspect(tt.tree, tt.usr)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(System{}, "Fstab", "Crypttab", "FstabState", "CrypttabState"), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if got != nil && (got.Fstab == nil || got.Crypttab == nil) {
				t.Error("no tables, not even empty ones")
			}
		})
	}
}

func TestArch(t *testing.T) {
	tests := []struct {
		machine elf.Machine
		class   elf.Class
		data    elf.Data
		want    string
	}{
		{elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB, "i686"},
		{elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB, "armv7l"},
		{elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB, "ppc64le"},
		{elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2MSB, "ppc64"},
		{elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB, "riscv64"},
		{elf.EM_RISCV, elf.ELFCLASS32, elf.ELFDATA2LSB, "riscv32"},
		{elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB, "loongarch64"},
		{elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2MSB, "mips"},
	}
	for _, tt := range tests {
		if got := arch(fstest.MapFS{"sbin/init": elfFile(tt.machine, tt.class, tt.data)}, nil); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.machine, got, tt.want)
		}
	}
	if got := arch(fstest.MapFS{"bin/sh": file("#!"), "usr/bin/sh": &fstest.MapFile{Mode: fs.ModeNamedPipe}}, nil); got != "" {
		t.Errorf("a script has the architecture %q", got)
	}
}

func FuzzParseOSRelease(f *testing.F) {
	for _, s := range []string{debianRelease, "", "=", "A='", "A=\"\\\"", "A=\"\\", "\x00A=b", "A=\xff\u202e"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for key, value := range parseOSRelease(data) {
			if key == "" || strings.ContainsAny(value, "\x00\n\r\t\x1b\x7f") {
				t.Errorf("%q=%q", key, value)
			}
			if again := clean(value); len([]rune(value)) <= maxText && again != value {
				t.Errorf("%q is cleaned again to %q", value, again)
			}
		}
	})
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		`a`: `a`, `"a b"`: `a b`, `'a\b'`: `a\b`, `"\$x \"y\" \\ \n"`: `$x "y" \ \n`, `a\ b`: `a b`, `"open`: `"open`, `''`: ``, `"`: `"`,
	} {
		if got := unquote(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
