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

	// Overridden is set if the layout is the disklayout.conf beside the configuration.
	Overridden bool
}

// ImportRear reads ReaR's directory, and its configuration if settings is not nil. A
// disklayout.conf there is taken in place of the saved one.
func ImportRear(dir, settings fs.FS) (*RearImport, error) {
	files, err := rear.ReadFiles(dir)
	if err != nil {
		return nil, err
	}
	out := &RearImport{}
	if settings != nil {
		if out.Overridden, err = files.Override(settings); err != nil {
			return nil, err
		}
	}
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
