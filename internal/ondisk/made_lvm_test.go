package ondisk

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lvm is an lvm that sees two devices and no device-mapper.
type lvm struct {
	t     *testing.T
	paths [2]string // images
	loops [2]string
}

func newLVM(t *testing.T) *lvm {
	t.Helper()
	need(t, "lvm")
	if os.Getuid() != 0 {
		t.Skip("a loop device needs root")
	}
	l := &lvm{t: t}
	for i := range l.loops {
		l.paths[i] = image(t, int64(100+50*i)<<20)
		l.loops[i] = strings.TrimSpace(run(t, "losetup", "--find", "--show", l.paths[i]))
		t.Cleanup(func() { run(t, "losetup", "-d", l.loops[i]) })
	}
	dir := t.TempDir()
	config := fmt.Sprintf("devices { use_devicesfile=0 filter=[\"a|^%s$|\",\"a|^%s$|\",\"r|.*|\"] obtain_device_list_from_udev=0 }\n"+
		"global { activation=0 use_lvmpolld=0 locking_dir=%q }\nactivation { udev_sync=0 udev_rules=0 monitoring=0 }\nbackup { backup=0 archive=0 }\n",
		l.loops[0], l.loops[1], filepath.Join(dir, "lock"))
	if err := os.WriteFile(filepath.Join(dir, "lvm.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LVM_SYSTEM_DIR", dir)
	t.Setenv("LVM_SUPPRESS_FD_WARNINGS", "1")
	return l
}

func (l *lvm) run(args ...string) string { return run(l.t, append([]string{"lvm"}, args...)...) }

// rows asks for columns, and gives them by the first one.
func (l *lvm) rows(report, columns string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(l.run(report, "--noheadings", "--nosuffix", "--units", "b", "--separator", "|", "-o", columns)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		out[cells[0]] = cells[1:]
	}
	return out
}

// TestLVMMade compares with pvs, vgs and lvs.
func TestLVMMade(t *testing.T) {
	l := newLVM(t)
	l.run("pvcreate", "-q", "--metadatasize", "2m", "--dataalignment", "4m", "--bootloaderareasize", "1m", "--pvmetadatacopies", "2", l.loops[0])
	l.run("pvcreate", "-q", l.loops[1])
	l.run("vgcreate", "-q", "-s", "2m", "--maxlogicalvolumes", "20", "--maxphysicalvolumes", "5", "--alloc", "cling", "--addtag", "@ours", "made", l.loops[0], l.loops[1])
	l.run("pvchange", "-q", "--addtag", "slow", l.loops[1])
	// Neither is a place for signatures to be wiped from: nothing is activated.
	create := []string{"lvcreate", "-q", "-an", "-Zn", "-Wn", "-y"}
	l.run(append(create, "-n", "linear", "-l", "10", "--readahead", "512", "--addtag", "t1", "--permission", "r", "made")...)
	l.run(append(create, "-n", "stripes", "-l", "10", "-i", "2", "-I", "32k", "--setautoactivation", "n", "--setactivationskip", "y", "--alloc", "contiguous", "made")...)
	l.run(append(create, "-n", "quiet", "-l", "3", "--readahead", "none", "-M", "y", "--minor", "77", "made", l.loops[1])...)
	l.run("lvextend", "-q", "--alloc", "normal", "-l", "+2", "made/linear", l.loops[1])
	l.run("pvchange", "-q", "-x", "n", l.loops[1])
	pvs, vg := []*LVM2PV{}, (*LVMVG)(nil)
	for _, path := range l.paths {
		pv := madeBy[*LVM2PV](t, path)
		pvs, vg = append(pvs, pv), pv.VG
	}
	if diff := cmp.Diff(l.rows("pvs", "pv_uuid,pe_start,pv_mda_count,ba_size,pv_pe_count,pv_tags,pv_allocatable"), pvRows(pvs, vg)); diff != "" {
		t.Errorf("pvs, ours:\n%s", diff)
	}
	wantVG := l.rows("vgs", "vg_name,vg_extent_size,max_lv,max_pv,vg_allocation_policy,vg_tags,vg_seqno")
	gotVG := map[string][]string{vg.Name: {
		fmt.Sprint(vg.ExtentSize), fmt.Sprint(vg.MaxLV), fmt.Sprint(vg.MaxPV), vg.Allocation, strings.Join(vg.Tags, ","), fmt.Sprint(vg.SeqNo),
	}}
	if diff := cmp.Diff(wantVG, gotVG); diff != "" {
		t.Errorf("vgs, ours:\n%s", diff)
	}
	if diff := cmp.Diff(l.rows("lvs", "lv_name,lv_tags,lv_allocation_policy,lv_autoactivation,lv_skip_activation,lv_permissions,lv_read_ahead,lv_minor,lv_fixed_minor"), lvRows(vg)); diff != "" {
		t.Errorf("lvs, ours:\n%s", diff)
	}
	if diff := cmp.Diff(l.rows("lvs", "lv_name,segtype,stripes,stripesize,seg_count"), segmentRows(vg)); diff != "" {
		t.Errorf("lvs of segments, ours:\n%s", diff)
	}
}

func word(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func pvRows(pvs []*LVM2PV, vg *LVMVG) map[string][]string {
	out := map[string][]string{}
	for _, pv := range pvs {
		i := slices.IndexFunc(vg.PVs, func(r LVMPVRef) bool { return r.UUID == pv.UUID })
		ref := vg.PVs[i]
		out[pv.UUID] = []string{
			fmt.Sprint(pv.DataOffset), fmt.Sprint(len(pv.MetadataAreas)), fmt.Sprint(pv.BootloaderArea), fmt.Sprint(ref.PECount),
			strings.Join(ref.Tags, ","), word(slices.Contains(ref.Status, "ALLOCATABLE"), "allocatable"),
		}
	}
	return out
}

func lvRows(vg *LVMVG) map[string][]string {
	out := map[string][]string{}
	for _, lv := range vg.LVs {
		policy, permissions, ahead, minor := lv.Allocation, "unknown", "auto", "-1" // what can be written the kernel would know
		if policy == "" {
			policy = "inherit"
		}
		if !slices.Contains(lv.Status, "WRITE") {
			permissions = "read-only"
		}
		if lv.ReadAhead != 0 {
			ahead = fmt.Sprint(max(lv.ReadAhead, 0) * 512)
		}
		if lv.Minor != nil {
			minor = fmt.Sprint(*lv.Minor)
		}
		out[lv.Name] = []string{
			strings.Join(lv.Tags, ","), policy, word(lv.AutoActivation, "enabled"), word(slices.Contains(lv.Flags, "ACTIVATION_SKIP"), "skip activation"),
			permissions, ahead, minor, word(lv.Minor != nil, "fixed minor"),
		}
	}
	return out
}

func segmentRows(vg *LVMVG) map[string][]string {
	out := map[string][]string{}
	for _, lv := range vg.LVs {
		s := lv.Segments[len(lv.Segments)-1]
		kind := s.Type
		if s.Linear() {
			kind = "linear"
		}
		out[lv.Name] = []string{kind, fmt.Sprint(len(s.Areas)), fmt.Sprint(s.StripeSize), fmt.Sprint(len(lv.Segments))}
	}
	return out
}
