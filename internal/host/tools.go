package host

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/tool"
)

// patience is how long a program may take that has no more to do than to tell what it
// is. A dracut in an emulated machine takes some seconds.
const patience = 20 * time.Second

// atOnce is how many programs run at a time.
const atOnce = 4

// readTools tells the versions of programs: the package manager's, which are told in one
// run, and of what it does not know their own. One that is not installed, hangs, or says
// something that is not understood is left out; of the last two there is a note.
func (r *reader) readTools(ctx context.Context, m machine.Machine, names []string) []layout.Tool {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	versions := packaged(ctx, m, names)
	for name, v := range r.askAll(ctx, m, slices.DeleteFunc(slices.Clone(names), func(n string) bool { return versions[n] != "" })) {
		versions[name] = v
	}
	var tools []layout.Tool
	for _, name := range names {
		if v := versions[name]; v != "" {
			tools = append(tools, layout.Tool{Name: name, Version: strings.ToValidUTF8(v, "")})
		}
	}
	return tools
}

// packaged asks the first package manager that knows any of the programs. That none
// does is no news: not every machine has one.
func packaged(ctx context.Context, m machine.Machine, names []string) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, manager := range tool.PackageManagers() {
		if _, err := m.Lookup(manager); err != nil || len(names) == 0 {
			continue
		}
		out, err := m.Run(ctx, tool.AskPackages(manager, names))
		if versions, err := tool.ReadPackages(manager, names, out, err); err == nil && len(versions) > 0 {
			return versions
		}
	}
	return map[string]string{}
}

// askAll asks the programs themselves.
func (r *reader) askAll(ctx context.Context, m machine.Machine, names []string) map[string]string {
	versions := make([]string, len(names))
	failed := make([]error, len(names))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			versions[i], failed[i] = askVersion(ctx, m, name)
			return nil
		})
	}
	group.Wait()
	out := map[string]string{}
	for i, name := range names {
		if failed[i] != nil {
			r.notef("the version of %s is not known: %v", name, failed[i])
		}
		out[name] = versions[i]
	}
	return out
}

// askVersion gives "" for what is not installed.
func askVersion(ctx context.Context, m machine.Machine, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, c := range tool.AskVersion(name) {
		if _, err := m.Lookup(c.Program); err != nil {
			continue
		}
		out, err := m.Run(ctx, c)
		return tool.ReadVersion(name, out, err)
	}
	return "", nil
}
