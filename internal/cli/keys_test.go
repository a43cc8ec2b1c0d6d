package cli

import "testing"

func TestKeyWordsAreCut(t *testing.T) {
	for word, want := range map[string][2]string{
		"*=/run/key":              {"*", "/run/key"},
		"cr_home=prompt":          {"cr_home", "prompt"},
		"/dev/sda3=skip":          {"/dev/sda3", "skip"},
		"cr_home=/a=b":            {"cr_home", "/a=b"},
		"UUID=77aa=/run/key":      {"UUID=77aa", "/run/key"},
		"LABEL=a b=-":             {"LABEL=a b", "-"},
		"PARTUUID=1-02=/run/k=ey": {"PARTUUID=1-02", "/run/k=ey"},
		"UUID=/run/key":           {"UUID", "/run/key"}, // a volume that is called UUID
		"cr_home=":                {"cr_home", ""},
	} {
		volume, from, ok := cutKey(word)
		if got := [2]string{volume, from}; got != want || !ok {
			t.Errorf("%q: got %q %v, want %q", word, got, ok, want)
		}
	}
	if _, _, ok := cutKey("cr_home"); ok {
		t.Error("a word without = was taken")
	}
}
