package workflow

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"salvor/internal/config"
	"salvor/internal/layout"
	"salvor/internal/rescue"
	"salvor/internal/rescue/live"
)

// Where an image has what salvor makes.
const (
	imageInit   = "/init"
	imageLayout = "/etc/salvor/layout.yaml"
	imageReport = "/etc/salvor/machine.report"
	imageKeys   = "/root/.ssh/authorized_keys"
)

// ImageMark is what an image says of itself, in live.Mark.
type ImageMark struct {
	Salvor string `json:"salvor"`           // the version that made it
	Layout string `json:"layout,omitempty"` // the digest of the layout in it
	Kernel string `json:"kernel"`           // the release of the kernel that its modules are for
}

// made are the files of the image that are not the machine's.
func (b *imaging) made() ([]rescue.Made, error) {
	made := []rescue.Made{{Path: imageInit, Mode: 0o755, Content: b.o.Program, Why: "salvor, the init of the rescue system"}}
	for _, name := range append(live.Commands(), "salvor") {
		made = append(made, rescue.Made{Path: path.Join("/usr/bin", name), Target: imageInit, Why: "salvor under the name of a command"})
	}
	for _, f := range live.Files() {
		made = append(made, rescue.Made{Path: f.Path, Mode: f.Mode, Content: []byte(f.Text), Why: f.Why})
	}
	for _, more := range []func() ([]rescue.Made, error){b.madeLayout, b.madeConfig, b.madeKeys, b.madeReport, b.madeMark} {
		files, err := more()
		if err != nil {
			return nil, err
		}
		made = append(made, files...)
	}
	return made, nil
}

func (b *imaging) madeLayout() ([]rescue.Made, error) {
	if b.layout == nil {
		return nil, nil
	}
	text, err := layout.Write(b.layout)
	if err != nil {
		return nil, err
	}
	b.report.Layout = layout.Digest(b.layout)
	return []rescue.Made{{Path: imageLayout, Mode: 0o600, Content: text, Why: "the layout of the machine"}}, nil
}

// madeConfig takes the files of the configuration as they are: what is in force in the image is what
// was in force when it was made.
func (b *imaging) madeConfig() ([]rescue.Made, error) {
	var out []rescue.Made
	for _, file := range b.o.Config.Files {
		text, err := b.w.Machine.ReadFile(file)
		if err != nil {
			return nil, err
		}
		out = append(out, rescue.Made{Path: file, Mode: 0o600, Content: text, Why: "the configuration of salvor"})
	}
	return out, nil
}

func (b *imaging) madeReport() ([]rescue.Made, error) {
	if b.o.Record == nil {
		return nil, nil
	}
	b.w.tell(Making{"recording what salvor sees of the machine …"})
	data, err := b.o.Record(b.ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot record the machine: %w", err)
	}
	return []rescue.Made{{Path: imageReport, Mode: 0o600, Content: data, Why: "what salvor report tells of the machine"}}, nil
}

func (b *imaging) madeMark() ([]rescue.Made, error) {
	text, err := json.Marshal(ImageMark{b.o.Salvor, b.report.Layout, b.report.Kernel.Release})
	if err != nil {
		return nil, fmt.Errorf("internal error: cannot write the mark of an image: %w", err)
	}
	return []rescue.Made{{Path: live.Mark, Mode: 0o644, Content: append(text, '\n'), Why: "says that this is a rescue system, and of what"}}, nil
}

// madeKeys are the public keys that may log in as root: those of root here, and those of the
// configuration. Of a file, what is no public key is left out and told.
func (b *imaging) madeKeys() ([]rescue.Made, error) {
	var all keyList
	home := b.rootHome()
	for _, name := range []string{".ssh/authorized_keys", ".ssh/authorized_keys2"} { // sshd_config(5), AuthorizedKeysFile
		if err := b.keysIn(path.Join(home, name), false, &all); err != nil {
			return nil, err
		}
	}
	for _, key := range b.o.Config.Rescue.SSH.AuthorizedKeys {
		if err := b.configuredKey(key, &all); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		b.w.tell(Note{"nobody can come into the rescue system by ssh: there is no public key in " + path.Join(home, ".ssh/authorized_keys") + " and none in the configuration"})
		return nil, nil
	}
	return []rescue.Made{{Path: imageKeys, Mode: 0o600, Content: []byte(strings.Join(all, "\n") + "\n"), Why: "who may log in by ssh"}}, nil
}

// keyList is a list of lines without repetitions.
type keyList []string

func (l *keyList) add(line string) {
	for _, have := range *l {
		if have == line {
			return
		}
	}
	*l = append(*l, line)
}

// keysIn takes the keys of a file; one that has to be there is an error when it is not.
func (b *imaging) keysIn(file string, needed bool, all *keyList) error {
	text, err := b.w.Machine.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && !needed {
		return nil
	}
	if err != nil {
		return err
	}
	lines, bad := authorizedKeys(text)
	for _, line := range lines {
		all.add(line)
	}
	for _, number := range bad {
		b.w.noteAll([]string{fmt.Sprintf("%s, line %d is no public key of ssh, and is left out", file, number)})
	}
	return nil
}

// configuredKey is a line, or names a file.
func (b *imaging) configuredKey(key config.PublicKey, all *keyList) error {
	if path.IsAbs(string(key)) {
		return b.keysIn(string(key), true, all)
	}
	lines, bad := authorizedKeys([]byte(key))
	if len(bad) > 0 {
		return errors.New("cannot use a key of rescue.ssh.authorized_keys: it is no public key of ssh")
	}
	for _, line := range lines {
		all.add(line)
	}
	return nil
}

// rootHome is root's directory (passwd(5)).
func (b *imaging) rootHome() string {
	text, _ := b.w.Machine.ReadFile("/etc/passwd") // without one, the usual place
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[0] == "root" && path.IsAbs(f[5]) {
			return f[5]
		}
	}
	return "/root"
}

// interpreterOf is the loader that an ELF program asks for; "" for a static one.
func interpreterOf(program []byte) (string, error) {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return "", fmt.Errorf("it is no ELF program: %w", err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name := make([]byte, min(p.Filesz, 4096))
			if _, err := p.ReadAt(name, 0); err != nil {
				return "", fmt.Errorf("its loader cannot be read: %w", err)
			}
			return strings.TrimRight(string(name), "\x00"), nil
		}
	}
	return "", nil
}
