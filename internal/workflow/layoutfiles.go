package workflow

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salvor/internal/layout"
	"salvor/internal/system"
)

// layoutFiles are the files that say how storage is assembled, named, unlocked and
// mounted, beside the units of systemd.
var layoutFiles = []string{
	"etc/fstab", "etc/crypttab",
	"etc/mdadm/mdadm.conf", "etc/mdadm.conf",
	"etc/multipath.conf", "etc/multipath/bindings", "etc/multipath/wwids",
}

// maxLayoutFile is more than any of these files has where people or tools wrote them.
const maxLayoutFile = 1 << 20

// readLayoutFiles reads them. The secrets in them are layout.FromGraph's to take out.
func readLayoutFiles(tree fs.FS, sys *system.System) (files []layout.File, notes []string) {
	names := slices.Clone(layoutFiles)
	for _, u := range sys.Units {
		if !u.Vendor {
			names = append(names, unitFiles(tree, strings.TrimPrefix(u.File, "/"))...)
		}
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		text, err := readText(tree, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			notes = append(notes, fmt.Sprintf("/%s is not in the layout: %v", name, err))
		default:
			files = append(files, layout.File{Path: "/" + name, Text: text})
		}
	}
	return files, notes
}

// unitFiles gives a unit of the administrator's with its drop-ins.
func unitFiles(tree fs.FS, file string) []string {
	out := []string{file}
	list, err := fs.ReadDir(tree, file+".d")
	if err != nil {
		return out
	}
	for _, e := range list {
		if path.Ext(e.Name()) == ".conf" {
			out = append(out, path.Join(file+".d", e.Name()))
		}
	}
	return out
}

// readText reads as the rest of salvor reads files of systems, so that a report has the
// answer.
func readText(tree fs.FS, name string) (string, error) {
	f, err := tree.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLayoutFile+1))
	if err == nil && len(data) > maxLayoutFile {
		err = errors.New("it has more than 1 MiB")
	}
	return string(data), err
}
