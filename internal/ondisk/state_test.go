package ondisk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDirty reads file systems while they are mounted and after, by what the
// kernel has written.
func TestDirty(t *testing.T) {
	for _, tt := range []struct {
		name  string
		make  []string
		dirty func(Signature) bool
	}{
		{"ext4", []string{"mkfs.ext4", "-q"}, func(s Signature) bool { return s.(*Ext).NeedsRecovery }},
		{"ext2", []string{"mkfs.ext2", "-q"}, func(s Signature) bool { return s.(*Ext).Unclean }},
		{"xfs", []string{"mkfs.xfs", "-q"}, func(s Signature) bool { return s.(*XFS).LogDirty || s.(*XFS).LogUnknown }},
		{"btrfs", []string{"mkfs.btrfs", "-q"}, func(s Signature) bool { return s.(*Btrfs).LogRoot }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if os.Getuid() != 0 {
				t.Skip("mounting needs root")
			}
			path := image(t, 320<<20)
			run(t, append(tt.make, path)...)
			dir := t.TempDir()
			// More rounds than one, so that the log of XFS goes on from where
			// it was.
			for round := range 3 {
				run(t, "mount", "-o", "loop", path, dir)
				t.Cleanup(func() {
					if mounted(t, dir) {
						run(t, "umount", dir)
					}
				})
				for i := range 200 * (round + 1) {
					synced(t, filepath.Join(dir, strings.Repeat("x", i%100+1)))
				}
				if c := readImage(t, path, 512); !tt.dirty(c.Signatures[0]) {
					t.Errorf("round %d: mounted, but clean: %+v", round, c.Signatures[0])
				}
				run(t, "umount", dir)
				if c := readImage(t, path, 512); tt.dirty(c.Signatures[0]) || len(c.Notes) > 0 {
					t.Errorf("round %d: unmounted, but dirty: %+v, notes %q", round, c.Signatures[0], c.Notes)
				}
			}
		})
	}
}

// synced writes a file down to the disk.
func synced(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, werr := f.WriteString("content")
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestXFSLogWrapped fills the log of a small XFS several times over.
func TestXFSLogWrapped(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	path := image(t, 320<<20)
	run(t, "mkfs.xfs", "-q", path)
	dir := t.TempDir()
	run(t, "mount", "-o", "loop", path, dir)
	t.Cleanup(func() {
		if mounted(t, dir) {
			run(t, "umount", dir)
		}
	})
	run(t, "sh", "-c", `cd "$1" && for r in 1 2 3 4 5 6; do mkdir d$r && cd d$r && seq 20000 | xargs touch; sync -f .; cd ..; rm -r d$r; done`, "-", dir)
	run(t, "umount", dir)
	f, size := open(t, path)
	d, err := newDevice(f, size, 512)
	if err != nil {
		t.Fatal(err)
	}
	g := parseXFSGeometry(d.at(0, 512))
	log := xfsLog{d: d, off: g.logOffset(), blocks: int64(g.logBlocks) << (g.blockLog - 9)}
	if cycle, err := log.cycle(0); err != nil || cycle < 2 {
		t.Fatalf("the log was not filled: cycle %d, error %v", cycle, err)
	}
	c := readImage(t, path, 512)
	if x := c.Signatures[0].(*XFS); x.LogDirty || x.LogUnknown {
		t.Errorf("unmounted, but dirty: %+v, notes %q", x, c.Notes)
	}
}

// failing is a device with bad pages.
type failing struct {
	io.ReaderAt
	bad []int64
}

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	for _, p := range f.bad {
		if off < p+pageSize && off+int64(len(b)) > p {
			return 0, errors.New("input/output error")
		}
	}
	return f.ReaderAt.ReadAt(b, off)
}

// TestBadSectors: what is readable is recognised, what is not is noted.
func TestBadSectors(t *testing.T) {
	s := capture(t, "md-1.2-raid10")
	for name, tt := range map[string]struct {
		bad   []int64
		found int
		notes int
		fails bool
	}{
		"beside":   {[]int64{8192}, 1, 1, false},
		"in it":    {[]int64{4096}, 0, 1, false},
		"the tail": {[]int64{s.size - 4096}, 1, 1, false},
		"too many": {[]int64{0, 8192, 16384, 24576, 32768}, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Read(failing{s, tt.bad}, s.size, 512)
			if (err != nil) != tt.fails {
				t.Fatal(err)
			}
			if err == nil && (len(c.Signatures) != tt.found || len(c.Notes) != tt.notes) {
				t.Errorf("signatures %+v, notes %q", c.Signatures, c.Notes)
			}
		})
	}
}

// TestHibernated changes the magic of swap space as the kernel does.
func TestHibernated(t *testing.T) {
	for _, magic := range swapImages {
		path := image(t, 1<<20)
		run(t, "mkswap", "-q", "-U", "b7ba03c9-2b2f-4d4f-8a1f-5a6a1c6f2f10", path)
		f, size := open(t, path)
		head := make([]byte, pageSize)
		if err := readFull(f, head, 0); err != nil {
			t.Fatal(err)
		}
		s := &sparse{size: size, pieces: []piece{{0, head}, {pageSize - 10, []byte(magic)}}}
		got, _ := only[*Swap](t, s)
		want := &Swap{
			ID: ID{UUID: "b7ba03c9-2b2f-4d4f-8a1f-5a6a1c6f2f10"}, Version: 1, PageSize: 4096, Pages: 255,
			Hibernated: true, Image: magic,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.Format() != "swsuspend" {
			t.Error(diff)
		}
	}
}

// TestLUKS2 reads a header that cryptsetup made, and damages its copies.
func TestLUKS2(t *testing.T) {
	path := image(t, 32<<20)
	key := image(t, 64)
	run(t, "cryptsetup", "luksFormat", "-q", "--type", "luks2", "--label", "lukslabel", "--cipher", "aes-xts-plain64", "--key-size", "512",
		"--sector-size", "512",
		"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", path, key)
	run(t, "cryptsetup", "luksAddKey", "-q", "--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel", "2",
		"--key-file", key, "--key-slot", "5", path, image(t, 32))
	run(t, "cryptsetup", "token", "add", "--key-description", "hint", "--token-id", "3", "--key-slot", "5", path)
	f, size := open(t, path)
	head := make([]byte, 32<<10)
	if err := readFull(f, head, 0); err != nil {
		t.Fatal(err)
	}
	uuid := strings.TrimSpace(run(t, "cryptsetup", "luksUUID", path))
	want := &LUKS{
		ID: ID{UUID: uuid, Label: "lukslabel"}, Version: 2, Cipher: "aes-xts-plain64", KeySize: 64,
		PayloadOffset: 16 << 20, HeaderSize: 16 << 10, Extent: 16 << 20,
		Keyslots: []Keyslot{
			{0, "luks2", "pbkdf2", KeyslotMade{Hash: "sha256", Iterations: 1000, Cipher: "aes-xts-plain64", CipherBits: 512}},
			{5, "luks2", "argon2id", KeyslotMade{Iterations: 4, Memory: 32, Threads: 2, Cipher: "aes-xts-plain64", CipherBits: 512}},
		},
		Tokens:   []Token{{3, "luks2-keyring", []int{5}, []string{"key_description=hint"}}},
		LUKSMade: LUKSMade{Hash: "sha256", SectorSize: 512, KeyslotsSize: 16<<20 - 32<<10},
	}
	second := *want
	second.Secondary = true
	zeros := make([]byte, 4096)
	for name, tt := range map[string]struct {
		want   *LUKS
		damage []piece
		notes  int
	}{
		"whole":              {want, nil, 0},
		"first JSON":         {&second, []piece{{5000, []byte("damage")}}, 1},
		"first gone":         {&second, []piece{{0, zeros}}, 1},
		"second gone":        {want, []piece{{16 << 10, zeros}}, 0},
		"first moved":        {&second, []piece{{256, []byte{1}}}, 1},
		"size out of bounds": {&second, []piece{{8, []byte{0xff}}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sparse{size: size, pieces: append([]piece{{0, head}}, tt.damage...)}
			got, c := only[*LUKS](t, s)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(c.Notes) != tt.notes {
				t.Errorf("%snotes %q", diff, c.Notes)
			}
		})
	}
}

// TestAmbiguous: two signatures that do not tolerate each other.
func TestAmbiguous(t *testing.T) {
	path := image(t, 32<<20)
	run(t, "mkfs.ext4", "-q", path)
	f, size := open(t, path)
	head := make([]byte, 64<<10)
	if err := readFull(f, head, 0); err != nil {
		t.Fatal(err)
	}
	ext := []piece{{0, head}}
	for name, tt := range map[string]struct {
		pieces    []piece
		formats   []string
		ambiguous bool
	}{
		"alone":        {ext, []string{"ext4"}, false},
		"with reiser4": {slices.Concat(ext, []piece{{64 << 10, []byte("ReIsEr4")}}), []string{"ext4", "reiser4"}, true},
		"behind MD": {
			slices.Concat(capture(t, "md-1.1-raid5").pieces, []piece{{1024, head[1024:2048]}}),
			[]string{"linux_raid_member", "ext4"}, false,
		},
		"with boot code": {slices.Concat(ext, []piece{{510, []byte("\x55\xaa")}}), []string{"ext4"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Read(&sparse{size: size, pieces: tt.pieces}, size, 512)
			if err != nil {
				t.Fatal(err)
			}
			var formats []string
			for _, sig := range c.Signatures {
				formats = append(formats, sig.Format())
			}
			if diff := cmp.Diff(tt.formats, formats); diff != "" || c.Ambiguous != tt.ambiguous || c.Table != nil {
				t.Errorf("%sambiguous %v, table %+v, notes %q", diff, c.Ambiguous, c.Table, c.Notes)
			}
		})
	}
}
