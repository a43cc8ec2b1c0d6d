package system

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"salvor/internal/fstab"
	"salvor/internal/secret"
	"salvor/internal/storage"
)

// fakeDevices are trees that know the content of devices too.
type fakeDevices struct {
	fakeTrees
	blocks map[storage.ID]string
}

type fakeBlock struct{ *strings.Reader }

func (fakeBlock) Close() error { return nil }

func (f fakeDevices) Block(id storage.ID) (Block, error) {
	data, ok := f.blocks[id]
	if !ok {
		return nil, errors.New("nobody can read it")
	}
	return fakeBlock{strings.NewReader(data)}, nil
}

func TestKeyFile(t *testing.T) {
	l := newLab(t)
	table := l.table("gpt", l.disk("sda"))
	root, keys := l.fs("ext4", "root", l.part(table, 1)), l.fs("ext4", "keys", l.part(table, 2))
	l.fs("ext4", "unseen", l.part(table, 3))
	stick := l.fs("vfat", "stick", l.part(table, 4))
	l.part(table, 5)
	table2 := "UUID=root / ext4 defaults 0 0\nUUID=keys /keys ext4 defaults 0 0\nUUID=unseen /unseen ext4 defaults 0 0\n"
	files := rootTree(table2, "", "keys/", "unseen/", "link -> /keys/deep", "fifo", "socket", "etc/cryptsetup-keys.d/")
	files["etc/a.key"] = &fstest.MapFile{Data: []byte("0123456789\n\x00")}
	files["fifo"].Mode, files["socket"].Mode = fs.ModeNamedPipe, fs.ModeSocket
	l.put(root, files)
	below := tree("deep/")
	below["deep/b.key"] = file("on another file system")
	l.put(keys, below)
	onStick := tree("d/")
	onStick["d/k"] = file("0123")
	l.put(stick, onStick)
	g := l.graph(storage.Mount{Point: "/", Source: "fs:unseen", Type: "ext4"}, storage.Mount{Point: "/keys", Type: "tmpfs"})
	s := sysOn(root, table2, "")
	trees := fakeDevices{l.trees, map[storage.ID]string{"part:sda-5": "....raw key...."}}
	for name, tt := range map[string]struct{ column, options, want, err string }{
		"whole":                                {column: "/etc/a.key", want: "0123456789\n\x00"},
		"a part":                               {column: "/etc/a.key", options: "luks,keyfile-offset=2,keyfile-size=3", want: "234"},
		"to the end":                           {column: "/etc/a.key", options: "luks,keyfile-offset=8", want: "89\n\x00"},
		"of plain dm-crypt":                    {column: "/etc/a.key", options: "plain,size=32,keyfile-size=9", want: "0123"},
		"what is no number counts for nothing": {column: "/etc/a.key", options: "keyfile-offset=-1,keyfile-size=x", want: "0123456789\n\x00"},
		"through a link":                       {column: "/link/b.key", want: "on another file system"},
		"on another device":                    {column: "/d/k:UUID=stick", options: "keyfile-offset=1", want: "123"},
		"a device":                             {column: "/dev/disk/by-partuuid/sda-5", options: "keyfile-offset=4,keyfile-size=7", want: "raw key"},
		"a small device, whole":                {column: "/dev/disk/by-partuuid/sda-5", want: "....raw key...."},
		"a random device":                      {column: "/dev/urandom", err: "/dev/urandom gives a new key on every boot"},
		"not a path":                           {column: "token", err: "token is no file of the system"},
		"a device that is away":                {column: "/k:UUID=gone", err: "the device that it is on: nothing on this machine answers to UUID=gone"},
		"not there":                            {column: "/etc/none.key", err: "file does not exist"},
		"in no directory":                      {column: "/nowhere/a.key", err: "file does not exist"},
		"where nothing is seen":                {column: "/unseen/a.key", err: "/unseen cannot be seen: nobody knows how"},
		"a device nobody can see":              {column: "/k:UUID=unseen", err: "ext4 on sda3, which it is on, cannot be seen: nobody knows how"},
		"a FIFO":                               {column: "/fifo", err: "it is a FIFO, not a regular file"},
		"a socket":                             {column: "/socket", err: "it is a socket: a program of the system gives the key there, while it runs"},
		"made while booting":                   {column: "/run/key", err: "/run/key is made while the system boots, so it is on no disk"},
		"a program":                            {column: "arg", options: "luks,keyscript=/lib/x", err: "its key is printed by a program of the system, /lib/x, which is not run here"},
		"sealed":                               {column: "/etc/a.key", options: "luks,tpm2-device=auto", err: "it is sealed: only its tpm2 token makes a key of it"},
		"none":                                 {column: "none", err: "no key file is named"},
		"beyond its end": {column: "/etc/a.key", options: "keyfile-offset=99",
			err: "it is too short: the key begins at byte 99 and has at least 1 bytes, but it has 12"},
		"more than there is": {column: "/etc/a.key", options: "keyfile-offset=9,keyfile-size=9",
			err: "it is too short: the key begins at byte 9 and has at least 9 bytes, but it has 12"},
	} {
		t.Run(name, func(t *testing.T) {
			options := tt.options
			if options == "" {
				options = "luks"
			}
			e := fstab.ParseCrypttab([]byte("c UUID=x " + tt.column + " " + options + "\n")).Entries[0]
			key, err := KeyFile(g, s, e, trees)
			if !strings.HasSuffix(errText(err), tt.err) || (err == nil) != (tt.err == "") {
				t.Fatalf("error %q, want %q", errText(err), tt.err)
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
