package probe

import (
	"bufio"
	"bytes"
	"strings"

	"salvor/internal/storage"
)

// udevRecord is what udev knows of a device. It is empty where udev does not
// run; nothing depends on it.
type udevRecord struct {
	links []string // absolute paths
	props map[string]string
}

// readUdev reads /run/udev/data/bMAJOR:MINOR. systemd calls the format private
// (src/libsystemd/sd-device/device-private.c, device_update_db), yet it has been
// the same since 2008, and lsblk's way through libudev reads the same lines.
func (p *prober) readUdev(dev storage.Dev) udevRecord {
	data, err := p.m.ReadFile("/run/udev/data/b" + dev.String())
	if err != nil {
		return udevRecord{}
	}
	return parseUdev(data)
}

func parseUdev(data []byte) udevRecord {
	r := udevRecord{props: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), ":")
		switch kind {
		case "S":
			if rest != "" {
				r.links = append(r.links, "/dev/"+rest)
			}
		case "E":
			if key, value, ok := strings.Cut(rest, "="); ok {
				r.props[key] = value
			}
		}
	}
	return r
}
