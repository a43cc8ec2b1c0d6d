package layout

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/storage"
)

var update = flag.Bool("update", false, "write docs/layout.md anew")

const (
	layoutPage   = "../../docs/layout.md"
	exampleBegin = "<!-- example: written by go test ./internal/layout -update -->\n"
	exampleEnd   = "<!-- end of the example -->\n"
	generated    = "<!-- reference: written by go test ./internal/layout -update -->\n"
)

// TestPage: the example and the reference of docs/layout.md are what the code says.
func TestPage(t *testing.T) {
	data, err := os.ReadFile(layoutPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), exampleBegin)
	_, rest, ok2 := strings.Cut(rest, exampleEnd)
	between, _, ok3 := strings.Cut(rest, generated)
	if !ok || !ok2 || !ok3 {
		t.Fatal("docs/layout.md lacks a mark of where the generated parts begin")
	}
	want := before + exampleBegin + "\n```yaml\n" + example(t) + "```\n\n" + exampleEnd + between + generated + reference()
	if *update {
		if err := os.WriteFile(layoutPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("docs/layout.md is not current: go test ./internal/layout -update (-want +page)\n%s", diff)
	}
}

// example is golden machine a, as it is when it runs.
func example(t *testing.T) string {
	g := recordedGraphs(t)["a"].Clone()
	uuid := func(end string) storage.ID { return storage.ID("fs:a0000000-0000-4000-8000-0000000000" + end) }
	g.Mounts = []storage.Mount{
		{Point: "/", Source: uuid("f2"), Type: "ext4", Options: []string{"rw", "relatime"}},
		{Point: "/boot/efi", Source: "fs:A000-0001", Type: "vfat", Options: []string{"rw", "relatime", "umask=0077"}},
		{Point: "/home", Source: uuid("f4"), Type: "ext4", Options: []string{"rw", "noatime"}},
		{Point: "/srv/films", Type: "nfs4", Options: []string{"rw", "vers=4.2"}},
	}
	secure := false
	l, _ := FromGraph(g, Facts{
		Host: Host{
			Machine: Machine{
				Hostname: "auk", Architecture: "x86_64", OS: OS{"debian", "12", "Debian GNU/Linux 12 (bookworm)"}, Kernel: "6.1.0-18-amd64",
				Hardware: Hardware{Vendor: "QEMU", Product: "Standard PC (Q35 + ICH9, 2009)"},
			},
			Boot: Boot{Firmware: UEFI, FirmwareBits: 64, SecureBoot: &secure, Loader: "grub2-efi"},
			Network: Network{Interfaces: []Interface{
				{Name: "enp0s2", Kind: Ethernet, PermanentMAC: "52:54:00:12:34:56", Driver: "virtio_net", DynamicIPv4: true},
			}},
			Tools: []Tool{{"e2fsprogs", "1.47.0"}, {"dosfstools", "4.2"}},
		},
		Files: []File{{"/etc/fstab", `UUID=a0000000-0000-4000-8000-0000000000f2 /          ext4 defaults   0 1
UUID=A000-0001                            /boot/efi  vfat umask=0077 0 1
UUID=a0000000-0000-4000-8000-0000000000f4 /home      ext4 noatime    0 2
films.example.org:/films                  /srv/films nfs4 defaults   0 0
UUID=a0000000-0000-4000-8000-0000000000f3 none       swap sw         0 0
`}},
		Exclude: []Exclusion{{Mount: "/srv/films", Why: "they are elsewhere", From: "config.yaml:4"}},
		Usage:   []Usage{{ID: uuid("f2"), Used: 300 << 20, Files: 11214}},
	})
	text, err := Write(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reference lists every key of the file, section by section, with its doc tag.
func reference() string {
	p := &pager{seen: map[reflect.Type]string{}}
	p.later("", reflect.TypeFor[Layout]())
	for len(p.todo) > 0 {
		s := p.todo[0]
		p.todo = p.todo[1:]
		p.section(s.path, s.typ)
	}
	return p.out.String()
}

type pager struct {
	out  strings.Builder
	seen map[reflect.Type]string
	todo []chapter
}

type chapter struct {
	path string
	typ  reflect.Type
}

func (p *pager) later(path string, t reflect.Type) {
	if _, ok := p.seen[t]; !ok {
		p.seen[t] = path
		p.todo = append(p.todo, chapter{path, t})
	}
}

func (p *pager) section(path string, t reflect.Type) {
	title := "The file"
	if path != "" {
		title = "`" + path + "`"
	}
	fmt.Fprintf(&p.out, "\n### %s\n\n| key | is | means |\n| --- | --- | --- |\n", title)
	p.keys(path, t)
}

func (p *pager) keys(path string, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			p.keys(path, f.Type)
			continue
		}
		here := strings.TrimPrefix(path+"."+name, ".")
		fmt.Fprintf(&p.out, "| `%s` | %s | %s |\n", name, p.word(here, f.Type), strings.ReplaceAll(f.Tag.Get("doc"), "|", "\\|"))
	}
}

// word says what a value is; what a struct holds is a section of its own, once.
func (p *pager) word(path string, t reflect.Type) string {
	switch {
	case t == sizeType:
		return "size"
	case t == idType:
		return "ID"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return p.word(path, t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			p.later(path+"[]", t.Elem())
			return "list of [`" + p.seen[t.Elem()] + "`](#" + anchor(p.seen[t.Elem()]) + ")"
		}
		return "list of " + p.word(path, t.Elem()) + "s"
	case reflect.Struct:
		p.later(path, t)
		return "[`" + p.seen[t] + "`](#" + anchor(p.seen[t]) + ")"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	default:
		return "number"
	}
}

// anchor is what GitHub makes of a heading.
func anchor(path string) string {
	return strings.NewReplacer(".", "", "[", "", "]", "").Replace(path)
}

// TestEveryKeyIsExplained: no key stands in the file that the reference says nothing of.
func TestEveryKeyIsExplained(t *testing.T) {
	for line := range strings.Lines(reference()) {
		if strings.HasPrefix(line, "| `") && strings.Contains(line, "|  |") {
			t.Errorf("a key has no doc tag: %s", line)
		}
	}
}
