package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"salvor/internal/config"
	"salvor/internal/machine"
	"salvor/internal/rescue"
	"salvor/internal/rescue/live"
	"salvor/internal/rescue/medium"
)

// AuditReport says what is in a finished image.
type AuditReport struct {
	Image       string
	Format      medium.Format
	CommandLine string        // of the first entry in its menu
	Medium      []medium.File // beside the initramfs; none for an initramfs alone
	Mark        *ImageMark    // nil for an image that salvor has not made
	Files       []rescue.Entry
	Secrets     []rescue.Finding
}

// AuditRescue looks through an image, whoever made it: a file, a directory to boot from, a stick. Beside what
// is always secret, that is what the configuration and the crypttab of this machine name.
func (w *Work) AuditRescue(ctx context.Context, image string, c *config.Loaded) (*AuditReport, error) {
	contents, done, err := openMedium(image)
	if err != nil {
		return nil, err
	}
	defer done()
	r := &AuditReport{Image: image, Format: contents.Format, CommandLine: contents.CommandLine, Medium: contents.Files}
	crypttab, err := w.Machine.ReadFile("/etc/crypttab")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.noteAll([]string{fmt.Sprintf("the keys that crypttab names are not known: %v", err)})
	}
	auditor := rescue.NewAuditor(plainWords(c.Rescue.Secrets), rescue.KeyFiles(crypttab))
	w.tell(Making{"looking for secrets in the image …"})
	r.Secrets, err = auditor.Audit(r.listing(ctx, contents.Initramfs))
	if err != nil {
		return nil, fmt.Errorf("cannot read the initramfs of %s: %w", image, err)
	}
	return r, nil
}

// listing passes the files of an initramfs on, and notes them.
func (r *AuditReport) listing(ctx context.Context, initramfs io.Reader) iter.Seq2[rescue.Member, error] {
	return func(yield func(rescue.Member, error) bool) {
		for m, err := range rescue.ReadInitramfs(initramfs) {
			if ended := ctx.Err(); ended != nil {
				err = ended
			}
			if err == nil {
				r.Files = append(r.Files, m.Entry)
				m, err = r.readMark(m)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// maxMark is far more than the mark of an image has.
const maxMark = 64 << 10

// readMark takes the mark out as it comes by.
func (r *AuditReport) readMark(m rescue.Member) (rescue.Member, error) {
	if m.Path != live.Mark || m.Kind != rescue.File || m.Size > maxMark {
		return m, nil
	}
	text, err := io.ReadAll(m.Content)
	if err != nil {
		return m, err
	}
	m.Content = bytes.NewReader(text)
	mark := new(ImageMark)
	if json.Unmarshal(text, mark) == nil { // else somebody else's
		r.Mark = mark
	}
	return m, nil
}

// openMedium opens an image of any format.
func openMedium(image string) (c *medium.Contents, done func(), err error) {
	f, err := machine.OpenImage(image)
	if err != nil {
		return nil, nil, err
	}
	if f.Dir != nil {
		c, err = medium.OpenDir(f.Dir)
	} else {
		c, err = medium.Open(f, f.Size)
	}
	if err != nil {
		return nil, nil, &NotAnImageError{image, errors.Join(err, f.Close())}
	}
	return c, func() { errors.Join(c.Close(), f.Close()) }, nil
}

// NotAnImageError: a file was taken for an image and is none, or a damaged one.
type NotAnImageError struct {
	Image string
	Err   error
}

func (e *NotAnImageError) Error() string { return fmt.Sprintf("%s: %v", e.Image, e.Err) }
func (e *NotAnImageError) Unwrap() error { return e.Err }
