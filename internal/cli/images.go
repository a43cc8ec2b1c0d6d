package cli

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"salvor/internal/workflow"
)

// imageOptions name image files that take the place of the machine's disks.
type imageOptions struct{ words []string }

func (o *imageOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.words, "image", nil, "FILE: look only in this image file (raw or qcow2), not on the disks;\n"+
		"FILE,format=raw whatever its first bytes say; FILE,backing=yes if it may go on in other files;\nmay be given again")
}

func (o *imageOptions) used() bool { return len(o.words) > 0 }

var errImageAtDesk = usagef("--image is for this machine, and --graph and --root are for a desk: they exclude each other")

// read gives the files, by their absolute names.
func (o *imageOptions) read() ([]workflow.ImageSpec, error) {
	if len(o.words) == 0 {
		return nil, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot tell which directory this is: %w", err)
	}
	var out []workflow.ImageSpec
	for _, word := range o.words {
		spec, err := workflow.ParseImage(word, dir)
		if err != nil {
			return nil, usagef("cannot use --image %q: %v", word, err)
		}
		out = append(out, spec)
	}
	return out, nil
}
