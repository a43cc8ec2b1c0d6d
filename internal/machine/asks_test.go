package machine

import "testing"

// TestQuestionsAreNoActs: asking changes nothing, so it begins no other moment.
func TestQuestionsAreNoActs(t *testing.T) {
	for _, c := range []Cmd{
		{Program: "mdadm", Args: []string{"--version"}}, {Program: "lvm", Args: []string{"version"}}, {Program: "uname", Args: []string{"-m"}},
		{Program: "ip", Args: []string{"-json", "-details", "address", "show"}},
	} {
		if !changesNothing(c) {
			t.Errorf("%s is taken for an act", c)
		}
	}
	for _, c := range []Cmd{
		{Program: "mdadm", Args: []string{"--stop", "/dev/md0"}}, {Program: "ip", Args: []string{"link", "set", "eth0", "down"}},
		{Program: "lvm", Args: []string{"lvchange", "--version"}}, {Program: "multipath"},
	} {
		if changesNothing(c) {
			t.Errorf("%s is taken for a question", c)
		}
	}
}

func TestHideSecretsOfText(t *testing.T) {
	text, found := HideSecrets("root=/dev/sda1 rootflags=x iscsi_password=geheim rd.luks.key=/k:LABEL=y")
	if want := "root=/dev/sda1 rootflags=x iscsi_password=xxxxxx rd.luks.key=/k:LABEL=y"; text != want || found != 1 {
		t.Errorf("%q, %d secrets", text, found)
	}
}
