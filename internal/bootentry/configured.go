package bootentry

import (
	"path"
	"slices"
	"strings"
)

// readConfigured reads the command lines from which the next entries will be
// made: by kernel-install and ukify (kernel-install(8)), grub-mkconfig, dracut,
// Alpine's update-extlinux and Debian's u-boot-menu. No script is run.
func (r *reader) readConfigured() {
	for _, file := range []string{"etc/kernel/cmdline", "usr/lib/kernel/cmdline"} {
		if r.plainCmdline(file) {
			break // the first counts
		}
	}
	for _, file := range r.confFiles("etc/cmdline.d", ".conf") {
		r.plainCmdline(file)
	}
	r.shellCmdlines(append([]string{"etc/default/grub"}, r.confFiles("etc/default/grub.d", ".cfg")...),
		"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")
	r.shellCmdlines(append([]string{"etc/dracut.conf"}, r.confFiles("etc/dracut.conf.d", ".conf")...), "kernel_cmdline")
	r.shellCmdlines([]string{"etc/update-extlinux.conf"}, "default_kernel_opts", "root")
	r.shellCmdlines([]string{"etc/default/u-boot"}, "U_BOOT_PARAMETERS", "U_BOOT_ROOT")
}

func (r *reader) confFiles(dir, ext string) []string {
	var out []string
	for _, name := range r.list(dir) {
		if path.Ext(name) == ext {
			out = append(out, path.Join(dir, name))
		}
	}
	return out
}

// plainCmdline reads a file that is nothing but a command line, on one line or
// several, with comments as mkinitcpio(8) and kernel-install take them.
func (r *reader) plainCmdline(file string) bool {
	data, ok := r.read(file)
	if !ok {
		return false
	}
	c := Cmdline{File: file}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(strings.Trim(line, "\x00"))
		if line == "" || line[0] == '#' {
			continue
		}
		if c.Line == 0 {
			c.Line = number
		}
		c.Options = joinWords(c.Options, line)
	}
	r.configured(c)
	return true
}

func (r *reader) configured(c Cmdline) {
	if c.Options != "" {
		r.out.Configured = append(r.out.Configured, c)
	}
}

// shellCmdlines reads variables that files assign one after the other. The value
// is what stands at the end, the place that of the last assignment.
func (r *reader) shellCmdlines(files []string, names ...string) {
	vars := newShellVars()
	file := map[string]string{}
	for _, f := range files {
		data, ok := r.read(f)
		if !ok {
			continue
		}
		before := vars.line
		vars.line = map[string]int{}
		vars.parse(string(data))
		for _, n := range names {
			if vars.line[n] > 0 {
				file[n] = f
			} else {
				vars.line[n] = before[n]
			}
		}
	}
	for _, n := range names {
		r.configured(Cmdline{File: file[n], Line: vars.line[n], Name: n, Options: vars.value[n], Unknown: distinctWords(vars.unknown[n])})
	}
}

// distinctWords sorts and drops repetitions; nothing stays nil.
func distinctWords(words []string) []string {
	out := slices.Clone(words)
	slices.Sort(out)
	return slices.Compact(out)
}
