package bootentry

import (
	"slices"
	"strconv"
)

// verdict is what is known of a condition.
type verdict int

const (
	maybe verdict = iota
	yes
	no
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return maybe
}

func (v verdict) and(o verdict) verdict {
	switch {
	case v == no || o == no:
		return no
	case v == yes && o == yes:
		return yes
	}
	return maybe
}

func (v verdict) or(o verdict) verdict { return v.not().and(o.not()).not() }

// test decides what the command [ would, of which -o binds weakest.
func (g *grub) test(args []value) verdict {
	if i := indexOf(args, "-o"); i > 0 {
		return g.test(args[:i]).or(g.test(args[i+1:]))
	}
	if i := indexOf(args, "-a"); i > 0 {
		return g.test(args[:i]).and(g.test(args[i+1:]))
	}
	if len(args) > 1 && args[0].text == "!" {
		return g.test(args[1:]).not()
	}
	switch len(args) {
	case 0:
		return no
	case 1:
		return known(args[0].text != "", args[0])
	case 2:
		return g.testOne(args[0].text, args[1])
	case 3:
		return testTwo(args[0], args[1].text, args[2])
	}
	return maybe
}

// indexOf finds an operator; it never is the first word.
func indexOf(args []value, operator string) int {
	return slices.IndexFunc(args, func(v value) bool { return v.text == operator && len(v.unknown) == 0 })
}

// known gives the verdict if none of the values depends on what is not known.
func known(holds bool, values ...value) verdict {
	for _, v := range values {
		if len(v.unknown) > 0 {
			return maybe
		}
	}
	return verdictOf(holds)
}

func (g *grub) testOne(operator string, arg value) verdict {
	switch operator {
	case "-z":
		return known(arg.text == "", arg)
	case "-n":
		return known(arg.text != "", arg)
	case "-e", "-f", "-s", "-d":
		return g.testFile(operator, arg)
	}
	return maybe
}

// testFile: that a file is in the tree is known; that it is not, only where the
// device is certain.
func (g *grub) testFile(operator string, arg value) verdict {
	if len(arg.unknown) > 0 {
		return maybe
	}
	device, name := g.env.device(arg.text)
	f := g.find(arg.text)
	switch {
	case operator == "-d":
		return maybe
	case f.Path == "" && (device == inTree || g.mounted[device] != "" || device != "" && g.r.fs[volumeOf(device).uuid] != nil):
		return no
	case f.Path == "" || name == "":
		return maybe
	case operator == "-s":
		data, ok := g.r.read(f.Path)
		return verdictOf(ok && len(data) > 0)
	}
	return yes
}

func testTwo(a value, operator string, b value) verdict {
	switch operator {
	case "=", "==":
		return known(a.text == b.text, a, b)
	case "!=":
		return known(a.text != b.text, a, b)
	}
	x, errX := strconv.Atoi(a.text)
	y, errY := strconv.Atoi(b.text)
	if errX != nil || errY != nil {
		return maybe
	}
	switch operator {
	case "-eq":
		return known(x == y, a, b)
	case "-ne":
		return known(x != y, a, b)
	case "-lt":
		return known(x < y, a, b)
	case "-le":
		return known(x <= y, a, b)
	case "-gt":
		return known(x > y, a, b)
	case "-ge":
		return known(x >= y, a, b)
	}
	return maybe
}
