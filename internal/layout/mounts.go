package layout

import (
	"path"
	"slices"
	"strings"

	"salvor/internal/fstab"
	"salvor/internal/storage"
)

// systemMounts are the mounts of a system, by their places in it: what is mounted at
// and below the target. What salvor shows through a stand-in is none of the running one's.
func systemMounts(g *storage.Graph, target string) []storage.Mount {
	var out []storage.Mount
	for _, m := range g.Mounts {
		switch {
		case target == "" || target == "/":
			if m.Overlay {
				continue
			}
		case !storage.PathContains(target, m.Point):
			continue
		default:
			m.Point = path.Join("/", strings.TrimPrefix(path.Clean(m.Point), path.Clean(target)))
		}
		out = append(out, m)
	}
	return out
}

// mountRow is a row of the table that says what becomes of a mount.
type mountRow struct {
	when   string
	state  string // "" for what is as its node is, or covered
	reason string
	list   bool // it stands in the list of mounts
	fits   func(c *capture, m storage.Mount) bool
	why    string
}

// mountRows are the table; the first row that fits counts.
var mountRows = []mountRow{
	{"a file system of the kernel's own: proc, sysfs, tmpfs …", "", "", false, isKernels, ""},
	{"FUSE below /run, which belongs to somebody's session", "", "", false, isSessions, ""},
	{"a file system or subvolume in the layout", "", "", true, (*capture).isOfLayout, ""},
	{"an image file in a file system of the layout", "", "", true, (*capture).isImageHere, ""},
	{"something that is not part of the machine", Excluded, "outside", false, (*capture).isOutside, "it lies on what is not part of the machine"},
	{"a file system of the network", "", "", true, isNetwork, ""},
	{"an overlay, but at /", "", "", true, isUpperOverlay, ""},
	{"an overlay at /", NotCovered, "overlay", true, isOverlay, "the system itself is an overlay, as that of a live medium is"},
	{"a data set of ZFS", NotCovered, "zfs", true, isType("zfs"), "salvor makes no ZFS pools: zpool and zfs do"},
	{"any other FUSE", NotCovered, "fuse", true, isFUSE, "a program shows it, and where its content is is not known"},
	{"any other mount", NotCovered, "unknown mount", true, isAnything, "what is mounted here is not known"},
}

func (c *capture) coverMount(m storage.Mount) {
	row := mountRows[slices.IndexFunc(mountRows, func(r mountRow) bool { return r.fits(c, m) })]
	if row.list {
		c.mounts = append(c.mounts, c.listed(m))
	}
	if row.list && !c.isOfLayout(m) { // else its node says
		if e := c.excludesMount(m); e != nil {
			c.loosen(m, Excluded, reasonExcluded, e.sentence())
			return
		}
	}
	if row.state != "" {
		c.loosen(m, row.state, row.reason, row.why)
	}
}

// loosen notes a mount that has no node in the layout, once.
func (c *capture) loosen(m storage.Mount, state, reason, why string) {
	what := storage.Printable(m.Type + " mounted at " + m.Point)
	if !slices.ContainsFunc(c.loose, func(u Uncovered) bool { return u.What == what }) {
		c.loose = append(c.loose, Uncovered{What: what, State: state, Reason: reason, Why: why})
	}
}

// listed is the mount as the layout has it.
func (c *capture) listed(m storage.Mount) Mount {
	out := Mount{Point: m.Point, Type: m.Type, Options: m.Options}
	switch {
	case c.isOfLayout(m):
		out.Source = m.Source
	case c.isImageHere(m):
		out.What = c.imageOf(m).Path
	default:
		out.What = c.said(m)
	}
	if root := path.Join("/", m.Root); root != "/" && root != rootOf(c.g.Node(m.Source)) {
		out.Root = root
	}
	return out
}

// rootOf is what a mount shows of a node that is mounted as a whole.
func rootOf(n storage.Node) string {
	if s, ok := n.(*storage.Subvolume); ok {
		return path.Join("/", s.Path)
	}
	return "/"
}

// said is what the system's fstab says that is mounted there: the kernel's list of
// mounts is no part of a graph.
func (c *capture) said(m storage.Mount) string {
	if m.Remote != "" {
		return m.Remote
	}
	for _, f := range c.in.Files {
		if f.Path != "/etc/fstab" {
			continue
		}
		for _, e := range fstab.ParseFstab([]byte(f.Text)).Entries {
			if e.File == m.Point {
				return e.Spec.Text
			}
		}
	}
	return ""
}

// kernelTypes are file systems that hold nothing that could be brought back.
var kernelTypes = strings.Fields(`autofs bdev binder binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devfs devpts
	devtmpfs efivarfs fuse.lxcfs fusectl functionfs hugetlbfs mqueue nfsd nsfs pipefs proc pstore ramfs resctrl rootfs
	rpc_pipefs securityfs selinuxfs smackfs sockfs spufs sysfs tmpfs tracefs usbfs xenfs`)

// networkTypes are file systems whose content is on another machine, or, of 9p, virtiofs
// and vboxsf, on the host of a virtual one.
var networkTypes = strings.Fields(`9p afs beegfs ceph cifs coda davfs fuse.ceph fuse.cephfs fuse.curlftpfs fuse.davfs2
	fuse.gcsfuse fuse.glusterfs fuse.juicefs fuse.rclone fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs nfs nfs4
	orangefs pvfs2 smb3 smbfs vboxsf virtiofs vmhgfs fuse.vmhgfs-fuse`)

func isKernels(_ *capture, m storage.Mount) bool { return slices.Contains(kernelTypes, m.Type) }

func isFUSE(_ *capture, m storage.Mount) bool {
	return m.Type == "fuse" || strings.HasPrefix(m.Type, "fuse.") || m.Type == "fuseblk"
}

func isSessions(c *capture, m storage.Mount) bool {
	return m.Source == "" && isFUSE(c, m) && storage.PathContains("/run", m.Point)
}

func (c *capture) isOfLayout(m storage.Mount) bool {
	return c.g.Node(m.Source) != nil && c.left[m.Source] == ""
}

// imageOf is the image that m is mounted from, if it is one that is left out.
func (c *capture) imageOf(m storage.Mount) *storage.Image {
	if c.left[m.Source] != leftImage {
		return nil
	}
	for _, i := range c.g.ImagesUnder(m.Source) {
		return i
	}
	return nil
}

func (c *capture) isImageHere(m storage.Mount) bool {
	i := c.imageOf(m)
	return i != nil && i.Within != "" && c.g.Node(i.Within) != nil && c.left[i.Within] == ""
}

func (c *capture) isOutside(m storage.Mount) bool { return c.left[m.Source] != "" }

func isNetwork(_ *capture, m storage.Mount) bool { return slices.Contains(networkTypes, m.Type) }

func isOverlay(_ *capture, m storage.Mount) bool {
	return m.Type == "overlay" || m.Type == "overlayfs" || m.Type == "aufs"
}

func isUpperOverlay(c *capture, m storage.Mount) bool { return isOverlay(c, m) && m.Point != "/" }

func isType(name string) func(*capture, storage.Mount) bool {
	return func(_ *capture, m storage.Mount) bool { return m.Type == name }
}

func isAnything(*capture, storage.Mount) bool { return true }

// graphMounts are the mounts of the layout in the words of a graph.
func graphMounts(s *Storage, mounts []Mount) []storage.Mount {
	roots := map[storage.ID]string{}
	for _, f := range s.FileSystems {
		for _, v := range f.Subvolumes {
			roots[v.ID] = path.Join("/", v.Path)
		}
	}
	var out []storage.Mount
	for _, m := range mounts {
		g := storage.Mount{
			Point: m.Point, Source: m.Source, Type: m.Type, Options: m.Options, Root: m.Root,
			ReadOnly: slices.Contains(m.Options, "ro"),
		}
		if g.Root == "" {
			g.Root = path.Join("/", roots[m.Source])
		}
		if slices.Contains(networkTypes, m.Type) {
			g.Remote = m.What
		}
		out = append(out, g)
	}
	return out
}
