package route

import (
	"fmt"
	"strings"
)

const wantLocation = `a Location: an absolute path, or a URI with a scheme such as "https://example.com/"`

// ParseRedirect reads [STATUS] LOCATION, the "redirect" of the full form. The
// status is 302 unless said otherwise.
func ParseRedirect(s string) (Action, *SyntaxError) {
	w := statusWord(s)
	if w.text == "" {
		return Action{}, &SyntaxError{Off: w.off, Msg: "no Location", Want: wantLocation}
	}
	if !looksStatus(w.text) {
		return lastWordRedirect(s, 302, w, w.off)
	}
	status, err := parseStatus(w)
	if err != nil {
		return Action{}, err
	}
	if status/100 != 3 {
		return Action{}, &SyntaxError{
			Off: w.off, Len: len(w.text), Msg: fmt.Sprintf("status %q is no redirect", w.text), Want: "a status from 300 to 399",
		}
	}
	off := skipBlanks(s, w.end())
	if off == len(s) {
		return Action{}, &SyntaxError{
			Off: w.end(), Msg: fmt.Sprintf("the redirect %q does not say where to", w.text), Want: wantLocation,
		}
	}
	return lastWordRedirect(s, status, w, off)
}

// lastWordRedirect makes a redirect of the word at off, which must be the last.
func lastWordRedirect(s string, status int, w word, off int) (Action, *SyntaxError) {
	target := statusWord(s[off:])
	target.off += off
	if end := skipBlanks(s, target.end()); end < len(s) {
		rest := strings.TrimRight(s[end:], " \t\r\n")
		return Action{}, &SyntaxError{
			Off: end, Len: len(rest), Msg: fmt.Sprintf("%q stands after the Location", rest),
			Want: "one Location; a blank in it is written %20",
		}
	}
	return redirectAction(status, w, target)
}

// redirectAction checks that target can be a Location at all. What it refers to
// in a HEAD is checked by CompileLocation.
func redirectAction(status int, w, target word) (Action, *SyntaxError) {
	if status == 304 {
		return Action{}, &SyntaxError{
			Off: target.off, Len: len(target.text), Msg: fmt.Sprintf("a response with status %q has neither content nor Location", w.text),
			Want: "no body",
		}
	}
	if _, err := locationPathStart(target.text); err != nil {
		return Action{}, err.shifted(target.off)
	}
	return Action{
		Kind: Redirect, Status: status, Location: target.text, Off: target.off, Len: len(target.text),
	}, nil
}
