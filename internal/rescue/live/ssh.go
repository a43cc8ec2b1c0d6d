package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"salvor/internal/machine"
)

// keyDir holds the host keys of sshd. It is in memory: they are made anew at every start, and
// those of the machine itself are never in an image.
const keyDir = "/run/salvor-ssh"

// sshDirs are directories that one or another distribution's sshd wants to be there and
// root's alone (sshd(8), privilege separation).
var sshDirs = []string{"/run/sshd", "/var/empty", "/var/empty/sshd", "/usr/share/empty.sshd", "/var/lib/empty", "/var/chroot/ssh"}

// ssh starts sshd, if the image has one and somebody may log in, and says by which keys it is
// known.
func (w *worker) ssh(ctx context.Context) {
	if w.p.NoSSH || !hasKeys(w.h) {
		return
	}
	daemon, err := w.h.Lookup("sshd")
	if err != nil {
		return // the image was made without
	}
	for _, dir := range append(sshDirs, keyDir) {
		if err := w.h.MkdirAll(dir, 0o700); err != nil {
			w.notes([]string{err.Error()})
		}
	}
	args := []string{"-D", "-e", "-f", sshConfig}
	types := []string{"ed25519"}
	if w.p.RSA {
		types = append(types, "rsa")
	}
	for _, kind := range types {
		key, print, err := makeHostKey(ctx, w.h, kind)
		if err != nil {
			w.notes([]string{err.Error()})
			continue
		}
		args = append(args, "-h", key)
		w.tellKey(print)
	}
	// It starts itself anew for each login, by the path that it is called (sshd(8)).
	c, err := w.h.Spawn(machine.Service{Program: daemon, Args: args, Output: path.Join(keyDir, "log")})
	if err != nil {
		w.notes([]string{err.Error()})
		return
	}
	status, err := c.Wait()
	if err != nil {
		w.notes([]string{err.Error()})
		return
	}
	w.say("salvor: sshd ended with status %d; it wrote to %s", status, path.Join(keyDir, "log"))
}

// hasKeys reports whether somebody may log in.
func hasKeys(h files) bool {
	data, err := h.ReadFile(keysFile)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

// makeHostKey makes a host key, or takes the one of an earlier worker, and gives its
// fingerprint.
func makeHostKey(ctx context.Context, h host, kind string) (key, print string, err error) {
	key = path.Join(keyDir, "ssh_host_"+kind+"_key")
	if _, err := h.Lstat(key); err != nil {
		_, err := h.Run(ctx, machine.Cmd{Program: "ssh-keygen", Args: []string{"-q", "-t", kind, "-N", "", "-C", "", "-f", key}})
		if err != nil {
			return "", "", err
		}
	}
	public, err := h.ReadFile(key + ".pub")
	if err != nil {
		return "", "", err
	}
	print, err = fingerprint(public)
	return key, print, err
}

// fingerprint gives that of a public key, as ssh(1) shows it to who connects.
func fingerprint(public []byte) (string, error) {
	fields := bytes.Fields(public)
	if len(fields) < 2 {
		return "", fmt.Errorf("cannot read a public key: it has %d words", len(fields))
	}
	blob, err := base64.StdEncoding.DecodeString(string(fields[1]))
	if err != nil {
		return "", fmt.Errorf("cannot read a public key: %w", err)
	}
	sum := sha256.Sum256(blob)
	return string(fields[0]) + " SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

func (w *worker) tellKey(print string) {
	w.mu.Lock()
	w.told.keys = append(w.told.keys, print)
	w.mu.Unlock()
	w.say("salvor: ssh host key: %s", print)
}
