package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"salvor/internal/rescue"
	"salvor/internal/storage"
	"salvor/internal/workflow"
)

var rescueAuditPage = page{
	use:    "audit IMAGE [OPTIONS]",
	short:  "list what is in a rescue image, and look for secrets in it",
	writes: "It writes nothing, and unpacks the image in memory only.",
	long: "IMAGE is a file of any format that salvor rescue build makes, a directory of the format pxe, a stick, or " +
		"the initramfs of anybody. Every file in its initramfs is listed, and judged by its path and by what is in it: " +
		"private keys, password hashes, tokens, keytabs, keys of encrypted volumes, and what rescue.secrets of the configuration " +
		"names. If there is any, it is listed last, and the exit code is 4. What is found is never shown.",
	examples: []example{
		{"salvor rescue audit /var/lib/salvor/rescue.iso", "the image of this machine"},
		{"salvor rescue audit /boot/initrd.img -q", "an initramfs"},
		{"salvor rescue audit --json /dev/sdb", "a stick, for a program"},
	},
	exits: []int{exitOK, exitError, exitUsage, exitRefused, exitInterrupted},
	exitTexts: map[int]string{
		exitRefused: "there are secrets in it",
	},
}

func (a *app) rescueAudit() *cobra.Command {
	cmd := rescueAuditPage.command()
	cmd.Args = oneImage
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.runRescueAudit(cmd.Context(), args[0]) }
	return cmd
}

func oneImage(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes one image, but was given %d arguments", cmd.CommandPath(), len(args))
	}
	return nil
}

func (a *app) runRescueAudit(ctx context.Context, name string) error {
	file, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	c, err := a.configuration(false)
	if err != nil {
		return err
	}
	r, err := a.work(nil).AuditRescue(ctx, file, c)
	a.reporter.done()
	if err != nil {
		return err
	}
	return a.showAudit(r)
}

// auditJSON is the answer for programs.
type auditJSON struct {
	Image       string              `json:"image"`
	Format      string              `json:"format"`
	CommandLine string              `json:"command_line,omitempty"`
	Mark        *workflow.ImageMark `json:"made_by,omitempty"`
	Medium      []mediumFileJSON    `json:"medium,omitempty"`
	Files       []rescue.Entry      `json:"files"`
	Secrets     []rescue.Finding    `json:"secrets"`
	Exit        int                 `json:"exit"`
}

type mediumFileJSON struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

func (a *app) showAudit(r *workflow.AuditReport) error {
	exit := status(exitOK)
	if len(r.Secrets) > 0 {
		exit = exitRefused
	}
	if a.opt.json {
		doc := auditJSON{Image: r.Image, Format: string(r.Format), CommandLine: r.CommandLine, Mark: r.Mark, Files: r.Files, Secrets: r.Secrets, Exit: int(exit)}
		if doc.Secrets == nil {
			doc.Secrets = []rescue.Finding{}
		}
		for _, f := range r.Medium {
			doc.Medium = append(doc.Medium, mediumFileJSON{f.Path, f.Size})
		}
		if err := a.json("rescue audit", doc); err != nil {
			return err
		}
	} else {
		a.auditText(r)
	}
	if exit != exitOK {
		return exit
	}
	return nil
}

func (a *app) auditText(r *workflow.AuditReport) {
	for _, f := range r.Medium {
		a.out.line("medium      %9s  %s", storage.HumanSize(uint64(f.Size)), a.out.safe(f.Path))
	}
	var sum int64
	for _, e := range r.Files {
		sum += e.Size
		a.out.line("%s", a.out.safe(entryLine(e)))
	}
	a.out.line("")
	a.out.line("%s: %s in the initramfs, %s", a.out.paint(bold, a.out.safe(r.Image)), count(len(r.Files), "file"), storage.HumanSize(uint64(sum)))
	if m := r.Mark; m != nil {
		a.out.line("made by salvor %s for the kernel %s", a.out.safe(m.Salvor), a.out.safe(m.Kernel))
	}
	if len(r.Secrets) == 0 {
		a.out.line("No secret was found.")
		return
	}
	a.out.line("")
	a.out.line("%s", a.out.paint(red, "There are secrets in it:"))
	for _, f := range r.Secrets {
		a.out.line("  %s", a.out.safe(string(f.Rule)+": "+f.String()))
	}
}

// entryLine is a file as ls(1) would show it. Why it is there is known only while an image is made.
func entryLine(e rescue.Entry) string {
	size := ""
	if e.Kind == rescue.File {
		size = storage.HumanSize(uint64(e.Size))
	}
	line := pad(string(e.Kind), 6) + " " + pad(octal(e), 4) + " " + lead(size, 9) + "  " + e.Path
	if e.Kind == rescue.Link {
		line += " -> " + e.Target
	}
	return line
}

// octal are the permissions of a file as chmod(1) takes them.
func octal(e rescue.Entry) string {
	bits := uint32(e.Mode.Perm())
	for i, special := range []bool{e.Mode&fs.ModeSticky != 0, e.Mode&fs.ModeSetgid != 0, e.Mode&fs.ModeSetuid != 0} {
		if special {
			bits |= 0o1000 << i
		}
	}
	return fmt.Sprintf("%04o", bits)
}

// lead puts blanks before a text.
func lead(text string, width int) string {
	return strings.Repeat(" ", max(0, width-storage.TextWidth(text))) + text
}
