package machine

import "reflect"

// Looks at one file system ask for more or less of it each time, and see the same.
// They are kept as one tree, as long as no two of them disagree.

// foldTrees joins the trees of a question where a later one agrees with the one
// before.
func foldTrees(list []given) []given {
	var out []given
	for _, g := range list {
		if n := len(out); n > 0 && sameTree(out[n-1].answer, g.answer) {
			out[n-1].Tree.join(g.Tree)
			out[n-1].Times = 0
			continue
		}
		out = append(out, g)
	}
	return out
}

// sameTree: both answers are trees, and do not disagree.
func sameTree(a, b answer) bool { return a.Tree != nil && b.Tree != nil && a.Tree.agrees(b.Tree) }

// agrees: what both were asked has the same answers.
func (l *ledger) agrees(o *ledger) bool {
	for question, mine := range l.answers {
		other, both := o.answers[question]
		if both && !sameAnswers(mine, other) {
			return false
		}
	}
	return true
}

func sameAnswers(a, b []given) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameTree(a[i].answer, b[i].answer) && !reflect.DeepEqual(a[i].answer, b[i].answer) {
			return false
		}
	}
	return true
}

// join takes in what another ledger, which agrees, knows besides.
func (l *ledger) join(o *ledger) {
	for question, other := range o.answers {
		mine, both := l.answers[question]
		if !both {
			l.answers[question] = other
			continue
		}
		for i := range mine {
			if mine[i].Tree != nil {
				mine[i].Tree.join(other[i].Tree)
			}
		}
	}
}
