package bootentry

import (
	"strconv"
	"strings"
)

// flatten goes through what the items of a menu do, and adds their entries. It
// gives the place of each item's first entry in the list of all.
func (g *grub) flatten(menu []*item, titles []string) {
	for _, i := range menu {
		if !g.spend(0, copyCost*len(g.env.vars)+1) {
			return
		}
		switch {
		case i.entry != nil:
			i.entry.Submenu = titles
		case i.submenu:
			g.open(i, titles)
			continue
		default:
			g.start(i, titles)
		}
		g.r.add(*i.entry)
	}
}

// open goes through a menu below another.
func (g *grub) open(i *item, titles []string) {
	if len(titles) >= deepestFile {
		g.r.problem(i.file, i.node.line, "menus lie too deep: %s is left out", i)
		return
	}
	outer, outerMenu, outerUnsure := g.env, g.menu, g.unsure
	g.env, g.menu, g.file, g.unsure = outer.clone(), &i.below, i.file, i.unsure
	g.setArguments(i.args)
	g.run(i.node.block)
	g.menu = outerMenu
	g.flatten(i.below, append(titles[:len(titles):len(titles)], i.title.text))
	g.env, g.unsure = outer, outerUnsure
}

// start goes through an entry.
func (g *grub) start(i *item, titles []string) {
	e := &Entry{
		Loader: GRUB, Title: i.title.text, ID: i.id, Submenu: titles, File: i.file, Line: i.node.line,
		TriesLeft: -1, Unknown: joinUnknown(joinUnknown(nil, i.title.unknown...), i.unsure...),
	}
	i.entry = e
	outer, outerMenu, outerUnsure := g.env, g.menu, g.unsure
	g.env, g.menu, g.entry, g.file, g.unsure = outer.clone(), nil, e, i.file, nil
	g.setArguments(i.args)
	g.run(i.node.block)
	g.env, g.menu, g.entry, g.unsure = outer, outerMenu, nil, outerUnsure
}

// choose finds the item that GRUB starts when nobody chooses: a number, a title
// or an ID, and for a menu below, more of them after a > (grub_menu_get_default).
func choose(menu []*item, chosen string) *item {
	for {
		first, rest := cutStep(chosen)
		i := pick(menu, first)
		if i == nil || !i.submenu {
			return i
		}
		menu, chosen = i.below, rest
	}
}

// cutStep cuts a default at the first > that is not doubled.
func cutStep(s string) (first, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '>' {
			if i+1 >= len(s) || s[i+1] != '>' {
				return b.String(), s[i+1:]
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// pick takes the first item where nothing fits, as GRUB does.
func pick(menu []*item, name string) *item {
	for _, i := range menu {
		if name != "" && (i.id == name || i.title.text == name) {
			return i
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(menu) {
		return menu[n]
	}
	if len(menu) == 0 {
		return nil
	}
	return menu[0]
}
