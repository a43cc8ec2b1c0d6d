package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"salvor/internal/secret"
	"salvor/internal/workflow"
)

// keyOptions are the options that say where keys come from.
type keyOptions struct {
	keys     []string
	noPrompt bool
}

func (k *keyOptions) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&k.keys, "key", nil, "VOLUME=FILE: a key file, taken as it is, or '-' for a passphrase on standard input;\n"+
		"VOLUME=prompt, VOLUME=ask-password (systemd's agents) or VOLUME=skip; VOLUME is a name, a device, a UUID or '*' for all;\nmay be given again")
	f.BoolVar(&k.noPrompt, "no-prompt", false, "ask nothing; what would have to be asked is skipped or refused")
}

// read gives the keys of the files, and a prompter that keeps to the words.
func (k *keyOptions) read(a *app) ([]workflow.GivenKey, *prompter, error) {
	a.guard()
	p := &prompter{app: a, never: k.noPrompt}
	var given []workflow.GivenKey
	for _, word := range k.keys {
		volume, from, ok := cutKey(word)
		if !ok || volume == "" || from == "" {
			return nil, nil, usagef("cannot use --key %q: it has to be VOLUME=FILE, VOLUME=prompt, VOLUME=ask-password or VOLUME=skip", word)
		}
		switch from {
		case "prompt":
			p.always = append(p.always, volume)
		case "ask-password":
			p.agents = append(p.agents, volume)
		case "skip":
			p.skip = append(p.skip, volume)
		default:
			key, err := a.readKey(from)
			if err != nil {
				return nil, nil, err
			}
			given = append(given, workflow.GivenKey{Volume: volume, Key: key, From: keyName(from), Typed: from == "-"})
		}
	}
	return append(given, a.unlocked()...), p, nil
}

// unlocked gives a key for what a recorded machine was given one: what it is does not
// matter there.
func (a *app) unlocked() []workflow.GivenKey {
	var out []workflow.GivenKey
	for _, volume := range a.env.Unlocked {
		out = append(out, workflow.GivenKey{Volume: volume, Key: secret.New([]byte("recorded")), From: "the key that salvor report was given"})
	}
	return out
}

// guard keeps the keys of this run from being swapped or dumped. Without that the
// work goes on: the machine that it is for is down.
func (a *app) guard() {
	if a.env.Guard == nil || a.env.Machine.Euid() != 0 {
		return
	}
	if err := a.env.Guard(); err != nil {
		a.reporter.tell(workflow.Note{Text: err.Error()})
	}
}

// cutKey splits at the first "=" that is not part of a tag such as UUID=….
func cutKey(word string) (volume, from string, ok bool) {
	tag, rest, ok := strings.Cut(word, "=")
	if ok && slices.Contains([]string{"UUID", "LABEL", "PARTUUID", "PARTLABEL", "ID"}, tag) && strings.Contains(rest, "=") {
		volume, from, ok = strings.Cut(rest, "=")
		return tag + "=" + volume, from, ok
	}
	return tag, rest, ok
}

func keyName(from string) string {
	if from == "-" {
		return "the key on standard input"
	}
	return "the key file " + from
}

// readKey reads a key file as it is. A passphrase on standard input ends with its
// line, as cryptsetup(8) has it.
func (a *app) readKey(from string) (*secret.Secret, error) {
	if from == "-" {
		key, err := secret.ReadLine(a.env.Stdin)
		if err != nil {
			return nil, fmt.Errorf("on standard input: %w", err)
		}
		return key, nil
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key file: %w", err)
	}
	defer f.Close()
	return secret.Read(f)
}
