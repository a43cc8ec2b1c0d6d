package workflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"salvor/internal/bootentry"
	"salvor/internal/check"
	"salvor/internal/machine"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// CheckOrder says which system is to be checked.
type CheckOrder struct {
	System string // as system.Choose takes it; "" for all but snapshots
	Keys   []GivenKey
	Layout *SavedLayout // as of MountOrder
	// WithoutInitrds leaves the initramfs images unread: they are large.
	WithoutInitrds bool
}

// CheckReport says what is wrong, system by system.
type CheckReport struct {
	Systems []CheckedSystem `json:"systems"`
	Graph   *storage.Graph  `json:"-"`
}

// CheckedSystem is a system and what is wrong with it.
type CheckedSystem struct {
	System   *system.System  `json:"system"`
	Findings []check.Finding `json:"findings"`
}

// Wrong reports whether anything was found that is more than a notice.
func (r *CheckReport) Wrong() bool {
	for _, s := range r.Systems {
		for _, f := range s.Findings {
			if f.Severity != check.Notice {
				return true
			}
		}
	}
	return false
}

// Check looks at installed systems and says what is or will be wrong with them.
// Like every look it leaves the disks as they are.
func (w *Work) Check(ctx context.Context, o CheckOrder) (*CheckReport, error) {
	defer wipeKeys(o.Keys)
	s, _, err := w.begin(ctx, "check")
	if err != nil {
		return nil, err
	}
	defer s.end()
	s.keys.given, s.layouts.given = o.Keys, o.Layout
	report, err := s.checkSystems(ctx, o)
	err = errors.Join(err, s.giveUp(ctx))
	if err == nil {
		err = ctx.Err()
	}
	return report, err
}

func (s *sight) checkSystems(ctx context.Context, o CheckOrder) (*CheckReport, error) {
	wishes := []wish{{name: o.System}}
	if o.System == "" {
		all, err := s.everySystem(ctx)
		if err != nil {
			return nil, err
		}
		wishes = all
	}
	report := &CheckReport{}
	for _, which := range wishes {
		m, err := s.ready(ctx, MountOrder{ReadOnly: true}, DefaultTarget, which)
		if err != nil {
			return nil, err
		}
		report.Systems = append(report.Systems, CheckedSystem{m.System, check.Check(s.subject(ctx, m.System, o))})
	}
	report.Graph = s.now
	return report, nil
}

// everySystem gives all systems that are no snapshots. Where there is none, one
// may lie in a locked volume: asking for any leads to it.
func (s *sight) everySystem(ctx context.Context) ([]wish, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	findings, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	var out []wish
	for _, sys := range system.Systems(findings) {
		if sys.Original() {
			out = append(out, wish{lineage: sys.Lineage(s.now)})
		}
	}
	if len(out) == 0 {
		out = []wish{{}}
	}
	return out, nil
}

// subject is the system as a look sees it.
func (s *sight) subject(ctx context.Context, sys *system.System, o CheckOrder) check.Subject {
	sub := newSubject(s.now, s.base, sys, s.found, s)
	sub.Space = s.space
	if !o.WithoutInitrds {
		for _, text := range readRamdisks(ctx, sub) {
			s.w.tell(Note{text})
		}
	}
	return sub
}

// newSubject is the system as it would stand if it had booted: nothing of it is
// mounted, and its target is "/".
func newSubject(now, base *storage.Graph, sys *system.System, found []*system.System, trees system.Trees) check.Subject {
	base = base.Clone()
	base.Mounts = nil
	boot := sys.Boot
	if boot == nil {
		boot = system.ReadBoot(now, sys, trees)
	}
	return check.Subject{
		Graph: now, System: sys, Files: system.Files(now, sys, trees), Boot: boot,
		Mounting:  system.Mount(now, base, sys, system.Request{Target: "/", Network: true, Trees: trees, Systems: found}),
		Initramfs: map[string]*bootentry.Initramfs{},
	}
}

// readRamdisks reads the initrds of all boot entries, and tells of those that
// cannot be read.
func readRamdisks(ctx context.Context, sub check.Subject) (notes []string) {
	seen := map[string]bool{"": true}
	for _, e := range sub.Boot.Entries {
		for _, image := range e.Ramdisks() {
			if seen[image.Path] || ctx.Err() != nil {
				continue
			}
			seen[image.Path] = true
			read, err := openRamdisk(sub.Files, image.Path, e.UKI)
			if err != nil {
				notes = append(notes, storage.Printable(fmt.Sprintf("/%s cannot be read: %v", image.Path, err)))
				continue
			}
			sub.Initramfs[image.Path] = read
		}
	}
	return notes
}

func openRamdisk(files fs.FS, name string, uki bool) (*bootentry.Initramfs, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !uki {
		return bootentry.OpenInitramfs(f, 0)
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, errors.New("it can only be read from its beginning to its end")
	}
	image, err := bootentry.ReadUKI(at)
	if err != nil {
		return nil, err
	}
	initrd := image.Initrd()
	if initrd == nil {
		return nil, errors.New("it has no initrd in it")
	}
	return bootentry.OpenInitramfs(initrd, 0)
}

// space tells how full a file system is, from the look at it.
func (s *sight) space(id storage.ID) (size, free uint64, ok bool) {
	if sub, isSub := s.now.Node(id).(*storage.Subvolume); isSub && len(sub.On) > 0 {
		id = sub.On[0]
	}
	tree, _ := s.Tree(id)
	t, ok := tree.(machine.Spacious)
	if !ok {
		return 0, 0, false
	}
	size, free, err := t.Space()
	return size, free, err == nil
}
