package route

import (
	"fmt"
	"strings"
)

// PolicyText is one "| NAME ARGS" of a one-line route, not yet understood.
type PolicyText struct {
	Name, Args string
	Off, Len   int // Where NAME ARGS stands in the line.
	ArgsOff    int // Where ARGS stands; the end of NAME if there are none.
}

// onlyPolicies reads what stands in s from i on, where an action has ended:
// nothing, or policies. after describes that place for the message.
func onlyPolicies(s string, i int, after string) ([]PolicyText, *SyntaxError) {
	i = skipBlanks(s, i)
	if i == len(s) {
		return nil, nil
	}
	if s[i] != '|' {
		rest := strings.TrimRight(s[i:], " \t\r\n")
		return nil, &SyntaxError{
			Off: i, Len: len(rest), Msg: fmt.Sprintf("%q stands %s", rest, after), Want: `"| POLICY" or the end of the line`,
		}
	}
	return parsePolicies(s, i)
}

// parsePolicies splits s from the "|" at i on into policies.
func parsePolicies(s string, i int) ([]PolicyText, *SyntaxError) {
	var policies []PolicyText
	for i < len(s) {
		bar := i
		start := skipBlanks(s, bar+1)
		end := policyEnd(s, start)
		i = end
		for end > start && isBlank(s[end-1]) {
			end--
		}
		if start >= end {
			return nil, &SyntaxError{Off: bar, Len: 1, Msg: `no policy after "|"`, Want: `a policy such as "limit 100/s per ip"`}
		}
		name := start
		for name < end && !isBlank(s[name]) {
			name++
		}
		args := name
		if name < end {
			args = skipBlanks(s, name)
		}
		policies = append(policies, PolicyText{
			Name: s[start:name], Args: s[args:end], Off: start, Len: end - start, ArgsOff: args,
		})
	}
	return policies, nil
}

// policyEnd returns the offset of the "|" that ends the policy at s[i:], or
// len(s). Such a bar has a blank or nothing on both sides, and stands outside
// double quotes, so that arguments may hold one.
func policyEnd(s string, i int) int {
	for start := i; i < len(s); i++ {
		switch s[i] {
		case '"':
			if n := closingQuote(s[i+1:]); n >= 0 {
				i += n + 1
			}
		case '|':
			if (i == start || isBlank(s[i-1])) && (i+1 == len(s) || isBlank(s[i+1])) {
				return i
			}
		}
	}
	return len(s)
}

// closingQuote returns the offset of the double quote that closes what was
// opened before s, or -1. A backslash protects the byte after it.
func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
