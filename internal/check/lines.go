package check

import (
	"errors"
	"fmt"
	"slices"

	"salvor/internal/fstab"
	"salvor/internal/storage"
	"salvor/internal/system"
)

// tables tells what the readers of fstab and crypttab stumble over.
func (c *checker) tables() {
	if t := c.System.Fstab; t != nil {
		c.problems("/etc/fstab", t.Problems)
	}
	if t := c.System.Crypttab; t != nil {
		c.problems("/etc/crypttab", t.Problems)
	}
}

func (c *checker) problems(file string, problems []fstab.Problem) {
	for _, p := range problems {
		where := fmt.Sprintf("%s line %d", file, p.Line)
		switch p.Kind {
		case fstab.Garbage:
			c.find(Unreadable, where, p.Text, "the booting system drops the line", "write the line anew, or put a # before it")
		case fstab.Disagreement:
			c.find(ReadTwoWays, where, p.Text, "what boots the machine and what mount(8) uses read it each in their own way",
				"write the line so that both read the same: blanks as \\040, backslashes as \\134")
		default:
			c.find(OddLine, where, p.Text, "", "look whether the line says what is meant")
		}
	}
}

// lines tells what becomes of each line when the system boots.
func (c *checker) lines() {
	entries := entriesByLine(c.System.Fstab)
	for _, l := range c.Mounting.Lines {
		if l.From == "" && l.Number == 0 && l.File != "/" {
			continue // not the system's own, but of every chroot
		}
		if l.From == system.FromSaved {
			continue // told with the fstab that lacks it
		}
		e := entries[l.Number]
		if l.State != system.Planned || !c.namedBySaved(l, e) {
			c.line(l)
		}
		c.kernelName(l, e)
		for _, o := range e.Options.Destructive() {
			c.find(WipesData, lineWhere(l), fmt.Sprintf("the option %s makes the booting system change what is on the disk", o), "",
				"leave it only if what is there may be lost", l.Source)
		}
		if e.IsSwap() {
			c.swap(l, e)
		}
	}
}

// line turns the state that a mount of the line would end in into a finding.
func (c *checker) line(l system.Line) {
	what := fmt.Sprintf("%s is not mounted at %s", l.Spec, l.File)
	switch l.Cause {
	case system.IsMissing, system.Stopped, system.KernelSaid:
		c.failing(Unresolved, l, what, "correct the line to what is there (salvor probe), or remove it")
	case system.IsAmbiguous:
		c.failing(Ambiguous, l, what, "detach the copy, or name the device by PARTUUID=")
	case system.WrongType:
		c.failing(WrongType, l, what, "write the type that is there, or auto")
	case system.IsLocked, system.IsClosed:
		c.find(NotOpen, lineWhere(l), what+" by what could be seen", l.Text, "give its key (--key) and check again", l.Candidates...)
	case system.NoPoint:
		c.point(l)
	case system.Parent:
		c.failing(BelowGap, l, what, "correct the line that it needs")
	case system.Destructive:
		c.find(WipesData, lineWhere(l), what, l.Text, "leave it only if what is there may be lost", l.Candidates...)
	}
}

// failing finds a line that fails at boot. With nofail the system boots all the
// same and says nothing.
func (c *checker) failing(code Code, l system.Line, what, remedy string) {
	if l.NoFail {
		code, what = NofailFails, what+", and nofail hides it"
	}
	c.find(code, lineWhere(l), what, l.Text, remedy, l.Candidates...)
}

// point tells a missing directory, which systemd makes (systemd.mount(5)), from
// what can be no mount point.
func (c *checker) point(l system.Line) {
	if _, err := c.stat(l.File); isMissing(err) {
		c.find(PointIsMade, lineWhere(l), l.File+" does not exist", l.Text, fmt.Sprintf("mkdir %s in the system", l.File))
		return
	}
	c.failing(MountPoint, l, l.File+" cannot be a mount point", fmt.Sprintf("make %s a directory", l.File))
}

// kernelName tells of a name that another start of the machine may give to
// another disk.
func (c *checker) kernelName(l system.Line, e fstab.Entry) {
	if e.Spec.Kind != fstab.DevicePath || !system.IsKernelName(e.Spec.Value) {
		return
	}
	remedy := "name it by UUID="
	id := l.Source
	if id == "" {
		id, _ = c.names.Source(e)
	}
	if uuid := c.uuidOf(id); uuid != "" {
		remedy = fmt.Sprintf("write UUID=%s in place of %s", uuid, e.Spec)
	}
	c.find(KernelName, lineWhere(l), fmt.Sprintf("%s is a name that the kernel gives anew on every start", e.Spec), "", remedy, id)
}

func (c *checker) uuidOf(id storage.ID) string {
	n := c.Graph.Node(id)
	if sub, ok := n.(*storage.Subvolume); ok && len(sub.On) > 0 {
		n = c.Graph.Node(sub.On[0])
	}
	switch n := n.(type) {
	case *storage.FileSystem:
		return n.UUID
	case *storage.Swap:
		return n.UUID
	}
	return ""
}

// swap tells of swap areas that are not there; a mount passes them over.
func (c *checker) swap(l system.Line, e fstab.Entry) {
	if e.Options.NoAuto() {
		return
	}
	if e.Spec.Kind == fstab.File {
		if _, err := c.stat(e.Spec.Value); isMissing(err) {
			c.find(SwapMissing, lineWhere(l), fmt.Sprintf("the swap file %s is not there", e.Spec), "", "make it, or remove the line")
		}
		return
	}
	id, err := c.names.Source(e)
	var re *system.ResolveError
	switch {
	case errors.As(err, &re) && re.Why == system.MadeAnew: // a random key, as swap may have
	case errors.As(err, &re) && (re.Why == system.NeedsKey || re.Why == system.StaysShut):
		c.find(NotOpen, lineWhere(l), fmt.Sprintf("the swap area %s could not be seen", e.Spec), re.Text, "give its key (--key) and check again", re.IDs...)
	case err != nil:
		c.find(SwapMissing, lineWhere(l), fmt.Sprintf("the swap area %s is not there", e.Spec), err.Error(), "correct the line (salvor probe), or remove it")
	case c.Graph.Node(id).Kind() != storage.KindSwap:
		c.find(WrongType, lineWhere(l), fmt.Sprintf("%s is no swap area", e.Spec), c.describe(id), "mkswap it if it may be lost, or correct the line", id)
	}
}

// volumes tells of encrypted volumes that crypttab opens, or should.
func (c *checker) volumes() {
	for _, v := range c.Mounting.Volumes {
		if v.From == system.FromSaved {
			c.savedVolume(v)
			continue
		}
		where := fmt.Sprintf("/etc/crypttab line %d", v.Line)
		switch v.State {
		case system.VolumeMissing:
			c.find(VolumeMissing, where, fmt.Sprintf("%s cannot be opened", v.Name), v.Text, "correct the line to what is there (salvor probe), or remove it")
		case system.VolumeRefused:
			c.find(WipesData, where, v.Name+" is made anew on every start", v.Text, "leave it only if what is there may be lost", v.ID)
		}
	}
	if c.System.Crypttab != nil {
		for _, e := range c.System.Crypttab.Entries {
			c.keyFile(e)
		}
	}
	c.nobodyOpens()
}

// keyFile looks at the key file of a crypttab line, if it lies in the system.
func (c *checker) keyFile(e fstab.CryptEntry) {
	if e.KeyFile == "" || e.KeyFile[0] != '/' || e.RandomKey() || !e.KeyDevice.IsZero() || storage.PathContains("/dev", e.KeyFile) || storage.PathContains("/run", e.KeyFile) {
		return
	}
	where := fmt.Sprintf("/etc/crypttab line %d", e.Line)
	info, err := c.stat(e.KeyFile)
	switch {
	case isMissing(err):
		c.find(KeyFileMissing, where, "the key file "+e.KeyFile+" is not there", "", "put it back, or write none to be asked for a passphrase")
	case err != nil:
		c.find(NotSeen, where, "the key file "+e.KeyFile+" cannot be looked at", err.Error(), "give the keys of the volumes it lies in (--key)")
	case info.Mode().Perm()&0o077 != 0:
		c.find(KeyFileOpen, where, fmt.Sprintf("others than root may read the key file %s (mode %04o)", e.KeyFile, info.Mode().Perm()), "", "chmod 0600 "+e.KeyFile)
	}
}

// nobodyOpens finds volumes that lines rest on and no table names. The root's own
// is the initramfs's business.
func (c *checker) nobodyOpens() {
	rootOn := c.Graph.Below(c.System.Root)
	told := map[storage.ID]bool{}
	for _, l := range c.Mounting.Lines {
		if l.Source == "" || l.Source == c.System.Root {
			continue
		}
		for _, n := range c.Graph.Below(l.Source) {
			crypt, ok := n.(*storage.Crypt)
			if !ok || told[crypt.ID] || slices.ContainsFunc(rootOn, func(r storage.Node) bool { return r.Base().ID == crypt.ID }) {
				continue
			}
			told[crypt.ID] = true
			if _, named := c.names.CryptEntry(crypt.ID); !named {
				c.find(NobodyOpens, lineWhere(l), fmt.Sprintf("%s lies in %s, which nothing opens at boot", l.File, c.describe(crypt.ID)),
					"neither crypttab nor the kernel command line names it", fmt.Sprintf("add a crypttab line: luks-%s UUID=%s none luks", crypt.UUID, crypt.UUID), crypt.ID)
			}
		}
	}
}
