package route

import (
	"fmt"
	"strings"
)

const wantStatic = `a path that begins with "/", "./" or "../"`

// parseStaticLine reads a path, in which blanks may stand, and policies.
func parseStaticLine(s string, start int) (Action, []PolicyText, *SyntaxError) {
	end := start
	for end < len(s) && (s[end] != '|' || !isBlank(s[end-1])) {
		end++
	}
	bar := end
	for end > start && isBlank(s[end-1]) {
		end--
	}
	path, err := ParseStatic(s[start:end])
	if err != nil {
		return Action{}, nil, err.shifted(start)
	}
	policies, err := onlyPolicies(s, bar, "")
	return Action{Kind: Static, Path: path, Off: start, Len: end - start}, policies, err
}

// ParseStatic reads the path of a directory or file. Whether it exists, and
// which of the two it is, is not decided here.
func ParseStatic(s string) (string, *SyntaxError) {
	switch {
	case s == "":
		return "", &SyntaxError{Msg: "no path", Want: wantStatic}
	case !looksStatic(s):
		e := &SyntaxError{Len: len(s), Msg: fmt.Sprintf("the path %q is neither absolute nor relative to the file", s), Want: wantStatic}
		if s[0] != '~' {
			e.Suggest = "./" + s
		}
		return "", e
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return "", &SyntaxError{Off: i, Len: 1, Msg: fmt.Sprintf("the path has the character %s", quoteRuneAt(s, i)), Want: "a path on one line"}
	}
	return s, nil
}
