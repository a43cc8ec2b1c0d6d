package bootentry

import (
	"path"
	"slices"
)

// readGRUB reads the configurations of GRUB 2: those on the ESP first, since they
// may hand over to the others, and then those that nobody handed over to.
func (r *reader) readGRUB() grubFinds {
	finds := grubFinds{blsDirs: map[string]bool{}}
	visited := map[string]bool{}
	work, later := &budget{enoughWork}, &budget{enoughWork}
	for _, file := range r.grubFiles() {
		if visited[file] {
			continue
		}
		g := &grub{r: r, finds: finds, functions: map[string][]*node{}, visited: visited, budget: work, mounted: map[string]string{}}
		g.env = env{vars: map[string]value{"prefix": {text: "(" + inTree + ")/" + path.Dir(file)}}}
		g.whole(file, later)
	}
	return finds
}

// grubFiles gives the files that a GRUB may have been told to read. Those on the
// ESP are where signed images look; the others where grub-install has it look.
func (r *reader) grubFiles() []string {
	var out []string
	for _, esp := range r.esp {
		efi := r.fold(esp, "EFI")
		if efi == "" {
			continue
		}
		for _, vendor := range r.list(efi) {
			if file := r.fold(path.Join(efi, vendor), "grub.cfg"); file != "" && r.isFile(file) {
				out = append(out, file)
			}
		}
	}
	for _, point := range r.points {
		for _, name := range []string{"grub/grub.cfg", "grub2/grub.cfg"} {
			if file := r.fold(point, name); file != "" && r.isFile(file) && !slices.Contains(out, file) {
				out = append(out, file)
			}
		}
	}
	return out
}

// whole goes through a configuration and all it hands over to, and then through
// its entries. These have a budget of their own, so that what was found before a
// script went astray is not lost.
func (g *grub) whole(file string, later *budget) {
	var menu []*item
	g.menu = &menu
	g.source("("+inTree+")/"+file, 0)
	if len(menu) == 0 {
		return
	}
	from := len(g.r.out.Entries)
	g.budget = later
	g.flatten(menu, nil)
	chosen := g.env.get("default")
	m := Menu{Loader: GRUB, File: menu[0].file, Default: chosen.text, Timeout: g.env.get("timeout").text, Unknown: chosen.unknown}
	g.r.out.Menus = append(g.r.out.Menus, m)
	if i := choose(menu, chosen.text); i != nil && i.entry != nil {
		g.markDefault(g.r.out.Entries[from:], i.entry, len(chosen.unknown) > 0)
	}
}

// markDefault marks the entry in the list, where it stands as a copy. What
// depends on the running loader is marked as nothing.
func (g *grub) markDefault(list []Entry, chosen *Entry, unknown bool) {
	if unknown {
		return
	}
	for k := range list {
		e := &list[k]
		if e.File == chosen.File && e.Line == chosen.Line && e.ID == chosen.ID && slices.Equal(e.Submenu, chosen.Submenu) {
			e.Default = true
			return
		}
	}
}
