package proxy

import (
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
)

// lowerASCII folds what protocols are made of, and nothing else.
func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// FuzzOffer checks that whatever a client offers, what is passed on is a list
// of some of it, well-formed, with nothing in it that would carry requests
// past the routes; and that an upstream can accept each of those and nothing
// that is not among them.
func FuzzOffer(f *testing.F) {
	for _, seed := range []string{
		"websocket", "h2c", "HTTP/2.0, websocket", "IRC/6.9, RTA/x11", "a,,b ,\tc/1", `"a, b"`, "a/1/2", "TLS/1.0", strings.Repeat("a,", 40), "\u212a",
	} {
		f.Add(seed, "websocket")
		f.Add("websocket", seed)
	}
	f.Fuzz(func(t *testing.T, value, answer string) {
		var h http1.Request
		raw := "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: " + value + "\r\n\r\n"
		if n, err := h.Scan([]byte(raw), &limits); n != len(raw) || err != http1.OK {
			return
		}
		var o offer
		o.read(&h, http1.BodyNone)
		list := string(o.bytes())
		known := map[string]bool{}
		if list != "" {
			for protocol := range strings.SplitSeq(list, ", ") {
				name, version, versioned := strings.Cut(protocol, "/")
				if !http1.IsToken([]byte(name)) || versioned && !http1.IsToken([]byte(version)) || !strings.Contains(value, protocol) {
					t.Fatalf("%q is offered of %q", list, value)
				}
				switch lowerASCII(name) {
				case "h2c", "h2", "http", "tls":
					t.Fatalf("%q is offered of %q", list, value)
				}
				known[lowerASCII(protocol)] = true
			}
		}
		var r http1.Response
		raw = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: " + answer + "\r\n\r\n"
		if n, err := r.Scan([]byte(raw), &limits); n != len(raw) || err != http1.OK {
			return
		}
		want, some := true, false
		for protocol := range strings.SplitSeq(answer, ",") {
			if protocol = strings.Trim(protocol, " \t"); protocol != "" {
				some = true
				want = want && known[lowerASCII(protocol)]
			}
		}
		if got := o.accepted(&r); got != (want && some) {
			t.Fatalf("%q is accepted for an offer of %q: %t", answer, list, got)
		}
	})
}
