package policy

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

// CORS answers preflight requests and marks responses for pages of other origins:
// cors https://a.example https://b.example credentials maxage 1h.
type CORS struct {
	// Any stands for the origin *.
	Any bool
	// Origins are serialised as browsers send them (RFC 6454, 6.2). A host may start with "*." for any subdomain.
	Origins     []string
	Credentials bool
	// MaxAge is how long a browser may keep a preflight's answer; 0 leaves it to the browser.
	MaxAge time.Duration
}

var _ Policy = CORS{}

// Name returns "cors".
func (CORS) Name() string { return "cors" }

// Available says that this version answers for other origins.
func (CORS) Available() bool { return true }

// Slot is the same for all.
func (CORS) Slot() string { return "cors" }

// String writes the canonical line.
func (c CORS) String() string {
	s := "cors"
	if c.Any {
		s += " *"
	}
	for _, o := range c.Origins {
		s += " " + o
	}
	if c.Credentials {
		s += " credentials"
	}
	if c.MaxAge > 0 {
		s += " maxage " + quantity.FormatDuration(c.MaxAge)
	}
	return s
}

func parseCORS(w *words) (Policy, *Error) {
	var c CORS
	var star word
	for {
		item, ok := w.next()
		if !ok {
			break
		}
		switch item.Text {
		case "*":
			c.Any, star = true, item
		case "credentials":
			c.Credentials = true
		case "maxage":
			d, err := needDuration(w, "the maximum age")
			if err != nil {
				return nil, err
			}
			if d%time.Second != 0 {
				return nil, w.list[w.i-1].wrong("the maximum age is not in whole seconds", "a duration such as 10m or 1h")
			}
			c.MaxAge = d
		default:
			if err := checkOrigin(item); err != nil {
				return nil, err
			}
			c.Origins = append(c.Origins, item.Text)
		}
	}
	switch {
	case !c.Any && len(c.Origins) == 0:
		return nil, w.missing("the origin")
	case c.Any && c.Credentials:
		return nil, star.wrong("any origin together with credentials would let every site act for the user", "the origins that may send credentials")
	case c.Any && len(c.Origins) > 0:
		return nil, star.wrong("* already stands for every origin", "either * or a list of origins")
	}
	return c, nil
}

// checkOrigin wants SCHEME://HOST[:PORT] exactly as a browser sends it, since origins are compared byte by byte.
func checkOrigin(item word) *Error {
	const want = "an origin such as https://app.example.com, or *"
	text := item.Text
	scheme, host, ok := strings.Cut(text, "://")
	if !ok || scheme == "" || host == "" {
		e := item.wrong(strconv.Quote(text)+" is not an origin", want)
		e.Suggest = suggest(text, "credentials", "maxage")
		if e.Suggest == "" && strings.Contains(text, ".") && !strings.Contains(text, ":") {
			e.Suggest = "https://" + text
		}
		return e
	}
	if text != lower(text) {
		e := item.wrong("an origin is written in lower case", want)
		e.Suggest = lower(text)
		return e
	}
	if i := strings.IndexAny(host, "/?#@"); i >= 0 {
		e := item.part(len(scheme)+3+i, len(host)-i, "an origin has no path, query or user", want)
		if host[i] == '/' {
			e.Suggest = scheme + "://" + host[:i]
		}
		return e
	}
	name, port, hasPort := cutPort(host)
	if (scheme == "https" && port == "443") || (scheme == "http" && port == "80") {
		e := item.wrong("browsers leave out the port "+port+" of an "+scheme+" origin", want)
		e.Suggest = scheme + "://" + name
		return e
	}
	if hasPort {
		if _, err := quantity.Int(port, 1, 65535); err != nil {
			return item.part(len(text)-len(port), len(port), strconv.Quote(port)+" is not a port", "a number from 1 to 65535")
		}
	}
	if !originHost(strings.TrimPrefix(name, "*.")) || !originScheme(scheme) {
		return item.wrong(strconv.Quote(text)+" is not an origin", want)
	}
	return nil
}

// cutPort separates the port from a host, which may be an IPv6 address in brackets.
func cutPort(host string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}

func originHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		addr, ok := strings.CutSuffix(inner, "]")
		_, err := netip.ParseAddr(addr)
		return ok && err == nil
	}
	if s == "" || s[0] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

func originScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}
