package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"salvor/internal/workflow"
)

// layoutOption names a saved layout as one more source of names.
type layoutOption struct{ file string }

func (o *layoutOption) flags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "layout", "", "FILE: a layout that salvor save wrote, where fstab or crypttab are damaged or name\n"+
		"what has another name now ('-' for standard input); without it the system's own, if it has one")
}

// read gives the layout, or nil when there is none.
func (o *layoutOption) read(a *app) (*workflow.SavedLayout, error) {
	if o.file == "" {
		return nil, nil
	}
	data, err := a.readAll(o.file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the layout: %w", err)
	}
	return workflow.ReadLayout(o.file, data)
}
