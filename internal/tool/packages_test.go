package tool

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/machine"
)

// TestPackages: what was captured of dpkg-query 1.21, rpm 4.18 and pacman 6.0.
func TestPackages(t *testing.T) {
	names := []string{"btrfs-progs", "cryptsetup", "lvm", "nobody", "tar"}
	tests := []struct {
		manager, line, stdout string
		status                int
		want                  map[string]string
	}{
		{
			"dpkg-query", "dpkg-query --show '--showformat=${Package} ${Version} ${db:Status-Status}\\n' btrfs-progs cryptsetup-bin lvm2 tar",
			"btrfs-progs 6.2-1+deb12u1 installed\ncryptsetup-bin 2:2.6.1-4~deb12u2 config-files\nlvm2  not-installed\ntar 1.34+dfsg-1.2+deb12u1 installed\n", 1,
			map[string]string{"btrfs-progs": "6.2-1+deb12u1", "tar": "1.34+dfsg-1.2+deb12u1"},
		},
		{
			"rpm", "rpm --query --queryformat '%{NAME} %{VERSION}-%{RELEASE} installed\\n' btrfs-progs btrfsprogs cryptsetup lvm2 tar",
			"package btrfs-progs is not installed\nbtrfsprogs 6.5.1-150600.4.3.2 installed\ncryptsetup 2.7.0-150600.3.3.1 installed\npackage lvm2 is not installed\ntar 1.34-150000.3.34.1 installed\n", 2,
			map[string]string{"btrfs-progs": "6.5.1-150600.4.3.2", "cryptsetup": "2.7.0-150600.3.3.1", "tar": "1.34-150000.3.34.1"},
		},
		{
			"pacman", "pacman --query btrfs-progs cryptsetup lvm2 tar", "cryptsetup 2.7.2-1\ntar 1.35-2\n", 1,
			map[string]string{"cryptsetup": "2.7.2-1", "tar": "1.35-2"},
		},
	}
	for _, tt := range tests {
		c := AskPackages(tt.manager, names)
		if got := c.String(); got != tt.line {
			t.Errorf("%s is asked\n%s, not\n%s", tt.manager, got, tt.line)
		}
		r := machine.Result{Stdout: []byte(tt.stdout)}
		got, err := ReadPackages(tt.manager, names, machine.Result{}, &machine.ExitError{Cmd: c, Status: tt.status, Result: r})
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.manager, diff)
		}
	}
	if _, err := ReadPackages("rpm", names, machine.Result{}, &machine.MissingProgram{Program: "rpm"}); err == nil {
		t.Error("a manager that is not there tells nothing")
	}
}
