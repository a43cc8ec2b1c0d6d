package config

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"salvor/internal/document"
)

var update = flag.Bool("update", false, "write docs/config.md and the golden files anew")

// folder stands in for a machine's files.
type folder map[string]string

func (f folder) ReadFile(name string) ([]byte, error) {
	if text, ok := f[name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f folder) ReadDir(dir string) ([]string, error) {
	var out []string
	for name := range f {
		if path.Dir(name) == dir {
			out = append(out, path.Base(name))
		}
	}
	if out == nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	return out, nil
}

func TestDefault(t *testing.T) {
	l, err := Load(folder{})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Version: 1,
		Layout:  Layout{File: "/var/lib/salvor/layout.yaml"},
		Rescue:  Rescue{Format: ISO, Label: "SALVOR", Network: NetworkDHCP, Modules: Modules{Which: ModulesNeeded}, Firmware: Firmware{Which: FirmwareNeeded}},
		Backup:  Backup{Engine: Tar},
		Timer:   Timer{Ignore: []Aspect{"usage", "snapshots"}, Rescue: RefreshChanged},
	}
	if diff := cmp.Diff(want, l.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o := l.Origin("layout.file"); o.String() != "default" {
		t.Errorf("the origin of a default is %s", o)
	}
}

func TestMerge(t *testing.T) {
	files := folder{
		File:                           "layout:\n  file: /a\nexclude:\n  - mount: /mnt/*\n  - id: vg:x\n    why: |\n      not\n      ours\nrescue:\n  keyboard: [de]\nbackup:\n  only_include: true\n  include: [/srv]\n",
		Directory + "/20-b.yaml":       "layout: {file: /b}\ntimer:\n  ignore: [boot]\nexclude:\n  - device: /dev/zram*\n",
		Directory + "/10-a.yaml":       "layout:\n  file: /c\ntimer: {ignore: []}\nrescue:\n  keyboard: [us, fr]\n  label:\nbackup: {only_include: false}\n",
		Directory + "/30-c.yaml":       "# nothing\n",
		Directory + "/30-c.yaml.bak":   "nothing: at all\n",
		Directory + "/.40.yaml.swp":    "\x00",
		Directory + "/old.yaml.rpmnew": "x",
	}
	l, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	want := *Default()
	want.Layout.File = "/b"
	want.Exclude = []Exclude{{Mount: "/mnt/*"}, {ID: "vg:x", Why: "not\nours\n"}, {Device: "/dev/zram*"}}
	want.Rescue.Keyboard = []string{"de", "us", "fr"}
	want.Backup.Include = []Path{"/srv"}
	want.Timer.Ignore = []Aspect{"boot"}
	if diff := cmp.Diff(want, l.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{
		"layout.file": Directory + "/20-b.yaml:1", "exclude[1]": File + ":5", "exclude[2]": Directory + "/20-b.yaml:5",
		"rescue.keyboard[2]": Directory + "/10-a.yaml:5", "rescue.label": "default", "backup.only_include": Directory + "/10-a.yaml:7",
		"timer.ignore[0]": Directory + "/20-b.yaml:3", "timer.rescue": "default",
	} {
		if got := l.Origin(path).String(); got != want {
			t.Errorf("%s is from %s, want %s", path, got, want)
		}
	}
	if diff := cmp.Diff([]string{File, Directory + "/10-a.yaml", Directory + "/20-b.yaml", Directory + "/30-c.yaml"}, l.Files); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{Directory + "/.40.yaml.swp", Directory + "/30-c.yaml.bak", Directory + "/old.yaml.rpmnew"}, l.Ignored); diff != "" {
		t.Error(diff)
	}
}

// TestProblems reads the folders of testdata: the files of a txtar stand in for a machine's,
// and "what is wrong" is what comes out.
func TestProblems(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files := folder{}
			last := len(archive.Files) - 1
			for _, f := range archive.Files[:last] {
				files["/etc/salvor/"+f.Name] = string(f.Data)
			}
			_, err = Load(files)
			if err == nil {
				t.Fatal("nothing is wrong")
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[last].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeReadIsTold(t *testing.T) {
	denied := reader{func(string) ([]byte, error) { return nil, fs.ErrPermission }, func(string) ([]string, error) { return nil, fs.ErrNotExist }}
	if _, err := Load(denied); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	denied.dir = func(string) ([]string, error) { return nil, fs.ErrPermission }
	denied.file = func(string) ([]byte, error) { return nil, nil }
	if _, err := Load(denied); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	_, err := Merge(Input{"big", make([]byte, maxFile+1)})
	if want := "big: cannot read it: it is larger than 1024 KiB"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

type reader struct {
	file func(string) ([]byte, error)
	dir  func(string) ([]string, error)
}

func (r reader) ReadFile(name string) ([]byte, error)  { return r.file(name) }
func (r reader) ReadDir(name string) ([]string, error) { return r.dir(name) }

// TestSecretsAreNotShown: what must not stand in the file is not repeated by the error.
func TestSecretsAreNotShown(t *testing.T) {
	for _, in := range []string{
		"backup: {repository: 'https://me:hunter2@host/x'}", "backup: {repository: 'rest:https://me:hunter2@host/x'}", "rescue: {output: 'cifs://a:hunter2@h/s'}",
		"rescue:\n  ssh:\n    authorized_keys:\n      - |\n        -----BEGIN OPENSSH PRIVATE KEY-----\n        hunter2\n",
	} {
		_, err := Merge(Input{"f", []byte(in)})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "a secret has no place") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// TestSample: the sample sets nothing, and with every # before a key taken away it can
// be read too.
func TestSample(t *testing.T) {
	l, err := Merge(Input{"sample", Sample()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*Default(), l.Config); diff != "" {
		t.Errorf("the sample sets something:\n%s", diff)
	}
	l, err = Merge(Input{"sample", everyKey()})
	if err != nil {
		t.Fatalf("%v\n%s", err, everyKey())
	}
	for _, k := range document.Keys(&l.Config) {
		if !k.Section && !strings.Contains(k.Path, "[]") && k.Type != "true or false" && k.Value.IsZero() {
			t.Errorf("%s does not stand in the sample", k.Path)
		}
	}
}

func TestPageIsCurrent(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "config.md")
	if *update {
		if err := os.WriteFile(file, Page(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(Page()), string(got)); diff != "" {
		t.Errorf("run go test ./internal/config -update (-want +got):\n%s", diff)
	}
}

// TestEveryKeyIsDocumented: no key without a meaning, and none without a default or an example.
func TestEveryKeyIsDocumented(t *testing.T) {
	for _, k := range document.Keys(&Config{}) {
		if !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s has no sentence", k.Path)
		}
		if !k.Section && k.Type != "true or false" && k.Default == "" && k.Example == "" {
			t.Errorf("%s has neither default nor example", k.Path)
		}
	}
}

// TestWrittenConfigurationIsRead: what an import makes of other configurations can be read.
func TestWrittenConfigurationIsRead(t *testing.T) {
	want := Config{Version: 1, Exclude: []Exclude{{Mount: "*:x", Why: "yes"}}, Rescue: Rescue{Format: USB, Consoles: []Console{"ttyS0,115200n8"}}, Backup: Backup{Engine: NoEngine, Exclude: []Pattern{"/tmp/*"}}}
	data, err := document.Write(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got Config
	if _, err := document.Read("f", data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, data)
	}
}

// FuzzLoad: whatever can be read is written and read again as the same.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("exclude: [{id: 'vg:*'}]\n"), []byte("timer: {ignore: [usage]}\n"))
	f.Add(Sample(), []byte("rescue: {network: none, ssh: {authorized_keys: [/a]}}"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		l, err := Load(folder{File: string(first), Directory + "/a.yaml": string(second)})
		if err != nil {
			return
		}
		data, err := document.Write(l.Config, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Merge(Input{"again", data})
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(l.Config, again.Config); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, data)
		}
	})
}

// TestAnnotated: what is in force, with origins, is itself a configuration that says the same.
func TestAnnotated(t *testing.T) {
	l, err := Merge(
		Input{"one", []byte("rescue: {keyboard: [de], format: usb}\nexclude:\n  - mount: /mnt/*\n    why: mine\n")},
		Input{"two", []byte("timer: {ignore: }\nrescue: {keyboard: [us]}\n")},
		Input{"three", []byte("timer:\n  ignore: []\nrescue: {firmware: {which: all}}\n")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.Annotated()
	if err != nil {
		t.Fatal(err)
	}
	want := `version: 1  # default
layout:
  file: /var/lib/salvor/layout.yaml  # default
exclude:
  # one:3
  - mount: /mnt/*
    why: mine
rescue:
  format: usb  # one:1
  label: SALVOR  # default
  keyboard:
    - de  # one:1
    - us  # two:2
  network: dhcp  # default
  modules:
    which: needed  # default
  firmware:
    which: all  # three:3
backup:
  engine: tar  # default
timer:
  ignore: []  # three:2
  rescue: changed  # default
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := Merge(Input{"again", text})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l.Config, again.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o := l.Origins()["rescue.keyboard[1]"]; o != (Origin{"two", 2, "rescue.keyboard[0]"}) {
		t.Errorf("got %+v", o)
	}
}

// TestSchema: the schema takes the sample with all that is in it, and no other keys.
func TestSchema(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		string(everyKey()): true, "rescue: {format: isso}": false, "rescue: {}\nx: 1": false, "layout: {files: /a}": false, "exclude: [{mount: 5}]": false,
	} {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); (err == nil) != good {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// everyKey is the sample with every # before a key taken away.
func everyKey() []byte {
	return regexp.MustCompile(`(?m)^( *)#([a-z-])`).ReplaceAll(Sample(), []byte("$1$2"))
}
