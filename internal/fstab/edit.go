package fstab

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SetSpec changes what a line mounts. The spec is text as ParseSpec reads it;
// blanks in it need not be escaped.
func (f *Fstab) SetSpec(line int, spec string) error {
	if spec == "" {
		return fmt.Errorf("cannot set the spec of line %d: it is empty", line)
	}
	return f.setColumn(line, 0, oneColumn(spec))
}

// SetOptions changes the options of a line; none are written as "defaults".
func (f *Fstab) SetOptions(line int, options Options) error {
	return f.setColumn(line, 3, optionColumn(options))
}

// Append adds a line at the end of the file. The entry's Line and Raw are
// ignored.
func (f *Fstab) Append(e Entry) error {
	cols := []string{
		oneColumn(e.Spec.String()), Escape(e.File), Escape(e.Type), optionColumn(e.Options),
		strconv.Itoa(e.Freq), strconv.Itoa(e.Pass),
	}
	text, err := joinColumns(cols, fstabDefaults)
	if err != nil {
		return fmt.Errorf("cannot append to fstab: %w", err)
	}
	f.replace(f.lines.appended(text))
	return nil
}

// Remove deletes a line, whatever it holds. The lines below move up by one.
func (f *Fstab) Remove(line int) error {
	rest, err := f.lines.removed(line)
	if err != nil {
		return err
	}
	f.replace(rest)
	return nil
}

func (f *Fstab) setColumn(line, col int, text string) error {
	if !slices.ContainsFunc(f.Entries, func(e Entry) bool { return e.Line == line }) {
		return fmt.Errorf("cannot change line %d of fstab: there is no entry", line)
	}
	changed, err := f.lines.withColumn(line, col, text, " \t", fstabDefaults)
	if err != nil {
		return err
	}
	f.replace(changed)
	return nil
}

// replace reads the changed file anew, so that entries, problems and text
// cannot drift apart.
func (f *Fstab) replace(l lines) {
	*f = *ParseFstab(l.bytes())
}

// SetSource changes which device a line opens, as SetSpec does.
func (c *Crypttab) SetSource(line int, spec string) error {
	if spec == "" {
		return fmt.Errorf("cannot set the source of line %d: it is empty", line)
	}
	return c.setColumn(line, 1, oneColumn(spec))
}

// SetOptions changes the options of a line; none are written as "luks", which
// says no more than systemd and cryptsetup assume.
func (c *Crypttab) SetOptions(line int, options Options) error {
	text := Escape(options.String())
	if text == "" {
		text = crypttabDefaults[3]
	}
	return c.setColumn(line, 3, text)
}

// Append adds a line at the end of the file. The entry's Line and Raw are
// ignored.
func (c *Crypttab) Append(e CryptEntry) error {
	cols := []string{Escape(e.Name), oneColumn(e.Source.String()), e.keyColumn(), Escape(e.Options.String())}
	text, err := joinColumns(cols, crypttabDefaults)
	if err != nil {
		return fmt.Errorf("cannot append to crypttab: %w", err)
	}
	c.replace(c.lines.appended(text))
	return nil
}

// Remove deletes a line, whatever it holds. The lines below move up by one.
func (c *Crypttab) Remove(line int) error {
	rest, err := c.lines.removed(line)
	if err != nil {
		return err
	}
	c.replace(rest)
	return nil
}

func (c *Crypttab) setColumn(line, col int, text string) error {
	if !slices.ContainsFunc(c.Entries, func(e CryptEntry) bool { return e.Line == line }) {
		return fmt.Errorf("cannot change line %d of crypttab: there is no entry", line)
	}
	changed, err := c.lines.withColumn(line, col, text, crypttabBlanks, crypttabDefaults)
	if err != nil {
		return err
	}
	c.replace(changed)
	return nil
}

func (c *Crypttab) replace(l lines) {
	*c = *ParseCrypttab(l.bytes())
}

var errNUL = errors.New("a NUL byte cannot be written")

// withColumn returns the file with one column of one line changed.
func (l lines) withColumn(line, col int, text, blanks string, defaults []string) (lines, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, fmt.Errorf("cannot change line %d: %w", line, errNUL)
	}
	r := splitRow(l[line-1], blanks, len(defaults))
	r.set(col, text, defaults)
	changed := slices.Clone(l)
	changed[line-1] = r.String()
	return changed, nil
}

// joinColumns writes the columns of a new line. The first two must be given.
func joinColumns(cols, defaults []string) (string, error) {
	for i, text := range cols {
		switch {
		case strings.IndexByte(text, 0) >= 0:
			return "", errNUL
		case text == "" && i < 2:
			return "", fmt.Errorf("column %d is empty", i+1)
		case text == "":
			cols[i] = defaults[i]
		}
	}
	return strings.Join(cols, " "), nil
}

func optionColumn(o Options) string {
	if len(o) == 0 {
		return fstabDefaults[3]
	}
	return Escape(o.String())
}
