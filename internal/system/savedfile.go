package system

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
)

// FileState is how a file of the system was found.
type FileState string

// The states of files. One that nobody has judged has none.
const (
	FileMissing FileState = "missing"
	FileUnread  FileState = "unreadable"
	FileDamaged FileState = "damaged"
	FileCutOff  FileState = "cut off"
	FileEmpty   FileState = "empty"
	FileSound   FileState = "sound"
)

// fill is what a saved layout gives for a file.
type fill string

const (
	fillRest fill = "lines for what nothing else names"
	fillUsed fill = "lines for names that the system uses and nothing else gives"
	fillNone fill = "nothing"
)

// savedRow is one row of the table in docs/tables.md that says what a saved layout
// fills in.
type savedRow struct {
	state           FileState
	told            string
	fstab, crypttab fill
}

// savedRows are in the order in which a state is judged.
var savedRows = []savedRow{
	{FileMissing, "it is not there", fillRest, fillRest},
	{FileUnread, "reading it fails, it is no regular file, or it is too large", fillRest, fillRest},
	{FileDamaged, "there are control characters in it, such as NUL", fillRest, fillRest},
	{FileCutOff, "its last line has no end, and a line of the saved file begins like it and goes on; the line does not count", fillRest, fillRest},
	{FileEmpty, "no line in it says anything", fillRest, fillRest},
	{FileSound, "none of these", fillNone, fillUsed},
}

// rowOf gives the row of a state. What nobody has judged is taken for sound.
func rowOf(state FileState) savedRow {
	for _, row := range savedRows {
		if row.state == state {
			return row
		}
	}
	return savedRows[len(savedRows)-1]
}

// judge tells the state of a file of the system. read is what reading it ended in,
// saved is the same file in the saved layout. whole is the file without a line that
// was cut off.
func judge(own, saved []byte, read FileState, entries int) (whole []byte, state FileState) {
	last := own[bytes.LastIndexByte(own, '\n')+1:]
	switch {
	case read == FileMissing || read == FileUnread:
		return own, read
	case bytes.ContainsFunc(own, isRubbish):
		return own, FileDamaged
	case isBeginning(last, saved):
		return own[:len(own)-len(last)], FileCutOff
	case entries == 0:
		return own, FileEmpty
	}
	return own, FileSound
}

// isRubbish: no editor writes that into a table. A file that a crash has left
// without its data is full of NULs (xfs, ext4 with delayed allocation).
func isRubbish(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r) || r == 0x7f }

// isBeginning: a line of the saved file begins like last and is longer, and none is
// like it.
func isBeginning(last, saved []byte) bool {
	if len(bytes.TrimSpace(last)) == 0 {
		return false
	}
	found := false
	for line := range bytes.Lines(saved) {
		line = bytes.TrimRight(line, "\r\n")
		if bytes.Equal(line, last) {
			return false
		}
		found = found || bytes.HasPrefix(line, last)
	}
	return found
}

// table reads fstab or crypttab, and says so if it cannot be read.
func (s *System) table(tree fs.FS, name string) ([]byte, FileState) {
	before := len(s.Notes)
	data := s.config(tree, name)
	switch _, err := fs.Stat(tree, name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, FileMissing
	case len(s.Notes) > before:
		return nil, FileUnread
	}
	return data, ""
}
