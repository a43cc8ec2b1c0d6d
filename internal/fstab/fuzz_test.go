package fstab

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzFstab(f *testing.F) {
	f.Add([]byte("# c\nUUID=1 / ext4 defaults 0 1\r\n\n/dev/a\t/b\\040c auto context=\"a,b\",x\\,y"))
	f.Add([]byte("\uFEFF/dev/a none swap\n\x00\x00\n/dev/b /b\n #\n/x ../y z 1 2 3 4"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tab := ParseFstab(data)
		if !bytes.Equal(tab.Bytes(), data) {
			t.Fatalf("%q is written as %q", data, tab.Bytes())
		}
		for _, e := range tab.Entries {
			if diff := cmp.Diff(e.Options, ParseOptions(e.Options.String())); diff != "" {
				t.Errorf("the options are not read back:\n%s", diff)
			}
			checkRewrite(t, tab, e)
		}
	})
}

// checkRewrite sets the spec and options of an entry to what they are: the
// text may change, its meaning and that of other lines must not.
func checkRewrite(t *testing.T, tab *Fstab, e Entry) {
	again := ParseFstab(tab.Bytes())
	if err := again.SetOptions(e.Line, e.Options); err != nil {
		t.Fatal(err)
	}
	if err := again.SetSpec(e.Line, e.Spec.Text); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(meaning(tab), meaning(again)); diff != "" {
		t.Fatalf("rewriting line %d of %q changed (-want +got):\n%s", e.Line, tab.Bytes(), diff)
	}
}

func meaning(tab *Fstab) []string {
	var all []string
	for _, e := range tab.Entries {
		e.Options = e.Options.Without("defaults")
		all = append(all, brief(e))
	}
	return all
}

func FuzzCrypttab(f *testing.F) {
	f.Add([]byte("# c\ncr UUID=1 none luks\r\n\ncr\\040b\t/dev/a /k:LABEL=x swap,tmp=ext4"))
	f.Add([]byte("\uFEFFcr\v/dev/a\f-\n\x00\n a:b c:d e:/f:/g"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tab := ParseCrypttab(data)
		if !bytes.Equal(tab.Bytes(), data) {
			t.Fatalf("%q is written as %q", data, tab.Bytes())
		}
		for _, e := range tab.Entries {
			if len(e.MapNames()) == 0 {
				t.Errorf("line %d: no names", e.Line)
			}
		}
	})
}

func FuzzSpec(f *testing.F) {
	for _, s := range []string{"UUID=\"x\"", "/dev/disk/by-label/a\\x20b", "/dev/mapper/a\\\\x20b", "//h/s", "[::1]:/x", "LABEL=''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkSpecRoundTrip(t, text)
	})
}
