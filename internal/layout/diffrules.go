package layout

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"salvor/internal/storage"
)

// Every field of every type below Layout is compared, whoever adds it, unless a row
// here says otherwise. Lists of plain values are compared whatever their order, unless
// they are sequences.

// fieldOf names a field of a type.
type fieldOf struct {
	of   reflect.Type
	name string
}

func field[T any](name string) fieldOf { return fieldOf{reflect.TypeFor[T](), name} }

// hints are the fields that are never compared, and why.
var hints = map[fieldOf]string{
	field[Layout]("Version"):       "it is the form of the file, not the machine",
	field[Layout]("Digest"):        "it follows from the rest",
	field[Node]("ID"):              "nodes are matched by it; one that is not the same is told as replaced",
	field[Node]("Identity"):        "as the ID",
	field[Node]("Device"):          "the kernel gives the name anew at every start",
	field[Table]("ID"):             "as that of a node",
	field[Table]("Identity"):       "as that of a node",
	field[Group]("ID"):             "as that of a node",
	field[Group]("Identity"):       "as that of a node",
	field[Subvolume]("ID"):         "as that of a node",
	field[Subvolume]("Identity"):   "as that of a node",
	field[Subvolume]("Number"):     "the file system draws it, and draws another one when the subvolume is made again",
	field[Swap]("Active"):          "it was in use at that time; the fstab says whether it is to be",
	field[Disk]("Links"):           "udev makes them from what is compared, and from where the disk is plugged in",
	field[storage.Terms]("Header"): "it is a copy in memory, which has another path each time",
	field[Uncovered]("What"):       "it is matched by it, or by its ID; a device has another name after the next start",
	field[Uncovered]("Why"):        "a sentence, which may be improved; the reason is compared",
	field[Header]("Age"):           "the same header becomes another text each time it is encrypted",
}

// identifiers are fields that an ID is made of. Where a thing was replaced they differ
// with it, and are not told once more.
var identifiers = map[fieldOf]bool{
	field[Disk]("Serial"): true, field[Disk]("WWN"): true, field[Table]("UUID"): true, field[Partition]("UUID"): true,
	field[Multipath]("WWID"): true, field[Array]("UUID"): true, field[Crypt]("UUID"): true, field[CacheSet]("UUID"): true,
	field[Bcache]("UUID"): true, field[PV]("UUID"): true, field[Group]("UUID"): true, field[Volume]("UUID"): true,
	field[FileSystem]("UUID"): true, field[Subvolume]("UUID"): true, field[Swap]("UUID"): true, field[Other]("UUID"): true,
}

// sequences are lists whose order means something, and what.
var sequences = map[fieldOf]string{
	field[EFIBoot]("Order"):           "the firmware tries the first entry first",
	field[BootEntry]("Initrd"):        "later ones are laid over earlier ones",
	field[DNS]("Servers"):             "the first one is asked first",
	field[DNS]("Search"):              "the first one is tried first",
	field[storage.LVMade]("Segments"): "they follow each other in the volume",
	field[storage.LVSegment]("Areas"): "stripes go over them in turn",
	field[storage.LVSegment]("Meta"):  "each is that of the area at its place",
}

// readings are fields that are compared by what they mean rather than by what they say.
var readings = map[fieldOf]func(owner any) any{
	field[FileSystem]("Default"):    func(v any) any { return defaultSubvolume(v.(FileSystem)) },
	field[Mount]("Options"):         func(v any) any { return withoutWords(v.(Mount).Options, "subvolid=") },
	field[Boot]("CommandLine"):      func(v any) any { return commandLine(v.(Boot).CommandLine) },
	field[BootEntry]("CommandLine"): func(v any) any { return commandLine(v.(BootEntry).CommandLine) },
}

// defaultSubvolume gives the path of the default subvolume, since its number means
// nothing elsewhere.
func defaultSubvolume(fsys FileSystem) any {
	var paths []string
	for _, s := range fsys.Subvolumes {
		if s.Number == fsys.Default && s.Number != 0 {
			paths = append(paths, s.Path)
		}
	}
	if len(paths) == 0 {
		return fsys.Default
	}
	return slices.Min(paths) // a file system has one of a number, a file that people edit may have two
}

// commandLine leaves out what a boot loader puts there by itself: which files it has
// loaded, which are those of the default entry and change with every new kernel.
func commandLine(line string) string {
	return strings.Join(withoutWords(strings.Fields(line), "BOOT_IMAGE=", "initrd="), " ")
}

func withoutWords(words []string, begin ...string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool {
		return slices.ContainsFunc(begin, func(b string) bool { return strings.HasPrefix(word, b) })
	})
}

// milder are the fields that matter less than their section: a new kernel is no new
// layout. A prefix of a path stands for all that is below it.
var milder = []struct {
	section, field string
	severity       Severity
}{
	{"boot", "default.title", ForRescue},
	{"boot", "default.id", ForRescue},
	{"boot", "default.kernel", ForRescue},
	{"boot", "default.initrd", ForRescue},
}

// elementKey says which elements of two lists are the same: those that are alone with
// a key in both lists, for each key in turn; at last those of one name, in the order of
// what they say. An ID in a key is what tell makes of it.
type elementKey struct {
	name func(v any, tell func(storage.ID) string) string
	keys []func(v any, tell func(storage.ID) string) string
}

type idWord = func(storage.ID) string

func named[T any](name func(T, idWord) string, keys ...func(T, idWord) string) elementKey {
	out := elementKey{name: func(v any, tell idWord) string { return name(v.(T), tell) }}
	for _, k := range append(keys, name) {
		out.keys = append(out.keys, func(v any, tell idWord) string { return k(v.(T), tell) })
	}
	return out
}

// elementKeys are those of all lists that are neither sequences nor lists of nodes.
var elementKeys = map[reflect.Type]elementKey{
	reflect.TypeFor[Mount]():               named(func(m Mount, _ idWord) string { return m.Point }),
	reflect.TypeFor[File]():                named(func(f File, _ idWord) string { return f.Path }),
	reflect.TypeFor[Tool]():                named(func(t Tool, _ idWord) string { return t.Name }),
	reflect.TypeFor[Header]():              named(func(h Header, tell idWord) string { return tell(h.ID) }),
	reflect.TypeFor[Usage]():               named(func(u Usage, tell idWord) string { return tell(u.ID) }),
	reflect.TypeFor[Uncovered]():           named(uncoveredName, func(u Uncovered, tell idWord) string { return tell(u.ID) + " " + u.What }),
	reflect.TypeFor[Member]():              named(func(m Member, tell idWord) string { return tell(m.LiesOn) }),
	reflect.TypeFor[storage.BtrfsDevice](): named(func(d storage.BtrfsDevice, _ idWord) string { return strconv.FormatUint(d.Number, 10) }),
	reflect.TypeFor[storage.LUKSSlot]():    named(func(s storage.LUKSSlot, _ idWord) string { return strconv.Itoa(s.Slot) }),
	reflect.TypeFor[storage.LUKSToken]():   named(func(t storage.LUKSToken, _ idWord) string { return strconv.Itoa(t.Token) }),
	reflect.TypeFor[EFIEntry]():            named(func(e EFIEntry, _ idWord) string { return strings.ToUpper(e.Number) }),
	reflect.TypeFor[Interface]():           named(func(i Interface, _ idWord) string { return i.Name }, func(i Interface, _ idWord) string { return i.PermanentMAC }),
	reflect.TypeFor[Route]():               named(func(r Route, _ idWord) string { return r.To }, routeKey),
	reflect.TypeFor[Hop]():                 named(func(h Hop, _ idWord) string { return strings.TrimSpace(h.Via + " " + h.Interface) }),
}

func uncoveredName(u Uncovered, tell idWord) string {
	if u.ID != "" {
		return tell(u.ID)
	}
	return u.What
}

func routeKey(r Route, _ idWord) string {
	return strings.Join([]string{r.To, r.Type, r.Interface, strconv.Itoa(r.Metric)}, " ")
}

// nodeKinds are the types of storage that are nodes of their own, in the words of a
// graph. A field that holds them is no field of the node that it stands in.
var nodeKinds = map[reflect.Type]storage.Kind{
	reflect.TypeFor[Disk]():       storage.KindDisk,
	reflect.TypeFor[Table]():      storage.KindTable,
	reflect.TypeFor[Partition]():  storage.KindPartition,
	reflect.TypeFor[Multipath]():  storage.KindMultipath,
	reflect.TypeFor[Array]():      storage.KindMD,
	reflect.TypeFor[Crypt]():      storage.KindCrypt,
	reflect.TypeFor[CacheSet]():   storage.KindBcacheSet,
	reflect.TypeFor[Bcache]():     storage.KindBcache,
	reflect.TypeFor[PV]():         storage.KindPV,
	reflect.TypeFor[Group]():      storage.KindVG,
	reflect.TypeFor[Volume]():     storage.KindLV,
	reflect.TypeFor[FileSystem](): storage.KindFileSystem,
	reflect.TypeFor[Subvolume]():  storage.KindSubvolume,
	reflect.TypeFor[Swap]():       storage.KindSwap,
	reflect.TypeFor[Other]():      storage.KindOpaque,
}

// holdsNodes tells a field that holds nodes: one, or a list.
func holdsNodes(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return nodeKinds[t] != ""
}
