package plan

import (
	"fmt"
	"testing"

	"salvor/internal/storage"
)

// bigMachine has about n nodes: disks with a partition each, half of them with
// an encrypted volume group of two volumes, half with a plain file system; and
// its want, where all of it is open and mounted.
func bigMachine(b *testing.B, n int) (have, want *storage.Graph) {
	m := &caseMachine{byName: map[string]storage.Node{}}
	say := m.teller(b)
	var stands string
	for i := 0; len(m.Nodes()) < n; i++ {
		say("disk d%dx", i)
		say("part d%dx1 on d%dx", i, i)
		if i%2 == 0 {
			say("fs fs%d on d%dx1", i, i)
			stands += fmt.Sprintf("mount fs%d at /t/plain/%d\n", i, i)
			continue
		}
		say("luks c%d on d%dx1", i, i)
		say("vg v%d on c%d", i, i)
		stands += fmt.Sprintf("open c%d as cr_%d\n", i, i)
		for _, lv := range []string{"a", "b"} {
			say("lv l%d%s in v%d", i, lv, i)
			say("fs fs%d%s on l%d%s", i, lv, i, lv)
			stands += fmt.Sprintf("open l%d%s\nmount fs%d%s at /t/%d/%s\n", i, lv, i, lv, i, lv)
		}
	}
	return m.both(b, stands)
}

// wideMachine has one volume group on a hundred encrypted disks, and many
// volumes in it, each of which may lie on any of the disks.
func wideMachine(b *testing.B, volumes int) (have, want *storage.Graph) {
	m := &caseMachine{byName: map[string]storage.Node{}}
	say := m.teller(b)
	var stands, on string
	for i := range 100 {
		say("disk d%d", i)
		say("luks c%d on d%d", i, i)
		on += fmt.Sprintf(" c%d", i)
		stands += fmt.Sprintf("open c%d as cr_%d\n", i, i)
	}
	say("vg v on" + on)
	for i := range volumes {
		say("lv l%d in v", i)
		say("fs fs%d on l%d", i, i)
		stands += fmt.Sprintf("open l%d\nmount fs%d at /t/%d\n", i, i, i)
	}
	return m.both(b, stands)
}

// teller gives a function that adds one line to the machine.
func (m *caseMachine) teller(b *testing.B) func(line string, args ...any) {
	return func(line string, args ...any) {
		w, err := parseWords(fmt.Sprintf(line, args...))
		if err == nil {
			err = m.add(w)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// both gives the machine with everything closed, and as stands says.
func (m *caseMachine) both(b *testing.B, stands string) (have, want *storage.Graph) {
	if _, err := m.Build(nil, nil, nil); err != nil {
		b.Fatal(err)
	}
	have, err := m.state("", false)
	if err == nil {
		want, err = m.state(stands, true)
	}
	if err != nil {
		b.Fatal(err)
	}
	return have, want
}

// BenchmarkDiff plans everything, nothing, and the way back.
func BenchmarkDiff(b *testing.B) { benchmark(b, bigMachine, 1000, 10000) }

func BenchmarkDiffWide(b *testing.B) { benchmark(b, wideMachine, 100, 500) }

func benchmark(b *testing.B, machine func(*testing.B, int) (have, want *storage.Graph), sizes ...int) {
	for _, n := range sizes {
		closed, open := machine(b, n)
		for name, c := range map[string]struct{ have, want *storage.Graph }{
			"open all": {closed, open}, "close all": {open, closed}, "nothing": {open, open.Clone()},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Diff(c.have, c.want); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
