package tlsedge

import (
	"maps"
	"strings"
)

// Names are terms by the name that a client asks for. They are immutable.
//
// A pattern is a host name, or "*." and a host name for every name below it, as the hosts of routes are. Of the patterns
// that match a name the most specific one counts.
type Names struct {
	// Terms are the other terms, by what Index returns.
	Terms []Terms

	exact map[string]int
	below map[string]int // by what follows the star: ".example.com"
}

// Add has the terms with an index of Terms hold for a pattern. It reports false if others do already.
func (n *Names) Add(pattern string, index int) bool {
	pattern = strings.ToLower(pattern)
	into, key := &n.exact, pattern
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		into, key = &n.below, rest
	}
	if *into == nil {
		*into = make(map[string]int)
	}
	if _, taken := (*into)[key]; taken {
		return false
	}
	(*into)[key] = index
	return true
}

// Same reports whether the patterns of both have terms with the same indices.
func (n *Names) Same(o *Names) bool {
	if n == nil || o == nil {
		return n == o
	}
	return maps.Equal(n.exact, o.exact) && maps.Equal(n.below, o.below)
}

// Index says which terms hold for a name that a client asks for, -1 for those of
// the Server. It runs on the shard, and allocates nothing for a name in lower case,
// as all clients write it. A nil *Names has the same terms for all.
func (n *Names) Index(name string) int {
	if n == nil {
		return -1
	}
	name = strings.ToLower(name)
	if i, ok := n.exact[name]; ok {
		return i
	}
	for i := 1; i < len(name) && n.below != nil; i++ {
		if name[i] == '.' {
			if at, ok := n.below[name[i:]]; ok {
				return at
			}
		}
	}
	return -1
}

// IndexHost is Index for the host of a request, which may have a port. A request
// must not reach, over a connection with the terms of one name, what is to be had
// under those of another.
func (n *Names) IndexHost(host []byte) int {
	if n == nil {
		return -1
	}
	var buf [maxHost]byte
	name, ok := foldHost(buf[:0], host)
	if !ok {
		return -1
	}
	if i, ok := n.exact[string(name)]; ok {
		return i
	}
	for i := 1; i < len(name) && n.below != nil; i++ {
		if name[i] == '.' {
			if at, ok := n.below[string(name[i:])]; ok {
				return at
			}
		}
	}
	return -1
}

// maxHost is the longest host that is looked up; a name has at most 253
// characters (RFC 1035, section 2.3.4).
const maxHost = 256

// foldHost appends a request's host in lower case, without its port, the brackets
// of an IPv6 address, and the dot that ends a name which is written in full.
func foldHost(dst, host []byte) (name []byte, ok bool) {
	if len(host) == 0 || len(host) > cap(dst) {
		return nil, false
	}
	if host[0] == '[' {
		for i, c := range host {
			if c == ']' {
				host = host[1:i]
				break
			}
		}
	} else {
		for i := len(host) - 1; i >= 0 && (host[i] >= '0' && host[i] <= '9' || host[i] == ':'); i-- {
			if host[i] == ':' {
				host = host[:i]
				break
			}
		}
	}
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1]
	}
	for _, c := range host {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst, len(dst) > 0
}
