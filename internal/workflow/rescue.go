package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/rescue"
	"salvor/internal/rescue/medium"
)

// RescueOrder says what rescue image is to be made.
type RescueOrder struct {
	Config  *config.Loaded
	Program []byte // this program, which is the init of the image
	Salvor  string // its version
	// Elsewhere: the machine is a directory with the files of another one. Nothing is known
	// of its devices, and its layout is the one that was saved there.
	Elsewhere bool
	// Here, if the machine is elsewhere, is the one that the image is made on. Its boot
	// loaders are taken for those that the other lacks; nil for none.
	Here machine.Machine
	// Record gives the report of the machine, as it is kept; nil for none.
	Record func(context.Context) ([]byte, error)

	Hardware rescue.Hardware // "" as configured
	Kernel   string          // a release, or the absolute path of a file; "" as configured
	Format   medium.Format
	File     string // absolute; for a directory to boot from, the directory
	MakeDir  bool   // the directory of the file is made if it is not there
	PlanOnly bool
}

// RescueReport says what an image holds, and what was made.
type RescueReport struct {
	File     string
	Format   medium.Format
	Written  bool
	Kernel   rescue.Kernel
	Layout   string // the digest of the one in the image; "" for none
	Manifest *rescue.Manifest
	Secrets  []rescue.Finding
	// CommandLine is what the kernel is to get besides its consoles.
	CommandLine string
	Boots       []medium.Firmware // what can start it; nothing is known of that with an initramfs alone
	Initramfs   int64             // bytes
	Size        int64             // bytes of all that was written
	Gaps        []string          // what this machine would want of it, and does not get
}

// Err is why no image can be made of what the report says; nil if one can.
func (r *RescueReport) Err() error {
	return errors.Join(r.Manifest.Err(), rescue.Secrets(r.Secrets))
}

// Making is the event that tells what is being made.
type Making struct{ Text string }

func (Making) event() {}

// imaging is an image in the making.
type imaging struct {
	w     *Work
	ctx   context.Context
	o     RescueOrder
	files fs.FS // of the root that it is made from
	done  func()

	layout *layout.Layout // nil where there is none
	report *RescueReport
	spec   rescue.Spec
	audit  *rescue.Auditor
}

// BuildRescue makes a rescue image, and changes nothing else. With PlanOnly it works out
// what the image would be; what it would lack, or must not have, is in the report then.
func (w *Work) BuildRescue(ctx context.Context, o RescueOrder) (*RescueReport, error) {
	b, err := w.beginImage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.done()
	if err := b.plan(); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	if o.PlanOnly {
		return b.report, ctx.Err()
	}
	if err := errors.Join(ctx.Err(), b.report.Err()); err != nil {
		return nil, err
	}
	if err := b.write(); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return b.report, nil
}

func (w *Work) beginImage(ctx context.Context, o RescueOrder) (*imaging, error) {
	if !o.Elsewhere {
		if err := w.needRoot("make a rescue image"); err != nil {
			return nil, err
		}
	}
	if err := canBeInit(o.Program); err != nil {
		return nil, err
	}
	tree, err := w.Machine.Tree("/")
	if err != nil {
		return nil, fmt.Errorf("cannot make a rescue image: %w", err)
	}
	if err := runsElsewhere(o, tree); err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	b := &imaging{w: w, ctx: ctx, o: o, files: newRootFiles(ctx, tree), done: func() { tree.Close() }}
	b.report = &RescueReport{File: o.File, Format: o.Format}
	return b, nil
}

// plan works out what is in the image, up to its last file.
func (b *imaging) plan() error {
	if err := b.findKernel(); err != nil {
		return err
	}
	if err := b.portray(); err != nil {
		return err
	}
	made, err := b.made()
	if err != nil {
		return err
	}
	b.w.tell(Making{"looking for what the image needs …"})
	b.spec = rescue.Default(b.facts(), b.choice())
	b.spec.Made = made
	if b.report.Manifest, err = rescue.Plan(b.files, b.spec); err != nil {
		return err
	}
	b.w.noteAll(b.report.Manifest.Notes)
	b.report.CommandLine = b.commandLine()
	b.audit = rescue.NewAuditor(plainWords(b.o.Config.Rescue.Secrets), b.keyFiles())
	if b.o.PlanOnly { // else it is looked for when the image is packed, before anything is written
		b.w.tell(Making{"looking for secrets in the image …"})
		b.report.Secrets, err = b.report.Manifest.Audit(b.files, b.audit)
	}
	return err
}

// portray gets the layout that goes into the image: that of the machine as it is now, since
// an image with an older one would make another machine of it.
func (b *imaging) portray() error {
	var err error
	file := string(b.o.Config.Layout.File)
	if b.o.Elsewhere {
		b.layout, err = b.w.savedLayoutOf(file)
		if b.layout == nil && err == nil {
			b.w.tell(Note{"there is no saved layout in the directory: the image has none, and the machine's storage is not known"})
		}
		return err
	}
	b.w.tell(Making{"looking at the machine …"})
	before, err := b.w.savedBefore(file)
	if err != nil {
		return err
	}
	order := LayoutOrder{Config: b.o.Config}
	if before.layout != nil {
		order.Headers.Before = before.layout.Headers
	}
	made, err := b.w.Layout(b.ctx, order)
	if err != nil {
		return err
	}
	b.layout, b.report.Gaps = made.Layout, made.Gaps
	if before.layout == nil || before.layout.Digest != made.Layout.Digest {
		b.w.tell(Note{"the layout in the image is not the one in " + file + ": salvor save brings that up to date"})
	}
	return nil
}

// savedLayoutOf reads a saved layout; nil if there is none.
func (w *Work) savedLayoutOf(file string) (*layout.Layout, error) {
	text, err := w.Machine.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, _, err := layout.Read(file, text)
	return l, err
}

// keyFiles are the keys that the root's crypttab names.
func (b *imaging) keyFiles() []string {
	crypttab, err := fs.ReadFile(b.files, "etc/crypttab")
	if err != nil {
		return nil // there are none, or they are as hard to read for the image
	}
	return rescue.KeyFiles(crypttab)
}

// plainWords are typed words as text.
func plainWords[T ~string](words []T) []string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	return out
}

// section gives a file of the tree for reading at any place. It is open until done.
func section(tree fs.FS, file string) (r *io.SectionReader, done func(), err error) {
	f, err := tree.Open(inTree(file))
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, nil, errors.Join(&fs.PathError{Op: "read", Path: file, Err: errors.New("it cannot be read at any place")}, f.Close())
	}
	return io.NewSectionReader(at, 0, info.Size()), func() { f.Close() }, nil
}

// inTree is an absolute path in the words of package fs.
func inTree(p string) string {
	if p = path.Clean(p); p == "/" {
		return "."
	}
	return p[1:]
}
