package live

import (
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
	// AddAddress adds an address; valid is how long it lasts, 0 for ever.
	AddAddress(name string, a address, valid time.Duration) error
	RemoveAddress(name string, a address) error
	AddRoute(r layout.Route) error
	// Carrier waits until there is a link.
	Carrier(ctx context.Context, name string) error
	// Taken asks whether another machine has an IPv4 address (RFC 5227), and gives its
	// hardware address.
	Taken(ctx context.Context, name string, addr netip.Addr) (by net.HardwareAddr, err error)
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

	mu  sync.Mutex
	dns map[string]layout.DNS // by interface; "" is what was given by hand
}

// reach brings up the network as planned. It returns when all that can be done at once is done;
// leases are kept and links are waited for until ctx ends.
func (r *networker) reach(ctx context.Context, p Parameters, saved *layout.Network) {
	if err := r.n.Up("lo"); err != nil {
		r.note(err.Error())
	}
	links, err := r.n.Links()
	if err != nil {
		r.note(err.Error())
		return
	}
	plan, notes := planNetwork(p, saved, links)
	for _, n := range notes {
		r.note(n)
	}
	r.resolve("", plan.dns)
	var all sync.WaitGroup
	for _, l := range plan.links {
		if err := r.bringUp(l); err != nil {
			r.tell(l.name, err.Error())
			continue
		}
		all.Go(func() { r.addresses(ctx, l, plan.routes) })
	}
	for _, route := range plan.routes {
		if route.Interface == "" {
			r.route(route)
		}
	}
	all.Wait()
}

func (r *networker) bringUp(l linkPlan) error {
	if l.made != nil {
		if err := r.n.Make(l); err != nil {
			return err
		}
	}
	if l.mac != "" {
		if err := r.n.SetMAC(l.name, l.mac); err != nil {
			return err
		}
	}
	if l.mtu != 0 {
		if err := r.n.SetMTU(l.name, l.mtu); err != nil {
			return err
		}
	}
	return r.n.Up(l.name)
}

// addresses gives an interface its addresses, once it has a link.
func (r *networker) addresses(ctx context.Context, l linkPlan, routes []layout.Route) {
	if len(l.addresses) == 0 && !l.dhcp {
		return
	}
	if err := r.n.Carrier(ctx, l.name); err != nil {
		if ctx.Err() == nil {
			r.tell(l.name, err.Error())
		}
		return
	}
	var got []string
	for _, a := range l.addresses {
		if err := r.take(ctx, l.name, a); err != nil {
			r.note(fmt.Sprintf("%s: %v", l.name, err))
			continue
		}
		got = append(got, a.String())
	}
	for _, route := range routes {
		if route.Interface == l.name {
			r.route(route)
		}
	}
	if len(got) > 0 {
		r.tell(l.name, strings.Join(got, ", "))
	}
	if l.dhcp {
		r.keepLease(ctx, l.name, got)
	}
}

func (r *networker) route(route layout.Route) {
	if err := r.n.AddRoute(route); err != nil {
		r.note(fmt.Sprintf("cannot add the route to %s: %v", route.To, err))
	}
}

// take adds a static address, if no other machine has it: a machine that was replaced, or
// a drill beside the real one, must not take the address of what is in service. For IPv6 the
// kernel asks by itself (RFC 4862, 5.4).
func (r *networker) take(ctx context.Context, name string, a address) error {
	if addr := a.prefix.Addr(); addr.Is4() {
		by, err := r.n.Taken(ctx, name, addr)
		if err != nil {
			return fmt.Errorf("cannot ask whether %s is free, not taking it: %w", addr, err)
		}
		if by != nil {
			return fmt.Errorf("%s is in use by another machine (%s), not taking it", addr, by)
		}
	}
	return r.n.AddAddress(name, a, 0)
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
