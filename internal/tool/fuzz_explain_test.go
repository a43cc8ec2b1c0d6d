package tool

import (
	"errors"
	"testing"

	"salvor/internal/machine"
)

// FuzzExplain: what programs say of a failure, and may say in another version.
func FuzzExplain(f *testing.F) {
	f.Add("cryptsetup", 2, []byte("No key available with this passphrase.\n"))
	f.Add("mdadm", 1, []byte("mdadm: cannot open device /dev/sda2: Device or resource busy\n"))
	f.Add("lvm", 5, []byte("  Cannot process volume group vg\n"))
	f.Add("dmsetup", 1, []byte("device-mapper: reload ioctl on x failed: No such device\n"))
	f.Add("multipath", 1, []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, program string, status int, said []byte) {
		failed := &machine.ExitError{Cmd: machine.Cmd{Program: program}, Status: status, Result: machine.Result{Stderr: said}}
		got := Explain(failed)
		if !errors.Is(got, failed) {
			t.Errorf("%v does not wrap what happened", got)
		}
		if known, ok := errors.AsType[*Failure](got); ok && (known.Kind == nil || phrasebook[program] == nil) {
			t.Errorf("%s is not in the phrasebook, and means %v", program, known.Kind)
		}
	})
}
