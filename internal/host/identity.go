package host

import (
	"context"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/tool"
)

func (r *reader) readMachine(ctx context.Context, m machine.Machine) layout.Machine {
	return layout.Machine{
		Hostname:     r.hostname("/proc/sys/kernel/hostname", "/etc/hostname"),
		Architecture: r.architecture(ctx, m),
		OS:           r.readOS(),
		Kernel:       r.text("/proc/sys/kernel/osrelease"),
		Hardware:     r.readHardware(),
	}
}

// hostname gives the first name that is one: a kernel that was told none says (none).
func (r *reader) hostname(names ...string) string {
	for _, file := range names {
		for line := range strings.Lines(string(r.data(file))) {
			line = tidy(line)
			if line != "" && line != "(none)" && !strings.HasPrefix(line, "#") {
				return line
			}
		}
	}
	return ""
}

// architecture asks the kernel, which has a file for it since Linux 6.1.
func (r *reader) architecture(ctx context.Context, m machine.Machine) string {
	if arch := r.text("/proc/sys/kernel/arch"); arch != "" {
		return arch
	}
	out, err := m.Run(ctx, tool.Architecture())
	if err != nil {
		r.notef("cannot tell the architecture: %v", err)
		return ""
	}
	return tidy(string(out.Stdout))
}

// readOS reads os-release(5).
func (r *reader) readOS() layout.OS {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		var os layout.OS
		for line := range strings.Lines(string(r.data(name))) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch value = tidy(unquote(value)); key {
			case "ID":
				os.ID = value
			case "VERSION_ID":
				os.Version = value
			case "PRETTY_NAME":
				os.Name = value
			}
		}
		if os != (layout.OS{}) {
			return os
		}
	}
	return layout.OS{}
}

// unquote undoes the quoting of the shell as far as os-release(5) allows it.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		if s[0] == '\'' {
			return s[1 : n-1]
		}
		s = s[1 : n-1]
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(s)
}

// domain gives the domain of the machine's name: by the name itself, by the line of
// hosts(5) that has it, or by resolv.conf(5).
func (r *reader) domain(hostname string) string {
	if _, domain, ok := strings.Cut(hostname, "."); ok {
		return domain
	}
	for line := range strings.Lines(string(r.data("/etc/hosts"))) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(strings.ToValidUTF8(line, ""))
		if len(words) < 2 || !slices.Contains(words[1:], hostname) {
			continue
		}
		for _, name := range words[1:] {
			if domain, ok := strings.CutPrefix(name, hostname+"."); ok && hostname != "" {
				return domain
			}
		}
	}
	for line := range strings.Lines(string(r.data("/etc/resolv.conf"))) {
		if words := strings.Fields(tidy(line)); len(words) == 2 && words[0] == "domain" {
			return words[1]
		}
	}
	return ""
}
