package layout

import (
	"fmt"
	"strings"
)

// around is how many lines that are the same stand around those that differ.
const around = 3

// most is how many pairs of lines are compared at most. Where two files have more of
// them between their first and their last difference, all there is told as different.
const most = 4 << 20

// lineDiff tells what is different between two texts in the form of diff -u, without its
// head (POSIX diff, "Diff -u or -U Output Format").
func lineDiff(before, after string) []string {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	return hunks(script(trimLast(a), trimLast(b)))
}

// trimLast leaves out the empty piece after the last line.
func trimLast(lines []string) []string {
	if n := len(lines); lines[n-1] == "" {
		return lines[:n-1]
	}
	return lines
}

// scriptLine is a line of both texts, or of the first or second alone.
type scriptLine struct {
	sign byte // ' ', '-' or '+'
	text string
}

// script leads from a to b with as few lines taken out and put in as can be.
func script(a, b []string) []scriptLine {
	var head, tail []scriptLine
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, scriptLine{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append([]scriptLine{{' ', a[len(a)-1]}}, tail...)
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return append(append(head, middle(a, b)...), tail...)
}

// middle finds the longest sequence of lines that both have.
func middle(a, b []string) []scriptLine {
	var out []scriptLine
	longest := lengths(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case longest != nil && i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, scriptLine{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || longest == nil || longest[i+1][j] >= longest[i][j+1]):
			out = append(out, scriptLine{'-', a[i]})
			i++
		default:
			out = append(out, scriptLine{'+', b[j]})
			j++
		}
	}
	return out
}

// lengths tells for the rests of a and b from i and j on how many lines they have in
// common; nil if that would be too much to work out.
func lengths(a, b []string) [][]int32 {
	if len(a)*len(b) > most {
		return nil
	}
	out := make([][]int32, len(a)+1)
	for i := range out {
		out[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				out[i][j] = out[i+1][j+1] + 1
			} else {
				out[i][j] = max(out[i+1][j], out[i][j+1])
			}
		}
	}
	return out
}

// hunks cuts a script into the places where something differs.
func hunks(all []scriptLine) []string {
	var out []string
	a, b := 1, 1 // numbers of the next lines
	for at := 0; at < len(all); {
		end := hunkEnd(all, at)
		if end == at { // nothing differs near here
			a, b, at = a+1, b+1, at+1
			continue
		}
		lines, na, nb := []string{}, 0, 0
		for _, l := range all[at:end] {
			if l.sign != '+' {
				na++
			}
			if l.sign != '-' {
				nb++
			}
			lines = append(lines, string(l.sign)+strings.TrimSuffix(l.text, "\n"))
			if !strings.HasSuffix(l.text, "\n") {
				lines = append(lines, `\ No newline at end of file`)
			}
		}
		out = append(append(out, fmt.Sprintf("@@ -%s +%s @@", span(a, na), span(b, nb))), lines...)
		a, b, at = a+na, b+nb, end
	}
	return out
}

// hunkEnd gives the end of the hunk that begins at a line, which is that line if none
// does.
func hunkEnd(all []scriptLine, at int) int {
	end, same := at, 0
	for i := at; i < len(all); i++ {
		if all[i].sign != ' ' {
			end, same = i+1, 0
			continue
		}
		same++
		if end == at && same > around || same > 2*around {
			break
		}
	}
	if end == at {
		return at
	}
	return min(end+around, len(all))
}

// span is a first line and a number of lines; of none, the line before.
func span(first, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", first-1)
	case 1:
		return fmt.Sprint(first)
	default:
		return fmt.Sprintf("%d,%d", first, n)
	}
}
