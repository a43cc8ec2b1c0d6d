package reartest

import (
	"os"
	"strings"
	"testing"

	"salvor/test/lab"
)

// TestReaRAcceptsAnExport: for "rear checklayout", what salvor exports is the layout that
// ReaR itself saves on that machine.
func TestReaRAcceptsAnExport(t *testing.T) {
	if os.Getenv("SALVOR_LAB") == "" || os.Getenv("SALVOR_SOAK") == "" {
		t.Skip("is for \"make soak\": set SALVOR_SOAK=1 and SALVOR_LAB=1")
	}
	share, dir := t.TempDir(), t.TempDir()
	if err := lab.Build(share); err != nil {
		t.Fatal(err)
	}
	if err := Share(".", share); err != nil {
		t.Fatal(err)
	}
	vm, err := lab.Boot(dir, share, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vm.Kill)
	const script = `/salvor/open.sh a && cp /salvor/bin/salvor /run/salvor-here
/salvor/inside.sh /run/salvor-here save || exit
/salvor/inside.sh /run/salvor-here export rear /var/lib/rear
[ $? = 3 ] || exit 1
/salvor/inside.sh rear checklayout && echo accepted`
	out, said, status, err := vm.Run(script)
	if err != nil || status != 0 || !strings.HasSuffix(string(out), "accepted\n") {
		t.Errorf("status %d, %v\n%s%s", status, err, out, said)
	}
}
