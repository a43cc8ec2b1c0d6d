package bootentry

import (
	"path"
	"strings"
)

// readFirmware reads what the firmware of a Raspberry Pi starts: config.txt with
// cmdline.txt on its FAT partition.
func (r *reader) readFirmware() {
	for _, point := range r.points {
		file := r.fold(point, "config.txt")
		cmdline := r.fold(point, "cmdline.txt")
		if file == "" || cmdline == "" && !r.hasKernelImage(point) {
			continue
		}
		if data, ok := r.read(file); ok {
			r.add(r.firmwareEntry(point, file, data))
		}
	}
}

// firmwareKernels are what the firmware takes where config.txt names none, by
// the board's processor, the newest first.
var firmwareKernels = []string{"kernel_2712.img", "kernel8.img", "kernel7l.img", "kernel7.img", "kernel.img"}

func (r *reader) hasKernelImage(point string) bool {
	for _, name := range firmwareKernels {
		if r.isFile(path.Join(point, name)) {
			return true
		}
	}
	return false
}

func (r *reader) firmwareEntry(point, file string, data []byte) Entry {
	e := Entry{Loader: Firmware, ID: "config.txt", File: file, Line: 1, TriesLeft: -1, Default: true}
	set := parseConfigTxt(data, &e)
	prefix := path.Join(point, set["os_prefix"])
	in := func(name string) File {
		f := File{Text: set["os_prefix"] + name}
		if at := r.fold(prefix, name); at != "" && r.isFile(at) {
			f.Path = at
		}
		return f
	}
	if name := set["kernel"]; name != "" {
		e.Kernel = in(name)
	} else {
		r.guessKernel(&e, in)
	}
	for name := range strings.FieldsFuncSeq(set["initramfs"], func(c rune) bool { return c == ',' }) {
		e.Initrds = append(e.Initrds, in(name))
	}
	if set["auto_initramfs"] == "1" && len(e.Initrds) == 0 && e.Kernel.Given() {
		stem := strings.TrimSuffix(strings.Replace(path.Base(e.Kernel.Text), "kernel", "initramfs", 1), ".img")
		if f := in(stem); f.Path != "" {
			e.Initrds = []File{f}
		}
	}
	name := "cmdline.txt"
	if set["cmdline"] != "" {
		name = set["cmdline"]
	}
	if f := in(name); f.Path != "" {
		if line, ok := r.read(f.Path); ok {
			// The firmware takes the first line only.
			first, _, _ := strings.Cut(string(line), "\n")
			e.Options = strings.TrimSpace(first)
		}
	}
	return e
}

// guessKernel takes the first image that is there; which of several it is depends
// on the board.
func (r *reader) guessKernel(e *Entry, in func(string) File) {
	for _, name := range firmwareKernels {
		f := in(name)
		if f.Path == "" {
			continue
		}
		if e.Kernel.Given() {
			e.Unknown = append(e.Unknown, "kernel for this board")
			return
		}
		e.Kernel = f
	}
}

// parseConfigTxt reads the assignments that matter. A section that holds for some
// boards only is read like the others, and noted: the last assignment wins.
func parseConfigTxt(data []byte, e *Entry) map[string]string {
	set := map[string]string{}
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok { // initramfs has a form of its own: initramfs NAME followkernel
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "initramfs" {
				continue
			}
			key, value = words[0], words[1]
		}
		switch key = strings.TrimSpace(key); key {
		case "kernel", "initramfs", "os_prefix", "cmdline", "auto_initramfs":
			set[key] = strings.TrimSpace(value)
			if section != "" && section != "[all]" {
				e.Unknown = append(e.Unknown, section+" "+key)
			}
		}
	}
	return set
}
