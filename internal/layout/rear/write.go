package rear

import "bytes"

// Bytes writes the file as ReaR does: one component on a line, exactly one blank
// between its words.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	for _, l := range f.Lines {
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// String is the line without its end.
func (l Line) String() string {
	switch {
	case l.Component == nil:
		return l.Comment
	case l.Disabled:
		return "#" + text(l.Component)
	}
	return text(l.Component)
}

// add appends a component, and comment the lines of prose before it.
func (f *File) add(c Component) { f.Lines = append(f.Lines, Line{Component: c}) }

func (f *File) comment(lines ...string) {
	for _, text := range lines {
		f.Lines = append(f.Lines, Line{Comment: "# " + text})
	}
}
