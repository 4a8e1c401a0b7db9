package proxy

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/anygate/anygate/http1"
)

// FuzzAppendForwarded passes on what a trusted peer says, whatever that is: the
// result is one head for a strict parser, has each of the fields once, and
// ends them with what the proxy knows itself.
func FuzzAppendForwarded(f *testing.F) {
	f.Add("1.1.1.1, 203.0.113.9", "for=1.1.1.1;host=\"a,b\"", uint8(0))
	f.Add("", "", uint8(1))
	f.Add("unknown,,", "for=\"[2001:db8::1]:80\"", uint8(2))
	f.Fuzz(func(t *testing.T, addresses, elements string, list uint8) {
		raw := "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + addresses + "\r\nForwarded: " + elements + "\r\nX-Forwarded-For: 10.0.0.3\r\nForwarded: for=10.0.0.3\r\n\r\n"
		a, ok := ask(t, "/", "http://up", "", []byte(raw))
		if !ok {
			return
		}
		a.r.Peer, a.r.HTTPS = netip.MustParseAddr("203.0.113.9"), true
		a.r.Relay = Relay{
			Trusted: true, By: netip.MustParseAddr("10.0.0.2"), Host: []byte("a.test"),
			List: []http1.FieldID{http1.FieldOther, http1.XForwardedFor, http1.Forwarded}[list%3],
		}
		out := []byte(a.append(t))
		var h http1.Request
		if n, err := h.Scan(out, &limits); n != len(out) || err != http1.OK {
			t.Fatalf("%q becomes %q: %d, %v", raw, out, n, err)
		}
		for id, end := range map[http1.FieldID]string{http1.XForwardedFor: ", 10.0.0.2", http1.Forwarded: `, for=10.0.0.2;host="h";proto=http`} {
			if v, ok := h.Get(id); !ok || h.Repeated(id) || !bytes.HasSuffix(v, []byte(end)) {
				t.Fatalf("%q becomes %q", raw, out)
			}
		}
	})
}
