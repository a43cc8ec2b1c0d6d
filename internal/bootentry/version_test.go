package bootentry

import "testing"

// TestCompareVersions: the examples are those that UAPI.10 gives, and some of
// kernels.
func TestCompareVersions(t *testing.T) {
	ascending := [][]string{
		{"~1", "", "1"},
		{"0.1~rc1", "0.1"},
		{"122.1", "123~rc1-1", "123", "123-a", "123-a.1", "123-1", "123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1", "124-1"},
		{"6.1.9", "6.1.10", "6.1.0100"},
		{"6.1.0-9-amd64", "6.1.0-18-amd64"},
		{"6.5.6-300.fc39.x86_64", "6.5.10-300.fc39.x86_64", "6.6.0-1.fc39.x86_64"},
		{"", "5.14.0-362.el9", "5.14.0-427.el9", "6.1", "6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-010-cloud", "6.10.0"},
		{"A", "a", "1"},
	}
	for _, list := range ascending {
		for i, a := range list {
			for j, b := range list {
				if got := sign(CompareVersions(a, b)); got != sign(i-j) {
					t.Errorf("%q to %q is %d", a, b, got)
				}
			}
		}
	}
	for _, equal := range [][2]string{{"", ""}, {"1_2", "1_2"}, {"001", "1"}, {"1é", "1"}, {"a+", "a"}} {
		if got := CompareVersions(equal[0], equal[1]); got != 0 {
			t.Errorf("%q to %q is %d", equal[0], equal[1], got)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
