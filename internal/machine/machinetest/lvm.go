package machinetest

import (
	"regexp"
	"slices"
	"strings"

	"salvor/internal/machine"
	"salvor/internal/storage"
)

func (m *Machine) lvm(c machine.Cmd) (machine.Result, error) {
	l, err := parse(c, []string{"--yes", "--ignoreactivationskip"}, []string{"--activate", "--activationmode", "--config"})
	if err != nil {
		return machine.Result{}, err
	}
	if len(l.words) != 2 || l.words[0] != "lvchange" || m.noUdev != strings.Contains(l.options["--config"], "udev_sync=0") {
		return unknown(c)
	}
	vgName, lvName, _ := strings.Cut(l.words[1], "/")
	seen := seenByLVM(l.options["--config"])
	vgs := m.groups(vgName, seen)
	switch len(vgs) {
	case 0:
		return says(c, 5, "  Volume group %q not found\n  Cannot process volume group %s", vgName, vgName)
	case 1:
	default:
		return says(c, 5, "  Multiple VGs found with the same name: skipping %s\n  Use --select vg_uuid=<uuid> in place of the VG name.", vgName)
	}
	lv := m.volume(vgs[0], lvName)
	switch {
	case lv == nil:
		return says(c, 5, "  Failed to find logical volume %q", l.words[1])
	case l.options["--activate"] == "y":
		return m.activate(c, lv, seen, strings.Contains(l.options["--config"], `read_only_volume_list=["`+l.words[1]+`"]`))
	case l.options["--activate"] == "n":
		return m.deactivate(c, lv)
	}
	return unknown(c)
}

var filter = regexp.MustCompile(`[ {]filter=(\[.*?\]) global_filter=(\[.*?\]) `)
var accepted = regexp.MustCompile(`"a\|\^(.*?)\$\|"`)

// seenByLVM gives the devices that the filter accepts; nothing when the two
// filters differ, or when others are not rejected.
func seenByLVM(config string) []string {
	f := filter.FindStringSubmatch(config)
	if f == nil || f[1] != f[2] || !strings.HasSuffix(f[1], `"r|.*|"]`) {
		return nil
	}
	var out []string
	unescape := regexp.MustCompile(`\\(.)`)
	for _, a := range accepted.FindAllStringSubmatch(f[1], -1) {
		// Twice: once for the configuration, once for the regular expression.
		out = append(out, unescape.ReplaceAllString(unescape.ReplaceAllString(a[1], "$1"), "$1"))
	}
	return out
}

// groups finds the groups of that name of which a PV is seen.
func (m *Machine) groups(name string, seen []string) []*storage.VG {
	var out []*storage.VG
	for vg := range storage.All[*storage.VG](m.graph) {
		if vg.Name == name && slices.ContainsFunc(vg.On, func(pv storage.ID) bool { return m.carrier(pv, seen) != nil }) {
			out = append(out, vg)
		}
	}
	return out
}

// carrier is the device of a PV, if LVM sees it.
func (m *Machine) carrier(pv storage.ID, seen []string) *device {
	for _, low := range m.graph.Lower(pv) {
		for _, name := range seen {
			if d := m.device(name); d != nil && d.node == low {
				return d
			}
		}
	}
	return nil
}

func (m *Machine) volume(vg *storage.VG, name string) *storage.LV {
	for lv := range storage.All[*storage.LV](m.graph) {
		if lv.Group == vg.ID && lv.Name == name {
			return lv
		}
	}
	return nil
}

func (m *Machine) activate(c machine.Cmd, lv *storage.LV, seen []string, readOnly bool) (machine.Result, error) {
	shield := true
	for _, pv := range m.physical(lv) {
		d := m.carrier(pv.ID, seen)
		if d == nil {
			return says(c, 5, "  Refusing activation of partial LV %s/%s.  Use '--activationmode partial' to override.", lv.VG, lv.Name)
		}
		shield = shield && d.shield
	}
	if !shield && !plainLayout(lv) {
		m.wrote("activate %s", lv.ID) // its metadata, whether it is read-only itself or not
	}
	for _, v := range m.together(lv) {
		if v.Open == nil {
			m.open(v, storage.Opening{ReadOnly: readOnly}, "", shield)
		}
	}
	return done("")
}

// physical lists the PVs that a volume uses, those of its pool and origin too.
func (m *Machine) physical(lv *storage.LV) []*storage.PV {
	var out []*storage.PV
	for _, low := range m.graph.Lower(lv.ID) {
		switch low := low.(type) {
		case *storage.PV:
			out = append(out, low)
		case *storage.LV:
			out = append(out, m.physical(low)...)
		}
	}
	return out
}

// plainLayout: the device-mapper tables of these write nothing by themselves.
func plainLayout(lv *storage.LV) bool {
	return lv.Layout == "linear" || lv.Layout == "striped" || lv.Layout == ""
}

// together lists the volumes that LVM activates and deactivates only with each
// other: an origin and its snapshots of the old kind.
func (m *Machine) together(lv *storage.LV) []*storage.LV {
	origin := lv.ID
	if lv.Layout == "snapshot" {
		origin = lv.Origin
	}
	out := []*storage.LV{lv}
	for v := range storage.All[*storage.LV](m.graph) {
		if v != lv && (v.ID == origin || v.Layout == "snapshot" && v.Origin == origin) {
			out = append(out, v)
		}
	}
	return out
}

func (m *Machine) deactivate(c machine.Cmd, lv *storage.LV) (machine.Result, error) {
	group := m.together(lv)
	for _, v := range group {
		if v.Open != nil && m.usedBeside(v, group) {
			return says(c, 5, "  Logical volume %s/%s in use.", v.VG, v.Name)
		}
	}
	for _, v := range group {
		if v.Open != nil {
			m.shut(v)
		}
	}
	return done("")
}

// usedBeside: the volume is used by others than those that go down with it.
func (m *Machine) usedBeside(lv *storage.LV, group []*storage.LV) bool {
	if lv.Overlay != nil {
		return true
	}
	for _, up := range m.graph.Upper(lv.ID) {
		id := up.Base().ID
		if v, ok := up.(*storage.LV); ok && (v.Open == nil || slices.Contains(group, v)) {
			continue
		}
		if storage.OpeningOf(up) != nil || m.usedAbove(id) || len(m.graph.MountsOf(id)) > 0 {
			return true
		}
	}
	return false
}
