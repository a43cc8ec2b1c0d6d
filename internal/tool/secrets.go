package tool

import (
	"strconv"

	"salvor/internal/machine"
)

// ClevisPass asks clevis(1) for the passphrase of a key slot that it is bound to: it
// fetches it with the help of a Tang server or a TPM, and writes it to its
// standard output (clevis-luks-pass(1)).
func ClevisPass(device string, slot int) machine.Cmd {
	return machine.Cmd{Program: "clevis", Args: []string{"luks", "pass", "-d", device, "-s", strconv.Itoa(slot)}, Secret: true}
}

// AskPassword asks for a passphrase wherever systemd's agents can: a splash screen,
// a console, a wall message (systemd-ask-password(1)). It waits for as long as it
// takes. The id tells agents what the question is about.
func AskPassword(id, message string) machine.Cmd {
	return machine.Cmd{
		Program: "systemd-ask-password",
		Args:    []string{"--no-tty", "--timeout=0", "--icon=drive-harddisk", "--id=salvor:" + id, "--", message},
		Secret:  true,
	}
}
