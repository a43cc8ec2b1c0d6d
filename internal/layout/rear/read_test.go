package rear

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func realFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/rear-2.7-debian12/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadReal(t *testing.T) {
	data := realFile(t, "layout/disklayout.conf")
	f := Read(data)
	want := []Problem{{Line: 102, Text: "sha256 uuid=916d3978-2b41-49b6-a040-419cd74d9100",
		Cause: "ReaR broke the line above in two: this is the rest of it", Read: true}}
	if diff := cmp.Diff(want, f.Problems); diff != "" {
		t.Error(diff)
	}
	mended := strings.Replace(string(data), "hash=sha256\nsha256 uuid", "hash=sha256 uuid", 1)
	if diff := cmp.Diff(mended, string(f.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestReadLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Component
		out  string // "" where it is written as it was read
	}{
		{in: "disk /dev/sda 500107862016 gpt", want: &Disk{Device: "/dev/sda", Size: 500107862016, Label: "gpt"}},
		{in: "disk /dev/sda 500107862016 ", want: &Disk{Device: "/dev/sda", Size: 500107862016}},
		{in: "disk /dev/dasda 7385333760 dasd 4096 CDL ECKD 10017",
			want: &Disk{Device: "/dev/dasda", Size: 7385333760, Label: "dasd", More: []string{"4096", "CDL", "ECKD", "10017"}}},
		{in: "part /dev/sda 1073741824 1048576 EFI%20System boot,esp /dev/sda1",
			want: &Part{Parent: "/dev/sda", Size: 1073741824, Start: 1048576, TypeName: "EFI System", Flags: []string{"boot", "esp"}, Device: "/dev/sda1"}},
		{in: "part /dev/sda 1 1 rear-noname none /dev/sda1 11111111-1111-4111-8111-11111111111A",
			want: &Part{Parent: "/dev/sda", Size: 1, Start: 1, Device: "/dev/sda1", UUID: "11111111-1111-4111-8111-11111111111a", Seven: true},
			out:  "part /dev/sda 1 1 rear-noname none /dev/sda1 11111111-1111-4111-8111-11111111111a"},
		{in: "part /dev/sda 1 1 rear-noname none /dev/sda1 no-partuuid", want: &Part{Parent: "/dev/sda", Size: 1, Start: 1, Device: "/dev/sda1", Seven: true}},
		{in: "part /dev/sda  1 unknown  primary boot /dev/sda1",
			want: &Part{Parent: "/dev/sda", Size: 1, NoStart: true, TypeName: "primary", Flags: []string{"boot"}, Device: "/dev/sda1"},
			out:  "part /dev/sda 1 unknown primary boot /dev/sda1"},
		{in: "part /dev/sda 1 2 bin%FFFFFFFFFFFFFFC3%FFFFFFFFFFFFFFA4r none /dev/sda1",
			want: &Part{Parent: "/dev/sda", Size: 1, Start: 2, TypeName: "binär", Device: "/dev/sda1"},
			out:  "part /dev/sda 1 2 bin%C3%A4r none /dev/sda1"},
		{in: "part /dev/sda 1 2 EFI System Partition boot /dev/sda1",
			want: &Part{Parent: "/dev/sda", Size: 1, Start: 2, TypeName: "EFI System Partition", Flags: []string{"boot"}, Device: "/dev/sda1"},
			out:  "part /dev/sda 1 2 EFI%20System%20Partition boot /dev/sda1"},
		{in: "raidarray /dev/md0 level=raid1 raid-devices=2 devices=/dev/sda1,/dev/sdb1 metadata=0.90",
			want: &Raid{Device: "/dev/md0", Options: Options{{"level", "raid1"}, {"raid-devices", "2"}, {"devices", "/dev/sda1,/dev/sdb1"}, {"metadata", "0.90"}}}},
		{in: "raid /dev/md0 level=raid1", want: &Raid{Old: true, Device: "/dev/md0", Options: Options{{"level", "raid1"}}}},
		{in: "raiddisk /dev/md0 1024 gpt", want: &RaidDisk{Device: "/dev/md0", Size: 1024, Label: "gpt"}},
		{in: "multipath /dev/mapper/mpatha 53687091200 gpt /dev/sda,/dev/sdb",
			want: &Multipath{Device: "/dev/mapper/mpatha", Size: 53687091200, Label: "gpt", Slaves: []string{"/dev/sda", "/dev/sdb"}}},
		{in: "multipath /dev/mapper/mpatha 53687091200  /dev/sda", want: &Multipath{Device: "/dev/mapper/mpatha", Size: 53687091200, Slaves: []string{"/dev/sda"}}},
		{in: "multipath /dev/mapper/mpatha /dev/sda,/dev/sdb", want: &Multipath{Device: "/dev/mapper/mpatha", Slaves: []string{"/dev/sda", "/dev/sdb"}}},
		{in: "lvmdev /dev/vg0 /dev/sda2 aaaaaa-bbbb 1234", want: &LVMDev{VG: "vg0", Device: "/dev/sda2", UUID: "aaaaaa-bbbb", Size: 1234}},
		{in: "lvmgrp /dev/vg0 4096 953 3903488", want: &LVMGrp{VG: "vg0", ExtentKiB: 4096, Extents: 953, SizeKiB: 3903488}},
		{in: "lvmvol /dev/vg0 root 64424509440b linear ", want: &LVMVol{VG: "vg0", LV: "root", Size: 64424509440, Layout: "linear"}},
		{in: "lvmvol /dev/vg0 pool 4096b thin,pool poolmetadatasize:46137344b chunksize:65536b",
			want: &LVMVol{VG: "vg0", LV: "pool", Size: 4096, Layout: "thin,pool", Options: []string{"poolmetadatasize:46137344b", "chunksize:65536b"}}},
		{in: "lvmvol /dev/system home 4166 34127872", want: &LVMVol{VG: "system", LV: "home", Extents: 4166, Size: 34127872 * 512}},
		{in: "fs /dev/sda1 / xfs uuid=u label=  options=rw,relatime", want: &FS{Device: "/dev/sda1", Mountpoint: "/", Type: "xfs", UUID: "u", Options: "rw,relatime"}},
		{in: "fs /dev/sda1 /x ext4 uuid=u label=my own disk blocksize=4096 reserved_blocks=5% options=rw",
			want: &FS{Device: "/dev/sda1", Mountpoint: "/x", Type: "ext4", UUID: "u", Label: "my own disk",
				Attributes: Options{{"blocksize", "4096"}, {"reserved_blocks", "5%"}}, Options: "rw"}},
		{in: "fs /dev/sda1 /x reiserfs uuid=u label= options=rw", want: &FS{Device: "/dev/sda1", Mountpoint: "/x", Type: "reiserfs", UUID: "u", Options: "rw"}},
		{in: "btrfsdefaultsubvol /dev/sda1 / 5 /", want: &BtrfsSubvol{What: "default", Device: "/dev/sda1", Mountpoint: "/", ID: 5, Path: "/"}},
		{in: "btrfsnormalsubvol /dev/sda1 / 256 my files", want: &BtrfsSubvol{What: "normal", Device: "/dev/sda1", Mountpoint: "/", ID: 256, Path: "my files"}},
		{in: "btrfsmountedsubvol /dev/sda1 / rw,subvol=/@ @", want: &BtrfsMounted{Device: "/dev/sda1", Mountpoint: "/", Options: "rw,subvol=/@", Path: "@"}},
		{in: "btrfsnocopyonwrite @/var/lib/images", want: &BtrfsNoCOW{"@/var/lib/images"}},
		{in: "swap /dev/sda2 uuid=u label=", want: &Swap{Device: "/dev/sda2", UUID: "u"}},
		{in: "swap /dev/sda2 uuid= label=my swap", want: &Swap{Device: "/dev/sda2", Label: "my swap"}},
		{in: "crypt /dev/mapper/cr0 /dev/sda2 cipher=aes-xts-plain64 key_size=256 hash=sha1 uuid=u keyfile=/etc/key",
			want: &Crypt{Device: "/dev/mapper/cr0", Source: "/dev/sda2", Options: Options{{"cipher", "aes-xts-plain64"}, {"key_size", "256"}, {"hash", "sha1"}, {"uuid", "u"}, {"keyfile", "/etc/key"}}}},
		{in: "crypt /dev/mapper/cr0 /dev/sda2 type=luks2 uuid=u password=geheim",
			want: &Crypt{Device: "/dev/mapper/cr0", Source: "/dev/sda2", Options: Options{{"type", "luks2"}, {"uuid", "u"}}, HasPassword: true},
			out:  "crypt /dev/mapper/cr0 /dev/sda2 type=luks2 uuid=u "},
		{in: "opaldisk /dev/sda boot=y password=geheim", want: &OpalDisk{Device: "/dev/sda", Options: Options{{"boot", "y"}}, HasPassword: true}, out: "opaldisk /dev/sda boot=y"},
		{in: "drbd /dev/drbd0 r0 /dev/sda3", want: &DRBD{"/dev/drbd0", "r0", "/dev/sda3"}},
		{in: "smartarray 0", want: &SmartArray{"0"}},
		{in: "logicaldrive /dev/sda 0|A|1 raid=1 drives=1I:1:1,1I:1:2, spares= sectors=32 stripesize=256",
			want: &LogicalDrive{"/dev/sda", "0|A|1", Options{{"raid", "1"}, {"drives", "1I:1:1,1I:1:2,"}, {"spares", ""}, {"sectors", "32"}, {"stripesize", "256"}}}},
		{in: "dasd_channel 0.0.0150 dasda", want: &Dasd{"dasd_channel", []string{"0.0.0150", "dasda"}}},
	} {
		for _, off := range []string{"", "#"} {
			f := Read([]byte(off + c.in))
			if len(f.Lines) != 1 || f.Lines[0].Disabled != (off == "#") {
				t.Errorf("%s%s: %+v %+v", off, c.in, f.Lines, f.Problems)
				continue
			}
			if diff := cmp.Diff(c.want, f.Lines[0].Component, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\n%s", c.in, diff)
			}
			want := off + c.out
			if c.out == "" {
				want = off + c.in
			}
			if diff := cmp.Diff(want+"\n", string(f.Bytes())); diff != "" {
				t.Errorf("%s\n%s", c.in, diff)
			}
		}
	}
}

func TestReadProblems(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"disk", "it has too few words"},
		{"disk /dev/sda big gpt", `"big" is no number`},
		{"disk sda 1 gpt", `"sda" is no device`},
		{"part /dev/sda 1 2", "it has too few words"},
		{"lvmvol /dev/vg0 root xb linear", `"x" is no size of a volume`},
		{"nonsense /dev/sda", `"nonsense" is no keyword of a disklayout.conf`},
		{"fs /dev/sda1 / ext4 word", `"word" is no key=value`},
		{"opaldisk /dev/sda password=a b", ""},
	} {
		f := Read([]byte("# prose\n" + c.in + "\n# lvmdev /dev/<missing_VG> x\ndisk /dev/sdb 1 gpt\n"))
		if n := len(All[*Disk](f)); n != 1 {
			t.Errorf("%s: the other lines are not read: %d disks", c.in, n)
		}
		for _, p := range f.Problems {
			if p.Line != 2 || strings.Contains(p.Text, "=a") || c.want != "" && p.Cause != "cannot read this line: "+c.want {
				t.Errorf("%s: %+v", c.in, p)
			}
		}
	}
}

func TestPercent(t *testing.T) {
	for _, s := range []string{"", "EFI System", "a%b", "100%", "binär", "\xff\x00", "%FFFFFFFFFFFFFF", "a.~_-Z9"} {
		if got := PercentDecode(PercentEncode(s)); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// FuzzRead: what was read is written, and that is read as the same.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"\na", "disk /dev/sda 1 gpt", "#part /dev/sda 1 unknown %FFFFFFFFFFFFFFC3 none /dev/sda1 no-partuuid",
		"crypt /dev/mapper/a /dev/b type=luks2 hash=x\nx uuid=y ", "fs /dev/x / ext4 uuid= label=a b options=rw", "lvmvol /dev/a b 5 6",
		"multipath /dev/mapper/x 1  /dev/a,/dev/b", "btrfsnormalsubvol /dev/a / 5 a b", "swap /dev/a uuid=b label=c d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Read([]byte(s)).Bytes()
		again := Read(once)
		if string(again.Bytes()) != string(once) {
			t.Errorf("%q was written as %q, and that as %q", s, once, again.Bytes())
		}
	})
}

// FuzzImport: whatever the file says, there is a layout of it or an error.
func FuzzImport(f *testing.F) {
	f.Add("disk /dev/sda 1000000 gpt\npart /dev/sda 1000 512 x none /dev/sda1\nlvmdev /dev/v /dev/sda1 u 1\nlvmgrp /dev/v 4096 1 1\nlvmvol /dev/v a 4096b linear \nfs /dev/mapper/v-a / ext4 uuid=u label= blocksize=1024 options=rw", "v { id = \"x\" }")
	f.Add("crypt /dev/mapper/a /dev/mapper/b uuid=u\ncrypt /dev/mapper/b /dev/mapper/a uuid=v", "")
	f.Fuzz(func(t *testing.T, s, vg string) {
		l, _, err := Import(&Files{Layout: Read([]byte(s)), Groups: map[string][]byte{"v": []byte(vg)}})
		if err != nil {
			return
		}
		if _, _, err := Export(l, ExportOptions{}); err != nil {
			t.Errorf("what was imported cannot be exported: %v", err)
		}
	})
}
