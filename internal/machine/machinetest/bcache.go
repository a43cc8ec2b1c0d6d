package machinetest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"salvor/internal/storage"
)

// WriteSysfs knows bcache's files.
func (m *Machine) WriteSysfs(name, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fault(context.Background(), "write "+name); err != nil {
		return err
	}
	if !m.modules["bcache"] {
		return fmt.Errorf("cannot write to %s: no such file or directory", name)
	}
	dir, file := path.Split(name)
	switch {
	case name == "/sys/fs/bcache/register":
		return m.register(value)
	case file == "stop" && value == "1" && strings.HasPrefix(dir, "/sys/block/"):
		return m.stopBcache(path.Base(path.Dir(path.Dir(name))))
	case file == "stop" && value == "1" && strings.HasPrefix(dir, "/sys/fs/bcache/"):
		return m.stopSet(path.Base(dir))
	}
	return fmt.Errorf("machinetest: unknown write of %q to %s", value, name)
}

var errInvalid = errors.New("cannot write to /sys/fs/bcache/register: invalid argument")

func (m *Machine) register(name string) error {
	d := m.device(name)
	if set, ok := on[*storage.BcacheSet](m, d); ok {
		if m.sets[set.ID] {
			return errInvalid
		}
		m.sets[set.ID] = true
		return nil
	}
	bc, ok := on[*storage.Bcache](m, d)
	if !ok || bc.Open != nil {
		return errInvalid
	}
	for i := 0; ; i++ {
		as := fmt.Sprintf("/dev/bcache%d", i)
		if m.device(as) == nil {
			if !d.shield {
				m.wrote("register %s", bc.ID)
			}
			m.backing[bc.ID] = d.kernel
			m.open(bc, storage.Opening{}, as, d.shield)
			return nil
		}
	}
}

func (m *Machine) stopBcache(kernel string) error {
	d := m.device("/dev/" + kernel)
	if d == nil {
		return fmt.Errorf("cannot write to /sys/block/%s/bcache/stop: no such file or directory", kernel)
	}
	// The kernel takes the request, and waits for those who have it open.
	if !m.inUse(d.node.Base().ID) {
		m.shut(d.node)
	}
	return nil
}

func (m *Machine) stopSet(uuid string) error {
	for set := range storage.All[*storage.BcacheSet](m.graph) {
		if set.UUID == uuid && m.sets[set.ID] {
			delete(m.sets, set.ID)
			return nil
		}
	}
	return fmt.Errorf("cannot write to /sys/fs/bcache/%s/stop: no such file or directory", uuid)
}
