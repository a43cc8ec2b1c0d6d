package cli

import (
	"strings"

	"salvor/internal/storage"
)

// widestCell is how far one long cell may push the others.
const widestCell = 36

// table writes rows in columns. The last cell is a text that goes below its row,
// wrapped and indented, when it does not fit beside it.
func (s *screen) table(rows [][]string, indent, below int, paint func([]string) style) {
	width := make([]int, len(rows[0])-1)
	for _, row := range rows {
		for i := range width {
			width[i] = min(max(width[i], storage.TextWidth(row[i])), widestCell)
		}
	}
	for _, row := range rows {
		line := strings.Repeat(" ", indent)
		for i, w := range width {
			line += pad(row[i], w) + "  "
		}
		text, st := row[len(row)-1], paint(row)
		switch {
		case text == "":
			s.line("%s", s.paint(st, strings.TrimRight(line, " ")))
		case storage.TextWidth(line)+storage.TextWidth(text) <= s.width:
			s.line("%s", s.paint(st, line+text))
		default:
			if strings.TrimSpace(line) != "" {
				s.line("%s", s.paint(st, strings.TrimRight(line, " ")))
			}
			s.note(below, st, text)
		}
	}
}
