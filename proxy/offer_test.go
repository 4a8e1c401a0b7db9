package proxy

import (
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
)

// offered is what of a request head is offered to an upstream.
func offered(t testing.TB, raw string) string {
	t.Helper()
	var h http1.Request
	if n, err := h.Scan([]byte(raw), &limits); n == 0 || err != http1.OK {
		t.Fatalf("%q is no head: %v", raw, err)
	}
	kind, _ := h.Content()
	var o offer
	o.read(&h, kind)
	return string(o.bytes())
}

func TestOffer(t *testing.T) {
	const connection = "Connection: keep-alive, Upgrade\r\n"
	for _, tt := range []struct{ name, line, fields, want string }{
		{"WebSocket", "GET / HTTP/1.1", connection + "Upgrade: websocket\r\n", "websocket"},
		{"any other", "OPTIONS / HTTP/1.1", connection + "Upgrade: IRC/6.9, RTA/x11\r\n", "IRC/6.9, RTA/x11"},
		{"in several fields", "GET / HTTP/1.1", connection + "Upgrade: a ,, b\r\nUpgrade:\r\nUpgrade: c\r\n", "a, b, c"},
		{"with a length of 0", "POST / HTTP/1.1", connection + "Upgrade: a\r\nContent-Length: 0\r\n", "a"},
		{"as long as may be", "GET / HTTP/1.1", connection + "Upgrade: " + strings.Repeat("a", offerLimit) + "\r\n", strings.Repeat("a", offerLimit)},

		{"as long as may be, in two", "GET / HTTP/1.1", connection + "Upgrade: a, " + strings.Repeat("b", offerLimit-3) + "\r\n", "a, " + strings.Repeat("b", offerLimit-3)},
		{"too long, in two", "GET / HTTP/1.1", connection + "Upgrade: a, " + strings.Repeat("b", offerLimit-2) + "\r\n", ""},
		{"none", "GET / HTTP/1.1", connection, ""},
		{"empty", "GET / HTTP/1.1", connection + "Upgrade: ,\r\n", ""},
		{"not nominated", "GET / HTTP/1.1", "Connection: keep-alive\r\nUpgrade: a\r\n", ""},
		{"in HTTP/1.0", "GET / HTTP/1.0", connection + "Upgrade: a\r\n", ""},
		{"with content", "POST / HTTP/1.1", connection + "Upgrade: a\r\nContent-Length: 1\r\n", ""},
		{"with chunked content", "POST / HTTP/1.1", connection + "Upgrade: a\r\nTransfer-Encoding: chunked\r\n", ""},
		{"too long", "GET / HTTP/1.1", connection + "Upgrade: " + strings.Repeat("a", offerLimit+1) + "\r\n", ""},
		{"malformed", "GET / HTTP/1.1", connection + "Upgrade: a, b c\r\n", ""},
		{"quoted", "GET / HTTP/1.1", connection + "Upgrade: \"a\"\r\n", ""},
		{"two versions", "GET / HTTP/1.1", connection + "Upgrade: a/1/2\r\n", ""},
		{"no version", "GET / HTTP/1.1", connection + "Upgrade: a/\r\n", ""},
		{"no name", "GET / HTTP/1.1", connection + "Upgrade: /1\r\n", ""},

		{"HTTP in another version", "GET / HTTP/1.1", connection + "Upgrade: h2c, HTTP/2.0, H2, Http/3, h2c/1\r\n", ""},
		{"TLS", "GET / HTTP/1.1", connection + "Upgrade: TLS/1.2, tls\r\n", ""},
		{"those beside another", "GET / HTTP/1.1", connection + "Upgrade: h2c, websocket, TLS/1.0\r\n", "websocket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw := tt.line + "\r\nHost: h\r\n" + tt.fields + "\r\n"
			if got := offered(t, raw); got != tt.want {
				t.Errorf("%q is offered of %q, want %q", got, raw, tt.want)
			}
		})
	}
}

func TestOfferAccepted(t *testing.T) {
	for _, tt := range []struct {
		name, offer, fields string
		want                bool
	}{
		{"the one", "websocket", "Connection: upgrade\r\nUpgrade: websocket\r\n", true},
		{"in capitals", "websocket", "Connection: Upgrade\r\nUpgrade: WebSocket\r\n", true},
		{"one of two", "a/1, b/2", "Connection: upgrade\r\nUpgrade: b/2\r\n", true},
		{"both, as layers", "a/1, b/2", "Connection: upgrade\r\nUpgrade: b/2, a/1\r\n", true},
		{"another", "a", "Connection: upgrade\r\nUpgrade: b\r\n", false},
		{"another version", "a/1", "Connection: upgrade\r\nUpgrade: a/2\r\n", false},
		{"no version", "a/1", "Connection: upgrade\r\nUpgrade: a\r\n", false},
		{"a part of the list", "a, b", "Connection: upgrade\r\nUpgrade: \"a, b\"\r\n", false},
		{"more than was offered", "a", "Connection: upgrade\r\nUpgrade: a, b\r\n", false},
		{"a letter that folds to another one's", "k", "Connection: upgrade\r\nUpgrade: \u212a\r\n", false},
		{"nothing was offered", "", "Connection: upgrade\r\nUpgrade: a\r\n", false},
		{"none", "a", "Connection: upgrade\r\n", false},
		{"empty", "a", "Connection: upgrade\r\nUpgrade: ,\r\n", false},
		{"twice", "a", "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: a\r\n", false},
		{"not nominated", "a", "Upgrade: a\r\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o offer
			o.n = uint8(copy(o.list[:], tt.offer))
			var r http1.Response
			raw := "HTTP/1.1 101 Switching Protocols\r\n" + tt.fields + "\r\n"
			if n, err := r.Scan([]byte(raw), &limits); n == 0 || err != http1.OK {
				t.Fatal(err)
			}
			if got := o.accepted(&r); got != tt.want {
				t.Errorf("an offer of %q is accepted: %t, want %t", tt.offer, got, tt.want)
			}
		})
	}
}

func TestConnectionFields(t *testing.T) {
	for _, tt := range []struct{ name, offer, line, fields, want string }{
		{"neither", "", "GET / HTTP/1.1", "", ""},
		{"trailers", "", "GET / HTTP/1.1", "TE: trailers\r\n", "Connection: TE\r\nTE: trailers\r\n"},
		{"trailers among others", "", "GET / HTTP/1.1", "TE: gzip;q=0.5\r\nTE: deflate, Trailers\r\n", "Connection: TE\r\nTE: trailers\r\n"},
		{"codings only", "", "GET / HTTP/1.1", "TE: gzip, trailers2\r\n", ""},
		{"trailers in HTTP/1.0", "", "GET / HTTP/1.0", "TE: trailers\r\n", ""},
		{"an offer", "websocket", "GET / HTTP/1.1", "", "Connection: upgrade\r\nUpgrade: websocket\r\n"},
		{"both", "websocket", "GET / HTTP/1.1", "TE: trailers\r\n", "Connection: upgrade, TE\r\nUpgrade: websocket\r\nTE: trailers\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h http1.Request
			if n, err := h.Scan([]byte(tt.line+"\r\nHost: h\r\n"+tt.fields+"\r\n"), &limits); n == 0 || err != http1.OK {
				t.Fatal(err)
			}
			r := Request{Head: &h, Upgrade: []byte(tt.offer)}
			if got := string(appendConnection(nil, &r)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOfferAllocatesNothing(t *testing.T) {
	var h http1.Request
	raw := []byte("GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n")
	var o offer
	dst := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = h.Scan(raw, &limits)
		o.read(&h, http1.BodyNone)
		r := Request{Head: &h, Upgrade: o.bytes()}
		dst = appendConnection(dst[:0], &r)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
