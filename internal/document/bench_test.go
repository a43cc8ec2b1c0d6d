package document

import (
	"fmt"
	"testing"
)

func fleet() ship {
	s := ship{Version: 1, Log: "a\nb\n"}
	for i := range 20000 {
		s.Holds = append(s.Holds, hold{Name: fmt.Sprintf("disk:wwn-0x%016x", i), Cargo: []string{"rw", "noatime"}, Load: tons(i), Inner: []hold{{Name: "a"}, {Name: "b: c"}}})
	}
	return s
}

func BenchmarkWrite(b *testing.B) {
	s := fleet()
	for b.Loop() {
		data, err := Write(s, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}

func BenchmarkRead(b *testing.B) {
	data, err := Write(fleet(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var s ship
		if _, err := Read("f", data, &s); err != nil {
			b.Fatal(err)
		}
	}
}
