package tool

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"salvor/internal/machine"
)

// LV is a logical volume that is to be activated or deactivated.
type LV struct {
	VG, Name string
	Devices  []string // what LVM is to see, and nothing else
	ReadOnly bool
	Degraded bool // a PV of the group is missing
	Udev     bool // a udev daemon runs on this machine
}

// ActivateLV asks for the volume to be activated.
//
// A volume of a group that misses a PV is activated when it has all its own
// extents, or enough RAID legs. "partial", which would fill holes with errors, is
// never asked for. A thin snapshot carries a flag that keeps it from being
// activated by chance; here it is on purpose.
func ActivateLV(v LV) machine.Cmd {
	mode := "complete"
	if v.Degraded {
		mode = "degraded"
	}
	return v.lvchange("--activate", "y", "--ignoreactivationskip", "--activationmode", mode)
}

// DeactivateLV asks for the volume to be deactivated.
func DeactivateLV(v LV) machine.Cmd { return v.lvchange("--activate", "n") }

// lvchange: the volume is named by VG and LV, as lvchange(8) takes no UUIDs. Two
// groups of one name are told apart by the devices that LVM sees: without that, it
// refuses both. --yes, because nobody could answer: a snapshot of the old kind is
// deactivated only together with its origin (and activated, too), and asks.
func (v LV) lvchange(args ...string) machine.Cmd {
	all := append([]string{"lvchange", "--yes"}, args...)
	return machine.Cmd{Program: "lvm", Args: append(all, "--config", v.config(), v.VG+"/"+v.Name)}
}

// config takes the place of the live system's lvm.conf where that could get in
// the way (lvm.conf(5), lvmconfig --typeconfig full --withcomments):
//
//   - only the given devices are seen, by whatever name LVM knows them (a device is
//     accepted when one of its names is), PVs on LVs too; the live system's devices
//     file, udev database and component detection have no say;
//   - nothing of the group's metadata is kept on the live system, and no daemon is
//     started or told;
//   - a group that the live system does not activate by itself is activated here;
//   - for a read-only volume the metadata on the PVs cannot be written either.
func (v LV) config() string {
	seen := v.filter()
	devices := "use_devicesfile=0 filter=" + seen + " global_filter=" + seen +
		` scan_lvs=1 obtain_device_list_from_udev=0 external_device_info_source="none"` +
		" md_component_detection=0 multipath_component_detection=0"
	activation := "monitoring=0 volume_list=[" + quoteConfig(v.VG) + "]"
	global := "use_lvmpolld=0 use_lvmlockd=0 event_activation=0"
	if v.ReadOnly {
		activation += " read_only_volume_list=[" + quoteConfig(v.VG+"/"+v.Name) + "]"
		global += " metadata_read_only=1"
	}
	if !v.Udev {
		activation += " udev_sync=0 udev_rules=0 verify_udev_operations=1"
	}
	return fmt.Sprintf("devices{%s} backup{backup=0 archive=0} activation{%s} global{%s}", devices, activation, global)
}

// filter accepts the devices by their exact paths and rejects all others.
func (v LV) filter() string {
	var b strings.Builder
	b.WriteByte('[')
	for _, d := range v.Devices {
		b.WriteString(quoteConfig("a|^"+quoteRegex(d)+"$|") + ",")
	}
	b.WriteString(`"r|.*|"]`)
	return b.String()
}

// quoteRegex makes LVM's own kind of regular expression match s only (libdm/regex/
// parse_rx.c). The path of a map whose name was mangled has backslashes in it,
// which end up as four in the configuration (tried with lvm2 2.03.16).
func quoteRegex(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`.*+?()[]|^$\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quoteConfig makes a string of lvm.conf's syntax: quotes and backslashes are
// escaped (libdm/libdm-config.c, TOK_STRING_ESCAPED).
func quoteConfig(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// pool is how lvm names the thin or cache pool that it complains of.
var pool = regexp.MustCompile(`(?i)\bpool ([\w+.][\w+.-]*/[\w+.][\w+.-]*) (?:failed|transaction_id|needs|which)`)

// PoolOf gives the name, VG/LV, of the pool that a failed run of lvm found damaged,
// "" where it does not say.
func PoolOf(err error) string {
	exit, ok := errors.AsType[*machine.ExitError](err)
	if !ok || exit.Cmd.Program != "lvm" {
		return ""
	}
	if m := pool.FindSubmatch(exit.Stderr); m != nil {
		return string(m[1])
	}
	return ""
}

// lvmSays: lvm2 2.03.16. The status is 5 for all of these (ECMD_FAILED in
// tools/errors.h).
var lvmSays = []rule{
	{0, "Multiple VGs found with the same name", ErrAmbiguous},         // tools/toollib.c, _resolve_duplicate_vgnames
	{0, "while PVs appear on duplicate devices", ErrAmbiguous},         // tools/lvchange.c, tools/vgchange.c
	{0, "Refusing activation of partial LV", ErrIncomplete},            // lib/activate/activate.c, lv_activation…
	{0, "Refusing activation of LV", ErrIncomplete},                    // the same, mode complete
	{0, "with unknown local system ID", ErrForeign},                    // lib/metadata/metadata.c, access_vg_systemid
	{0, "with local system ID", ErrForeign},                            // the same
	{0, "contains a filesystem in use", ErrBusy},                       // lib/activate/activate.c, lv_check_not_in_use
	{0, " is used by another device", ErrBusy},                         // the same
	{0, " in use.", ErrBusy},                                           // the same
	{0, "Failed to find logical volume", ErrNoDevice},                  // tools/toollib.c, process_each_lv_in_vg
	{0, "\" not found", ErrNoDevice},                                   // tools/toollib.c: "Volume group \"%s\" not found"
	{0, "Manual repair required", ErrDamaged},                          // lib/activate/dev_manager.c, _pool_callback: "Check of pool %s failed"
	{0, " transaction_id is ", ErrDamaged},                             // libdm/libdm-deptree.c, _thin_pool_node_send_messages
	{0, " needs check first", ErrDamaged},                              // lib/metadata/thin_manip.c: the pool has needs_check set
	{0, "target support missing from kernel", ErrUnsupported},          // lib/activate/activate.c, target_present
	{0, "/sbin/modprobe failed", ErrUnsupported},                       // lib/activate/activate.c, module_present
	{0, "Running as a non-root user", ErrPermission},                   // tools/lvmcmdline.c
	{0, "/dev/mapper/control: open failed: Permission", ErrPermission}, // libdm/ioctl/libdm-iface.c
	{0, "device-mapper driver", ErrUnsupported},                        // libdm/ioctl/libdm-iface.c
}
