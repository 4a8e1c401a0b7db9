package config

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"
)

// source is the text of one file. Places in it are byte offsets everywhere in this package; only diagnostics turn
// them into lines and columns.
type source struct {
	// name is the file's name as the user knows it.
	name string
	// dir is the directory that relative paths in the file start from.
	dir string
	// text is the file without a byte order mark, with a question mark for every byte that is not UTF-8.
	text []byte
	// invalid are the offsets of those bytes.
	invalid []int
	// lines are the offsets at which lines begin, as editors count them.
	lines []int
	// marks are the offsets at which lines begin as YAML counts them: U+0085, U+2028 and U+2029 end lines as well.
	marks []int
	// characters are the numbers of characters before every runeBlock bytes of text. They keep the search for a column
	// short even when a whole file is one line.
	characters []int
}

const runeBlock = 512

func newSource(name, dir string, text []byte) *source {
	s := &source{name: name, dir: dir, text: bytes.TrimPrefix(text, []byte("\ufeff"))}
	s.replaceInvalid()
	s.lines, s.marks = []int{0}, []int{0}
	for i := 0; i < len(s.text); {
		width, editor := breakAt(s.text, i)
		if width == 0 {
			i++
			continue
		}
		i += width
		s.marks = append(s.marks, i)
		if editor {
			s.lines = append(s.lines, i)
		}
	}
	count := 0
	for i, c := range s.text {
		if i%runeBlock == 0 {
			s.characters = append(s.characters, count)
		}
		if utf8.RuneStart(c) {
			count++
		}
	}
	s.characters = append(s.characters, count)
	return s
}

func (s *source) replaceInvalid() {
	if utf8.Valid(s.text) {
		return
	}
	s.text = bytes.Clone(s.text)
	for i := 0; i < len(s.text); {
		r, width := utf8.DecodeRune(s.text[i:])
		if r == utf8.RuneError && width == 1 {
			s.text[i] = '?'
			s.invalid = append(s.invalid, i)
		}
		i += width
	}
}

// charactersBefore returns the number of characters before an offset.
func (s *source) charactersBefore(off int) int {
	block := off / runeBlock
	return s.characters[block] + utf8.RuneCount(s.startedIn(block*runeBlock, off))
}

// startedIn returns the bytes from one offset to another without those of a character that began before.
func (s *source) startedIn(from, to int) []byte {
	for from < to && !utf8.RuneStart(s.text[from]) {
		from++
	}
	return s.text[from:to]
}

// breakAt returns the width of the line break at offset i, 0 if there is none, and whether editors see it as one.
func breakAt(text []byte, i int) (width int, editor bool) {
	switch text[i] {
	case '\n':
		return 1, true
	case '\r':
		if i+1 < len(text) && text[i+1] == '\n' {
			return 2, true
		}
		return 1, true
	case 0xc2:
		if i+1 < len(text) && text[i+1] == 0x85 {
			return 2, false
		}
	case 0xe2:
		if i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xa8 || text[i+2] == 0xa9) {
			return 3, false
		}
	}
	return 0, false
}

// offset returns the offset of a place as the YAML parser names it: line and column from 1, columns in characters.
func (s *source) offset(line, col int) int {
	if line < 1 || line > len(s.marks) {
		return len(s.text)
	}
	target := s.charactersBefore(s.marks[line-1]) + max(col, 1) - 1
	block := sort.SearchInts(s.characters, target+1) - 1
	i := min(block*runeBlock, len(s.text))
	for n := s.characters[block]; i < len(s.text); i++ {
		if !utf8.RuneStart(s.text[i]) {
			continue
		}
		if n == target {
			break
		}
		n++
	}
	return i
}

// lineIndex returns the index in s.lines of the line that holds the offset.
func (s *source) lineIndex(off int) int {
	return sort.SearchInts(s.lines, off+1) - 1
}

// lineEnd returns the offset at which the line with that index ends, before its break.
func (s *source) lineEnd(index int) int {
	end := len(s.text)
	if index+1 < len(s.lines) {
		end = s.lines[index+1]
	}
	for end > s.lines[index] && (s.text[end-1] == '\n' || s.text[end-1] == '\r') {
		end--
	}
	return end
}

// line returns the text of the line with that index, cut off where no person wrote it.
func (s *source) line(index int) string {
	start, end := s.lines[index], s.lineEnd(index)
	if end-start > maxSourceLine {
		end = start + maxSourceLine
		for !utf8.RuneStart(s.text[end]) {
			end--
		}
	}
	return string(s.text[start:end])
}

// pos names the place of an offset.
func (s *source) pos(off int) Pos {
	off = min(max(off, 0), len(s.text))
	index := s.lineIndex(off)
	return Pos{File: s.name, Line: index + 1, Col: s.charactersBefore(off) - s.charactersBefore(s.lines[index]) + 1}
}

// checkText reports bytes that are not UTF-8 or not allowed in YAML, and returns a copy of the text in which each of
// them is a blank, so that reading can go on.
func (l *loader) checkText(s *source) []byte {
	clean := bytes.Clone(s.text)
	for i, off := range s.invalid {
		clean[off] = ' '
		if i < maxBadBytes {
			l.report(s, off, off+1, Diagnostic{Kind: KindSyntax, Msg: "the file holds a byte that is not UTF-8", Want: "text in UTF-8"})
		}
	}
	for i, found := 0, 0; i < len(s.text); {
		r, width := utf8.DecodeRune(s.text[i:])
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r <= 0x9f && r != 0x85 || r == 0xfffe || r == 0xffff {
			for j := range width {
				clean[i+j] = ' '
			}
			if found++; found <= maxBadBytes {
				l.report(s, i, i+width, Diagnostic{Kind: KindSyntax, Msg: "the file holds a control character", Want: "text without control characters"})
			}
		}
		i += width
	}
	return clean
}

// printable returns a line with everything that a terminal would interpret replaced.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 {
			return utf8.RuneError
		}
		return r
	}, line)
}
