package probe

import (
	"io"

	"salvor/internal/ondisk"
)

// Finds gives what Probe reads out of the bytes of one device, for comparing only: a
// recording needs no bytes but those that make a difference to it.
func Finds(r io.ReaderAt, size int64, sector int) any {
	type found struct {
		content *ondisk.Content
		failure string
	}
	content, err := ondisk.Read(r, size, sector)
	if err != nil {
		return found{failure: err.Error()}
	}
	return found{content: content}
}
