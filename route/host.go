package route

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const wantHost = `a host name, "*.example.com", or nothing`

// parseHost reads the host of a HEAD and returns it in lower case. target is the
// whole word it stands in, for messages.
func parseHost(s, target string) (string, *SyntaxError) {
	if slices.Contains(knownMethods, s) {
		return "", &SyntaxError{
			Len: len(s), Msg: fmt.Sprintf("no blank between the method %q and its path", s),
			Want: wantHead, Suggest: s + " " + target[len(s):],
		}
	}
	if strings.EqualFold(s, "http:") || strings.EqualFold(s, "https:") {
		return "", &SyntaxError{
			Len: len(s), Msg: fmt.Sprintf("a route has no scheme, and %q is one", s),
			Want: wantHead, Suggest: strings.TrimLeft(target[len(s):], "/"),
		}
	}
	if strings.HasPrefix(s, "[") {
		return parseAddressHost(s, target)
	}
	if colon := strings.IndexByte(s, ':'); colon >= 0 {
		return "", &SyntaxError{
			Off: colon, Len: len(s) - colon, Msg: fmt.Sprintf("the host %q has a port; ports do not count in matching", s),
			Want: wantHost, Suggest: s[:colon] + target[len(s):],
		}
	}
	name := strings.TrimSuffix(s, ".")
	if len(name) > MaxHost {
		return "", &SyntaxError{
			Len: len(s), Msg: fmt.Sprintf("host of %d bytes is too long", len(name)), Want: fmt.Sprintf("at most %d", MaxHost),
		}
	}
	for off := 0; off <= len(name); {
		n := strings.IndexByte(name[off:], '.')
		if n < 0 {
			n = len(name) - off
		}
		if label := name[off : off+n]; label != "*" || off != 0 || n == len(name) {
			if err := checkLabel(label, s); err != nil {
				return "", err.shifted(off)
			}
		}
		off += n + 1
	}
	return strings.ToLower(name), nil
}

// checkLabel checks one label of the host s.
func checkLabel(label, host string) *SyntaxError {
	switch {
	case label == "":
		return &SyntaxError{Msg: fmt.Sprintf("the host %q has an empty label", host), Want: wantHost}
	case label == "*" && host == "*":
		return &SyntaxError{Len: 1, Msg: `"*" is not a host`, Want: "nothing, for any host"}
	case len(label) > 63:
		return &SyntaxError{Len: len(label), Msg: fmt.Sprintf("the label %q is longer than 63 bytes", label), Want: wantHost}
	}
	for i := range len(label) {
		c := label[i]
		if isAlnum(c) || c == '-' || c == '_' {
			continue
		}
		e := &SyntaxError{
			Off: i, Len: runeLenAt(label, i), Msg: fmt.Sprintf("the host %q has the character %s", host, quoteRuneAt(label, i)),
			Want: wantHost,
		}
		switch {
		case c == '*':
			e.Msg, e.Want = fmt.Sprintf(`"*" stands inside the host %q`, host), `"*" as the whole first label`
		case c >= 0x80:
			e.Want = `the name in its ASCII form, "xn--..."`
		}
		return e
	}
	return nil
}

// parseAddressHost reads an IPv6 address in brackets, as a Host field has it
// (RFC 3986, section 3.2.2).
func parseAddressHost(s, target string) (string, *SyntaxError) {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return "", &SyntaxError{Off: len(s), Msg: fmt.Sprintf(`no "]" after %q`, s), Want: "an IPv6 address in brackets"}
	}
	if addr, err := netip.ParseAddr(s[1:end]); err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", &SyntaxError{
			Off: 1, Len: end - 1, Msg: fmt.Sprintf("%q is not an IPv6 address", s[1:end]), Want: "an IPv6 address in brackets",
		}
	}
	if end+1 < len(s) {
		return "", &SyntaxError{
			Off: end + 1, Len: len(s) - end - 1, Msg: fmt.Sprintf("%q stands after the address; ports do not count in matching", s[end+1:]),
			Want: wantPath, Suggest: s[:end+1] + target[len(s):],
		}
	}
	return strings.ToLower(s), nil
}
