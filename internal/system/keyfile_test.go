package system

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"salvor/internal/fstab"
	"salvor/internal/secret"
	"salvor/internal/storage"
)

func TestKeyFile(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	root, keys := l.fs("ext4", "root", l.part(table, 1)), l.fs("ext4", "keys", l.part(table, 2))
	unseen := l.fs("ext4", "unseen", l.part(table, 3))
	_ = unseen
	table2 := "UUID=root / ext4 defaults 0 0\nUUID=keys /keys ext4 defaults 0 0\nUUID=unseen /unseen ext4 defaults 0 0\n"
	files := rootTree(table2, "", "keys/", "unseen/", "link -> /keys/deep", "fifo")
	files["etc/a.key"] = &fstest.MapFile{Data: []byte("0123456789\n\x00")}
	files["fifo"].Mode = fs.ModeNamedPipe
	l.put(root, files)
	below := tree("deep/")
	below["deep/b.key"] = file("on another file system")
	l.put(keys, below)
	g := l.graph(storage.Mount{Point: "/", Source: "fs:unseen", Type: "ext4"}, storage.Mount{Point: "/keys", Type: "tmpfs"})
	s := sysOn(root, table2, "")
	tests := map[string]struct{ column, options, want, err string }{
		"whole":                     {column: "/etc/a.key", want: "0123456789\n\x00"},
		"a part":                    {column: "/etc/a.key", options: "luks,keyfile-offset=2,keyfile-size=3", want: "234"},
		"through a link":            {column: "/link/b.key", want: "on another file system"},
		"a device":                  {column: "/dev/urandom", err: "/dev/urandom is no file of the system"},
		"not a path":                {column: "token", err: "token is no file of the system"},
		"on another device":         {column: "/k:UUID=stick", err: "it lies on another device (UUID=stick)"},
		"not there":                 {column: "/etc/none.key", err: "file does not exist"},
		"in no directory":           {column: "/nowhere/a.key", err: "the file system that it lies on is not known"},
		"where nothing can be seen": {column: "/unseen/a.key", err: "nobody knows how"},
		"a bad offset":              {column: "/etc/a.key", options: "keyfile-offset=-1", err: "keyfile-offset=-1 is no number of bytes"},
		"a bad size":                {column: "/etc/a.key", options: "keyfile-size=x", err: "keyfile-size=x is no number of bytes"},
		"beyond its end":            {column: "/etc/a.key", options: "keyfile-offset=99", err: "cannot skip 99 bytes of it: EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			options := tt.options
			if options == "" {
				options = "luks"
			}
			e := fstab.ParseCrypttab([]byte("c UUID=x " + tt.column + " " + options + "\n")).Entries[0]
			key, err := KeyFile(g, s, e, l.trees)
			if got := errText(err); got != tt.err {
				t.Fatalf("error %q, want %q", got, tt.err)
			}
			if err == nil && !key.Equal(secret.New([]byte(tt.want))) {
				t.Error("another key was read")
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
