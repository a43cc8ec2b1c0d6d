package check

import (
	"fmt"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// saved tells what a saved layout brings to light: tables that are damaged and that
// it has, and where it is out of date itself.
func (c *checker) saved() {
	switch c.System.SavedLayout {
	case system.SavedForeign:
		c.find(LayoutStale, "saved layout", "the saved layout is of another machine", "it knows nothing of what the system's root lies on", "salvor save, when the system runs")
	case system.SavedUnreadable:
		c.find(LayoutStale, "saved layout", "the saved layout cannot be read", "", "salvor save, when the system runs")
	}
	r := c.System.Saved
	if r == nil {
		return
	}
	if r.Fstab != nil {
		c.savedTable("/etc/fstab", r.FstabState, c.fromSavedLines(), changes(fstabLines(c.System.Fstab), fstabLines(r.Fstab)))
	}
	if r.Crypttab != nil {
		c.savedTable("/etc/crypttab", r.CrypttabState, c.fromSavedVolumes(), changes(crypttabLines(c.System.Crypttab), crypttabLines(r.Crypttab)))
	}
}

// savedTable judges a file that the saved layout has. One that is missing, or has
// nothing in it, is so by intention unless the system lacks something for that.
func (c *checker) savedTable(file string, state system.FileState, lacks []string, drift string) {
	remedy := fmt.Sprintf("write it anew as the saved layout has it (there under files, path: %s)", file)
	cause := "what the system gets from it may be missing when it boots"
	if len(lacks) > 0 {
		cause = "of what can be mounted here, the booting system lacks " + strings.Join(lacks, ", ")
	}
	switch state {
	case system.FileDamaged, system.FileCutOff, system.FileUnread:
		c.find(TableDamaged, file, "it is "+string(state)+", and the saved layout has it as it was", cause, remedy)
	case system.FileMissing, system.FileEmpty:
		if len(lacks) > 0 {
			c.find(TableDamaged, file, "it is "+string(state)+", and the saved layout has it as it was", cause, remedy)
		}
	case system.FileSound:
		if drift != "" {
			c.find(LayoutStale, file, "it has changed since the layout was saved: "+drift, "", "salvor save, when the system runs; or look whether the change was meant")
		}
	}
}

// fromSavedLines names the lines that only the saved fstab has.
func (c *checker) fromSavedLines() []string {
	var out []string
	for _, l := range c.Mounting.Lines {
		if l.From == system.FromSaved && l.State == system.Planned {
			out = append(out, l.File)
		}
	}
	return out
}

// fromSavedVolumes names the volumes that only the saved layout names.
func (c *checker) fromSavedVolumes() []string {
	var out []string
	for _, v := range c.Mounting.Volumes {
		if v.From == system.FromSaved {
			out = append(out, v.Name)
		}
	}
	return out
}

// savedVolume tells of a volume whose line a sound crypttab lacks. Of one that is
// not sound it is told as a whole.
func (c *checker) savedVolume(v system.Volume) {
	if r := c.System.Saved; r == nil || r.CrypttabState != system.FileSound && r.Crypttab != nil {
		return
	}
	remedy := "add a line for it to crypttab"
	if e, ok := c.names.CryptEntry(v.ID); ok && e.Raw != "" {
		remedy = "add the crypttab line: " + strings.Join(strings.Fields(e.Raw), " ")
	} else if crypt, ok := c.Graph.Node(v.ID).(*storage.Crypt); ok && crypt.UUID != "" {
		remedy = fmt.Sprintf("add a crypttab line: %s UUID=%s none luks", v.Name, crypt.UUID)
	}
	c.find(NobodyOpens, "/etc/crypttab", fmt.Sprintf("%s is needed, and nothing opens it at boot", v.Name),
		"neither crypttab nor the kernel command line names it; the saved layout does", remedy, v.ID)
}

// namedBySaved tells of a line whose device only the saved layout could find: the
// booting system has no such help. It reports whether it is one.
func (c *checker) namedBySaved(l system.Line, e fstab.Entry) bool {
	if l.NamedBy == "" {
		return false
	}
	isMap := func(v system.Volume) bool {
		return v.From == system.FromSaved && v.Name == fstab.DecodeDM(e.Spec.Value)
	}
	if slices.ContainsFunc(c.Mounting.Volumes, isMap) {
		return true // told with the volume, or with its crypttab
	}
	remedy := "correct the line to what is there (salvor probe)"
	if uuid := c.uuidOf(l.Source); uuid != "" {
		remedy = fmt.Sprintf("write UUID=%s in place of %s", uuid, e.Spec)
	}
	l.Text, l.Candidates = "by the saved layout it was "+c.describe(l.Source), []storage.ID{l.Source}
	c.failing(Unresolved, l, fmt.Sprintf("nothing here is called %s any more", e.Spec), remedy)
	return true
}

// changes says in words how two sets of lines differ.
func changes(now, saved []string) string {
	var out []string
	for _, x := range []struct {
		of, than []string
		words    string
	}{{now, saved, "new"}, {saved, now, "gone"}} {
		count := 0
		for _, line := range x.of {
			if !slices.Contains(x.than, line) {
				count++
			}
		}
		if count > 0 {
			out = append(out, fmt.Sprintf("%d of its lines %s", count, x.words))
		}
	}
	return strings.Join(out, ", ")
}

// fstabLines gives what the lines say, without blanks and columns that change
// nothing.
func fstabLines(t *fstab.Fstab) []string {
	var out []string
	if t != nil {
		for _, e := range t.Entries {
			out = append(out, fmt.Sprintf("%d %q %q %q %q", e.Spec.Kind, e.Spec.Value, e.File, e.Type, e.Options.String()))
		}
	}
	return out
}

func crypttabLines(t *fstab.Crypttab) []string {
	var out []string
	if t != nil {
		for _, e := range t.Entries {
			out = append(out, fmt.Sprintf("%q %d %q %q %q", e.Name, e.Source.Kind, e.Source.Value, e.KeyFile, e.Options.String()))
		}
	}
	return out
}
