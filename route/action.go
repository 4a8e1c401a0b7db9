package route

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind says what an action does.
type Kind uint8

const (
	Proxy    Kind = iota // Passes the request on to an upstream.
	Static               // Serves a directory or a file.
	Fixed                // Answers with a status and a body.
	Redirect             // Answers with a 3xx status and a Location.
	Echo                 // Answers with what was asked.
)

// String returns the word that documentation uses.
func (k Kind) String() string {
	switch k {
	case Proxy:
		return "proxy"
	case Static:
		return "static"
	case Fixed:
		return "fixed"
	case Redirect:
		return "redirect"
	case Echo:
		return "echo"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Action is the right side of a route, without its policies.
type Action struct {
	Kind Kind

	Targets []Target // Proxy: where to; at least one.

	Path string // Static: as written ("./dist/", "/srv/x.html").

	Status   int    // Fixed, Redirect and Echo: 200 to 599.
	Body     string // Fixed: as written; "" if there is none.
	JSON     bool   // Fixed: Body is JSON.
	Location string // Redirect: as written. CompileLocation makes it usable.

	// Off and Len say where in the text Body, Location or Path stands. Errors of
	// CompileLocation are relative to Off.
	Off, Len int
}

const wantAction = "a status name or number, a directory, or an upstream URI"

// ParseAction reads the one-line form ACTION [| POLICY]... Policies are cut out
// and returned as they are; reading them is the business of package policy.
//
// Policies end an action wherever a "|" cannot belong to it. It can in the text
// body of a fixed action only, which therefore runs to the end of the line.
// A body that is a JSON value, and nothing but policies follows it, is no text.
//
// With a 3xx status "*" alone is refused: it could be an echo or a Location, and
// is a useful one of neither.
func ParseAction(s string) (Action, []PolicyText, *SyntaxError) {
	start := skipBlanks(s, 0)
	first := firstWord(s, start)
	switch {
	case first.text == "":
		e := &SyntaxError{Off: start, Msg: "no action", Want: wantAction}
		if start < len(s) {
			e.Len, e.Msg = 1, `no action before "|"`
		}
		return Action{}, nil, e
	case first.text == "*":
		a := Action{Kind: Echo, Status: 200}
		policies, err := onlyPolicies(s, first.end(), `after the echo action "*"`)
		return a, policies, err
	case looksStatic(first.text):
		return parseStaticLine(s, start)
	case strings.Contains(first.text, "://") || hasUnixScheme(first.text):
		return parseProxyLine(s, start)
	case looksStatus(first.text):
		return parseStatusLine(s, start)
	}
	return Action{}, nil, unknownAction(first)
}

// firstWord returns the word of s at start. A "|" ends it.
func firstWord(s string, start int) word {
	end := start
	for end < len(s) && !isBlank(s[end]) && s[end] != '|' {
		end++
	}
	return word{s[start:end], start}
}

// looksStatus reports whether text can only be meant as a status: all digits, or
// all in upper case.
func looksStatus(text string) bool {
	digits, upper := true, true
	for i := range len(text) {
		c := text[i]
		digits = digits && isDigit(c)
		upper = upper && (c >= 'A' && c <= 'Z' || c == '_' || i > 0 && isDigit(c))
	}
	return digits || upper
}

func looksStatic(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") ||
		text == "." || text == ".."
}

// unknownAction says what is wrong with a first word that begins no action, and
// guesses what it was to be.
func unknownAction(w word) *SyntaxError {
	e := &SyntaxError{
		Off: w.off, Len: len(w.text), Msg: fmt.Sprintf("unknown action %q", w.text), Want: wantAction,
	}
	status := suggestStatus(strings.ToUpper(strings.ReplaceAll(w.text, "-", "_")))
	switch {
	case !strings.ContainsAny(w.text, "/.:") && status != "":
		e.Msg = fmt.Sprintf("unknown status %q", w.text)
		e.Suggest = status
	case strings.HasPrefix(w.text, "~"):
		e.Msg = fmt.Sprintf(`%q begins with "~", which is not expanded`, w.text)
		e.Want = "an absolute path or one relative to the file"
	case len(w.text) > 1 && w.text[0] == '$':
		e.Msg = fmt.Sprintf(`%q begins with "$", and a variable of the environment is written ${NAME}`, w.text)
		name, rest, inside := strings.Cut(w.text[1:], "/")
		if e.Suggest = "${" + name + "}"; inside {
			e.Suggest += "/" + rest
		}
	case strings.HasPrefix(w.text, ":") && looksHostPort("localhost"+w.text):
		e.Msg = fmt.Sprintf("%q has no host", w.text)
		e.Suggest = "http://127.0.0.1" + w.text
	case mendScheme(w.text) != "":
		e.Suggest = mendScheme(w.text)
	case looksHostPort(w.text):
		e.Msg = fmt.Sprintf("%q has no scheme", w.text)
		e.Suggest = "http://" + w.text
	case strings.HasSuffix(w.text, "/") || strings.Contains(w.text, "/"):
		e.Suggest = "./" + w.text
	}
	return e
}

// looksHostPort reports whether text is a host and a port, with or without a
// path.
func looksHostPort(text string) bool {
	authority, _, _ := strings.Cut(text, "/")
	colon := strings.LastIndexByte(authority, ':')
	if colon <= 0 || colon == len(authority)-1 {
		return false
	}
	for _, c := range []byte(authority[colon+1:]) {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// String writes the action as the parser of its kind reads it: ParseTargets,
// ParseStatic, ParseFixed, ParseRedirect or ParseEcho.
func (a Action) String() string {
	switch a.Kind {
	case Proxy:
		raws := make([]string, len(a.Targets))
		for i, t := range a.Targets {
			raws[i] = t.Raw
		}
		return strings.Join(raws, " ")
	case Static:
		return a.Path
	case Fixed:
		if a.Body == "" {
			return statusText(a.Status)
		}
		return statusText(a.Status) + " " + a.Body
	case Redirect:
		return statusText(a.Status) + " " + a.Location
	case Echo:
		if a.Status == 200 {
			return "*"
		}
		return statusText(a.Status) + " *"
	}
	return a.Kind.String()
}

// statusText returns code's name, or its digits if it has none.
func statusText(code int) string {
	if name := StatusName(code); name != "" {
		return name
	}
	return strconv.Itoa(code)
}
