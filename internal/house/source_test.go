package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pkg is a directory with Go files, as text.
type pkg struct {
	path  string // below internal/, or cmd/…
	name  string
	files []file
}

// file is one Go file, whatever its build constraints are.
type file struct {
	name    string
	test    bool
	code    int // lines that are neither empty nor comment
	ast     *ast.File
	imports []string
}

// isTests reports whether the package has tests only.
func (p pkg) isTests() bool {
	return !slices.ContainsFunc(p.files, func(f file) bool { return !f.test })
}

// ours gives the imports that are of this module, as paths of packages.
func (f file) ours() []string {
	var out []string
	for _, imported := range f.imports {
		if rest, ok := strings.CutPrefix(imported, "salvor/"); ok {
			out = append(out, strings.TrimPrefix(rest, "internal/"))
		}
	}
	return out
}

// load reads all packages below internal and cmd of the module at root.
func load(t *testing.T, root string) []pkg {
	t.Helper()
	byPath := map[string]*pkg{}
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), "_") || strings.HasPrefix(d.Name(), ".")):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(name, ".go"):
				return nil
			}
			src, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			return add(byPath, filepath.ToSlash(rel), string(src))
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	var out []pkg
	for _, p := range byPath {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return out
}

// add parses a file into the package of its directory.
func add(byPath map[string]*pkg, name, src string) error {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), "internal/")
	if byPath[path] == nil {
		byPath[path] = &pkg{path: path, name: strings.TrimSuffix(parsed.Name.Name, "_test")}
	}
	f := file{name: name, test: strings.HasSuffix(name, "_test.go"), ast: parsed, code: codeLines(fset, parsed, src)}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		f.imports = append(f.imports, imported)
	}
	byPath[path].files = append(byPath[path].files, f)
	return nil
}

func codeLines(fset *token.FileSet, f *ast.File, src string) int {
	lines := strings.Split(src, "\n")
	for _, group := range f.Comments {
		for i := fset.Position(group.Pos()).Line; i <= fset.Position(group.End()).Line; i++ {
			if text := strings.TrimSpace(lines[i-1]); strings.HasPrefix(text, "//") || strings.HasPrefix(text, "/*") {
				lines[i-1] = ""
			}
		}
	}
	n := 0
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			n++
		}
	}
	return n
}
