package medium

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMenus compares the menus with files in testdata, to be read by people.
func TestMenus(t *testing.T) {
	p := fakeParts()
	menus := map[string][]byte{
		"grub.cfg": p.grubConfig("salvor/00000000.id"), "isolinux.cfg": p.syslinuxConfig("/"+kernelPath, "/"+initrdPath),
		"boot.ipxe": p.ipxeScript(), "pxe-grub.cfg": p.pxeGRUBConfig(), "README": p.pxeReadme(),
	}
	for _, f := range p.systemdBootEntries() {
		b := make([]byte, f.content.Size())
		if _, err := f.content.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		menus[strings.ReplaceAll(f.path, "/", "-")] = b
	}
	for name, got := range menus {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestTitleCannotSayMore: whatever a machine is called, its name is a line of a menu and no more.
func TestTitleCannotSayMore(t *testing.T) {
	p := fakeParts()
	p.Title = "a'\n}\"\\^$`\x1b[2Jé&&x"
	if got, want := p.heading(), "a??}??????[2J???x"; got != want {
		t.Errorf("the heading is %q, want %q", got, want)
	}
	for _, config := range [][]byte{p.grubConfig("x"), p.syslinuxConfig("a", "b"), p.ipxeScript()} {
		if strings.Contains(string(config), "\n}\"") || strings.Contains(string(config), "\x1b") {
			t.Errorf("the title has become a part of the menu:\n%s", config)
		}
	}
}
