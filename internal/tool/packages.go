package tool

import (
	"errors"
	"slices"
	"strings"

	"salvor/internal/machine"
)

// packageManager is one that tells the versions of many packages in one run. A program
// for each would cost a process for each, which is most of the time of a look at a machine.
type packageManager struct {
	program string
	args    []string // before the names of packages
	family  int      // of distributions: the column of packageNames
}

// packageManagers are asked in this order: a machine can have the program of another
// distribution installed, which knows none of its packages.
var packageManagers = []packageManager{
	// Those that are not installed are told on standard error, and with status 1
	// (dpkg-query(1), rpm(8), pacman(8)); the others are told all the same.
	{"dpkg-query", []string{"--show", "--showformat=${Package} ${Version} ${db:Status-Status}\\n"}, 0},
	{"rpm", []string{"--query", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE} installed\\n"}, 1},
	{"pacman", []string{"--query"}, 2},
}

// packageNames are the packages that a program may be of, by family of distributions,
// where they are not called as it is. The first that is installed counts.
var packageNames = map[string][3]string{
	"btrfs-progs":             {"btrfs-progs", "btrfs-progs btrfsprogs", "btrfs-progs"},
	"cryptsetup":              {"cryptsetup-bin", "cryptsetup", "cryptsetup"},
	"dracut":                  {"dracut-core", "dracut", "dracut"},
	"gptfdisk":                {"gdisk", "gdisk gptfdisk", "gptfdisk"},
	"grub":                    {"grub2-common", "grub2-tools grub2", "grub"},
	"iproute2":                {"iproute2", "iproute iproute2", "iproute2"},
	"lvm":                     {"lvm2", "lvm2", "lvm2"},
	"multipath-tools":         {"multipath-tools", "device-mapper-multipath multipath-tools", "multipath-tools"},
	"ntfs-3g":                 {"ntfs-3g", "ntfsprogs ntfs-3g", "ntfs-3g"},
	"thin-provisioning-tools": {"thin-provisioning-tools", "device-mapper-persistent-data thin-provisioning-tools", "thin-provisioning-tools"},
}

func (m *packageManager) packages(name string) []string {
	if names, differ := packageNames[name]; differ {
		return strings.Fields(names[m.family])
	}
	return []string{name}
}

// PackageManagers are the programs that AskPackages knows.
func PackageManagers() []string {
	var out []string
	for _, m := range packageManagers {
		out = append(out, m.program)
	}
	return out
}

func managerOf(program string) *packageManager {
	return &packageManagers[slices.IndexFunc(packageManagers, func(m packageManager) bool { return m.program == program })]
}

// AskPackages asks a package manager for the versions of what is called by names, as
// AskVersion takes them.
func AskPackages(manager string, names []string) machine.Cmd {
	m := managerOf(manager)
	c := machine.Cmd{Program: m.program, Args: slices.Clone(m.args)}
	for _, name := range names {
		if _, known := phraseFor(name); known {
			c.Args = append(c.Args, m.packages(name)...)
		}
	}
	return c
}

// ReadPackages gives the versions, by name, of those of the names that are installed.
func ReadPackages(manager string, names []string, r machine.Result, err error) (map[string]string, error) {
	if exit, ended := errors.AsType[*machine.ExitError](err); ended && exit.Status < 128 { // rpm's status counts those that are not installed
		r, err = exit.Result, nil
	}
	if err != nil {
		return nil, err
	}
	installed := map[string]string{}
	for line := range strings.Lines(string(r.Stdout)) {
		f := strings.Fields(line)
		if len(f) == 2 && manager == "pacman" || len(f) == 3 && f[2] == "installed" && !strings.Contains(line, "not installed") {
			installed[f[0]] = f[1]
		}
	}
	out := map[string]string{}
	for _, name := range names {
		for _, pkg := range managerOf(manager).packages(name) {
			if v := installed[pkg]; v != "" && out[name] == "" {
				out[name] = v
			}
		}
	}
	return out, nil
}
