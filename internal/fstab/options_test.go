package fstab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseOptions(t *testing.T) {
	flag := func(name string) Option { return Option{Name: name} }
	value := func(name, v string) Option { return Option{Name: name, Value: v, HasValue: true} }
	tests := []struct {
		text    string
		want    Options
		written string // "" if as text
	}{
		{"defaults", Options{flag("defaults")}, ""},
		{"rw,noatime", Options{flag("rw"), flag("noatime")}, ""},
		{",rw,,ro,", Options{flag("rw"), flag("ro")}, "rw,ro"},
		{"subvol=/@home", Options{value("subvol", "/@home")}, ""},
		{"opt=a=b", Options{value("opt", "a=b")}, ""},
		{"opt=", Options{value("opt", "")}, ""},
		{`context="system_u:object_r:x_t:s0:c0,c1",ro`, Options{value("context", "system_u:object_r:x_t:s0:c0,c1"), flag("ro")}, ""},
		{`context="x_t",ro`, Options{value("context", "x_t"), flag("ro")}, "context=x_t,ro"},
		{`lowerdir=/a\,b:/c,ro`, Options{value("lowerdir", `/a\,b:/c`), flag("ro")}, ""},
		{`a=b\\,c`, Options{value("a", `b\\`), flag("c")}, ""},
		{`a="b,c`, Options{value("a", `"b`), flag("c")}, ""},
		{`a="b\",c`, Options{value("a", `b\`), flag("c")}, ""},
		{`a=x"b,c"d,e`, Options{value("a", `x"b,c"d`), flag("e")}, ""},
	}
	for _, tt := range tests {
		got := ParseOptions(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseOptions(%s) (-want +got):\n%s", tt.text, diff)
		}
		if tt.written == "" {
			tt.written = tt.text
		}
		if s := got.String(); s != tt.written {
			t.Errorf("ParseOptions(%s) is written as %s", tt.text, s)
		}
	}
	if got := ParseOptions(""); got != nil {
		t.Errorf("no options: %v", got)
	}
}

func TestOptionsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab=,"\\]{0,20}`).Draw(t, "text")
		o := ParseOptions(text)
		if diff := cmp.Diff(o, ParseOptions(o.String())); diff != "" {
			t.Fatalf("%s is written as %s, which is not the same:\n%s", text, o.String(), diff)
		}
	})
}

func TestOptionsLookup(t *testing.T) {
	o := ParseOptions("x-noauto-foo,subvol=/a,ro,subvol=/b,tmp=ext4,errors=remount-ro")
	for name, want := range map[string]bool{
		"noauto": false, "x-noauto": false, "ro": true, "tmp": true, "remount-ro": false,
		"errors=remount-ro": true, "errors=panic": false, "ro=": false,
	} {
		if got := o.Has(name); got != want {
			t.Errorf("Has(%s) = %v", name, got)
		}
	}
	if v, ok := o.Get("subvol"); v != "/b" || !ok {
		t.Errorf("Get(subvol) = %q, %v", v, ok)
	}
	if v, ok := o.Get("ro"); v != "" || !ok {
		t.Errorf("Get(ro) = %q, %v", v, ok)
	}
	if _, ok := o.Get("rw"); ok {
		t.Error("Get(rw) found something")
	}
	if diff := cmp.Diff([]string{"/a", "/b"}, o.All("subvol")); diff != "" {
		t.Errorf("All(subvol):\n%s", diff)
	}
	if got := o.Without("subvol", "tmp", "rw").String(); got != "x-noauto-foo,ro,errors=remount-ro" {
		t.Errorf("Without: %s", got)
	}
}

func TestNoAutoNoFail(t *testing.T) {
	tests := []struct {
		text           string
		noauto, nofail bool
	}{
		{"defaults", false, false},
		{"noauto,nofail", true, true},
		{"noauto,auto", false, false},
		{"auto,noauto,fail,nofail", true, true},
		{"nofail,fail", false, false},
		{"x-systemd.automount", false, false},
	}
	for _, tt := range tests {
		o := ParseOptions(tt.text)
		if o.NoAuto() != tt.noauto || o.NoFail() != tt.nofail {
			t.Errorf("%s: noauto %v, nofail %v", tt.text, o.NoAuto(), o.NoFail())
		}
	}
}

func TestDestructive(t *testing.T) {
	tests := []struct{ text, want string }{
		{"defaults,noatime", ""},
		{"x-systemd.makefs,ro,x-systemd.growfs", "x-systemd.makefs,x-systemd.growfs"},
		{"luks,swap,cipher=aes-xts-plain64", "swap"},
		{"tmp", "tmp"},
		{"tmp=ext4", "tmp=ext4"},
		{"keyfile-erase", "keyfile-erase"},
		{"keyfile-erase=yes", "keyfile-erase=yes"},
		{"keyfile-erase=no", ""},
		{"x-systemd.makefs-not,swapfile,tmpdir=/x", ""},
	}
	for _, tt := range tests {
		if got := Options(ParseOptions(tt.text).Destructive()).String(); got != tt.want {
			t.Errorf("%s: destructive is %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestKernel(t *testing.T) {
	tests := []struct{ text, want string }{
		{"defaults", ""},
		{"rw,nosuid,nodev,noexec,noatime,relatime", "rw,nosuid,nodev,noexec,noatime,relatime"},
		{"nofail,noauto,auto,user=joe,users,owner,group,_netdev,ro", "ro"},
		{"comment=cloudconfig,x-systemd.device-timeout=5,X-mount.mkdir=0755,ro", "ro"},
		{"loop,offset=1048576,sizelimit=4096,ro", "ro"},
		{"sw,pri=5,discard", "discard"},
		{"subvol=@,compress=zstd:3,commit=30", "subvol=@,compress=zstd:3,commit=30"},
		{"nofail-not,xattr,verity=on,verity.roothash=12", "nofail-not,xattr,verity=on"},
		{`context="a:s0:c0,c1",nofail`, `context="a:s0:c0,c1"`},
		{"bind,ro", "bind,ro"},
	}
	for _, tt := range tests {
		if got := ParseOptions(tt.text).Kernel().String(); got != tt.want {
			t.Errorf("%s: the kernel gets %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestSubvolume(t *testing.T) {
	tests := []struct {
		text string
		path string
		id   uint64
		ok   bool
	}{
		{"defaults", "", 0, false},
		{"subvol=@home", "@home", 0, true},
		{"subvol=///@/home/", "@/home", 0, true},
		{"subvol=@a,subvol=@b", "@b", 0, true},
		{"subvol=/", "", 5, true},
		{"subvolid=256", "", 256, true},
		{"subvolid=000256,subvol=/@", "@", 256, true},
		{"subvolid=0", "", 5, true},
		{"subvolid=5,subvol=/", "", 5, true},
		{"subvolid=junk", "", 0, false},
		{"subvolid=junk,subvol=@", "@", 0, true},
		{"subvolid=99999999999999999999", "", 0, false},
	}
	for _, tt := range tests {
		path, id, ok := ParseOptions(tt.text).Subvolume()
		if path != tt.path || id != tt.id || ok != tt.ok {
			t.Errorf("%s: %q, %d, %v", tt.text, path, id, ok)
		}
	}
}
