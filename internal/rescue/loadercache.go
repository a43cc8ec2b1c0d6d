package rescue

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// cachedLibrary is a line of the loader's cache.
type cachedLibrary struct {
	name, path string
	flags      uint32
}

// loaderCache is /etc/ld.so.cache for the libraries in the image, so that those in
// directories which only ld.so.conf names are found without running ldconfig (glibc:
// sysdeps/generic/dl-cache.h).
func (c *collector) loaderCache() []byte {
	libs := c.cachedLibraries()
	var strs bytes.Buffer
	start := uint32(binary.Size(cacheHeader{}) + len(libs)*binary.Size(cacheEntry{}))
	text := func(s string) uint32 {
		at := start + uint32(strs.Len())
		strs.WriteString(s + "\x00")
		return at
	}
	entries := make([]cacheEntry, len(libs))
	for i, lib := range libs {
		entries[i] = cacheEntry{Flags: lib.flags, Key: text(lib.name), Value: text(lib.path)}
	}
	header := cacheHeader{Libraries: uint32(len(libs)), Strings: uint32(strs.Len()), Endianness: 2}
	copy(header.Magic[:], "glibc-ld.so.cache1.1")
	var order binary.ByteOrder = binary.LittleEndian
	if len(libs) > 0 && libs[0].flags == cacheFlags[elf.EM_S390] {
		order, header.Endianness = binary.BigEndian, 3
	}
	var out bytes.Buffer
	for _, part := range []any{header, entries, strs.Bytes()} {
		if err := binary.Write(&out, order, part); err != nil {
			panic("internal error: " + err.Error()) // all types have a fixed size
		}
	}
	return out.Bytes()
}

type cacheHeader struct {
	Magic              [20]byte
	Libraries, Strings uint32
	Endianness         uint8 // 2 is little, 3 is big
	_                  [3]uint8
	Extensions         uint32
	_                  [3]uint32
}

type cacheEntry struct {
	Flags, Key, Value, OSVersion uint32
	Capabilities                 uint64
}

// cacheFlags say for which programs a library is (glibc: sysdeps/generic/ldconfig.h).
var cacheFlags = map[elf.Machine]uint32{
	elf.EM_X86_64: 0x0303, elf.EM_386: 0x0003, elf.EM_AARCH64: 0x0a03, elf.EM_S390: 0x0403, elf.EM_PPC64: 0x0503, elf.EM_RISCV: 0x1003,
	elf.EM_LOONGARCH: 0x1203,
}

// cachedLibraries are the libraries in the image that lie where the loader looks, in the
// order that it searches in: descending. Of two with one name the one in
// the first directory counts.
func (c *collector) cachedLibraries() []cachedLibrary {
	var out []cachedLibrary
	seen := map[cachedLibrary]bool{}
	for _, dir := range c.libs.realDirs() {
		for p, e := range c.entries {
			if path.Dir(p) != dir || e.Kind != File && e.Kind != Link {
				continue
			}
			b, err := c.libs.objectAt(p)
			if err != nil || b == nil || cacheFlags[b.machine] == 0 || !strings.Contains(path.Base(p), ".so") {
				continue
			}
			lib := cachedLibrary{name: path.Base(p), flags: cacheFlags[b.machine]}
			if !seen[lib] {
				seen[lib] = true
				lib.path = p
				out = append(out, lib)
			}
		}
	}
	slices.SortFunc(out, func(a, b cachedLibrary) int {
		return cmp.Or(compareSonames(b.name, a.name), cmp.Compare(b.name, a.name), cmp.Compare(b.flags, a.flags))
	})
	return out
}

// realDirs are the directories that the loader looks in, links followed.
func (l *libraries) realDirs() []string {
	var out []string
	for _, dir := range l.dirs {
		if real, _, err := l.root.find(dir); err == nil && !slices.Contains(out, real) {
			out = append(out, real)
		}
	}
	return out
}

// compareSonames orders names as the loader does: numbers in them count as numbers
// (glibc: elf/dl-cache.c, _dl_cache_libcmp).
func compareSonames(a, b string) int {
	for a != "" && b != "" {
		if isDigit(a[0]) != isDigit(b[0]) {
			if isDigit(a[0]) {
				return 1
			}
			return -1
		}
		if !isDigit(a[0]) {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		var numberA, numberB string
		numberA, a = cutNumber(a)
		numberB, b = cutNumber(b)
		if c := cmp.Or(cmp.Compare(len(numberA), len(numberB)), cmp.Compare(numberA, numberB)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// cutNumber cuts the digits off the front, without leading zeros.
func cutNumber(s string) (number, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return strings.TrimLeft(s[:n], "0"), s[n:]
}
