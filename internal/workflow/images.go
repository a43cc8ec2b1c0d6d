package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"salvor/internal/session"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// firstLoop is where the numbers of salvor's loop devices begin. The lower ones are
// those that the kernel gives to whoever asks for a free device, and the stores of
// stand-ins do so while a plan that names its devices is being carried out.
const firstLoop = 64

// ProbeImages shows what lies in images. They are attached read-only for it.
func (w *Work) ProbeImages(ctx context.Context, specs []ImageSpec) (*storage.Graph, error) {
	s, verdict, err := w.begin(ctx, "probe")
	if err != nil {
		return nil, err
	}
	defer s.end()
	err = s.useImages(ctx, specs, verdict)
	g := s.now.Clone()
	err = errors.Join(err, s.giveUp(ctx))
	if err == nil {
		err = ctx.Err()
	}
	return g, err
}

// useImages attaches images read-only, and has nothing else of the machine in sight
// from now on. Without images it does nothing.
func (s *sight) useImages(ctx context.Context, specs []ImageSpec, verdict session.Verdict) error {
	for _, spec := range specs {
		i, err := s.image(ctx, spec)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(s.images, func(o *storage.Image) bool { return o.ID == i.ID }) {
			s.images = append(s.images, i)
		}
	}
	if len(specs) == 0 {
		return nil
	}
	if err := s.checkStanding(verdict); err != nil {
		return err
	}
	devices := s.freeDevices()
	if err := s.refresh(ctx); err != nil {
		return err
	}
	defer s.forLook()()
	o, err := s.act(ctx, system.Opened(s.now, system.Way{ReadOnly: true, Attach: devices, Only: slices.Collect(imageIDs(s.images))}))
	return errors.Join(err, o.err())
}

func imageIDs(images []*storage.Image) func(func(storage.ID) bool) {
	return func(yield func(storage.ID) bool) {
		for _, i := range images {
			if !yield(i.ID) {
				return
			}
		}
	}
}

// checkStanding refuses to go on with a mounted system that lies in none of the
// images.
func (s *sight) checkStanding(verdict session.Verdict) error {
	target, name, _, standing := s.journal.Mounting()
	if !standing || verdict != session.Resume {
		return nil
	}
	h, err := s.journal.Holdings()
	if err != nil {
		return err
	}
	stands := s.rootStands()
	if slices.ContainsFunc(s.images, func(i *storage.Image) bool {
		n := s.whole.Node(i.ID)
		return n != nil && h.Holds(s.whole, n) || !stands && h.HadImage(i.Identity)
	}) {
		return nil
	}
	err = fmt.Errorf("%w: another system, %s, is mounted at %s", session.ErrInterlock, name, target)
	return &RefusedError{err.Error(), err}
}

// freeDevices gives every image a device that nothing uses.
func (s *sight) freeDevices() map[storage.ID]string {
	taken := map[string]bool{}
	for n := range s.whole.Nodes() {
		for _, name := range n.Base().Names {
			taken[name.Path] = true
		}
	}
	out := map[storage.ID]string{}
	for _, i := range s.images {
		prefix, number := "loop", firstLoop
		if i.Format != storage.ImageRaw {
			prefix, number = "nbd", 0
		}
		for taken[fmt.Sprint("/dev/", prefix, number)] {
			number++
		}
		out[i.ID] = fmt.Sprint(prefix, number)
		taken["/dev/"+out[i.ID]] = true
	}
	return out
}

// narrowed gives what of a probe counts: with images only these, what lies on them
// and what that rests on. The disks of the machine are out of sight then, so that
// nothing in an image, which may be a copy of one of them, is taken for them. The
// mounts stay, as directories that are taken.
func (s *sight) narrowed(probed *storage.Graph) (*storage.Graph, error) {
	s.whole = probed
	if len(s.images) == 0 {
		return probed, nil
	}
	nodes := slices.Collect(probed.Nodes())
	for _, i := range s.images {
		if !slices.ContainsFunc(nodes, func(n storage.Node) bool { return n.Base().Identity == i.Identity }) {
			closed := *i
			nodes = append(nodes, &closed)
		}
	}
	all, err := storage.NewGraph(nodes, probed.Mounts, probed.Notes)
	if err != nil {
		return nil, err
	}
	keep := s.onImages(all)
	mounts := slices.Clone(probed.Mounts)
	for m := range mounts {
		if !keep[mounts[m].Source] {
			mounts[m].Source = ""
		}
	}
	return storage.NewGraph(slices.DeleteFunc(nodes, func(n storage.Node) bool { return !keep[n.Base().ID] }), mounts, nil)
}

func (s *sight) onImages(all *storage.Graph) map[storage.ID]bool {
	keep := map[storage.ID]bool{}
	add := func(nodes ...storage.Node) {
		for _, n := range nodes {
			keep[n.Base().ID] = true
		}
	}
	for i := range storage.All[*storage.Image](all) {
		if !slices.ContainsFunc(s.images, func(o *storage.Image) bool { return o.Identity == i.Identity }) {
			continue
		}
		add(i)
		for _, up := range all.Above(i.ID) {
			add(up)
			add(all.Below(up.Base().ID)...)
		}
	}
	return keep
}
