package route

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const wantStatus = "a status: three digits from 200 to 599, or a name such as NOT_FOUND"

// parseStatusLine reads STATUS [BODY] or STATUS "*", and policies.
func parseStatusLine(s string, start int) (Action, []PolicyText, *SyntaxError) {
	w := firstWord(s, start)
	status, err := parseStatus(w)
	if err != nil {
		if !isDigit(w.text[0]) && interimNames[w.text] == 0 {
			err.Want = wantAction
		}
		return Action{}, nil, err
	}
	off := skipBlanks(s, w.end())
	switch {
	case off == len(s) || s[off] == '|':
		if err := checkBodyless(status, w); err != nil {
			return Action{}, nil, err
		}
		policies, err := onlyPolicies(s, off, "")
		return Action{Kind: Fixed, Status: status, Off: w.end()}, policies, err
	case s[off] == '*' && isRestOfAction(s, off+1):
		if status/100 == 3 {
			return Action{}, nil, &SyntaxError{
				Off: off, Len: 1, Msg: fmt.Sprintf(`"*" after %q is neither a Location nor worth echoing`, w.text),
				Want: `a Location such as "/new/*"`,
			}
		}
		policies, err := onlyPolicies(s, off+1, "")
		return Action{Kind: Echo, Status: status}, policies, err
	case status/100 == 3:
		target := firstWord(s, off)
		a, err := redirectAction(status, w, target)
		if err != nil {
			return Action{}, nil, err
		}
		policies, err := onlyPolicies(s, target.end(), "after the Location; a blank in it is written %20")
		return a, policies, err
	}
	return parseBodyLine(s, status, w, off)
}

// isRestOfAction reports whether nothing but policies follows in s from i on.
func isRestOfAction(s string, i int) bool {
	j := skipBlanks(s, i)
	return j == len(s) || s[j] == '|'
}

// parseBodyLine reads the BODY at off of a fixed action, and the policies behind
// a JSON one.
func parseBodyLine(s string, status int, w word, off int) (Action, []PolicyText, *SyntaxError) {
	a := Action{Kind: Fixed, Status: status, Off: off}
	if n, ok := jsonPrefix(s[off:]); ok && isRestOfAction(s, off+n) {
		a.Body, a.JSON, a.Len = s[off:off+n], true, n
		if err := checkBody(status, w, a); err != nil {
			return Action{}, nil, err
		}
		policies, err := onlyPolicies(s, off+n, "")
		return a, policies, err
	}
	a, err := fixedAction(s, status, w, off)
	return a, nil, err
}

// fixedAction makes a fixed action whose BODY is everything from off on.
func fixedAction(s string, status int, w word, off int) (Action, *SyntaxError) {
	body := s[off:]
	a := Action{Kind: Fixed, Status: status, Body: body, Off: off, Len: len(body)}
	if n, ok := jsonPrefix(body); ok && skipBlanks(body, n) == len(body) {
		a.Body, a.JSON, a.Len = body[:n], true, n
	} else if body[0] == '{' || body[0] == '[' {
		return Action{}, jsonError(body).shifted(off)
	}
	return a, checkBody(status, w, a)
}

// ParseFixed reads STATUS [BODY], the "answer" of the full form. There BODY runs
// to the end of s whatever it is, and "*" is a body like any other. With a 3xx
// status the result is a redirect.
func ParseFixed(s string) (Action, *SyntaxError) {
	w := statusWord(s)
	if w.text == "" {
		return Action{}, &SyntaxError{Off: w.off, Msg: "no status", Want: wantStatus}
	}
	status, err := parseStatus(w)
	if err != nil {
		return Action{}, err
	}
	off := skipBlanks(s, w.end())
	if off == len(s) {
		if err := checkBodyless(status, w); err != nil {
			return Action{}, err
		}
		return Action{Kind: Fixed, Status: status, Off: w.end()}, nil
	}
	if status/100 == 3 {
		return lastWordRedirect(s, status, w, off)
	}
	return fixedAction(s, status, w, off)
}

// ParseEcho reads "*", STATUS "*" or STATUS, the "echo" of the full form.
func ParseEcho(s string) (Action, *SyntaxError) {
	w := statusWord(s)
	if w.text == "" {
		return Action{}, &SyntaxError{Off: w.off, Msg: "no echo", Want: `"*" or STATUS "*"`}
	}
	status, rest := 200, w.end()
	if w.text != "*" {
		var err *SyntaxError
		if status, err = parseStatus(w); err != nil {
			return Action{}, err
		}
		if next := skipBlanks(s, rest); next < len(s) && s[next] == '*' {
			rest = next + 1
		}
	}
	if rest = skipBlanks(s, rest); rest < len(s) {
		text := strings.TrimRight(s[rest:], " \t\r\n")
		return Action{}, &SyntaxError{
			Off: rest, Len: len(text), Msg: fmt.Sprintf("%q stands after the echo", text), Want: `"*" or STATUS "*"`,
		}
	}
	return Action{Kind: Echo, Status: status}, nil
}

// statusWord returns the first word of s; unlike in the one-line form a "|" is
// part of it.
func statusWord(s string) word {
	start := skipBlanks(s, 0)
	end := start
	for end < len(s) && !isBlank(s[end]) {
		end++
	}
	return word{s[start:end], start}
}

// parseStatus reads a status, by number or by name.
func parseStatus(w word) (int, *SyntaxError) {
	if code, ok := StatusByName(w.text); ok {
		return code, nil
	}
	e := &SyntaxError{Off: w.off, Len: len(w.text), Want: wantStatus}
	code, digits := 0, true
	for _, c := range []byte(w.text) {
		digits = digits && isDigit(c)
		code = min(code*10+int(c-'0'), 1000)
	}
	switch interim, isInterim := interimNames[w.text]; {
	case digits && len(w.text) == 3 && code >= 200 && code <= 599:
		return code, nil
	case digits && len(w.text) == 3 && code < 200 && code >= 100:
		e.Msg = fmt.Sprintf("status %s is interim and answers nothing", w.text)
	case digits:
		e.Msg = fmt.Sprintf("status %s is out of range", w.text)
	case isInterim:
		e.Msg = fmt.Sprintf("status %q (%d) is interim and answers nothing", w.text, interim)
	default:
		e.Msg = fmt.Sprintf("unknown status %q", w.text)
		e.Suggest = suggestStatus(w.text)
	}
	return 0, e
}

// checkBodyless refuses what cannot stand without a body: a redirect that does
// not say where to. 300 and 304 are whole without a Location (RFC 9110, sections
// 15.4.1 and 15.4.5).
func checkBodyless(status int, w word) *SyntaxError {
	if status/100 != 3 || status == 300 || status == 304 {
		return nil
	}
	return &SyntaxError{
		Off: w.end(), Msg: fmt.Sprintf("the redirect %q does not say where to", w.text),
		Want: `a Location such as "/new/*" or "https://example.com/"`,
	}
}

// checkBody refuses a body where a status forbids content (RFC 9110, sections
// 15.3.5, 15.3.6).
func checkBody(status int, w word, a Action) *SyntaxError {
	if status != 204 && status != 205 {
		return nil
	}
	return &SyntaxError{
		Off: a.Off, Len: a.Len, Msg: fmt.Sprintf("a response with status %q has no content", w.text), Want: "no body",
	}
}

// jsonPrefix returns the length of the JSON value that text begins with.
func jsonPrefix(text string) (int, bool) {
	var raw json.RawMessage
	d := json.NewDecoder(strings.NewReader(text))
	if d.Decode(&raw) != nil {
		return 0, false
	}
	return int(d.InputOffset()), true
}

// jsonError says where text, which begins like a JSON object or array, stops
// being one.
func jsonError(text string) *SyntaxError {
	e := &SyntaxError{Want: "JSON, or a text that does not begin with { or ["}
	var raw json.RawMessage
	d := json.NewDecoder(strings.NewReader(text))
	err := d.Decode(&raw)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		e.Off = skipBlanks(text, int(d.InputOffset()))
		rest := strings.TrimRight(text[e.Off:], " \t\r\n")
		e.Len = len(rest)
		e.Msg = fmt.Sprintf("%q stands after the JSON body", rest)
		e.Want = `"| POLICY" or the end of the line`
	case errors.As(err, &syntax):
		e.Off = min(max(int(syntax.Offset)-1, 0), len(text))
		if e.Off < len(text) {
			e.Len = runeLenAt(text, e.Off)
		}
		e.Msg = "the body is not valid JSON: " + syntax.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Off = len(strings.TrimRight(text, " \t\r\n"))
		e.Msg = "the body is not valid JSON: it ends too early"
	default:
		e.Len = len(text)
		e.Msg = "the body is not valid JSON: " + err.Error()
	}
	return e
}
