package route

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Target is one upstream of a proxy action.
type Target struct {
	Raw      string // As written.
	Scheme   string // "http", "https", "h2c" or "unix".
	Host     string // As written: a host with or without port, the name of a pool, or a socket's path.
	Path     string // The URI's path, as written; "" if HasPath is false.
	HasPath  bool   // The URI has a path, if only "/".
	Off, Len int    // Where Raw stands in the text it was read from.
}

const (
	wantTarget = `http://HOST[:PORT][/PATH] or unix:/PATH`
	unixScheme = "unix:"
)

var schemeList = []string{"http", "https", "h2c", "unix"}

// otherSchemes are understood well enough to say what to write instead.
var otherSchemes = map[string]string{
	"ws": "http", "wss": "https", "h2": "https", "http1": "http", "https1": "https", "tcp": "http",
}

// hasUnixScheme reports whether text begins with "unix:".
func hasUnixScheme(text string) bool {
	return len(text) >= len(unixScheme) && strings.EqualFold(text[:len(unixScheme)], unixScheme)
}

// parseProxyLine reads targets and policies.
func parseProxyLine(s string, start int) (Action, []PolicyText, *SyntaxError) {
	end := strings.IndexByte(s[start:], '|')
	if end < 0 {
		end = len(s) - start
	}
	targets, err := ParseTargets(s[start : start+end])
	if err != nil {
		return Action{}, nil, err.shifted(start)
	}
	for i := range targets {
		targets[i].Off += start
	}
	policies, err := onlyPolicies(s, start+end, "")
	return Action{Kind: Proxy, Targets: targets}, policies, err
}

// ParseTargets reads one or more targets separated by blanks.
func ParseTargets(s string) ([]Target, *SyntaxError) {
	words := fields(s)
	if len(words) == 0 {
		return nil, &SyntaxError{Off: len(s), Msg: "no upstream", Want: wantTarget}
	}
	if len(words) > MaxTargets {
		w := words[MaxTargets]
		return nil, &SyntaxError{
			Off: w.off, Len: len(w.text), Msg: "too many upstreams in one action",
			Want: fmt.Sprintf("at most %d; name more of them in upstreams", MaxTargets),
		}
	}
	targets := make([]Target, len(words))
	for i, w := range words {
		t, err := ParseTarget(w.text)
		if err != nil {
			return nil, err.shifted(w.off)
		}
		t.Off = w.off
		targets[i] = t
	}
	return targets, nil
}

// ParseTarget reads one upstream: an absolute URI or a socket.
func ParseTarget(s string) (Target, *SyntaxError) {
	t := Target{Raw: s, Len: len(s)}
	if hasUnixScheme(s) {
		t.Scheme, t.Host = "unix", s[len(unixScheme):]
		return t, checkSocket(s)
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return Target{}, noSchemeError(s)
	}
	switch t.Scheme = strings.ToLower(scheme); t.Scheme {
	case "http", "https", "h2c":
	default:
		return Target{}, unknownScheme(scheme)
	}
	authority := len(scheme) + len("://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	t.Host = rest[:end]
	if err := checkAuthority(t.Host); err != nil {
		return Target{}, err.shifted(authority)
	}
	t.Path = rest[end:]
	if t.Path == "" {
		return t, nil
	}
	t.HasPath = true
	if err := checkTargetPath(t.Path); err != nil {
		return Target{}, err.shifted(authority + end)
	}
	return t, nil
}

func noSchemeError(s string) *SyntaxError {
	e := &SyntaxError{Len: len(s), Msg: fmt.Sprintf("%q is no upstream", s), Want: wantTarget}
	switch {
	case mendScheme(s) != "":
		e.Suggest = mendScheme(s)
	case s != "" && !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "."):
		e.Msg = fmt.Sprintf("%q has no scheme", s)
		e.Suggest = "http://" + s
	}
	return e
}

// mendScheme guesses what "http:/host" or "unxi:/path" was to be; "" if s is not
// of that kind.
func mendScheme(s string) string {
	// The colon is missing: http//localhost:3000.
	if scheme, rest, found := strings.Cut(s, "//"); found && rest != "" && (scheme == "http" || scheme == "https" || scheme == "h2c") {
		return scheme + "://" + rest
	}
	scheme, rest, _ := strings.Cut(s, ":")
	near := Suggest(scheme, schemeList)
	rest = strings.TrimLeft(rest, "/")
	switch {
	case near == "" || !strings.HasPrefix(s[len(scheme):], ":/") || rest == "":
		return ""
	case near == "unix":
		return unixScheme + "/" + rest
	}
	return near + "://" + rest
}

func unknownScheme(scheme string) *SyntaxError {
	e := &SyntaxError{
		Len: len(scheme) + len("://"), Msg: fmt.Sprintf("unknown scheme %q", scheme+"://"), Want: "http://, https://, h2c:// or unix:/",
	}
	near := otherSchemes[strings.ToLower(scheme)]
	if near == "" {
		near = Suggest(scheme, schemeList)
	}
	if near != "" && near != "unix" {
		e.Suggest = near + "://"
	}
	return e
}

// checkSocket checks a "unix:/path".
func checkSocket(s string) *SyntaxError {
	path := s[len(unixScheme):]
	e := &SyntaxError{Off: len(unixScheme), Len: len(path), Want: "the absolute path of a socket"}
	switch {
	case path == "" || path == "/":
		e.Msg = "unix: without a path"
	case strings.HasPrefix(path, "//"):
		e.Msg = fmt.Sprintf("%q begins with more than one slash", path)
		e.Suggest = unixScheme + "/" + strings.TrimLeft(path, "/")
	case path[0] != '/':
		e.Msg = fmt.Sprintf("the socket's path %q is not absolute", path)
	case len(path) > maxUnixPath:
		e.Msg = fmt.Sprintf("the socket's path has %d bytes, more than the kernel takes", len(path))
		e.Want = fmt.Sprintf("at most %d", maxUnixPath)
	case strings.IndexByte(path, 0) >= 0:
		e.Msg = "the socket's path has a NUL"
	default:
		return nil
	}
	return e
}

// checkAuthority checks HOST[:PORT] (RFC 3986, section 3.2). Its host may be the
// name of a pool; who it is, is not decided here.
func checkAuthority(s string) *SyntaxError {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return &SyntaxError{Len: at + 1, Msg: "an upstream has no user name", Want: "HOST[:PORT]", Suggest: s[at+1:]}
	}
	host, port, portOff := s, "", -1
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return &SyntaxError{Off: len(s), Msg: fmt.Sprintf(`no "]" after %q`, s), Want: "an IPv6 address in brackets"}
		}
		if addr, err := netip.ParseAddr(s[1:end]); err != nil || !addr.Is6() {
			return &SyntaxError{
				Off: 1, Len: end - 1, Msg: fmt.Sprintf("%q is not an IPv6 address", s[1:end]), Want: "an IPv6 address in brackets",
			}
		}
		host = ""
		if tail := s[end+1:]; tail != "" {
			if tail[0] != ':' {
				return &SyntaxError{Off: end + 1, Len: len(tail), Msg: fmt.Sprintf("%q stands after the address", tail), Want: "a port or a path"}
			}
			port, portOff = tail[1:], end+2
		}
	} else if colon := strings.IndexByte(s, ':'); colon >= 0 {
		host, port, portOff = s[:colon], s[colon+1:], colon+1
		if host == "" {
			return &SyntaxError{Msg: fmt.Sprintf("no host before %q", s), Want: "HOST[:PORT]"}
		}
	} else if s == "" {
		return &SyntaxError{Msg: "no host", Want: "HOST[:PORT]"}
	}
	if err := checkUpstreamHost(host); err != nil {
		return err
	}
	if portOff < 0 {
		return nil
	}
	return checkPort(port).shifted(portOff)
}

// checkUpstreamHost checks a name or an IPv4 address; "" stands for an IPv6
// address that was checked already.
func checkUpstreamHost(host string) *SyntaxError {
	numeric := host != ""
	for i := range len(host) {
		c := host[i]
		numeric = numeric && (isDigit(c) || c == '.')
		if !isAlnum(c) && c != '.' && c != '-' && c != '_' {
			return &SyntaxError{
				Off: i, Len: runeLenAt(host, i), Msg: fmt.Sprintf("the host %q has the character %s", host, quoteRuneAt(host, i)),
				Want: "a host name, an address or the name of an entry of upstreams",
			}
		}
	}
	if len(host) > MaxHost {
		return &SyntaxError{Len: len(host), Msg: fmt.Sprintf("host of %d bytes is too long", len(host)), Want: fmt.Sprintf("at most %d", MaxHost)}
	}
	if numeric && strings.Contains(host, ".") {
		if _, err := netip.ParseAddr(host); err != nil {
			return &SyntaxError{Len: len(host), Msg: fmt.Sprintf("%q is not an IPv4 address", host), Want: "four numbers from 0 to 255"}
		}
	}
	return nil
}

func checkPort(port string) *SyntaxError {
	n, err := strconv.ParseUint(port, 10, 16)
	if err == nil && n > 0 && isDigit(port[0]) {
		return nil
	}
	return &SyntaxError{Len: len(port), Msg: fmt.Sprintf("%q is not a port", port), Want: "a number from 1 to 65535"}
}

// checkTargetPath checks the path of a target: s is what follows the authority.
func checkTargetPath(s string) *SyntaxError {
	if s[0] != '/' {
		return &SyntaxError{
			Len: len(s), Msg: fmt.Sprintf("an upstream's URI has no query or fragment, and %q is one", s), Want: wantTarget,
		}
	}
	var b strings.Builder
	for start, i := 1, 1; ; {
		if i == len(s) || s[i] == '/' {
			if text := b.String(); text == "." || text == ".." {
				return &SyntaxError{Off: start, Len: i - start, Msg: fmt.Sprintf("the path of the upstream has the segment %q", s[start:i]), Want: "a path without dot segments"}
			}
			if s[start:i] == "*" {
				return &SyntaxError{
					Off: start, Len: 1, Msg: `"*" means nothing in the path of an upstream`,
					Want: `a path that ends in "/"; the rest of the client's path is appended to it`, Suggest: s[:start],
				}
			}
			if i == len(s) {
				return nil
			}
			b.Reset()
			start, i = i+1, i+1
			continue
		}
		n, err := appendNormal(&b, s, i)
		if err != nil {
			if c := s[i]; c == '?' || c == '#' {
				err.Msg = fmt.Sprintf("an upstream's URI has no query or fragment, and %q is one", s[i:])
				err.Want = wantTarget
			}
			return err
		}
		i += n
	}
}
