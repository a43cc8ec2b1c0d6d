package workflow

import (
	"io/fs"

	"salvor/internal/config"
	"salvor/internal/document"
	"salvor/internal/layout"
	"salvor/internal/layout/rear"
)

// RearImport is what was made of ReaR's files.
type RearImport struct {
	Layout *layout.Layout
	Config *config.Config // nil, if nothing was configured
	Text   []byte         // the configuration as a file
	Gaps   []rear.Gap     // what was not taken over
}

// ImportRear reads ReaR's directory, and its configuration if settings is not nil.
func ImportRear(dir, settings fs.FS) (*RearImport, error) {
	files, err := rear.ReadFiles(dir)
	if err != nil {
		return nil, err
	}
	out := &RearImport{}
	if out.Layout, out.Gaps, err = rear.Import(files); err != nil || settings == nil {
		return out, err
	}
	read, err := rear.ReadSettings(settings)
	if err != nil || len(read.All)+len(read.Unread) == 0 {
		return out, err
	}
	var gaps []rear.Gap
	out.Config, gaps = rear.Configure(read)
	out.Gaps = append(out.Gaps, gaps...)
	out.Text, err = document.Write(out.Config, func(string) document.Comment { return document.Comment{} })
	return out, err
}
