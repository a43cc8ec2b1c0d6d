package rescue

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"sync"
)

// maxModule is the largest module, unpacked: the largest in Linux 6.x, a graphics driver,
// has less than 30 MiB.
const maxModule = 128 << 20

// firmware gives the names of the firmware files that a module asks for, from its
// .modinfo section (modinfo(8)).
func (m *kernelModules) firmware(name string) ([]string, error) {
	file := m.file(name)
	data, err := m.root.read(file)
	if err != nil {
		return nil, err
	}
	if data, err = unpackModule(file, data); err != nil {
		return nil, fmt.Errorf("cannot unpack %s: %w", file, err)
	}
	return firmwareOf(data)
}

func firmwareOf(data []byte) (names []string, err error) {
	defer func() { // debug/elf promises nothing for damaged files
		if r := recover(); r != nil {
			names, err = nil, fmt.Errorf("damaged ELF file: %v", r)
		}
	}()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return nil, nil
	}
	info, err := s.Data()
	if err != nil {
		return nil, err
	}
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if name, ok := bytes.CutPrefix(field, []byte("firmware=")); ok && fs.ValidPath(string(name)) {
			names = append(names, string(name))
		}
	}
	return names, nil
}

// firmwareDirs are where the kernel looks (drivers/base/firmware_loader/main.c, fw_path).
func firmwareDirs(release string) []string {
	return []string{"/lib/firmware/updates/" + release, "/lib/firmware/updates", "/lib/firmware/" + release, "/lib/firmware"}
}

// addFirmware takes the firmware that the modules ask for, or all, or none, and what is
// asked for by name.
func (c *collector) addFirmware(s Spec, modules *kernelModules, names []string) error {
	for _, pattern := range s.FirmwareFiles {
		if !c.addFirmwareFile(s.Kernel, pattern, "asked for as "+pattern) && !strings.ContainsAny(pattern, `*?[\`) {
			c.lack("firmware "+pattern, "the configuration", fs.ErrNotExist)
		}
	}
	switch s.Firmware {
	case FirmwareNone:
		return nil
	case FirmwareAll:
		c.addPattern("/lib/firmware", true)
		return nil
	case FirmwareNeeded, "":
	default:
		return fmt.Errorf("internal error: %q is no choice of firmware", s.Firmware)
	}
	wanted, err := modules.allFirmware(names)
	if err != nil {
		return err
	}
	for i, files := range wanted {
		for _, file := range files {
			c.addFirmwareFile(s.Kernel, file, "asked for by the module "+names[i])
		}
	}
	return nil
}

// addFirmwareFile takes a firmware file, as it is or compressed. Most modules name more
// than a distribution ships, for hardware that was never sold, so that one that is missing is no error.
func (c *collector) addFirmwareFile(release, file, why string) bool {
	found := false
	for _, dir := range firmwareDirs(release) {
		for _, suffix := range []string{"", ".xz", ".zst"} {
			for _, p := range c.root.glob(path.Join(dir, file) + suffix) {
				found = true
				if err := c.add(p, why); err != nil {
					c.lack(p, why, err)
				}
			}
		}
	}
	return found
}

// allFirmware gives what each module asks for. Unpacking modules is what takes longest of
// all planning, so all processors do it; only drivers and network protocols ask for
// firmware, so the others are not looked at.
func (m *kernelModules) allFirmware(names []string) ([][]string, error) {
	out, failed := make([][]string, len(names)), make([]error, len(names))
	var workers sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				out[i], failed[i] = m.firmware(names[i])
			}
		})
	}
	for i, name := range names {
		if m.mayAskForFirmware(name) {
			next <- i
		}
	}
	close(next)
	workers.Wait()
	return out, errors.Join(failed...)
}

// mayAskForFirmware: file systems, cryptography and libraries of the kernel have none.
func (m *kernelModules) mayAskForFirmware(name string) bool {
	for _, dir := range []string{"kernel/fs/", "kernel/crypto/", "kernel/lib/", "kernel/arch/", "kernel/drivers/md/"} {
		if strings.HasPrefix(m.byName[name], dir) {
			return false
		}
	}
	return true
}
