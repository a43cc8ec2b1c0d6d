package secret

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRecovery(t *testing.T) {
	key := "cccccccc-bbbbbbbb-dddddddd-eeeeeeee-ffffffff-gggggggg-hhhhhhhh-vuttrnlk"
	for typed, want := range map[string]string{
		key:                                     "", // as it has to be
		strings.ReplaceAll(key, "-", ""):        key,
		strings.ToUpper(key):                    key,
		strings.ReplaceAll(key, "-", " ") + " ": key,
		key[:70]:                                "", // too short
		key + "c":                               "",
		strings.Replace(key, "c", "a", 1):       "", // no modhex
		"":                                      "",
	} {
		got := New([]byte(typed)).Recovery()
		if (got == nil) != (want == "") || got != nil && string(got.bytes) != want {
			t.Errorf("%q gives another key", typed)
		}
	}
}

func TestBitLockerRecovery(t *testing.T) {
	want := strings.Repeat("012345-", 7) + "012345"
	if got := New([]byte(strings.ReplaceAll(want, "-", ""))).BitLockerRecovery(); got == nil || string(got.bytes) != want {
		t.Error("48 digits are no recovery password")
	}
	for _, typed := range []string{want, want[1:], want + "0", "x" + want[1:]} {
		if New([]byte(typed)).BitLockerRecovery() != nil {
			t.Errorf("%q is taken for one that has to be put right", typed)
		}
	}
}

// TestRecoveryIsStable: what is put right need not be put right again.
func TestRecoveryIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.StringMatching(`[cbdefghijklnrtuvCBDE -]{0,90}`).Draw(t, "typed")
		got := New([]byte(typed)).Recovery()
		if got == nil {
			return
		}
		if len(got.bytes) != 71 || got.Recovery() != nil || string(got.bytes) == typed {
			t.Fatalf("it gives %q", got.bytes)
		}
	})
}

func TestReadLine(t *testing.T) {
	for text, want := range map[string]string{"a b\nc": "a b", "no end": "no end", "": "", "\n": "", strings.Repeat("x", 9000) + "\ny": strings.Repeat("x", 9000)} {
		s, err := ReadLine(strings.NewReader(text))
		if err != nil || string(s.bytes) != want {
			t.Errorf("ReadLine(%.10q) gives %d bytes, %v", text, s.Len(), err)
		}
		if rest := s.bytes[:cap(s.bytes)]; strings.Trim(string(rest[len(s.bytes):]), "\x00") != "" {
			t.Errorf("what came after the line of %.10q is still in memory", text)
		}
	}
}

func TestPartsAreCopies(t *testing.T) {
	s := New([]byte("first\nsecond"))
	line, cut := s.Line(), s.Cut(3)
	if string(line.bytes) != "first" || string(cut.bytes) != "fir" || s.Len() != 12 || s.Cut(99).Len() != 12 {
		t.Errorf("%d, %d and %d bytes", line.Len(), cut.Len(), s.Len())
	}
	s.Wipe()
	if string(line.bytes) != "first" {
		t.Error("wiping a secret reached its first line")
	}
}

type sink struct{ got [][]byte }

func (s *sink) Write(p []byte) (int, error) { s.got = append(s.got, p); return len(p), nil }

// TestWriteTo: the bytes are handed over where they are, not copied.
func TestWriteTo(t *testing.T) {
	raw, out := []byte("open sesame"), &sink{}
	if n, err := New(raw).WriteTo(out); n != 11 || err != nil || len(out.got) != 1 || &out.got[0][0] != &raw[0] {
		t.Errorf("%d bytes, %v, %d pieces", n, err, len(out.got))
	}
}
