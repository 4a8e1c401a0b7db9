package route

import (
	"strconv"
	"unicode/utf8"
)

// word is a run of non-blank bytes of a text, and where it begins.
type word struct {
	text string
	off  int
}

func (w word) end() int { return w.off + len(w.text) }

// fields splits s at blanks and remembers where each word was.
func fields(s string) []word {
	var words []word
	for i := 0; i < len(s); {
		i = skipBlanks(s, i)
		start := i
		for i < len(s) && !isBlank(s[i]) {
			i++
		}
		if i > start {
			words = append(words, word{s[start:i], start})
		}
	}
	return words
}

// skipBlanks returns the offset of the first byte of s from i on that is no
// blank.
func skipBlanks(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// runeLenAt returns how many bytes the character at s[i] has, so that a caret
// never splits one.
func runeLenAt(s string, i int) int {
	_, n := utf8.DecodeRuneInString(s[i:])
	return n
}

// quoteRuneAt quotes the character at s[i] for a message.
func quoteRuneAt(s string, i int) string {
	r, n := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && n == 1 {
		return strconv.Quote(s[i : i+1])
	}
	return strconv.QuoteRune(r)
}
