package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/rescue"
	"salvor/internal/rescue/live"
)

// Freshness says whether an image has to be made anew.
type Freshness struct {
	Stale bool
	Why   string // one of the reasons below
}

// The reasons, which are the rows of the table "When an image is stale" in docs/rescue.md.
const (
	neverRefreshed = "the configuration says that it is never refreshed"
	noImage        = "there is no image: it is made for the first time by hand"
	noSavedLayout  = "there is no saved layout to compare with"
	sameLayout     = "the layout in it is the saved one"
	nothingCounts  = "nothing that counts is different from the saved layout"
	otherLayout    = "the layout has changed since it was made"
)

// RescueFreshness compares the layout in an image with the one that was saved. It looks at
// nothing else of the machine, so that it is cheap enough for every day.
func (w *Work) RescueFreshness(ctx context.Context, file string, c *config.Loaded) (Freshness, error) {
	if c.Timer.Rescue == config.RefreshNever {
		return Freshness{Why: neverRefreshed}, nil
	}
	made, err := layoutInImage(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return Freshness{Why: noImage}, nil
	}
	if err != nil {
		return Freshness{}, err
	}
	saved, err := w.savedLayoutOf(string(c.Layout.File))
	switch {
	case err != nil:
		return Freshness{}, err
	case saved == nil:
		return Freshness{Why: noSavedLayout}, nil
	case made.digest == layout.Digest(saved):
		return Freshness{Why: sameLayout}, nil
	case made.layout != nil && layout.Diff(made.layout, saved, plainWords(c.Timer.Ignore)).Empty():
		return Freshness{Why: nothingCounts}, nil
	}
	return Freshness{Stale: true, Why: otherLayout}, nil
}

// imageLayoutFound is the layout of an image.
type imageLayoutFound struct {
	digest string
	layout *layout.Layout // nil if there is none that can be read
}

// maxLayout is more than any layout has, and than salvor reads of one.
const maxLayout = 16 << 20

// layoutInImage reads an image as far as its mark and its layout. An image that is not salvor's is not to be
// replaced by anything that runs by itself.
func layoutInImage(ctx context.Context, file string) (imageLayoutFound, error) {
	contents, done, err := openMedium(file)
	if err != nil {
		if _, ok := errors.AsType[*NotAnImageError](err); ok {
			return imageLayoutFound{}, &OverwriteError{file, err}
		}
		return imageLayoutFound{}, err
	}
	defer done()
	var found imageLayoutFound
	var mark *ImageMark
	for m, err := range rescue.ReadInitramfs(contents.Initramfs) {
		if err := errors.Join(ctx.Err(), err); err != nil {
			return found, fmt.Errorf("cannot read the initramfs of %s: %w", file, err)
		}
		switch m.Path {
		case imageLayout:
			text, err := io.ReadAll(io.LimitReader(m.Content, maxLayout))
			if err != nil {
				return found, fmt.Errorf("cannot read the layout in %s: %w", file, err)
			}
			found.layout, _, _ = layout.Read(imageLayout, text) // one that cannot be read is not the saved one
		case live.Mark:
			mark = new(ImageMark)
			if err := json.NewDecoder(io.LimitReader(m.Content, maxMark)).Decode(mark); err != nil {
				return found, &OverwriteError{file, fmt.Errorf("it is no image of salvor's: %w", err)}
			}
		}
		if mark != nil && (found.layout != nil || mark.Layout == "") {
			break
		}
	}
	if mark == nil {
		return found, &OverwriteError{file, errors.New("it is no image of salvor's")}
	}
	found.digest = mark.Layout
	return found, nil
}
