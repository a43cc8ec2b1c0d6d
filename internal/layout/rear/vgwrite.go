package rear

import (
	"fmt"
	"strings"

	"salvor/internal/storage"
)

// metadata writes a volume group in LVM's text format, so that ReaR can restore it by
// vgcfgrestore(8) with all its UUIDs. It does so for groups whose volumes are linear
// or striped; of others the layout does not hold every word of the metadata (numbers
// of transactions of a thin pool, the log of a mirror). why says what is missing.
func (e *exporter) metadata(g *storage.VG) (data []byte, why string) {
	w := &vgWriter{aliases: map[storage.ID]string{}}
	var pvs []*storage.PV
	for _, low := range e.g.Lower(g.ID) {
		p, ok := low.(*storage.PV)
		if !ok || p.Made == nil || p.Size == 0 || p.UUID == "" || e.on(p) == nil {
			return nil, "too little is known of " + string(low.Base().ID)
		}
		w.aliases[p.ID] = fmt.Sprintf("pv%d", len(pvs))
		pvs = append(pvs, p)
	}
	if g.UUID == "" || g.ExtentSize == 0 {
		return nil, "its UUID is not known"
	}
	lvs := e.volumesOf(g.ID)
	for _, n := range lvs {
		if why := w.writable(n); why != "" {
			return nil, why
		}
	}
	w.group(e, g, pvs, lvs)
	return []byte(w.b.String()), ""
}

type vgWriter struct {
	b       strings.Builder
	depth   int
	aliases map[storage.ID]string
}

// writable says why a volume cannot be written.
func (w *vgWriter) writable(n *storage.LV) string {
	if n.Made == nil || n.UUID == "" || len(n.Made.Segments) == 0 {
		return "the segments of " + n.Name + " are not known"
	}
	for _, s := range n.Made.Segments {
		if s.Type != "linear" && s.Type != "striped" || n.Origin != "" || n.Internal {
			return n.Name + " is not linear or striped"
		}
		for _, a := range s.Areas {
			if w.aliases[a.PV] == "" {
				return "the segments of " + n.Name + " are not known"
			}
		}
		if len(s.Areas) == 0 {
			return "the segments of " + n.Name + " are not known"
		}
	}
	return ""
}

func (w *vgWriter) line(format string, args ...any) {
	w.b.WriteString(strings.Repeat("\t", w.depth))
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *vgWriter) section(name string, body func()) {
	w.line("%s {", name)
	w.depth++
	body()
	w.depth--
	w.line("}")
}

// list writes ["A", "B"].
func list(words ...string) string {
	var quoted []string
	for _, s := range words {
		if s != "" {
			quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)+`"`)
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func when(word string, is bool) string {
	if is {
		return word
	}
	return ""
}

func (w *vgWriter) group(e *exporter, g *storage.VG, pvs []*storage.PV, lvs []*storage.LV) {
	made := storage.VGMade{}
	if g.Made != nil {
		made = *g.Made
	}
	w.line(`contents = "Text Format Volume Group"`)
	w.line("version = 1\n")
	w.line(`description = "written by salvor export rear"`)
	w.line(`creation_host = ""`)
	w.line("creation_time = 0\n")
	w.section(g.Name, func() {
		w.line("id = %q", g.UUID)
		w.line("seqno = %d", max(g.Seqno, 1))
		w.line(`format = "lvm2"`)
		w.line("status = %s", list(when("EXPORTED", made.Exported), when("RESIZEABLE", !made.NotResizeable), "READ", "WRITE", when("CLUSTERED", made.Clustered)))
		w.line("flags = []")
		w.tags(made.Tags)
		w.words([]Option{{"lock_type", made.LockType}, {"system_id", made.SystemID}, {"profile", made.Profile}, {"allocation_policy", made.Allocation}})
		w.line("extent_size = %d", g.ExtentSize/sector)
		w.line("max_lv = %d", made.MaxLV)
		w.line("max_pv = %d", made.MaxPV)
		w.line("metadata_copies = %d", made.MetadataCopies)
		w.section("physical_volumes", func() {
			for _, p := range pvs {
				w.section(w.aliases[p.ID], func() { w.pv(p, e.device(e.on(p))) })
			}
		})
		if len(lvs) > 0 {
			w.section("logical_volumes", func() {
				for _, n := range lvs {
					w.section(n.Name, func() { w.volume(n) })
				}
			})
		}
	})
}

func (w *vgWriter) tags(tags []string) {
	if len(tags) > 0 {
		w.line("tags = %s", list(tags...))
	}
}

// words writes those that are set.
func (w *vgWriter) words(options []Option) {
	for _, o := range options {
		if o.Value != "" {
			w.line("%s = %s", o.Key, strings.Trim(list(o.Value), "[]"))
		}
	}
}

func (w *vgWriter) pv(p *storage.PV, dev string) {
	w.line("id = %q", p.UUID)
	w.line("device = %s", strings.Trim(list(dev), "[]"))
	w.line("status = %s", list(when("ALLOCATABLE", !p.Made.Unallocatable)))
	w.line("flags = []")
	w.tags(p.Made.Tags)
	w.line("dev_size = %d", p.Size/sector)
	w.line("pe_start = %d", p.Made.DataOffset/sector)
	w.line("pe_count = %d", p.Made.Extents)
}

func (w *vgWriter) volume(n *storage.LV) {
	w.line("id = %q", n.UUID)
	w.line("status = %s", list("READ", when("WRITE", !n.Made.ReadOnly), "VISIBLE"))
	w.line("flags = %s", list(when("ACTIVATION_SKIP", n.Made.SkipActivation), when("NOAUTOACTIVATE", n.Made.NoAutoActivate)))
	w.tags(n.Made.Tags)
	w.words([]Option{{"allocation_policy", n.Made.Allocation}})
	w.line("segment_count = %d", len(n.Made.Segments))
	start := uint64(0)
	for i, s := range n.Made.Segments {
		w.section(fmt.Sprintf("segment%d", i+1), func() { w.segment(s, start) })
		start += s.Extents
	}
}

func (w *vgWriter) segment(s storage.LVSegment, start uint64) {
	w.line("start_extent = %d", start)
	w.line("extent_count = %d", s.Extents)
	w.line(`type = "striped"`)
	w.line("stripe_count = %d", len(s.Areas))
	if len(s.Areas) > 1 {
		w.line("stripe_size = %d", s.StripeSize/sector)
	}
	var stripes []string
	for _, a := range s.Areas {
		stripes = append(stripes, fmt.Sprintf("%q, %d", w.aliases[a.PV], a.Extent))
	}
	w.line("stripes = [%s]", strings.Join(stripes, ", "))
}
