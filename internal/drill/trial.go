package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"salvor/internal/storage"
)

// What a machine says on its way up.
var (
	menuIsUp = regexp.MustCompile(`Rescue, safe`) // the last entry but one, whatever the loader
	ready    = regexp.MustCompile(`salvor: ready`)
	panicked = regexp.MustCompile(`Kernel panic - not syncing: ?([^\r\n]*)[\r\n]`) // kernel/panic.c
)

// ends are what ends a trial, and what that means. Of an initramfs that could not be unpacked the first
// files are there, and the system may come up without the others.
var ends = []struct {
	said  *regexp.Regexp
	means string
}{
	{panicked, "the kernel panicked: "},
	{regexp.MustCompile(`Initramfs unpacking failed: ?([^\r\n]*)[\r\n]`), "the initramfs could not be unpacked: "},                        // kernel, init/initramfs.c
	{regexp.MustCompile(`BdsDxe: No bootable option or device was found()`), "the firmware found nothing that it could start"},            // EDK II, BdsEntry.c
	{regexp.MustCompile(`Failed to boot both default and fallback entries()`), "the boot loader could start nothing that is in its menu"}, // GRUB, grub-core/normal/menu.c
}

// explanations are for what stands on a console besides. They do not end a trial: a firmware
// that refuses one thing may start another.
var explanations = []struct{ said, means string }{
	{"Security Violation", "Secure Boot refused a program"},                 // shim, shim.c
	{"bad shim signature", "Secure Boot refused the kernel"},                // GRUB, grub-core/loader/efi
	{": Access Denied", "the firmware refused a program for its signature"}, // EDK II, BmBoot.c
	{"deadlocked on memory", "the machine has too little memory"},           // kernel, mm/oom_kill.c
	{"error: out of memory", "the boot loader had too little memory"},       // GRUB, grub-core/kern/mm.c
}

func explain(console string) string {
	for _, e := range explanations {
		if strings.Contains(console, e.said) {
			return e.means
		}
	}
	return ""
}

// patience is how long a machine may take: to be ready, to leave its menu, for a command, to
// switch itself off.
type patience struct{ ready, menu, command, off time.Duration }

// patience is larger where all is emulated. Within two minutes the rescue system has pulled
// its own plug (docs/rescue.md, "How it ends").
func (q *qemu) patience(o Options) patience {
	p := patience{ready: EmulatedLimit, command: 5 * time.Minute, off: 5 * time.Minute}
	if q.kvm {
		p = patience{ready: KVMLimit, command: time.Minute, off: 2 * time.Minute}
	}
	if o.Limit > 0 {
		p.ready = o.Limit
	}
	p.menu = p.ready / 10 // more than twice the time that a menu waits
	return p
}

func (q *qemu) accelerator() string {
	if q.kvm {
		return "kvm"
	}
	return "tcg"
}

// rehearse waits for the system, asks it, and switches it off. Its error is the cause for which
// the image fails.
func (t *Trial) rehearse(ctx context.Context, v *vm, p patience, tell func(Stage, Firmware)) error {
	if err := t.waitReady(ctx, v, p); err != nil {
		return err
	}
	tell(Asking, t.Firmware)
	if err := t.ask(ctx, newShell(v.console, p.command), v.began); err != nil {
		return inTime(err)
	}
	tell(Ending, t.Firmware)
	if err := v.console.typed("poweroff"); err != nil {
		return said("cannot switch the machine off", err)
	}
	within, cancel := context.WithTimeout(ctx, p.off)
	defer cancel()
	return inTime(said("the machine does not switch itself off", v.off(within)))
}

// ask asks the system all that the trial is to tell.
func (t *Trial) ask(ctx context.Context, s *shell, began time.Time) error {
	if err := s.wake(ctx); err != nil {
		return err
	}
	if err := t.askFacts(ctx, s, began); err != nil {
		return err
	}
	for _, ask := range []func(context.Context, *shell) error{t.askFirmware, t.askVersion, t.askProbe} {
		if err := ask(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// inTime says in words of people that a limit was reached.
func inTime(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New(strings.ReplaceAll(err.Error(), context.DeadlineExceeded.Error(), "it takes too long"))
	}
	return err
}

func (t *Trial) waitReady(ctx context.Context, v *vm, p patience) error {
	ctx, cancel := context.WithTimeout(ctx, p.ready)
	defer cancel()
	patterns := []*regexp.Regexp{ready}
	for _, e := range ends {
		patterns = append(patterns, e.said)
	}
	m, err := v.console.expect(ctx, append(patterns, menuIsUp)...)
	if m.pattern == menuIsUp {
		m, err = pastMenu(ctx, v.console, p.menu, patterns)
	}
	switch {
	case errors.Is(err, errSilent):
		return said("the machine ended before it was ready", errors.Join(v.off(ctx), lastWords(v.console.text())))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the machine was not ready after %s", p.ready)
	case err != nil:
		return err
	}
	for _, e := range ends {
		if m.pattern == e.said {
			return errors.New(e.means + m.parts[1])
		}
	}
	t.Ready = time.Since(v.began).Seconds()
	return nil
}

// pastMenu waits for the patterns, and chooses the default entry if none comes: GRUB measures its clock in
// a millisecond (grub-core/kern/i386/tsc_pmtimer.c), and on an emulator that had to wait in it for a processor, five
// seconds can take minutes from then on.
func pastMenu(ctx context.Context, c *console, wait time.Duration, patterns []*regexp.Regexp) (match, error) {
	once, stop := context.WithTimeout(ctx, wait)
	m, err := c.expect(once, patterns...)
	stop()
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return m, err
	}
	if err := c.typed(""); err != nil {
		return match{}, err
	}
	return c.expect(ctx, patterns...)
}

// lastWords tells what the last words of a machine were, for one that ended in order.
func lastWords(console string) error {
	lines := strings.FieldsFunc(console, func(r rune) bool { return r == '\r' || r == '\n' })
	if len(lines) == 0 {
		return errors.New("it said nothing")
	}
	return fmt.Errorf("its last words: %s", lines[len(lines)-1])
}

// askFacts asks for what has to be known before anything else uses memory. The kernel started
// as long ago as it has been up, whatever it wrote on its way and where to.
func (t *Trial) askFacts(ctx context.Context, s *shell, began time.Time) error {
	a, err := s.run(ctx, "cat /proc/uptime /proc/meminfo")
	if err != nil {
		return err
	}
	f, err := parseFacts(a.text)
	if err != nil {
		return err
	}
	t.Kernel = max(0, a.when.Sub(began).Seconds()-f.uptime)
	t.MemoryTotal, t.MemoryUsed = f.total, f.total-min(f.total, f.available)
	return nil
}

// facts are from /proc/uptime and /proc/meminfo, one after the other (proc(5)).
type facts struct {
	uptime           float64 // seconds
	total, available uint64  // bytes
}

func parseFacts(text string) (facts, error) {
	var f facts
	first, rest, _ := strings.Cut(text, "\n")
	up, _, _ := strings.Cut(first, " ")
	var err error
	if f.uptime, err = strconv.ParseFloat(up, 64); err != nil {
		return f, fmt.Errorf("cannot read /proc/uptime of the rescue system: %w", err)
	}
	for line := range strings.Lines(rest) {
		words := strings.Fields(line)
		if len(words) != 3 || words[2] != "kB" {
			continue
		}
		n, err := strconv.ParseUint(words[1], 10, 54) // kB, so that bytes fit in 64 bits
		if err != nil {
			continue // a line that is not asked for, or it is missing below
		}
		switch words[0] {
		case "MemTotal:":
			f.total = n << 10
		case "MemAvailable:":
			f.available = n << 10
		}
	}
	if f.total == 0 {
		return f, errors.New("cannot read /proc/meminfo of the rescue system: it has no MemTotal")
	}
	return f, nil
}

// secureVariable says whether Secure Boot is on: four bytes of attributes, then 1 (UEFI 2.10, 3.3).
const secureVariable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

// askFirmware proves that the system was started by what was meant.
func (t *Trial) askFirmware(ctx context.Context, s *shell) error {
	a, err := s.run(ctx, "if [ -d /sys/firmware/efi ]; then echo uefi; od -An -tu1 "+secureVariable+" || dmesg; else echo bios; fi")
	if err != nil {
		return err
	}
	if got := firmwareOf(a.text); got != t.Firmware {
		return fmt.Errorf("it was started by %s, not by %s", got, t.Firmware)
	}
	return nil
}

// secureMessage is what the kernel says of it (drivers/firmware/efi/libstub, arch/x86/kernel/setup.c).
const secureMessage = "Secure boot enabled"

func firmwareOf(answer string) Firmware {
	first, rest, _ := strings.Cut(strings.TrimSpace(answer), "\n")
	words := strings.Fields(rest)
	switch {
	case first == "bios":
		return BIOS
	case len(words) == 5 && words[4] == "1", strings.Contains(rest, secureMessage):
		return SecureBoot
	}
	return UEFI
}

func (t *Trial) askVersion(ctx context.Context, s *shell) error {
	a, err := s.run(ctx, "salvor version")
	if err != nil {
		return err
	}
	if a.status != 0 {
		return fmt.Errorf("salvor version: exit status %d: %s", a.status, strings.TrimSpace(a.text))
	}
	t.Salvor = strings.TrimPrefix(strings.TrimSpace(a.text), "salvor ")
	return nil
}

// askProbe has the machine look at itself.
func (t *Trial) askProbe(ctx context.Context, s *shell) error {
	a, err := s.run(ctx, "salvor probe --json 2>/dev/null")
	if err != nil {
		return err
	}
	if a.status != 0 {
		return fmt.Errorf("salvor probe: exit status %d", a.status)
	}
	var g storage.Graph
	if err := json.Unmarshal([]byte(a.text), &g); err != nil {
		return fmt.Errorf("salvor probe: %w", err)
	}
	for range g.Nodes() {
		t.Nodes++
	}
	return nil
}
