package rear

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// readers is the table of keywords.
var readers = map[string]func(*line) (Component, error){
	"disk": readDisk, "part": readPart, "raidarray": readRaid, "raid": readRaid, "raiddisk": readRaidDisk,
	"multipath": readMultipath, "lvmdev": readLVMDev, "lvmgrp": readLVMGrp, "lvmvol": readLVMVol,
	"fs": readFS, "btrfsdefaultsubvol": readSubvol, "btrfsnormalsubvol": readSubvol,
	"btrfssnapshotsubvol": readSubvol, "btrfsmountedsubvol": readMounted, "btrfsnocopyonwrite": readNoCOW,
	"swap": readSwap, "crypt": readCrypt, "opaldisk": readOpal, "drbd": readDRBD,
	"smartarray": readSmartArray, "logicaldrive": readLogicalDrive,
	"dasd_channel": readDasd, "dasdfmt": readDasd,
}

func readDisk(l *line) (Component, error) {
	return &Disk{Device: l.device(), Size: l.number(), Label: l.maybe(), More: l.all()}, nil
}

// readPart finds device and flags from the end, since ReaR before 2.4 did not
// encode the name of a partition, which then may be any number of words.
func readPart(l *line) (Component, error) {
	c := &Part{Parent: l.device(), Size: l.number()}
	if len(l.words) > 0 && l.words[0] == "unknown" {
		c.NoStart = true
		l.next()
	} else {
		c.Start = l.number()
	}
	at := len(l.words) - 1
	if at > 0 && !strings.HasPrefix(l.words[at], "/dev/") {
		c.Seven = true
		if u := l.words[at]; u != "no-partuuid" {
			c.UUID = strings.ToLower(u)
		}
		at--
	}
	if at < 1 || !strings.HasPrefix(l.words[at], "/dev/") {
		return nil, errShort
	}
	c.Device = l.words[at]
	if flags := l.words[at-1]; flags != "none" {
		c.Flags = strings.Split(flags, ",")
	}
	name := l.words[:at-1]
	if len(name) > 1 {
		l.note("the name of the partition has blanks, and was not encoded by ReaR")
	}
	if c.TypeName = PercentDecode(strings.Join(name, " ")); c.TypeName == "rear-noname" {
		c.TypeName = ""
	}
	l.words = nil
	return c, nil
}

func readRaid(l *line) (Component, error) {
	return &Raid{Old: l.keyword == "raid", Device: l.device(), Options: l.options()}, nil
}

func readRaidDisk(l *line) (Component, error) {
	return &RaidDisk{Device: l.device(), Size: l.number(), Label: l.maybe()}, nil
}

// readMultipath also reads lines without a label, where parted told none, and
// those of versions that wrote the slaves alone.
func readMultipath(l *line) (Component, error) {
	c := &Multipath{Device: l.device()}
	if len(l.words) > 0 && !strings.HasPrefix(l.words[0], "/") {
		c.Size = l.number()
	}
	if len(l.words) > 0 && !strings.HasPrefix(l.words[0], "/") {
		c.Label = l.next()
	}
	if slaves := l.maybe(); slaves != "" {
		c.Slaves = strings.Split(slaves, ",")
	}
	return c, nil
}

func readLVMDev(l *line) (Component, error) {
	c := &LVMDev{VG: l.vg(), Device: l.device(), UUID: l.maybe()}
	if len(l.words) > 0 {
		c.Size = l.number()
	}
	return c, nil
}

func readLVMGrp(l *line) (Component, error) {
	c := &LVMGrp{VG: l.vg(), ExtentKiB: l.number()}
	for _, n := range []*uint64{&c.Extents, &c.SizeKiB} {
		if len(l.words) > 0 {
			*n = l.number()
		}
	}
	return c, nil
}

// readLVMVol also reads the lines of ReaR before 2.5, which counted extents, and
// sectors after them.
func readLVMVol(l *line) (Component, error) {
	c := &LVMVol{VG: l.vg(), LV: l.next()}
	size, inBytes := strings.CutSuffix(l.next(), "b")
	n, err := strconv.ParseUint(size, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no size of a volume", size)
	}
	if inBytes {
		c.Size, c.Layout, c.Options = n, l.maybe(), l.all()
		return c, nil
	}
	c.Extents = n
	if len(l.words) > 0 {
		c.Size = l.number() * sector
	}
	return c, nil
}

// attributes are the keys that may follow the label of a file system. Where the
// label ends cannot be told by anything else: ReaR writes its blanks as they are.
var attributes = []string{"blocksize", "fragmentsize", "reserved_blocks", "max_mounts", "check_interval",
	"bytes_per_inode", "default_mount_options", "nodesize", "sectorsize", "features", "options"}

func readFS(l *line) (Component, error) {
	c := &FS{Device: l.device(), Mountpoint: l.next(), Type: l.next()}
	label := false
	for _, w := range l.words {
		key, value, isPair := strings.Cut(w, "=")
		switch {
		case isPair && key == "uuid" && !label:
			c.UUID = value
		case isPair && key == "label" && !label:
			c.Label, label = value, true
		case isPair && slices.Contains(attributes, key):
			c.Attributes = append(c.Attributes, Option{key, value})
		case label && len(c.Attributes) == 0:
			c.Label += " " + w
		case len(c.Attributes) > 0:
			c.Attributes[len(c.Attributes)-1].Value += " " + w
		default:
			return nil, fmt.Errorf("%q is no key=value", w)
		}
	}
	l.words = nil
	if at := slices.IndexFunc(c.Attributes, func(o Option) bool { return o.Key == "options" }); at >= 0 {
		c.Options = c.Attributes[at].Value
		c.Attributes = slices.Delete(c.Attributes, at, at+1)
	}
	if strings.Contains(c.Label, " ") {
		l.note("the label has blanks: ReaR itself takes only its first word")
	}
	return c, nil
}

func readSubvol(l *line) (Component, error) {
	what := strings.TrimSuffix(strings.TrimPrefix(l.keyword, "btrfs"), "subvol")
	return &BtrfsSubvol{What: what, Device: l.device(), Mountpoint: l.next(), ID: l.number(), Path: l.rest()}, nil
}

func readMounted(l *line) (Component, error) {
	return &BtrfsMounted{Device: l.device(), Mountpoint: l.next(), Options: l.next(), Path: l.rest()}, nil
}

func readNoCOW(l *line) (Component, error) {
	c := &BtrfsNoCOW{Path: l.rest()}
	if c.Path == "" {
		return nil, errShort
	}
	return c, nil
}

func readSwap(l *line) (Component, error) {
	c := &Swap{Device: l.next()}
	for _, o := range l.options() {
		switch o.Key {
		case "uuid":
			c.UUID = o.Value
		case "label":
			c.Label = o.Value
		}
	}
	return c, nil
}

// cryptKeys are the keys of a crypt line.
var cryptKeys = []string{"type", "cipher", "key_size", "hash", "uuid", "keyfile", "pbkdf"}

func readCrypt(l *line) (Component, error) {
	c := &Crypt{Device: l.device(), Source: l.device()}
	for _, w := range l.words {
		if !c.take(w) {
			l.note("%q is not known, and was left out", withoutPassword(w))
		}
	}
	l.words = nil
	return c, nil
}

// take reads a key=value; it reports whether the key is known.
func (c *Crypt) take(word string) bool {
	key, value, ok := strings.Cut(word, "=")
	switch {
	case ok && key == "password":
		c.HasPassword = true
	case ok && slices.Contains(cryptKeys, key):
		c.Options = append(c.Options, Option{key, value})
	default:
		return false
	}
	return true
}

func readOpal(l *line) (Component, error) {
	c := &OpalDisk{Device: l.device()}
	c.Options, c.HasPassword = secretOption(l.options())
	return c, nil
}

func readDRBD(l *line) (Component, error) {
	return &DRBD{Device: l.device(), Resource: l.next(), Backing: l.device()}, nil
}

func readSmartArray(l *line) (Component, error) { return &SmartArray{Slot: l.next()}, nil }

func readLogicalDrive(l *line) (Component, error) {
	return &LogicalDrive{Device: l.device(), Place: l.next(), Options: l.options()}, nil
}

func readDasd(l *line) (Component, error) {
	if len(l.words) == 0 {
		return nil, errShort
	}
	return &Dasd{What: l.keyword, Words: l.all()}, nil
}
