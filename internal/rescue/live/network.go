package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"salvor/internal/layout"
	"salvor/internal/storage"
)

// network is the machine's network, as the kernel has it. Its implementations are netlinks,
// and a fake with a state in the tests.
type network interface {
	// Links are the interfaces but for the loopback.
	Links() ([]link, error)
	Up(name string) error
	// Make makes a bond, bridge or VLAN, with its members, and leaves it down.
	Make(p linkPlan) error
	SetMTU(name string, mtu int) error
	SetMAC(name, mac string) error
	// AddAddress adds an address; valid is how long it lasts, 0 for ever. That of IPv6 is
	// not in use before it is known that nobody else has it: see Settle.
	AddAddress(name string, a address, valid time.Duration) error
	RemoveAddress(name string, a address) error
	AddRoute(r layout.Route) error
	// Carrier waits until there is a link.
	Carrier(ctx context.Context, name string) error
	// Taken asks whether another machine has an IPv4 address (RFC 5227), and gives its
	// hardware address.
	Taken(ctx context.Context, name string, addr netip.Addr) (by net.HardwareAddr, err error)
	// Settle waits until the kernel knows whether another machine has an IPv6 address
	// that was added (RFC 4862, 5.4).
	Settle(ctx context.Context, name string, addr netip.Addr) (taken bool, err error)
	// Announce tells all machines on the link who has an IPv4 address now (RFC 5227, 2.3).
	Announce(name string, addr netip.Addr) error
	// Lease asks for a lease; earlier is the one that is to go on, nil for a new one.
	Lease(ctx context.Context, name string, earlier *lease) (*lease, error)
}

// lease is what a DHCP server gave.
type lease struct {
	address address
	router  netip.Addr // may be invalid: none
	routes  []layout.Route
	dns     layout.DNS
	lasts   time.Duration // 0 for ever
	renew   time.Duration
	keep    any // the implementation's
}

// networker brings up the network and tells about it.
type networker struct {
	n     network
	tell  func(name, text string)
	note  func(text string)
	write func(dns layout.DNS) error

	mu     sync.Mutex
	dns    map[string]layout.DNS // by interface; "" is what was given by hand
	routes []layout.Route        // that were planned
	ready  map[string]bool       // interfaces that have their addresses
}

// reach brings up the network as planned. It returns when all that can be done at once is done;
// leases are kept and links are waited for until ctx ends.
func (r *networker) reach(ctx context.Context, p Parameters, saved *layout.Network) {
	if err := r.n.Up("lo"); err != nil {
		r.note(err.Error())
	}
	links, err := r.links(ctx, p)
	if err != nil {
		r.note(err.Error())
		return
	}
	plan, notes := planNetwork(p, saved, links)
	for _, n := range notes {
		r.note(n)
	}
	r.resolve("", plan.dns)
	r.routes, r.ready = plan.routes, map[string]bool{}
	var all sync.WaitGroup
	for _, l := range plan.links {
		if err := r.bringUp(l); err != nil {
			r.tell(l.name, err.Error())
			continue
		}
		all.Go(func() { r.addresses(ctx, l) })
	}
	for _, route := range plan.routes {
		if route.Interface == "" && len(route.Hops) == 0 {
			r.route(route)
		}
	}
	all.Wait()
}

// linkWait is how long a link may take before nobody waits for it silently any more. Two
// sides that agree on how fast they are take some seconds.
const linkWait = 10 * time.Second

// links gives the interfaces. A static address may be for the first one with a link: none
// is seen as long as an interface is off, so they are switched on before.
func (r *networker) links(ctx context.Context, p Parameters) ([]link, error) {
	links, err := r.n.Links()
	if err != nil || !slices.ContainsFunc(p.IP, func(ip IPParameter) bool { return ip.Mode == IPStatic && ip.Device == "" }) {
		return links, err
	}
	soon, cancel := context.WithTimeout(ctx, linkWait)
	defer cancel()
	var all sync.WaitGroup
	for _, l := range p.allowed(links) {
		if !l.ethernet {
			continue
		}
		if err := r.n.Up(l.name); err != nil {
			r.note(err.Error())
			continue
		}
		all.Go(func() {
			if r.n.Carrier(soon, l.name) == nil {
				cancel()
			}
		})
	}
	all.Wait()
	return r.n.Links()
}

// bringUp makes an interface and switches it on. What fails on the way is told: one with
// another MTU, or without a member, is better than none.
func (r *networker) bringUp(l linkPlan) error {
	var failed []error
	if l.made != nil {
		failed = append(failed, r.n.Make(l))
	}
	if l.mac != "" {
		failed = append(failed, r.n.SetMAC(l.name, l.mac))
	}
	if l.mtu != 0 {
		failed = append(failed, r.n.SetMTU(l.name, l.mtu))
	}
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	if err := r.n.Up(l.name); err != nil {
		return cmp.Or(errors.Join(failed...), err)
	}
	for _, err := range failed {
		r.note(err.Error())
	}
	return nil
}

// addresses gives an interface its addresses, once it has a link.
func (r *networker) addresses(ctx context.Context, l linkPlan) {
	if len(l.addresses) == 0 && !l.dhcp {
		r.addRoutes(l.name)
		return
	}
	if err := r.linked(ctx, l.name); err != nil {
		if ctx.Err() == nil {
			r.tell(l.name, err.Error())
		}
		return
	}
	var got []address
	for _, a := range l.addresses {
		if err := r.take(ctx, l.name, a); err != nil {
			r.note(fmt.Sprintf("%s: %v", l.name, err))
			continue
		}
		got = append(got, a)
	}
	r.addRoutes(l.name)
	var words []string
	for _, a := range got {
		words = append(words, a.String())
	}
	switch {
	case len(got) > 0:
		r.tell(l.name, strings.Join(words, ", "))
	case len(l.addresses) > 0:
		r.tell(l.name, "has none of its addresses")
	}
	r.announce(ctx, l.name, got)
	if l.dhcp {
		r.keepLease(ctx, l.name, words)
	}
}

// linked waits for a link, and tells if there is none for a while.
func (r *networker) linked(ctx context.Context, name string) error {
	soon, cancel := context.WithTimeout(ctx, linkWait)
	defer cancel()
	err := r.n.Carrier(soon, name)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	r.tell(name, "no link yet; its addresses come with one")
	return r.n.Carrier(ctx, name)
}

// How an address that was taken is announced (RFC 5227, 1.1).
const (
	announcements    = 2
	announceInterval = 2 * time.Second
)

// announce tells the machines that had been told another hardware address, of hardware that
// was replaced.
func (r *networker) announce(ctx context.Context, name string, got []address) {
	got = slices.DeleteFunc(slices.Clone(got), func(a address) bool { return !a.prefix.Addr().Is4() })
	if len(got) == 0 {
		return
	}
	for i := range announcements {
		if i > 0 {
			pause(ctx, announceInterval)
		}
		for _, a := range got {
			if err := r.n.Announce(name, a.prefix.Addr()); err != nil {
				r.note(err.Error())
				return
			}
		}
	}
}

// addRoutes adds the routes for which an interface was missing. One with several gateways is
// there as soon as one of them is, and again with each that comes.
func (r *networker) addRoutes(name string) {
	r.mu.Lock()
	r.ready[name] = true
	var now []layout.Route
	for _, route := range r.routes {
		if route.Interface == name {
			now = append(now, route)
		}
		if !slices.ContainsFunc(route.Hops, func(h layout.Hop) bool { return h.Interface == name }) {
			continue
		}
		route.Hops = slices.DeleteFunc(slices.Clone(route.Hops), func(h layout.Hop) bool { return !r.ready[h.Interface] })
		now = append(now, route)
	}
	r.mu.Unlock()
	for _, route := range now {
		r.route(route)
	}
}

func (r *networker) route(route layout.Route) {
	if err := r.n.AddRoute(route); err != nil {
		r.note(fmt.Sprintf("cannot add the route to %s: %v", route.To, err))
	}
}

// take adds a static address, if no other machine has it: a machine that was replaced, or
// a drill beside the real one, must not take the address of what is in service.
func (r *networker) take(ctx context.Context, name string, a address) error {
	addr := a.prefix.Addr()
	if addr.Is4() {
		by, err := r.n.Taken(ctx, name, addr)
		if err != nil {
			return fmt.Errorf("cannot ask whether %s is free, not taking it: %w", addr, err)
		}
		if by != nil {
			return fmt.Errorf("%s is in use by another machine (%s), not taking it", addr, by)
		}
		return r.n.AddAddress(name, a, 0)
	}
	if err := r.n.AddAddress(name, a, 0); err != nil {
		return err
	}
	taken, err := r.n.Settle(ctx, name, addr)
	if err == nil && taken {
		err = errors.Join(fmt.Errorf("%s is in use by another machine, not taking it", addr), r.n.RemoveAddress(name, a))
	}
	return err
}

func (a address) String() string {
	if a.peer.IsValid() {
		return a.prefix.Addr().String() + " peer " + a.peer.String()
	}
	return a.prefix.String()
}

// How long after a failure DHCP is tried again, at first and at most.
const (
	soonAgain = 5 * time.Second
	lateAgain = time.Minute
)

// keepLease gets an address by DHCP and keeps it. It is told when there is one, when it
// changes, and once when there is none.
func (r *networker) keepLease(ctx context.Context, name string, static []string) {
	var have *lease
	wait, toldNone := soonAgain, false
	for ctx.Err() == nil {
		next, err := r.n.Lease(ctx, name, have)
		switch {
		case err == nil:
			r.useLease(name, have, next, static)
			have, wait, toldNone = next, soonAgain, false
			if next.renew == 0 {
				return
			}
			pause(ctx, next.renew)
			continue
		case have != nil: // it cannot be renewed: ask for a new one, while the address lasts
			have = nil
		case !toldNone:
			toldNone = true
			r.tell(name, fmt.Sprintf("no answer by DHCP yet: %v", err))
		}
		pause(ctx, wait)
		wait = min(2*wait, lateAgain)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *networker) useLease(name string, old, l *lease, static []string) {
	if old != nil && old.address != l.address {
		r.n.RemoveAddress(name, old.address) // it may have run out by itself
	}
	if err := r.n.AddAddress(name, l.address, l.lasts); err != nil {
		r.tell(name, err.Error())
		return
	}
	for _, route := range l.routes {
		r.route(route)
	}
	r.resolve(name, l.dns)
	if old == nil || old.address != l.address {
		r.tell(name, strings.Join(append(slices.Clone(static), l.address.String()+" by DHCP"), ", "))
	}
}

// resolve writes resolv.conf of all that is known, what was given by hand first.
func (r *networker) resolve(name string, dns layout.DNS) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dns[name] = dns
	if err := r.write(mergeDNS(r.dns)); err != nil {
		r.note(err.Error())
	}
}

func mergeDNS(all map[string]layout.DNS) layout.DNS {
	var out layout.DNS
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, s := range all[name].Servers {
			if !slices.Contains(out.Servers, s) {
				out.Servers = append(out.Servers, s)
			}
		}
		for _, s := range all[name].Search {
			if !slices.Contains(out.Search, s) {
				out.Search = append(out.Search, s)
			}
		}
	}
	return out
}

// resolvConf is the text of resolv.conf(5). A DHCP server may be anybody's: what is no
// address or no name of a domain is left out.
func resolvConf(dns layout.DNS) []byte {
	var b strings.Builder
	b.WriteString("# made by salvor's init\n")
	search := slices.DeleteFunc(slices.Clone(dns.Search), func(s string) bool { return !isDomain(s) })
	if len(search) > 0 {
		b.WriteString("search " + strings.Join(search, " ") + "\n")
	}
	for _, s := range dns.Servers {
		if addr, err := netip.ParseAddr(s); err == nil {
			b.WriteString("nameserver " + addr.String() + "\n")
		}
	}
	return []byte(b.String())
}

func isDomain(s string) bool {
	return s != "" && len(s) <= 253 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

// network brings up the network, and says so on the consoles.
func (w *worker) network(ctx context.Context) {
	n, err := openNetlinks(w.h)
	if err != nil {
		w.notes([]string{err.Error()})
		return
	}
	var saved *layout.Network
	if w.saved != nil {
		saved = &w.saved.Network
	}
	r := &networker{n: n, dns: map[string]layout.DNS{},
		note: func(text string) { w.notes([]string{text}) },
		tell: w.tellNetwork,
		write: func(dns layout.DNS) error {
			return errors.Join(w.h.MkdirAll("/etc", 0o755), w.h.WriteFile("/etc/resolv.conf", resolvConf(dns), 0o644))
		}}
	r.reach(ctx, w.p, saved)
}

// tellNetwork says how an interface is reached, on the consoles and in later greetings.
func (w *worker) tellNetwork(name, text string) {
	line := storage.Printable(fmt.Sprintf("%s: %s", name, text))
	w.mu.Lock()
	w.told.network[name] = line
	w.mu.Unlock()
	w.say("salvor: %s", line)
}

func sortedValues(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
