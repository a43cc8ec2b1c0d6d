package bootentry

import (
	"path"
	"strings"
)

// loaderConf is loader/loader.conf of systemd-boot (loader.conf(5)).
type loaderConf struct {
	file, chosen, timeout string
}

func (r *reader) loaderConf() loaderConf {
	for _, point := range r.points {
		file := r.fold(point, "loader/loader.conf")
		if file == "" {
			continue
		}
		if data, ok := r.read(file); ok {
			return parseLoaderConf(file, data)
		}
	}
	return loaderConf{}
}

func parseLoaderConf(file string, data []byte) loaderConf {
	c := loaderConf{file: file}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line), "\t", " "), " ")
		switch value = strings.TrimSpace(value); key {
		case "default":
			c.chosen = value
		case "timeout":
			c.timeout = value
		}
	}
	return c
}

// saved stands for the entry that was started last, which an EFI variable tells.
const saved = "@saved"

func (c loaderConf) menu(loader string) Menu {
	m := Menu{Loader: loader, File: c.file, Default: c.chosen, Timeout: c.timeout}
	if c.chosen == saved {
		m.Unknown = []string{saved}
	}
	return m
}

// choose marks the entry that is started when nobody chooses: the first that the
// pattern fits, else the first of all.
func (c loaderConf) choose(sorted []Entry) {
	if c.chosen == saved {
		return
	}
	for i := range sorted {
		if c.fits(sorted[i]) {
			sorted[i].Default = true
			return
		}
	}
	sorted[0].Default = true
}

// fits: systemd-boot compares with the name of the entry's file without its
// counters, in lower case; people leave out the end of it as well.
func (c loaderConf) fits(e Entry) bool {
	pattern, id := strings.ToLower(c.chosen), strings.ToLower(e.ID)
	for _, name := range []string{id, id + strings.ToLower(path.Ext(e.File))} {
		if ok, _ := path.Match(pattern, name); ok || pattern == name {
			return true
		}
	}
	return false
}
