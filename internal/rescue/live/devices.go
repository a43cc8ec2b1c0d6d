package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"salvor/internal/machine"
)

// settleLimit is how long the devices may take before the consoles get their shells. A
// disk that hangs takes minutes, and a shell is there to find that out.
const settleLimit = 30 * time.Second

// udevDaemons are where the distributions have it: systemd's, and eudev's.
var udevDaemons = []string{
	"/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd",
	"/usr/sbin/udevd", "/sbin/udevd", "/usr/lib/udev/udevd", "/lib/udev/udevd",
}

// startDevices has drivers loaded for all that is plugged in, and waits for that.
func startDevices(ctx context.Context, h host) (notes []string) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	notes = slices.Concat(makeStaticNodes(h), maskRules(h), loadListed(ctx, h))
	daemon := findUdev(h)
	if daemon == "" {
		return append(notes, coldplug(ctx, h)...)
	}
	// With --daemon it returns when it listens, so no event is lost (systemd-udevd(8)).
	steps := []machine.Cmd{
		{Program: daemon, Args: []string{"--daemon"}},
		{Program: "udevadm", Args: []string{"trigger", "--type=subsystems", "--action=add"}},
		{Program: "udevadm", Args: slices.Concat([]string{"trigger", "--type=devices", "--action=add"}, without(idleSubsystems))},
		{Program: "udevadm", Args: []string{"settle", fmt.Sprintf("--timeout=%d", int(settleLimit.Seconds()))}},
	}
	for i, step := range steps {
		_, err := h.Run(ctx, step)
		switch {
		case err == nil:
		case i == len(steps)-1:
			notes = append(notes, fmt.Sprintf("some devices are not ready after %d seconds, going on without: %v", int(settleLimit.Seconds()), err))
		default:
			notes = append(notes, err.Error())
			return append(notes, coldplug(ctx, h)...)
		}
	}
	return notes
}

// idleSubsystems are those whose devices have no driver to be loaded, and in /dev no name but
// the kernel's: terminals, blocks of memory, what counts time or traffic. They are
// a third of all devices of a virtual machine, and on one with much memory most of them.
var idleSubsystems = []string{"tty", "vc", "vtconsole", "memory", "machinecheck", "clocksource", "clockevents", "event_source", "workqueue", "bdi"}

// without are the options that keep udevadm trigger from subsystems (udevadm(8)).
func without(subsystems []string) []string {
	var out []string
	for _, s := range subsystems {
		out = append(out, "--subsystem-nomatch="+s)
	}
	return out
}

// loadListed loads the modules that the image lists (modules-load.d(5)): those that no
// device asks for.
func loadListed(ctx context.Context, h host) (notes []string) {
	const dir = "/etc/modules-load.d"
	names, _ := h.ReadDir(dir) // an image without such modules has none
	var modules []string
	for _, name := range names {
		data, err := h.ReadFile(path.Join(dir, name))
		if err != nil {
			notes = append(notes, err.Error())
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.ContainsAny(line[:1], "#;-") {
				modules = append(modules, line)
			}
		}
	}
	if len(modules) == 0 {
		return notes
	}
	if _, err := h.Run(ctx, machine.Cmd{Program: "modprobe", Args: append([]string{"-a", "--"}, modules...)}); err != nil {
		notes = append(notes, err.Error())
	}
	return notes
}

func findUdev(h runner) string {
	for _, daemon := range udevDaemons {
		if file, err := h.Lookup(daemon); err == nil {
			return file
		}
	}
	return ""
}

// coldplug does what udev would do first: it loads a driver for every device that names
// one. A driver may bring a bus with more devices, so it looks again until nothing is new.
func coldplug(ctx context.Context, h host) (notes []string) {
	if _, err := h.Lookup("modprobe"); err != nil {
		return []string{fmt.Sprintf("no drivers are loaded: %v", err)}
	}
	known := map[string]bool{}
	for ctx.Err() == nil {
		var fresh []string
		for _, alias := range modaliases(h, "/sys/devices") {
			if !known[alias] {
				known[alias] = true
				fresh = append(fresh, alias)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		// It fails when there is no driver for one of them, which is most often so.
		_, err := h.Run(ctx, machine.Cmd{Program: "modprobe", Args: append([]string{"-a", "-b", "-q", "--"}, fresh...)})
		if _, said := errors.AsType[*machine.ExitError](err); err != nil && !said {
			return []string{err.Error()}
		}
	}
	return []string{fmt.Sprintf("loading drivers took longer than %d seconds, going on", int(settleLimit.Seconds()))}
}

// modaliases gives what the devices below a directory of sysfs say of themselves, sorted.
func modaliases(h files, dir string) []string {
	names, _ := h.ReadDir(dir) // a device that has gone
	var out []string
	for _, name := range names {
		file := path.Join(dir, name)
		info, err := h.Lstat(file)
		switch {
		case err != nil:
		case info.Mode.IsDir():
			out = append(out, modaliases(h, file)...)
		case name == "modalias":
			if alias := readWord(h, file); alias != "" {
				out = append(out, alias)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// staticNode is a device whose driver is loaded when the device is opened for the first
// time, so that something has to make the node before (kmod-static-nodes.service).
type staticNode struct {
	name         string
	char         bool
	major, minor uint32
}

// parseStaticNodes reads modules.devname, which depmod makes: "fuse fuse c10:229".
func parseStaticNodes(data []byte) []staticNode {
	var out []staticNode
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var module string
		var kind byte
		var n staticNode
		found, err := fmt.Sscanf(lines.Text(), "%s %s %c%d:%d", &module, &n.name, &kind, &n.major, &n.minor)
		if err != nil || found != 5 || kind != 'c' && kind != 'b' || strings.Contains(n.name, "..") {
			continue
		}
		n.char = kind == 'c'
		out = append(out, n)
	}
	return out
}

func makeStaticNodes(h host) (notes []string) {
	list, err := h.ReadFile(path.Join("/lib/modules", h.Release(), "modules.devname"))
	if err != nil {
		return nil // no module needs one
	}
	for _, n := range parseStaticNodes(list) {
		if err := h.MakeNode(n); err != nil {
			notes = append(notes, fmt.Sprintf("cannot make /dev/%s: %v", n.name, err))
		}
	}
	return notes
}
