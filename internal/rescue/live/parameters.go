package live

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Parameters are what the kernel's command line tells the init.
type Parameters struct {
	IP         []IPParameter
	Nameserver []netip.Addr
	Only       []string // interfaces that may be used, by name or hardware address; none is all
	NoSSH      bool
	RSA        bool   // sshd gets an RSA host key too
	FirstShell bool   // a shell before anything else
	Run        string // a command to be run, with the shell
	Then       Then
	Debug      bool
	Keymap     string
	Hostname   string
	Consoles   []string // without /dev/, and without speeds
}

// Then is what follows the command of salvor.run.
type Then string

// What may follow.
const (
	ThenPowerOff Then = "poweroff"
	ThenReboot   Then = "reboot"
	ThenStay     Then = "stay"
)

// parameter is a row of the table "Kernel parameters" in docs/rescue.md.
type parameter struct {
	word  string // as it is typed
	means string
	take  func(p *Parameters, value string) error
}

// parameters is the table. What it does not have is the kernel's or nobody's.
var parameters = []parameter{
	{"ip=", "how the network is reached, as in the next table; several add up", func(p *Parameters, v string) error {
		ip, err := parseIP(v)
		p.IP = append(p.IP, ip)
		return err
	}},
	{"nameserver=", "the address of a name server; several add up", func(p *Parameters, v string) error {
		addr, err := netip.ParseAddr(v)
		p.Nameserver = append(p.Nameserver, addr)
		return err
	}},
	{"salvor.net=", "the interfaces that may be used, by name or hardware address, with commas between; all others are left alone", func(p *Parameters, v string) error {
		p.Only = append(p.Only, words(v, ",")...)
		return nil
	}},
	{"salvor.ssh=", "`off`: no sshd; `rsa`: sshd has an RSA host key too, for clients that know no Ed25519", func(p *Parameters, v string) error {
		p.NoSSH, p.RSA = v == "off", v == "rsa"
		return oneOf(v, "off", "rsa")
	}},
	{"salvor.shell", "a shell before anything else is done; the start goes on when it ends", func(p *Parameters, _ string) error {
		p.FirstShell = true
		return nil
	}},
	{"salvor.run=", "a command that the shell runs after `salvor: ready`, when the network may still be coming; its output goes to the console, and `salvor: run: exit status N` to all of them", func(p *Parameters, v string) error {
		p.Run = v
		return nil
	}},
	{"salvor.then=", "what follows the command: `poweroff` (also without this word), `reboot` or `stay`", func(p *Parameters, v string) error {
		p.Then = Then(v)
		return oneOf(v, string(ThenPowerOff), string(ThenReboot), string(ThenStay))
	}},
	{"salvor.debug", "every step is told on the console, and the kernel's messages stay there", func(p *Parameters, _ string) error {
		p.Debug = true
		return nil
	}},
	{"salvor.keymap=", "the keyboard, as loadkeys(1) knows it", func(p *Parameters, v string) error {
		p.Keymap = v
		return nil
	}},
	{"salvor.hostname=", "the name of the rescue system, in place of that of the machine", func(p *Parameters, v string) error {
		p.Hostname = v
		return nil
	}},
	{"console=", "the kernel's own: there is a session on each of them, besides tty1 and tty2", func(p *Parameters, v string) error {
		name, _, _ := strings.Cut(v, ",")
		p.Consoles = append(p.Consoles, strings.TrimPrefix(name, "/dev/"))
		return nil
	}},
}

// ParseParameters reads a kernel command line. What cannot be used is left out and noted.
func ParseParameters(line string) (p Parameters, notes []string) {
	p.Then = ThenPowerOff
	for _, word := range splitLine(line) {
		if word == "--" { // what follows is for an init that takes arguments
			break
		}
		row, value, known := lookupParameter(word)
		if !known {
			if strings.HasPrefix(word, "salvor.") {
				notes = append(notes, fmt.Sprintf("the kernel parameter %s is unknown, ignoring it", word))
			}
			continue
		}
		next := p
		next.IP, next.Nameserver = slices.Clone(p.IP), slices.Clone(p.Nameserver)
		if err := row.take(&next, value); err != nil {
			notes = append(notes, fmt.Sprintf("cannot use the kernel parameter %s, ignoring it: %v", word, err))
			continue
		}
		p = next
	}
	return p, notes
}

func lookupParameter(word string) (row parameter, value string, known bool) {
	name, value, assigned := strings.Cut(word, "=")
	if assigned {
		name += "="
	}
	at := slices.IndexFunc(parameters, func(r parameter) bool { return r.word == name })
	if at < 0 {
		return parameter{}, "", false
	}
	return parameters[at], value, true
}

// splitLine splits a command line as the kernel does (lib/cmdline.c, next_arg): at white
// space outside of double quotes. Quotes around a value or a word are taken off.
func splitLine(line string) []string {
	var out []string
	quoted := false
	fields := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && strings.ContainsRune(" \t\n\v\f\r\u00a0", r)
	})
	for _, word := range fields {
		if unquoted, ok := strings.CutPrefix(word, `"`); ok {
			out = append(out, strings.TrimSuffix(unquoted, `"`))
			continue
		}
		name, value, assigned := strings.Cut(word, "=")
		if unquoted, ok := strings.CutPrefix(value, `"`); assigned && ok {
			word = name + "=" + strings.TrimSuffix(unquoted, `"`)
		}
		out = append(out, word)
	}
	return out
}

func words(s, between string) []string {
	var out []string
	for w := range strings.SplitSeq(s, between) {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

func oneOf(value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", value, strings.Join(allowed, ", "))
}
