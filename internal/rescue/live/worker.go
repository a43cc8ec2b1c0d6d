package live

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"salvor/internal/layout"
	"salvor/internal/machine"
	"salvor/internal/storage"
)

// Files of the image that init reads.
const (
	layoutFile = "/etc/salvor/layout.yaml"
	keysFile   = "/root/.ssh/authorized_keys"
)

// worker brings the system up and keeps its consoles.
type worker struct {
	h     host
	p     Parameters
	names []string // of the consoles
	voice
	saved *layout.Layout // nil if the image has none
	began time.Time

	mu   sync.Mutex
	told told
}

// told is what the network and sshd have told so far, for greetings that come later.
type told struct {
	network map[string]string // by interface
	keys    []string
}

// work is the life of the worker: it returns when nothing can be done any more.
func work(ctx context.Context, h host) error {
	w := &worker{h: h, began: time.Now(), told: told{network: map[string]string{}}}
	notes := mountKernel(h)
	line, err := h.ReadFile("/proc/cmdline")
	if err != nil {
		notes = append(notes, err.Error())
	}
	var more []string
	w.p, more = ParseParameters(string(line))
	w.names = consoles(h, w.p)
	w.voice = voice{h, w.names}
	w.notes(append(notes, more...))
	if w.p.FirstShell {
		w.firstShell()
	}
	w.step("names", w.takeNames)
	w.step("devices", func() { w.notes(startDevices(ctx, h)) })
	// Screens may have come with their drivers.
	w.names = consoles(h, w.p)
	w.voice = voice{h, w.names}
	w.step("keyboard", func() { w.keyboard(ctx) })
	var all sync.WaitGroup
	w.background(&all, "network", func() { w.network(ctx) })
	w.background(&all, "ssh", func() { w.ssh(ctx) })
	ready := w.sessions(ctx, &all)
	ready.Wait()
	w.say("salvor: ready")
	if w.p.Run != "" {
		w.background(&all, "run", func() { w.run(ctx) })
	}
	all.Wait()
	return errors.New("no console is left")
}

// step does a part of the work. What goes wrong in it, even a panic, is told, and the
// next part is tried: whoever sits at the console can do more with half a system than with
// none.
func (w *worker) step(name string, do func()) {
	defer func() {
		if cause := recover(); cause != nil {
			w.say("salvor: internal error: %s: %v", name, cause)
		}
	}()
	if w.p.Debug {
		began := time.Now()
		w.say("salvor: %s …", name)
		defer func() { w.say("salvor: %s: %d ms", name, time.Since(began).Milliseconds()) }()
	}
	do()
}

func (w *worker) background(all *sync.WaitGroup, name string, do func()) {
	all.Go(func() { w.step(name, do) })
}

func (w *worker) notes(notes []string) {
	for _, n := range notes {
		w.say("salvor: %s", storage.Printable(n))
	}
}

// firstShell is for whoever wants to see what goes wrong later.
func (w *worker) firstShell() {
	w.say("salvor: a shell before anything else; the start goes on when it ends")
	if len(w.names) == 0 {
		return
	}
	// The last is what the kernel has as /dev/console.
	if err := oneSession(w.h, w.names[len(w.names)-1], func() {}); err != nil {
		w.say("salvor: %v", err)
	}
}

// takeNames reads the saved layout, gives the machine its name, and quiets the kernel: from
// here on its messages would be written between what people type. All are in dmesg.
func (w *worker) takeNames() {
	if !w.p.Debug {
		if err := w.h.Put("/proc/sys/kernel/printk", "4"); err != nil {
			w.notes([]string{err.Error()})
		}
	}
	if data, err := w.h.ReadFile(layoutFile); err == nil {
		if w.saved, _, err = layout.Read(path.Base(layoutFile), data); err != nil {
			w.notes([]string{fmt.Sprintf("cannot use the saved layout, ignoring it: %v", err)})
		}
	}
	if err := w.h.SetHostname(w.hostname()); err != nil {
		w.notes([]string{fmt.Sprintf("cannot set the host name: %v", err)})
	}
}

func (w *worker) hostname() string {
	names := []string{w.p.Hostname}
	for _, ip := range w.p.IP {
		names = append(names, ip.Hostname)
	}
	if w.saved != nil {
		names = append(names, w.saved.Machine.Hostname)
	}
	for _, n := range append(names, "rescue") {
		if n != "" && n == storage.Printable(n) && len(n) <= 64 { // uname(2)
			return n
		}
	}
	return "rescue"
}

func (w *worker) keyboard(ctx context.Context) {
	if w.p.Keymap == "" {
		return
	}
	if _, err := w.h.Run(ctx, machine.Cmd{Program: "loadkeys", Args: []string{"--", w.p.Keymap}}); err != nil {
		w.notes([]string{err.Error()})
	}
}

// sessions starts one on each console. What it gives waits until all show their greeting.
func (w *worker) sessions(ctx context.Context, all *sync.WaitGroup) *sync.WaitGroup {
	var shown sync.WaitGroup
	for _, name := range w.names {
		shown.Add(1)
		first := sync.OnceFunc(shown.Done)
		w.background(all, "session on "+name, func() {
			defer first()
			keepSession(ctx, w.h, name, w.greet, first)
		})
	}
	return &shown
}

func (w *worker) greet() string {
	f := facts{hostname: w.hostname(), disks: readDisks(w.h)}
	f.hardware, f.uuid = readHardware(w.h)
	if w.saved != nil {
		f.saved = &w.saved.Machine
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f.keys = w.told.keys
	f.network = sortedValues(w.told.network)
	return greeting(f)
}

// run runs the command of salvor.run on the first console that the kernel has.
func (w *worker) run(ctx context.Context) {
	s, err := shellOn(w.h, "console")
	if err == nil {
		s.Name, s.Args, s.Output, s.Terminal = "sh", []string{"-c", w.p.Run}, "/dev/console", ""
		var c child
		if c, err = w.h.Spawn(s); err == nil {
			var status int
			if status, err = c.Wait(); err == nil {
				w.say("salvor: run: exit status %d", status)
			}
		}
	}
	if err != nil {
		w.say("salvor: run: %v", err)
	}
	if e, ok := endingOf(Ending(w.p.Then)); ok {
		w.h.Signal(1, e.signal)
	}
}
