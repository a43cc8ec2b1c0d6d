package workflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// SaveOrder says what is to be saved, and where.
type SaveOrder struct {
	LayoutOrder
	File string // absolute; "" for nowhere
	// MakeDir: the directory of the file is made if it is not there.
	MakeDir bool
	Ignore  []string // sections whose changes are not told
}

// SaveReport says what was saved.
type SaveReport struct {
	*LayoutReport
	Text    []byte             // the layout as it is in the file
	Written bool               // false, if the file had it already
	Changes *layout.Difference // to the one that was there before; nil if there was none
	Edited  string             // where the one of before is, if somebody had changed it by hand
}

// Save makes the layout of a machine, and writes it if it is not what the file has
// already. A file that is there and is no layout stays as it is.
func (w *Work) Save(ctx context.Context, o SaveOrder) (*SaveReport, error) {
	before, err := w.savedBefore(o.File)
	if err != nil {
		return nil, err
	}
	if before.layout != nil {
		o.Headers.Before = before.layout.Headers
	}
	made, err := w.Layout(ctx, o.LayoutOrder)
	if err != nil {
		return nil, err
	}
	r, err := NewSaveReport(made)
	if err != nil {
		return nil, err
	}
	if before.layout != nil {
		r.Changes = layout.Diff(before.layout, made.Layout, o.Ignore)
	}
	if o.File == "" || bytes.Equal(before.text, r.Text) {
		return r, nil
	}
	if before.edited {
		r.Edited = o.File + ".edited"
		if err := w.Machine.WriteFile(r.Edited, before.text, 0o600); err != nil {
			return nil, fmt.Errorf("cannot keep what was changed by hand in the saved layout: %w", err)
		}
	}
	r.Written = true
	return r, w.keepLayout(o, r.Text)
}

// NewSaveReport writes a layout out.
func NewSaveReport(made *LayoutReport) (*SaveReport, error) {
	text, err := layout.Write(made.Layout)
	if err != nil {
		return nil, err
	}
	return &SaveReport{LayoutReport: made, Text: text}, nil
}

// savedFile is what is in the file before.
type savedFile struct {
	text   []byte
	layout *layout.Layout // nil, if there is no file
	edited bool
}

func (w *Work) savedBefore(file string) (savedFile, error) {
	if file == "" {
		return savedFile{}, nil
	}
	text, err := w.Machine.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return savedFile{}, nil
	case err != nil:
		return savedFile{}, err
	}
	l, edited, err := layout.Read(file, text)
	if err != nil && !looksLikeLayout(text) {
		return savedFile{}, &OverwriteError{file, err}
	}
	if err != nil {
		w.tell(Note{storage.Printable(fmt.Sprintf("what was saved before cannot be compared with: %v", err))})
		return savedFile{text: text, edited: true}, nil
	}
	return savedFile{text, l, edited}, nil
}

// looksLikeLayout: it was a layout, before somebody made a mistake in it or another
// version of salvor wrote it.
func looksLikeLayout(text []byte) bool {
	text = append([]byte{'\n'}, text...)
	return bytes.Contains(text, []byte("\nversion: ")) && bytes.Contains(text, []byte("\nstorage:"))
}

// keepLayout writes the file: with all that is there to lose when it is wrong, and
// nothing for others to read.
func (w *Work) keepLayout(o SaveOrder, text []byte) error {
	if o.MakeDir {
		if err := w.Machine.MkdirAll(path.Dir(o.File), 0o700); err != nil {
			return fmt.Errorf("cannot save the layout: %w", err)
		}
	}
	if err := w.Machine.WriteFile(o.File, text, 0o600); err != nil {
		return fmt.Errorf("cannot save the layout: %w", err)
	}
	return nil
}

// OverwriteError: what is in the file is not what salvor would write there, and would be
// lost.
type OverwriteError struct {
	File string
	Err  error // why it is something else; nil if it only differs
}

func (e *OverwriteError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("cannot write %s: it is there already, and says something else", e.File)
	}
	return fmt.Sprintf("cannot write over %s: %v", e.File, e.Err)
}

func (e *OverwriteError) Unwrap() error { return e.Err }
