package rescue

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// object is what an ELF file says that it needs to run.
type object struct {
	class   elf.Class
	machine elf.Machine
	soname  string
	loader  string   // the program that loads it, PT_INTERP
	needed  []string // names of libraries, or paths
	rpath   []string // where it looks first, $ORIGIN not replaced
	runpath bool     // rpath is DT_RUNPATH: it holds for this file alone
	dlopen  []dlopened
}

// dlopened is a group of libraries that a program opens while it runs; one of them is
// enough (https://uapi-group.org/specifications/specs/elf_dlopen_metadata/).
type dlopened struct {
	Soname   []string `json:"soname"`
	Feature  string   `json:"feature"`
	Priority string   `json:"priority"` // required, recommended or suggested
}

// isELF tells an ELF file by its first bytes.
func isELF(data []byte) bool { return bytes.HasPrefix(data, []byte(elf.ELFMAG)) }

// readELF reads what an ELF file needs; the bytes may be anybody's.
func readELF(data io.ReaderAt) (b *object, err error) {
	// debug/elf checks most lengths, but promises nothing for hostile files.
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("damaged ELF file: %v", r)
		}
	}()
	f, err := elf.NewFile(data)
	if err != nil {
		return nil, err
	}
	b = &object{class: f.Class, machine: f.Machine, loader: interpreter(f)}
	if f.Type == elf.ET_REL { // a kernel module, an object file
		return b, nil
	}
	return b, errors.Join(b.readDynamic(f), b.readNotes(f))
}

// interpreter is the program that the kernel starts to load f; "" for a static one.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4096 {
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err == nil {
			return string(bytes.TrimRight(name, "\x00"))
		}
	}
	return ""
}

func (b *object) readDynamic(f *elf.File) error {
	var err error
	if b.needed, err = f.DynString(elf.DT_NEEDED); err != nil {
		return err
	}
	if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) > 0 {
		b.soname = names[0]
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} { // ld.so(8): RPATH counts only without RUNPATH
		paths, err := f.DynString(tag)
		if err == nil && len(paths) > 0 {
			b.rpath, b.runpath = strings.Split(paths[0], ":"), tag == elf.DT_RUNPATH
			return nil
		}
	}
	return nil
}

// dlopenNote is the section with the libraries that are opened at run time, and
// dlopenType the type of its notes.
const (
	dlopenNote = ".note.dlopen"
	dlopenType = 0x407c0c0a
)

// readNotes reads the libraries that the file says it opens while it runs. A note that
// cannot be read tells nothing, like none.
func (b *object) readNotes(f *elf.File) error {
	s := f.Section(dlopenNote)
	if s == nil || s.Size > 1<<20 {
		return nil
	}
	data, err := s.Data()
	if err != nil {
		return err
	}
	for len(data) >= 12 {
		name, size, kind := f.ByteOrder.Uint32(data), f.ByteOrder.Uint32(data[4:]), f.ByteOrder.Uint32(data[8:])
		start := 12 + aligned(uint64(name))
		end := start + uint64(size)
		if end > uint64(len(data)) {
			return nil
		}
		var groups []dlopened
		if kind == dlopenType && json.Unmarshal(bytes.TrimRight(data[start:end], "\x00"), &groups) == nil {
			b.dlopen = append(b.dlopen, groups...)
		}
		data = data[min(aligned(end), uint64(len(data))):]
	}
	return nil
}

// aligned rounds up to the four bytes that notes are aligned to (elf(5)).
func aligned(n uint64) uint64 { return (n + 3) &^ 3 }

// maxScriptLine is how much of a script the kernel looks at (include/uapi/linux/binfmts.h,
// BINPRM_BUF_SIZE).
const maxScriptLine = 256

// script gives the program that a script names in its first line, with the first word
// after it; "" for what is no script (execve(2)).
func script(data []byte) (program, argument string) {
	line, ok := bytes.CutPrefix(data, []byte("#!"))
	if !ok {
		return "", ""
	}
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	words := strings.Fields(string(line[:min(len(line), maxScriptLine)]))
	switch len(words) {
	case 0:
		return "", ""
	case 1:
		return words[0], ""
	default:
		return words[0], words[1]
	}
}
