package cors

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/http1"
)

// Policy says which origins may use a route.
type Policy struct {
	any         bool
	exact       []string
	below       []below
	credentials string // the line, if they may be sent
	maxAge      string // the line, if there is one
	actual      http1.Edits
}

// below is an origin with a wildcard: what is before and behind the "*".
type below struct{ scheme, host string }

const (
	allowOrigin = "Access-Control-Allow-Origin"
	credentials = "Access-Control-Allow-Credentials"
)

// New compiles a policy. An origin of "*" stands for all.
func New(origins []string, withCredentials bool, maxAge time.Duration) *Policy {
	p := new(Policy)
	for _, o := range origins {
		scheme, host, wild := strings.Cut(o, "*.")
		switch {
		case o == "*":
			p.any = true
		case wild:
			p.below = append(p.below, below{scheme, "." + host})
		default:
			p.exact = append(p.exact, o)
		}
	}
	if withCredentials {
		p.credentials = credentials + ": true\r\n"
	}
	if maxAge > 0 {
		p.maxAge = "Access-Control-Max-Age: " + strconv.FormatInt(int64(maxAge/time.Second), 10) + "\r\n"
	}
	// What the action says of origins itself would stand beside it.
	p.actual.Remove(allowOrigin)
	p.actual.Remove(credentials)
	if p.any {
		p.actual.Add(allowOrigin, "*")
	} else {
		p.actual.Add("Vary", "Origin")
	}
	return p
}

// Allows reports whether pages of an origin may use the route.
func (p *Policy) Allows(origin []byte) bool {
	if p.any {
		return true
	}
	for _, o := range p.exact {
		if string(origin) == o {
			return true
		}
	}
	for i := range p.below {
		if p.below[i].matches(origin) {
			return true
		}
	}
	return false
}

func (b *below) matches(origin []byte) bool {
	n := len(origin) - len(b.host)
	if n <= len(b.scheme) || string(origin[:len(b.scheme)]) != b.scheme || string(origin[n:]) != b.host {
		return false
	}
	for _, c := range origin[len(b.scheme):n] {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return origin[len(b.scheme)] != '.'
}

// Room is by how much Apply may make the field lines of a response longer,
// beside the origin.
func (p *Policy) Room() int {
	return p.actual.Room() + len(allowOrigin) + len(": \r\n") + len(p.credentials)
}

// Apply edits the field lines that b has from an offset on for a response that
// is not one to a preflight. origin is the request's, nil if there is none or
// if it may not use the route.
func (p *Policy) Apply(b []byte, from int, origin []byte) []byte {
	b = p.actual.Apply(b, from)
	if origin == nil || p.any {
		return b
	}
	b = http1.AppendField(b, allowOrigin, origin)
	return append(b, p.credentials...)
}

// varying is what the answer to a preflight depends on.
const varying = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"

// AppendPreflight appends the field lines of the answer to a preflight: what
// was asked for, if the origin may use the route, and it can be said; nothing
// but Vary otherwise, which the browser takes for a no.
func (p *Policy) AppendPreflight(dst, origin, method, fields []byte) []byte {
	dst = append(dst, varying...)
	if !p.Allows(origin) || !isList(method, false) || !isList(fields, true) {
		return dst
	}
	if p.any {
		dst = append(dst, allowOrigin+": *\r\n"...)
	} else {
		dst = http1.AppendField(dst, allowOrigin, origin)
		dst = append(dst, p.credentials...)
	}
	dst = http1.AppendField(dst, "Access-Control-Allow-Methods", method)
	if len(fields) > 0 {
		dst = http1.AppendField(dst, "Access-Control-Allow-Headers", fields)
	}
	return append(dst, p.maxAge...)
}

// isList reports whether b is one token, or with many a list of any number of
// them.
func isList(b []byte, many bool) bool {
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0:
		case many && (c == ',' || c == ' '):
		default:
			return false
		}
	}
	return many || len(b) > 0
}
