package rescue

import (
	"path"
	"slices"
	"strings"
)

// companion is a row of the table "What programs bring along" in docs/rescue.md: what a
// file of the image opens or runs by itself, so that nothing in it names it where a loader
// would look. Of all of it goes in what is there.
type companion struct {
	of        []string // base names of files, patterns of path.Match
	files     []string // patterns
	programs  []string
	libraries []string // as the file opens them, with dlopen(3)
	why       string
}

// inLibraries are a path below all directories where distributions have libraries.
func inLibraries(p string) []string {
	return []string{"/usr/lib/*-linux-*/" + p, "/usr/lib64/" + p, "/usr/lib/" + p, "/lib/*-linux-*/" + p, "/lib64/" + p, "/lib/" + p}
}

var companions = []companion{
	{of: []string{"libc.so.6"}, libraries: []string{"libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"},
		files: inLibraries("locale/C.[uU][tT][fF]*"),
		why:   "glibc: ending a thread; names of users and hosts, before 2.34; the locale C.UTF-8, before 2.35"},
	{of: []string{"libtinfo.so*", "libncurses*.so*"}, files: terminals(), why: "ncurses: terminals"},
	{of: []string{"libcrypto.so*"}, files: append(inLibraries("ossl-modules/*.so"),
		"/usr/lib/ssl/openssl.cnf", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies/back-ends/opensslcnf.config",
		"/etc/crypto-policies/back-ends/openssl_fips.config"),
		why: "OpenSSL: the hashes of old LUKS headers (legacy), configuration"},
	{of: []string{"libcryptsetup.so*"}, files: inLibraries("cryptsetup/libcryptsetup-token-*.so"), why: "cryptsetup: tokens"},
	{of: []string{"libcryptsetup-token-systemd-tpm2.so", "systemd-cryptenroll", "systemd-cryptsetup"},
		libraries: []string{"libtss2-esys.so.0", "libtss2-rc.so.0", "libtss2-mu.so.0", "libtss2-tcti-device.so.0"},
		why:       "keys in a TPM"},
	{of: []string{"libcryptsetup-token-systemd-fido2.so", "systemd-cryptenroll", "systemd-cryptsetup"}, libraries: []string{"libfido2.so.1"}, why: "keys in a FIDO2 token"},
	{of: []string{"libcryptsetup-token-systemd-pkcs11.so", "systemd-cryptenroll", "systemd-cryptsetup"},
		libraries: []string{"libp11-kit.so.0", "opensc-pkcs11.so"}, files: []string{"/usr/share/p11-kit/modules/*.module", "/etc/opensc.conf", "/etc/opensc/opensc.conf"},
		programs: []string{"pcscd"}, why: "keys in a smart card"},
	{of: []string{"libtss2-tctildr.so*"}, libraries: []string{"libtss2-tcti-device.so.0"}, why: "tpm2-tools: how the TPM is reached"},
	{of: []string{"clevis", "clevis-*"}, files: []string{"/usr/bin/clevis*", "/usr/libexec/clevis*"},
		programs: []string{"jose", "luksmeta", "curl", "cryptsetup", "grep", "sed", "cut", "tr", "mktemp",
			"tpm2", "tpm2_createprimary", "tpm2_flushcontext", "tpm2_load", "tpm2_unseal", "tpm2_pcrread", "tpm2_pcrlist"},
		why: "clevis: its scripts, and what they run"},
	{of: []string{"jose"}, files: inLibraries("libjose*.so*"), why: "clevis: keys"},
	{of: []string{"curl", "libcurl*.so*", "restic", "wget"}, files: []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}, why: "certificates of the authorities that are trusted"},
	{of: []string{"lvm", "liblvm2cmd.so*"}, files: []string{"/etc/lvm/lvm.conf", "/etc/lvm/profile/*"},
		programs: []string{"lvmpolld", "thin_check", "thin_dump", "thin_repair", "thin_restore", "cache_check", "cache_dump", "cache_repair", "cache_restore",
			"cache_writeback", "vdoformat"},
		why: "LVM: configuration (not the list of devices of the machine, which new disks are not on), checks of thin pools and caches (not dmeventd)"},
	{of: []string{"dmeventd"}, files: append(inLibraries("device-mapper/libdevmapper-event-*.so*"), inLibraries("libdevmapper-event-lvm2*.so*")...), why: "LVM: watching mirrors, snapshots and pools"},
	{of: []string{"mdadm"}, programs: []string{"mdmon"}, why: "arrays whose metadata a program keeps (IMSM, DDF)"},
	{of: []string{"multipath", "multipathd", "libmultipath.so*"}, files: append(inLibraries("multipath/*.so"),
		"/etc/multipath.conf", "/etc/multipath/conf.d/*.conf", "/etc/multipath/bindings", "/etc/multipath/wwids"),
		programs: []string{"multipathd", "kpartx"}, why: "multipath: checkers and prioritizers, configuration, names of the maps"},
	{of: []string{"mke2fs"}, files: []string{"/etc/mke2fs.conf", "/etc/mke2fs.conf.d/*"}, why: "what mke2fs makes without being told"},
	{of: []string{"e2fsck"}, files: []string{"/etc/e2fsck.conf"}, why: "what e2fsck does without being told"},
	{of: []string{"mount"}, programs: []string{"umount"}, files: []string{"/etc/filesystems"}, why: "types of file systems that mount tries"},
	{of: []string{"ntfs-3g", "lowntfs-3g", "sshfs"}, programs: []string{"fusermount3", "fusermount", "mount.fuse3", "mount.fuse"}, why: "file systems in FUSE"},
	{of: []string{"fusermount3", "fusermount"}, files: []string{"/etc/fuse.conf"}, why: "FUSE"},
	{of: []string{"mount.nfs"}, programs: []string{"umount.nfs", "mount.nfs4", "umount.nfs4", "rpc.statd", "start-statd", "rpcbind", "nfsidmap", "nfsconf", "request-key"},
		files: []string{"/etc/nfs.conf", "/etc/nfs.conf.d/*.conf", "/etc/nfsmount.conf", "/etc/nfsmount.conf.d/*.conf", "/etc/idmapd.conf"}, why: "NFS: locks of version 3, names of owners"},
	{of: []string{"libtirpc.so*"}, files: []string{"/etc/netconfig", "/etc/rpc", "/etc/protocols", "/etc/services"}, why: "RPC: transports and ports"},
	{of: []string{"nfsidmap"}, files: inLibraries("libnfsidmap/*.so"), why: "NFS: how owners are mapped"},
	{of: []string{"mount.cifs"}, programs: []string{"cifs.upcall", "cifs.idmap", "request-key", "mount.smb3"}, why: "CIFS: names of servers, tickets"},
	{of: []string{"request-key"}, programs: []string{"keyctl", "key.dns_resolver"}, files: []string{"/etc/request-key.conf", "/etc/request-key.d/*.conf"}, why: "what the kernel asks programs for"},
	{of: []string{"iscsid", "iscsiadm", "iscsistart"}, programs: []string{"iscsid", "iscsiadm", "iscsistart"}, files: []string{"/etc/iscsi/initiatorname.iscsi"},
		why: "iSCSI: the name of this machine (not iscsid.conf and the nodes, which hold passwords)"},
	{of: []string{"nvme"}, files: []string{"/etc/nvme/hostnqn", "/etc/nvme/hostid"}, why: "NVMe over a network: the name of this machine"},
	{of: []string{"sshd"}, files: append(inLibraries("openssh/sftp-server"), "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/lib/ssh/sftp-server",
		"/usr/lib/openssh/sshd-session", "/usr/lib/openssh/sshd-auth", "/usr/libexec/openssh/sshd-session", "/usr/libexec/openssh/sshd-auth",
		"/usr/lib/ssh/sshd-session", "/usr/lib/ssh/sshd-auth", "/usr/libexec/ssh/sftp-server", "/usr/libexec/ssh/sshd-session", "/usr/libexec/ssh/sshd-auth"),
		programs: []string{"ssh-keygen", "scp"}, why: "sshd: its parts, copying files (not its configuration and its keys)"},
	{of: []string{"udevadm", "systemd-udevd", "udevd"}, files: slices.Concat(udevFiles, udevRules(), []string{
		"/usr/lib/systemd/network/*.link", "/lib/systemd/network/*.link", "/etc/systemd/network/*.link"}),
		why: "udev: the daemon, its rules (below) and their helpers, names of network interfaces"},
	{of: []string{"kmod", "modprobe"}, programs: []string{"modprobe", "true", "false", "sh"}, files: []string{
		"/etc/modprobe.d/*.conf", "/usr/lib/modprobe.d/*.conf", "/lib/modprobe.d/*.conf", "/run/modprobe.d/*.conf", "/etc/depmod.d/*.conf", "/lib/depmod.d/*.conf"},
		why: "modprobe: options of modules, and which must not be loaded"},
	{of: []string{"vi", "vim", "vim.*"}, files: []string{"/etc/vimrc", "/etc/virc", "/etc/vim/vimrc", "/etc/vim/vimrc.tiny", "/usr/share/vim/vim*/defaults.vim"}, why: "vi: what it does without being told"},
	{of: []string{"tar"}, programs: []string{"gzip", "bzip2", "xz", "zstd", "lz4"}, why: "tar: compression"},
	{of: []string{"setfiles", "restorecon", "libselinux.so*"}, files: []string{"/etc/selinux/config", "/etc/selinux/*/contexts"}, why: "SELinux: the labels of files, where it is set up"},
	{of: []string{"python3*"}, files: []string{"/usr/lib/python3.*", "/usr/lib64/python3.*"}, why: "Python: all that comes with it, where a program of yours is in Python"},
	{of: []string{"perl"}, files: append(inLibraries("perl-base"), "/usr/share/perl5/[a-z]*.p[lm]", "/usr/lib64/perl5", "/usr/lib/perl5/5.*", "/usr/lib/perl5/core_perl"),
		why: "Perl: what comes with it, where a program of yours is in Perl"},
}

// terminals are those that people sit at, in all places that ncurses looks at (terminfo(5)).
func terminals() []string {
	var out []string
	for _, dir := range []string{"/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"} {
		for _, name := range []string{
			"ansi", "dumb", "linux", "screen", "screen-256color", "tmux", "tmux-256color", "vt100", "vt102", "vt220", "xterm", "xterm-256color",
		} {
			out = append(out, dir+"/*/"+name)
		}
	}
	return out
}

// addCompanions sees to what the file real, which p leads to, brings along.
func (c *collector) addCompanions(p, real string) {
	for _, row := range c.rows {
		if !row.fits(p) && !row.fits(real) {
			continue
		}
		for _, pattern := range row.files {
			c.addCompanionFiles(pattern, real)
		}
		for _, name := range row.programs {
			if c.onceFor("program "+name, "") {
				c.addProgram(name, real)
			}
		}
		for _, name := range row.libraries {
			if c.onceFor("library "+name, path.Dir(real)) {
				c.addOpened(name, real)
			}
		}
	}
}

func (row companion) fits(p string) bool {
	return slices.ContainsFunc(row.of, func(pattern string) bool {
		ok, err := path.Match(pattern, path.Base(p))
		return ok && err == nil
	})
}

// onceFor reports whether this is the first time that something is wanted in a place: many
// files bring the same.
func (c *collector) onceFor(what, place string) bool {
	key := what + "\x00" + place
	if c.told[key] {
		return false
	}
	c.told[key] = true
	return true
}

func (c *collector) addCompanionFiles(pattern, user string) {
	if !c.onceFor("files "+pattern, "") {
		return
	}
	for _, p := range c.root.glob(pattern) {
		if err := c.add(p, "opened by "+user); err != nil && err != errExcluded {
			c.lack(p, user, err)
		}
	}
}

// addOpened takes a library that the program or library user opens by name, if it is there.
func (c *collector) addOpened(name, user string) {
	b, err := c.libs.objectAt(user)
	if err != nil || b == nil {
		return
	}
	if found, ok := c.libs.find(name, user, b, nil); ok {
		c.addLibrary(found, user, nil)
	}
}

// addKeymap takes a keyboard layout with all that it may include (keymaps(5)).
func (c *collector) addKeymap(name string) {
	found := false
	for _, dir := range []string{"/usr/share/keymaps", "/usr/share/kbd/keymaps", "/usr/lib/kbd/keymaps", "/lib/kbd/keymaps"} {
		for _, depth := range []string{"/", "/*/", "/*/*/"} {
			for _, suffix := range []string{".map", ".kmap"} {
				for _, p := range c.root.glob(dir + depth + name + suffix + "*") {
					found = true
					c.need(p, "the keyboard "+name)
				}
			}
		}
		if found && strings.Trim(name, ".*/") == name {
			for _, depth := range []string{"/include", "/*/include", "/*/*/include"} {
				c.addCompanionFiles(dir+depth, "loadkeys")
			}
		}
	}
	if !found {
		c.missing = append(c.missing, Missing{What: "keyboard layout " + name, For: forRescue, Why: "it is not among the console's", Package: "console-data, kbd"})
	}
}
