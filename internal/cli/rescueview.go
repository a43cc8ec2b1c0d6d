package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"salvor/internal/document"
	"salvor/internal/rescue"
	"salvor/internal/rescue/medium"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

// rescueJSON is the answer for programs.
type rescueJSON struct {
	File        string            `json:"file"`
	Format      medium.Format     `json:"format"`
	Written     bool              `json:"written"`
	Why         string            `json:"why,omitempty"` // it was not made
	Size        int64             `json:"size,omitempty"`
	Initramfs   int64             `json:"initramfs,omitempty"`
	Kernel      *rescue.Kernel    `json:"kernel,omitempty"`
	CommandLine string            `json:"command_line,omitempty"`
	Layout      string            `json:"layout,omitempty"`
	Boots       []medium.Firmware `json:"boots,omitempty"`
	Groups      []rescue.Group    `json:"groups,omitempty"`
	Gaps        []string          `json:"gaps,omitempty"`
	Manifest    *rescue.Manifest  `json:"manifest,omitempty"` // of a plan
	Secrets     []rescue.Finding  `json:"secrets,omitempty"`
	Exit        int               `json:"exit"`
}

func newRescueJSON(r *workflow.RescueReport, exit status) rescueJSON {
	return rescueJSON{
		File: r.File, Format: r.Format, Written: r.Written, Size: r.Size, Initramfs: r.Initramfs, Kernel: &r.Kernel, CommandLine: r.CommandLine,
		Layout: r.Layout, Boots: r.Boots, Groups: r.Manifest.Groups(), Gaps: r.Gaps, Secrets: r.Secrets, Exit: int(exit),
	}
}

// showFresh says why no image is made.
func (a *app) showFresh(f workflow.Freshness, file string, err error) error {
	if err != nil {
		return err
	}
	if a.opt.json {
		return a.json("rescue build", rescueJSON{File: file, Why: f.Why})
	}
	a.out.line("%s stays as it is: %s.", a.out.safe(file), f.Why)
	return nil
}

// isListing: the error has a line for each thing that is wrong.
func isListing(err error) bool {
	return as[*document.Problems](err) || as[*workflow.NoLoaderError](err) || errors.Is(err, rescue.ErrMissing) || errors.Is(err, rescue.ErrSecret)
}

// showRescue says what was made.
func (a *app) showRescue(r *workflow.RescueReport) error {
	exit := status(exitOK)
	if len(r.Gaps) > 0 {
		exit = exitGaps
	}
	if a.opt.json {
		if err := a.json("rescue build", newRescueJSON(r, exit)); err != nil {
			return err
		}
	} else {
		a.rescueText(r)
	}
	for _, gap := range r.Gaps {
		a.err.note(0, yellow, gap)
	}
	if exit != exitOK {
		return exit
	}
	return nil
}

func (a *app) rescueText(r *workflow.RescueReport) {
	a.out.line("%s: %s, of the format %s", a.out.paint(bold, a.out.safe(r.File)), storage.HumanSize(uint64(r.Size)), r.Format)
	a.out.line("")
	rows := [][]string{{"kernel", r.Kernel.Release + " (" + r.Kernel.Image + ")"}}
	if len(r.Boots) > 0 {
		rows = append(rows, []string{"starts by", startsBy(r.Boots)})
	}
	if r.Format == medium.Initramfs {
		rows = append(rows, []string{"start it with", strings.TrimSpace("the kernel " + r.Kernel.Image + " and " + cmdlineWords(r.CommandLine))})
	}
	if r.Layout != "" {
		rows = append(rows, []string{"layout", r.Layout})
	}
	rows = append(rows, []string{"in it", groupsText(r.Manifest)})
	a.out.table(rows, 2, 4, func([]string) style { return plain })
}

func cmdlineWords(line string) string {
	if line == "" {
		return "no parameters"
	}
	return "the parameters " + line
}

// startsBy names the kinds of firmware as people do.
func startsBy(all []medium.Firmware) string {
	var out []string
	for _, f := range all {
		switch f {
		case medium.SecureBoot:
			out = append(out, "UEFI with Secure Boot")
		default:
			out = append(out, strings.ToUpper(string(f)))
		}
	}
	return strings.Join(out, ", ")
}

func groupsText(m *rescue.Manifest) string {
	var parts []string
	for _, g := range m.Groups() {
		if g.Files > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", g.Name, storage.HumanSize(uint64(g.Size))))
		}
	}
	return strings.Join(parts, ", ")
}

// showRescuePlan shows what would be in the image, group by group. That no image can be made of it is the
// error behind it.
func (a *app) showRescuePlan(r *workflow.RescueReport) error {
	err := r.Err()
	if a.opt.json {
		exit, _ := explain(err)
		if err == nil {
			exit = exitOK
		}
		doc := newRescueJSON(r, status(exit))
		doc.Manifest = r.Manifest
		if bad := a.json("rescue build", doc); bad != nil || err == nil {
			return bad
		}
		exit, hints := explain(err)
		a.tellError(err, exit, hints)
		return status(exit)
	}
	a.out.line("%s, with the kernel %s:", a.out.paint(bold, a.out.safe(r.File)), r.Kernel.Release)
	for _, g := range r.Manifest.Groups() {
		if g.Files == 0 {
			continue
		}
		a.out.line("")
		a.out.line("%s", a.out.paint(bold, fmt.Sprintf("%s: %s, %s", g.Name, count(g.Files, "file"), storage.HumanSize(uint64(g.Size)))))
		a.manifestGroup(r.Manifest, g.Name)
	}
	a.out.line("")
	a.out.line("Together %s, before they are packed.", storage.HumanSize(uint64(r.Manifest.Size())))
	return err
}

// manifestGroup lists the files of a group, the largest first.
func (a *app) manifestGroup(m *rescue.Manifest, name rescue.GroupName) {
	var files []rescue.Entry
	for _, e := range m.Entries {
		if e.Kind == rescue.File && e.Group() == name {
			files = append(files, e)
		}
	}
	slices.SortStableFunc(files, func(x, y rescue.Entry) int { return int(y.Size - x.Size) })
	for _, e := range files {
		a.out.line("  %9s  %s", storage.HumanSize(uint64(e.Size)), a.out.safe(e.Path+": "+e.Why))
	}
}
