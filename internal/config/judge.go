package config

import (
	"fmt"
	"strings"
	"unicode"

	"salvor/internal/document"
)

// judge says what is wrong with values that are each right in themselves.
func (l *Loaded) judge(problems *document.Problems) {
	j := &judge{loaded: l, problems: problems}
	for i, e := range l.Exclude {
		j.exclude(document.Index("exclude", i), e)
	}
	j.rescue(&l.Rescue)
	j.backup(&l.Backup)
}

type judge struct {
	loaded   *Loaded
	problems *document.Problems
}

// wrong notes a problem at the place where the value at path comes from.
func (j *judge) wrong(path, format string, args ...any) {
	o := j.loaded.Origin(path)
	if o.Path == "" {
		o.Path = path
	}
	j.problems.Add(&document.Problem{File: o.File, Line: o.Line, Path: o.Path, Text: fmt.Sprintf(format, args...)})
}

func (j *judge) exclude(path string, e Exclude) {
	named := 0
	for _, p := range []Pattern{e.ID, e.Mount, e.Device} {
		if p != "" {
			named++
		}
		if strings.Trim(string(p), "*") == "" && p != "" {
			j.wrong(path, "cannot exclude all there is: %s matches anything", p)
		}
	}
	switch {
	case named != 1:
		j.wrong(path, "cannot tell what it excludes: exactly one of id, mount and device has to stand there, not %d", named)
	case e.Mount != "" && !strings.HasPrefix(string(e.Mount), "/") && !strings.HasPrefix(string(e.Mount), "*"):
		j.wrong(path, "cannot be a mount point: %s does not begin with /", e.Mount)
	}
}

func (j *judge) rescue(r *Rescue) {
	both(j, "rescue.modules.exclude", r.Modules.Exclude, "rescue.modules.add", r.Modules.Add)
	both(j, "rescue.modules.exclude", r.Modules.Exclude, "rescue.modules.load", r.Modules.Load)
	both(j, "rescue.files.exclude", r.Files.Exclude, "rescue.files.add", r.Files.Add)
	both(j, "rescue.programs.optional", r.Programs.Optional, "rescue.programs.required", r.Programs.Required)
	if r.Network == NetworkNone && len(r.SSH.AuthorizedKeys) > 0 {
		j.wrong("rescue.ssh.authorized_keys[0]", "cannot let anybody in by ssh: rescue.network is none (%s)", j.loaded.Origin("rescue.network"))
	}
	j.printable("rescue.kernel_command_line", r.KernelCommandLine)
	j.printable("rescue.label", r.Label)
	// The label of an ISO 9660 volume is the longest of those in use (ECMA-119, 8.4.8).
	if len(r.Label) > 32 {
		j.wrong("rescue.label", "cannot be longer than 32 letters")
	}
	for i, k := range r.Keyboard {
		j.word(document.Index("rescue.keyboard", i), k)
	}
}

func (j *judge) backup(b *Backup) {
	if b.OnlyInclude && len(b.Include) == 0 {
		j.wrong("backup.only_include", "cannot back up nothing: backup.include is empty")
	}
	for i, o := range b.MountOptions {
		j.word(document.Index("backup.mount_options", i), o)
	}
}

// both: what is in one list cannot be in the other.
func both[T comparable](j *judge, path string, list []T, other string, others []T) {
	at := map[T]int{}
	for i, x := range others {
		at[x] = i
	}
	for i, x := range list {
		if k, in := at[x]; in {
			p := document.Index(other, k)
			j.wrong(document.Index(path, i), "cannot be in both lists: %v stands in %s too (%s)", x, other, j.loaded.Origin(p))
		}
	}
}

func (j *judge) printable(path, s string) {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		j.wrong(path, "cannot read %q: it has characters in it that cannot be seen", s)
	}
}

func (j *judge) word(path, s string) {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }) {
		j.wrong(path, "cannot read %q as one word", s)
	}
}
