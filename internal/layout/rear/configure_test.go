package rear

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"salvor/internal/config"
	"salvor/internal/document"
)

func configured(t *testing.T, site, local string) (*config.Config, []Gap) {
	t.Helper()
	s, err := ReadSettings(fstest.MapFS{"site.conf": {Data: []byte(site)}, "local.conf": {Data: []byte(local)}})
	if err != nil {
		t.Fatal(err)
	}
	c, gaps := Configure(s)
	data, err := document.Write(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Merge(config.Input{Name: "config.yaml", Data: append([]byte("version: 1\n"), data...)}); err != nil {
		t.Errorf("salvor itself refuses this: %v\n%s", err, data)
	}
	return c, gaps
}

func TestConfigure(t *testing.T) {
	site := `# of the company
OUTPUT=ISO
NAS=nas.example.org
OUTPUT_URL=nfs://$NAS/rescue
BACKUP_PROG_EXCLUDE+=( '/var/cache/*' )
`
	local := `BACKUP=NETFS
BACKUP_URL="cifs://backup:geheim@$NAS/$( hostname )"
BACKUP_URL=cifs://backup:geheim@$NAS/backup
BACKUP_OPTIONS="username=backup,password=geheim,vers=3.0"
BACKUP_PROG_EXCLUDE=( "${BACKUP_PROG_EXCLUDE[@]}" '/srv/iso/*' )
EXCLUDE_VG=( vg_san )
EXCLUDE_MD=( md9 )
EXCLUDE_COMPONENTS+=( /dev/sdc fs:/scratch swap:/dev/sdd1 )
EXCLUDE_BACKUP=( fs:/big /dev/vg/x )
ONLY_INCLUDE_VG=( "vg00" )
AUTOEXCLUDE_MULTIPATH=n
AUTOEXCLUDE_PATH=( /media /mnt )
MODULES=( 'loaded_modules' )
FIRMWARE_FILES=( '/lib*/firmware/*bnx2*' )
COPY_AS_IS+=( /etc/multipath )
PROGS+=( strace )
SERIAL_CONSOLE_DEVICES="/dev/ttyS0 /dev/ttyS1"
USE_DHCLIENT=yes
SSH_ROOT_PASSWORD='$6$geheim'
{ BACKUP_PROG_CRYPT_KEY=geheim ; } 2>/dev/null
if grep -q x /etc/y; then KERNEL_CMDLINE="quiet"; fi
SOMETHING=else
`
	got, gaps := configured(t, site, local)
	want := `layout:
  only_volume_groups:
    - vg00
exclude:
  - device: vg_san
    why: EXCLUDE_VG of ReaR
  - device: /dev/md9
    why: EXCLUDE_MD of ReaR
  - device: /dev/sdc
    why: EXCLUDE_COMPONENTS of ReaR
  - mount: /scratch
    why: EXCLUDE_COMPONENTS of ReaR
  - device: /dev/sdd1
    why: EXCLUDE_COMPONENTS of ReaR
  - mount: /media/*
    why: AUTOEXCLUDE_PATH of ReaR
  - mount: /mnt/*
    why: AUTOEXCLUDE_PATH of ReaR
rescue:
  format: iso
  output: nfs://nas.example.org/rescue
  consoles:
    - ttyS0
    - ttyS1
  network: dhcp
  modules:
    which: needed
  firmware:
    which: needed
    add:
      - '*bnx2*'
  programs:
    optional:
      - strace
  files:
    add:
      - /etc/multipath
backup:
  engine: tar
  repository: cifs://backup@nas.example.org/backup
  mount_options:
    - username=backup
    - vers=3.0
  exclude:
    - /var/cache/*
    - /srv/iso/*
    - /big/*
`
	wanted := &config.Config{}
	if _, err := document.Read("want.yaml", []byte(want), wanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
	var lines []string
	for _, g := range gaps {
		lines = append(lines, g.File+": "+g.What+": "+g.Cause)
		if strings.Contains(g.What+g.Cause, "geheim") {
			t.Errorf("a password is shown: %v", g)
		}
	}
	wantGaps := []string{
		"local.conf: BACKUP_URL: there is a password in the URL, which is not copied",
		"local.conf: BACKUP_OPTIONS: there is a password in it, which is not copied",
		"local.conf: EXCLUDE_BACKUP: /dev/vg/x is no file system; say in backup.exclude which directories are not backed up",
		"local.conf: AUTOEXCLUDE_MULTIPATH: salvor takes multipath devices in",
		"local.conf: SSH_ROOT_PASSWORD: it is a secret, which is not copied",
		"local.conf: BACKUP_PROG_CRYPT_KEY: it is a secret, which is not copied",
		"local.conf: KERNEL_CMDLINE: it is also assigned where that cannot be known: " + errCommand.Error(),
		"local.conf: SOMETHING: salvor has no setting for it",
		"local.conf: line 2: BACKUP_URL …: cannot be read: " + errSubstitution.Error(),
		"local.conf: line 20: { …: cannot be read: " + errCommand.Error(),
		"local.conf: line 21: if …: cannot be read: " + errCommand.Error(),
	}
	if diff := cmp.Diff(wantGaps, lines); diff != "" {
		t.Error(diff)
	}
}

// TestVariablesTable: the table of docs/rear.md is the code.
func TestVariablesTable(t *testing.T) {
	page, err := os.ReadFile("../../../docs/rear.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, want []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1]+": "+m[2])
	}
	for _, r := range variables {
		cell := r.why
		if r.key != "" {
			cell = "`" + r.key + "`"
		}
		want = append(want, r.name+": "+cell)
	}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("docs/rear.md differs from the code:\n%s", diff)
	}
}
