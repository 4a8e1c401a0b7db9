package top

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// table lays out rows below a head, and an empty line behind them; nothing if there are none. The first column is on the
// left, and takes what the others leave.
func table(width int, head []string, rows [][]string) []string {
	if len(rows) == 0 {
		return nil
	}
	widths := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	rest := 0
	for _, w := range widths[1:] {
		rest += w + 2
	}
	widths[0] = max(8, min(widths[0], width-rest))
	lines := make([]string, 0, len(rows)+2)
	for _, row := range append([][]string{head}, rows...) {
		var b strings.Builder
		b.WriteString(pad(cut(row[0], widths[0]), widths[0], false))
		for i := 1; i < len(row); i++ {
			b.WriteString("  ")
			b.WriteString(pad(row[i], widths[i], true))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return append(lines, "")
}

func pad(s string, width int, left bool) string {
	blanks := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if left {
		return blanks + s
	}
	return s + blanks
}

// cut shortens a text to a width, and says so.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	list := []rune(s)
	if width < 1 {
		return ""
	}
	return string(list[:width-1]) + "…"
}

// plain replaces what a terminal might take for more than text.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
