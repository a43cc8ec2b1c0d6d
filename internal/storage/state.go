package storage

import (
	"fmt"
	"path"
	"strings"
)

// healthWords are the conditions as people say them.
var healthWords = map[Health]string{
	Degraded: "degraded", MemberMissing: "member missing", Missing: "missing", Incomplete: "incomplete",
	Dirty: "dirty", Damaged: "wants to be checked", Full: "full", Locked: "locked", Hibernated: "hibernated system", Ambiguous: "several signatures", Unreadable: "unreadable",
}

// Word is the condition as people say it.
func (h Health) Word() string {
	if w := healthWords[h]; w != "" {
		return w
	}
	return Printable(string(h))
}

// TroubleOf lists in words what a rescuer has to know of the node.
func (g *Graph) TroubleOf(n Node) []string {
	var out []string
	for _, h := range n.Base().Health {
		out = append(out, h.Word())
	}
	if md, ok := n.(*MD); ok && md.Reshaping {
		out = append(out, "reshaping")
	}
	if t, ok := n.(*Table); ok && t.Backup {
		out = append(out, "primary table damaged, read from the backup")
	}
	return out
}

// StateOf lists in words how the node stands: open, closed, read-only, …
func (g *Graph) StateOf(n Node) []string {
	c := n.Base()
	var out []string
	switch o := OpeningOf(n); {
	case o != nil && o.ReadOnly:
		out = append(out, "open read-only")
	case o != nil:
		out = append(out, "open")
	case CanOpen(n) && !c.Is(Locked): // a locked one is closed, of course
		out = append(out, "closed")
	}
	if o := OpeningOf(n); c.ReadOnly && (o == nil || !o.ReadOnly) {
		out = append(out, "read-only")
	}
	if s, ok := n.(*Subvolume); ok && s.Frozen && !c.ReadOnly {
		out = append(out, "read-only")
	}
	if s, ok := n.(*Swap); ok && s.Active {
		out = append(out, "in use")
	}
	if c.Overlay != nil {
		out = append(out, "behind the stand-in "+Printable(c.Overlay.Name))
	}
	return out
}

// describeMount says where m is, and what of n is seen there if not all of it.
func describeMount(n Node, m Mount) string {
	var how []string
	if root := path.Clean("/" + m.Root); root != "/" && root != ownRoot(n) {
		how = append(how, "its "+Printable(root))
	}
	if m.ReadOnly {
		how = append(how, "read-only")
	}
	if m.Overlay {
		how = append(how, "copy on write")
	}
	out := Printable(m.Point)
	if len(how) > 0 {
		out += fmt.Sprintf(" (%s)", strings.Join(how, ", "))
	}
	return out
}

// ownRoot is the root of a mount that shows the whole node.
func ownRoot(n Node) string {
	if s, ok := n.(*Subvolume); ok {
		return path.Clean("/" + s.Path)
	}
	return "/"
}
