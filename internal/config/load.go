package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"salvor/internal/document"
)

// File and Directory are where a machine has its configuration.
const (
	File      = "/etc/salvor/config.yaml"
	Directory = "/etc/salvor/config.d"
)

// maxFile is larger than any configuration, and small enough to be read by anyone who runs
// salvor.
const maxFile = 1 << 20

// Reader is whoever reads files. What is not there is fs.ErrNotExist.
type Reader interface {
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]string, error) // names in the directory
}

// Input is a configuration file that was read.
type Input struct {
	Name string
	Data []byte
}

// Loaded is a configuration and where it comes from.
type Loaded struct {
	Config
	Files   []string // those that were read, in this order
	Ignored []string // what lies in config.d and is no drop-in: a backup of an editor or a package
	origins map[string]Origin
}

// Origin is where a value comes from. The zero Origin is a default.
type Origin struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Path string `json:"path"` // of the value in that file
}

// String is "/etc/salvor/config.yaml:3" or "default".
func (o Origin) String() string {
	if o.File == "" {
		return "default"
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Origin tells where the value at a path comes from, an element of a list by its place in
// the whole list. Of what has parts of several origins it is none.
func (l *Loaded) Origin(path string) Origin { return l.origins[path] }

// Origins are the origins of all values that files have.
func (l *Loaded) Origins() map[string]Origin { return maps.Clone(l.origins) }

// Annotated is the configuration as a file that has the origin of every value beside it.
func (l *Loaded) Annotated() ([]byte, error) {
	defaults := map[string]bool{}
	for _, k := range document.Keys(&l.Config) {
		_, set := l.origins[k.Path]
		_, listed := l.origins[document.Index(k.Path, 0)]
		defaults[k.Path] = !k.Section && !set && !listed
	}
	return document.Write(l.Config, func(path string) document.Comment {
		if o := l.origins[path]; o.File != "" || defaults[path] {
			return document.Comment{Beside: o.String()}
		}
		return document.Comment{}
	})
}

// InvalidError is a configuration that cannot be used; it holds what is wrong.
type InvalidError struct{ *document.Problems }

// Unwrap gives the problems.
func (e *InvalidError) Unwrap() error { return e.Problems }

// Load reads the configuration of a machine. Without files it is the default. What is wrong in
// any file is in the error, an *InvalidError.
func Load(files Reader) (*Loaded, error) {
	names, ignored, err := dropIns(files)
	if err != nil {
		return nil, err
	}
	var inputs []Input
	for _, name := range append([]string{File}, names...) {
		data, err := files.ReadFile(name)
		switch {
		case name == File && errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("cannot read the configuration: %w", err)
		}
		inputs = append(inputs, Input{name, data})
	}
	l, err := Merge(inputs...)
	if l != nil {
		l.Ignored = ignored
	}
	return l, err
}

// leftovers are what editors and package managers leave beside a file.
var leftovers = []string{"~", ".bak", ".orig", ".old", ".swp", ".disabled", ".rpmsave", ".rpmnew", ".rpmorig", ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".dpkg-bak", ".pacnew", ".pacsave", ".ucf-old", ".ucf-dist"}

// dropIns lists config.d. A file that looks as if it were meant to be read, but would not
// be, is refused.
func dropIns(files Reader) (names, ignored []string, err error) {
	all, err := files.ReadDir(Directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	var wrong document.Problems
	for _, name := range slices.Sorted(slices.Values(all)) {
		file := path.Join(Directory, name)
		left := strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || name == "README"
		for _, end := range leftovers {
			left = left || strings.HasSuffix(name, end)
		}
		switch {
		case left:
			ignored = append(ignored, file)
		case strings.HasSuffix(name, ".yaml"):
			names = append(names, file)
		default:
			wrong.Add(&document.Problem{File: file, Text: "cannot tell whether it is to be read: the name of a drop-in ends in .yaml; add .disabled to one that is not to be read"})
		}
	}
	return names, ignored, invalid(&wrong)
}

func invalid(p *document.Problems) error {
	if p.Err() == nil {
		return nil
	}
	return &InvalidError{p}
}

// Merge makes a configuration of files in their order.
func Merge(inputs ...Input) (*Loaded, error) {
	l := &Loaded{Config: *Default(), origins: map[string]Origin{}}
	var wrong document.Problems
	for _, in := range inputs {
		one, source, err := read(in)
		if err != nil {
			if !wrong.Join(err) {
				return nil, err
			}
			continue
		}
		l.Files = append(l.Files, in.Name)
		l.add(one, source)
	}
	if len(wrong.List) == 0 {
		l.judge(&wrong)
	}
	if err := invalid(&wrong); err != nil {
		return nil, err
	}
	return l, nil
}

func read(in Input) (*Config, *document.Source, error) {
	if len(in.Data) > maxFile {
		p := &document.Problem{File: in.Name, Text: fmt.Sprintf("cannot read it: it is larger than %d KiB", maxFile>>10)}
		return nil, nil, &document.Problems{List: []*document.Problem{p}}
	}
	c := &Config{}
	source, err := document.Read(in.Name, in.Data, c)
	if err != nil {
		return nil, nil, err
	}
	if _, there := source.Line("version"); there && c.Version != 1 {
		p := source.Problem("version", "cannot read version %d: this salvor knows version 1", c.Version)
		return nil, nil, &document.Problems{List: []*document.Problem{p}}
	}
	return c, source, nil
}

// add merges the configuration of one more file: a value replaces, a list is appended, but
// for the default of a list, which is replaced too.
func (l *Loaded) add(one *Config, source *document.Source) {
	mine := document.Keys(&l.Config)
	for i, theirs := range document.Keys(one) {
		if _, there := source.Line(theirs.Path); !there || theirs.Section || !theirs.Value.IsValid() {
			continue
		}
		if theirs.Value.Kind() == reflect.Slice {
			l.appendList(mine[i].Value, theirs.Value, theirs.Path, source)
			continue
		}
		mine[i].Value.Set(theirs.Value)
		l.origins[theirs.Path] = origin(source, theirs.Path)
	}
}

func (l *Loaded) appendList(to, from reflect.Value, path string, source *document.Source) {
	if _, named := l.origins[document.Index(path, 0)]; !named {
		to.SetZero()
		l.origins[path] = origin(source, path) // who made it empty, as long as it is
	}
	for i := range from.Len() {
		delete(l.origins, path)
		l.origins[document.Index(path, to.Len())] = origin(source, document.Index(path, i))
		to.Set(reflect.Append(to, from.Index(i)))
	}
}

func origin(source *document.Source, path string) Origin {
	line, _ := source.Line(path)
	return Origin{source.File(), line, path}
}
