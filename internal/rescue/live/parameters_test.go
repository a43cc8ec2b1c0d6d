package live

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var comparable = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmp.AllowUnexported(address{}, linkPlan{}, networkPlan{}, lease{})}

func TestParseParameters(t *testing.T) {
	addr := netip.MustParseAddr
	prefix := netip.MustParsePrefix
	for name, c := range map[string]struct {
		line  string
		want  Parameters
		notes string
	}{
		"nothing of ours": {"BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet nomodeset", Parameters{}, ""},
		"words":           {"salvor.shell salvor.debug salvor.ssh=off\n", Parameters{FirstShell: true, Debug: true, NoSSH: true}, ""},
		"a command":       {`salvor.run="salvor probe --json" salvor.then=reboot`, Parameters{Run: "salvor probe --json", Then: ThenReboot}, ""},
		"quoted whole":    {`"salvor.run=salvor probe" x`, Parameters{Run: "salvor probe"}, ""},
		"consoles":        {"console=tty0 console=ttyS0,115200n8", Parameters{Consoles: []string{"tty0", "ttyS0"}}, ""},
		"after --":        {"salvor.debug -- salvor.shell", Parameters{Debug: true}, ""},
		"several":         {"nameserver=192.0.2.1 nameserver=2001:db8::1 salvor.net=eth0,52:54:00:00:00:01", Parameters{Nameserver: []netip.Addr{addr("192.0.2.1"), addr("2001:db8::1")}, Only: []string{"eth0", "52:54:00:00:00:01"}}, ""},
		"unknown":         {"salvor.nothing=1", Parameters{}, "salvor.nothing=1 is unknown"},
		"an odd value":    {"salvor.then=dance", Parameters{}, `"dance" is none of poweroff, reboot, stay`},
		"an odd address":  {"nameserver=x", Parameters{}, "cannot use the kernel parameter nameserver=x"},
		"ip":              {"ip=192.0.2.7::192.0.2.1:255.255.255.0:wreck:eth0:off:192.0.2.2", Parameters{IP: []IPParameter{{Mode: IPStatic, Address: prefix("192.0.2.7/24"), Gateway: addr("192.0.2.1"), Hostname: "wreck", Device: "eth0", DNS: []netip.Addr{addr("192.0.2.2")}}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want.Then == "" {
				c.want.Then = ThenPowerOff
			}
			got, notes := ParseParameters(c.line)
			if diff := cmp.Diff(c.want, got, comparable); diff != "" {
				t.Error(diff)
			}
			if all := strings.Join(notes, "\n"); !strings.Contains(all, c.notes) || (c.notes == "") != (all == "") {
				t.Errorf("notes %q, not %q", all, c.notes)
			}
		})
	}
}

func TestParseIP(t *testing.T) {
	for value, want := range map[string]IPParameter{
		"dhcp":                            {Mode: IPDHCP},
		"on":                              {Mode: IPDHCP},
		"off":                             {Mode: IPOff},
		"none":                            {Mode: IPOff},
		"saved":                           {Mode: IPSaved},
		"eth1:dhcp":                       {Mode: IPDHCP, Device: "eth1"},
		"52:54:00:AB:cd:ef:dhcp":          {Mode: IPDHCP, Device: "52:54:00:ab:cd:ef"},
		"::::wreck:eth0:dhcp":             {Mode: IPDHCP, Hostname: "wreck", Device: "eth0"},
		":::::eth0:off":                   {Mode: IPOff, Device: "eth0"},
		"10.1.2.3":                        {Mode: IPStatic, Address: netip.MustParsePrefix("10.1.2.3/8")},
		"192.0.2.7:::24":                  {Mode: IPStatic, Address: netip.MustParsePrefix("192.0.2.7/24")},
		"172.16.0.9:::255.255.240.0":      {Mode: IPStatic, Address: netip.MustParsePrefix("172.16.0.9/20")},
		"[2001:db8::7]::[2001:db8::1]:48": {Mode: IPStatic, Address: netip.MustParsePrefix("2001:db8::7/48"), Gateway: netip.MustParseAddr("2001:db8::1")},
	} {
		got, err := parseIP(value)
		if diff := cmp.Diff(want, got, comparable); diff != "" || err != nil {
			t.Errorf("ip=%s: %v\n%s", value, err, diff)
		}
	}
	for _, value := range []string{"", "dance:", "eth0:dance", "192.0.2.7:::255.0.255.0", "192.0.2.7:::33", "192.0.2.7::x", "192.0.2.7::2001:db8::1", "[::1", "1:2:3:4:5:6:7:8:9:10:11", "192.0.2.7::[2001:db8::1]:24"} {
		if got, err := parseIP(value); err == nil && got.Mode != IPDHCP {
			t.Errorf("ip=%s is taken as %+v", value, got)
		}
	}
}

// Whatever stands on the command line, the rest of it still counts.
func FuzzParseParameters(f *testing.F) {
	for _, seed := range []string{"", `salvor.run="x y" ip=dhcp`, "ip=[::1]:[", `"""`, "ip=52:54:00:12:34:56:dhcp", "ip=:::::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, `"`) || strings.Contains(line, "--") {
			ParseParameters(line)
			return
		}
		if p, _ := ParseParameters("salvor.debug " + line); !p.Debug {
			t.Errorf("%q takes away what stood before it", line)
		}
	})
}
