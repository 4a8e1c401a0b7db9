package explain

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/anygate/anygate/http1"
)

// Request is what to explain.
type Request struct {
	Method string
	// URL is absolute, or a path, which is then asked of localhost.
	URL string
	// Fields are header fields as "Name: value".
	Fields []string
}

// secure reports whether the request is made over TLS.
func (r *Request) secure() bool {
	const scheme = "https://"
	return len(r.URL) >= len(scheme) && strings.EqualFold(r.URL[:len(scheme)], scheme)
}

// userAgent stands for the client where nothing else is given.
const userAgent = "anygate-explain"

// head writes the request as a client would send it over HTTP/1.1.
func (r *Request) head() ([]byte, error) {
	host, target := "localhost", r.URL
	if !strings.HasPrefix(target, "/") && target != "*" {
		scheme, rest, _ := strings.Cut(target, "://")
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return nil, fmt.Errorf("%q is neither an http or https URL nor a path: write http://HOST/PATH, or /PATH", r.URL)
		}
		// The client's own spelling of the path matters, and what is wrong with it is the server's to say.
		authority := rest
		target = "/"
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority, target = rest[:i], rest[i:]
		}
		u, err := url.Parse("http://" + authority)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a URL: %w", r.URL, err)
		case u.Host == "":
			return nil, fmt.Errorf("%q names no host", r.URL)
		}
		host = u.Host
		if target[0] != '/' {
			target = "/" + target
		}
	}
	target, _, _ = strings.Cut(target, "#")

	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, target)
	if !r.has("host") {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	if !r.has("user-agent") {
		fmt.Fprintf(&b, "User-Agent: %s\r\n", userAgent)
	}
	for _, f := range r.Fields {
		name, value, ok := strings.Cut(f, ":")
		if !ok {
			return nil, fmt.Errorf("the field %q has no colon: write 'Name: value'", f)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, strings.TrimSpace(value))
	}
	b.WriteString("\r\n")
	return []byte(b.String()), nil
}

func (r *Request) has(lower string) bool {
	for _, f := range r.Fields {
		if name, _, _ := strings.Cut(f, ":"); strings.ToLower(name) == lower {
			return true
		}
	}
	return false
}

// parse reads the head as the server would.
func parse(head []byte, lim *http1.Limits) (*http1.Request, http1.Error) {
	r := new(http1.Request)
	return r, r.Parse(head, lim)
}
