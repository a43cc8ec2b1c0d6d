package tool

import (
	"errors"
	"fmt"
	"testing"

	"salvor/internal/machine"
)

// TestExplain reads what the programs said: cryptsetup 2.6.1, dmsetup 1.02.185, lvm2
// 2.03.16, mdadm 4.2, multipath-tools 0.9.4 and kmod 30, on Linux 6.1, captured
// unless a line says otherwise.
func TestExplain(t *testing.T) {
	tests := []struct {
		program string
		status  int
		stderr  string
		want    error // nil: nothing is concluded
	}{
		{"cryptsetup", 2, "No key available with this passphrase.\n", ErrWrongKey},
		{"cryptsetup", 3, "Not enough available memory to open a keyslot.\n", ErrNoMemory}, // from the source
		{"cryptsetup", 4, "Device /dev/nope does not exist or access denied.\n", ErrNoDevice},
		{"cryptsetup", 4, "Device cr-new x is not active.\n", ErrNoDevice},
		{"cryptsetup", 5, "Device cr home already exists.\n", ErrExists},
		{"cryptsetup", 5, "Cannot use device /dev/sda which is in use (already mapped or mounted).\n", ErrBusy},
		{"cryptsetup", 5, "Device a\\x20b is still in use.\n", ErrBusy},
		{"cryptsetup", 1, "Device /dev/sdb is not a valid LUKS device.\n", ErrBadContent},
		{"cryptsetup", 1, "No usable token is available.\n", ErrNoToken}, // from the source
		// From the source of 2.6.1, as the next ones.
		{"cryptsetup", 1, "No usable token (type systemd-tpm2) is available.\n", ErrNoToken},
		{"cryptsetup", 1, "Token 0 requires additional missing resource.\n", ErrNoToken},
		{"cryptsetup", 1, "Token (type systemd-fido2) requires additional missing resource.\n", ErrNoToken},
		{"cryptsetup", 2, "Token 1 cannot unlock assigned keyslot(s) (wrong keyslot passphrase).\n", ErrNoToken},
		{"cryptsetup", 1, "Token 0 requires PIN.\nNothing to read on input.\n", ErrNeedsPIN},
		{"cryptsetup", 2, "No token could be unlocked with this PIN.\n", ErrWrongPIN},
		{"cryptsetup", 2, "No device header detected with this passphrase.\n", ErrWrongKey},
		{"cryptsetup", 1, "No usable keyslot is available.\n", ErrWrongKey},       // captured
		{"cryptsetup", 1, "Cannot read requested amount of data.\n", ErrWrongKey}, // captured
		{"cryptsetup", 1, "", nil},
		{"cryptsetup", 1, "something new\n", nil},

		{"dmsetup", 1, "device-mapper: create ioctl on cow-sdb SALVOR-COW-cow-sdb failed: Device or resource busy\nCommand failed.\n", ErrExists},
		{"dmsetup", 1, "device-mapper: remove ioctl on  SALVOR-COW-cow-sdb failed: Device or resource busy\nCommand failed.\n", ErrBusy},
		{"dmsetup", 1, "device-mapper: remove ioctl on  SALVOR-COW-cow-sdb failed: No such device or address\nCommand failed.\n", ErrNoDevice},
		{"dmsetup", 1, "device-mapper: rename ioctl on nonex  failed: No such device or address\nCommand failed.\n", ErrNoDevice},
		{"dmsetup", 1, "device-mapper: reload ioctl on bad2 (253:0) failed: No such device\nCommand failed.\n", ErrNoDevice},
		{"dmsetup", 1, "device-mapper: reload ioctl on bad (253:0) failed: Invalid argument\nCommand failed.\n", ErrUnsupported},
		{"dmsetup", 1, "/dev/mapper/control: open failed: No such device\nFailure to communicate with kernel device-mapper driver.\n", ErrUnsupported},

		{"mdadm", 1, "mdadm: error opening /dev/md7: No such file or directory\n", ErrNoDevice},
		{"mdadm", 2, "mdadm: /dev/sda is busy - skipping\nmdadm: /dev/sdb is busy - skipping\n", ErrBusy},
		{"mdadm", 1, "mdadm: failed to stop array /dev/md7: Device or resource busy\n       Perhaps a running process, mounted filesystem or active volume group?\n", ErrBusy},
		{"mdadm", 1, "mdadm: /dev/md7 assembled from 2 drives - need all 3 to start it (use --run to insist).\n", ErrIncomplete},
		{"mdadm", 1, "mdadm: failed to RUN_ARRAY /dev/md7: Input/output error\nmdadm: Not enough devices to start the array.\n", ErrIncomplete},
		{"mdadm", 2, "mdadm: no recogniseable superblock on /dev/sdd\nmdadm: cannot open device /dev/nope: No such file or directory\n", ErrNoDevice},
		{"mdadm", 2, "mdadm: /dev/sda has wrong uuid.\n", ErrBadContent},

		{"lvm", 5, "  WARNING: VG name vg-0 is used by VGs A and B.\n  Multiple VGs found with the same name: skipping vg-0\n  Use --select vg_uuid=<uuid> in place of the VG name.\n", ErrAmbiguous},
		{"lvm", 5, "  Failed to find logical volume \"vg-0/th\"\n", ErrNoDevice},
		{"lvm", 5, "  Volume group \"vg-0\" not found\n  Cannot process volume group vg-0\n", ErrNoDevice},
		{"lvm", 5, "  Logical volume vg-0/ths in use.\n", ErrBusy},
		{"lvm", 5, "  WARNING: Couldn't find device with uuid 4Z6fIc.\n  Refusing activation of partial LV vgm/two.  Use '--activationmode partial' to override.\n", ErrIncomplete},
		{"lvm", 5, "  Cannot access VG vgm with system ID other with unknown local system ID.\n", ErrForeign},
		{"lvm", 5, "  Check of pool vg/pool failed (status:1). Manual repair required!\n", ErrDamaged}, // from the source, as the next ones
		{"lvm", 5, "  Thin pool vg-pool-tpool (253:4) transaction_id is 4, while expected 7.\n", ErrDamaged},
		{"lvm", 5, "  Cannot use thin pool vg/pool which needs check first.\n", ErrDamaged},

		{"multipath", 1, "20.347790 | DM multipath kernel driver not loaded\n", ErrUnsupported},
		{"multipath", 1, "33.297647 | /dev/mapper/35000c500aaaaaaaa: map in use\n", ErrBusy},
		{"multipath", 1, "40.347186 | '/dev/nope' is not a valid argument\n\n", ErrNoDevice},
		{"modprobe", 1, "modprobe: FATAL: Module nope not found in directory /lib/modules/6.1.0\n", ErrUnsupported},
		{"unheard-of", 2, "No key available with this passphrase.\n", nil},
	}
	for _, tt := range tests {
		exit := &machine.ExitError{Cmd: machine.Cmd{Program: tt.program}, Status: tt.status, Result: machine.Result{Stderr: []byte(tt.stderr)}}
		err := Explain(fmt.Errorf("wrapped: %w", exit))
		f, known := errors.AsType[*Failure](err)
		switch {
		case known != (tt.want != nil):
			t.Errorf("%s, status %d, %q: Explain gives %v, not %v", tt.program, tt.status, tt.stderr, err, tt.want)
		case known && f.Kind != tt.want:
			t.Errorf("%s, status %d, %q: it means %q, not %q", tt.program, tt.status, tt.stderr, f.Kind, tt.want)
		}
		if !errors.Is(err, tt.want) && tt.want != nil {
			t.Errorf("%q is not found in the error", tt.want)
		}
		if _, ok := errors.AsType[*machine.ExitError](err); !ok {
			t.Errorf("%s: the run is lost from the error", tt.program)
		}
	}
}

// TestExplainToken: no word is said when no token fits (captured).
func TestExplainToken(t *testing.T) {
	c := OpenCryptByToken(Crypt{Format: "luks2", Device: "/dev/sda", Name: "x"})
	if err := Explain(&machine.ExitError{Cmd: c, Status: 1}); !errors.Is(err, ErrNoToken) {
		t.Errorf("Explain gives %v", err)
	}
	bad := machine.Result{Stderr: []byte("Device /dev/sda is not a valid LUKS device.\n")}
	if err := Explain(&machine.ExitError{Cmd: c, Status: 1, Result: bad}); !errors.Is(err, ErrBadContent) {
		t.Errorf("Explain gives %v", err)
	}
}

func TestExplainLeavesOthersAlone(t *testing.T) {
	for _, err := range []error{nil, errors.New("x"), &machine.MissingProgram{Program: "lvm"}} {
		if got := Explain(err); got != err {
			t.Errorf("Explain(%v) gives %v", err, got)
		}
	}
}

func TestPoolOf(t *testing.T) {
	for said, want := range map[string]string{
		"  Check of pool vg-0/pool_a failed (status:1). Manual repair required!\n":   "vg-0/pool_a",
		"  Thin pool vg/pool transaction_id is 4 and does not match expected 7.\n":   "vg/pool",
		"  Thin pool vg-pool-tpool (253:4) transaction_id is 4, while expected 7.\n": "",
		"  Integrity check of metadata for pool failed.\n":                           "",
	} {
		exit := &machine.ExitError{Cmd: machine.Cmd{Program: "lvm"}, Status: 5, Result: machine.Result{Stderr: []byte(said)}}
		if got := PoolOf(fmt.Errorf("wrapped: %w", Explain(exit))); got != want {
			t.Errorf("%q gives %q", said, got)
		}
	}
	if got := PoolOf(errors.New("pool vg/pool failed")); got != "" {
		t.Errorf("another error gives %q", got)
	}
}
