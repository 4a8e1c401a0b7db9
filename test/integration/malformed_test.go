package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// malformed are requests that break the rules, with the status of the answer. After each the connection is closed, as
// nobody knows where the next request would begin (RFC 9112, section 9.3, and RFC 9110, section 17).
var malformed = []struct {
	name, octets string
	status       int
}{
	// The request line (RFC 9112, section 3).
	{"no request", "hello\r\n\r\n", 400},
	{"no version", "GET /\r\nHost: x\r\n\r\n", 400},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"tab for a space", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"space at the end", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"no slash", "GET path HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"control octet in the target", "GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"NUL in the target", "GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"broken percent-encoding", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"method is no token", "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
	{"version of two digits", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400},
	{"no minor version", "GET / HTTP/1\r\nHost: x\r\n\r\n", 400},
	{"version 2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
	{"version 0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
	{"asterisk for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"authority for GET", "GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"a TLS handshake", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x00", 60) + "\r\n\r\n", 400},
	{"line too long", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
	{"line too long, never ending", "GET /" + strings.Repeat("a", 9000), 414},

	// The ends of lines (RFC 9112, section 2.2).
	{"bare LF behind the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
	{"bare LF behind a field", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400},
	{"bare LF at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
	{"bare LFs only", "GET / HTTP/1.1\nHost: x\n\n", 400},
	{"bare CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400},
	{"bare CR in a name", "GET / HTTP/1.1\r\nHost: x\r\nA\r: b\r\n\r\n", 400},

	// Field lines (RFC 9112, section 5).
	{"space before the colon", "GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
	{"tab before the colon", "GET / HTTP/1.1\r\nHost: x\r\nA\t: b\r\n\r\n", 400},
	{"obs-fold with a space", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
	{"obs-fold with a tab", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n", 400},
	{"space before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
	{"no colon", "GET / HTTP/1.1\r\nHost: x\r\nfield\r\n\r\n", 400},
	{"no name", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400},
	{"name is no token", "GET / HTTP/1.1\r\nHost: x\r\nA@b: c\r\n\r\n", 400},
	{"name above ASCII", "GET / HTTP/1.1\r\nHost: x\r\nÄ: c\r\n\r\n", 400},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: x\r\nA\x00: c\r\n\r\n", 400},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400},
	{"control octet in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\x07c\r\n\r\n", 400},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\x7fc\r\n\r\n", 400},
	{"too many fields", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n", 431},
	{"fields too long", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 40_000) + "\r\n\r\n", 431},
	{"fields too long, never ending", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 40_000), 431},

	// Host (RFC 9112, section 3.2).
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
	{"Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
	{"Host with user information", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
	{"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"Host with a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
	{"Host with a bad port", "GET / HTTP/1.1\r\nHost: x:8o\r\n\r\n", 400},
	{"Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},

	// Framing: everything that two implementations could take for two different things (RFC 9112, sections 6 and 11.2).
	{"both framings", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"both framings, turned around", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
	{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400},
	{"the same length twice", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
	{"list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", 400},
	{"signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400},
	{"negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400},
	{"hexadecimal length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc", 400},
	{"length with a space", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 0\r\n\r\nabc", 400},
	{"no length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc", 400},
	{"length beyond 63 bits", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", 400},
	{"unknown coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
	{"coding that is not chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 400},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
	{"chunked in two lines", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"chunked with a vertical tab", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"unknown expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n", 417},
}

// chunks are faults in chunked content (RFC 9112, section 7.1), each behind a head that is right.
var chunks = []struct {
	name, octets string
	status       int
}{
	{"no digits", "xyz\r\n", 400},
	{"empty size", "\r\n", 400},
	{"size with a prefix", "0x3\r\nabc\r\n0\r\n\r\n", 400},
	{"signed size", "+3\r\nabc\r\n0\r\n\r\n", 400},
	{"negative size", "-3\r\nabc\r\n0\r\n\r\n", 400},
	{"space before the size", " 3\r\nabc\r\n0\r\n\r\n", 400},
	{"space behind the size", "3 \r\nabc\r\n0\r\n\r\n", 400},
	{"size beyond 63 bits", "8000000000000000\r\n", 400},
	{"size of many digits", "00000000000000000003\r\nabc\r\n0\r\n\r\n", 400},
	{"bare LF behind the size", "3\nabc\r\n0\r\n\r\n", 400},
	{"bare LF behind the data", "3\r\nabc\n0\r\n\r\n", 400},
	{"data longer than its size", "3\r\nabcd\r\n0\r\n\r\n", 400},
	{"data shorter than its size", "3\r\nab\r\n0\r\n\r\n", 400},
	{"endless extension", "3;" + strings.Repeat("a", 5000), 400},
	{"NUL in an extension", "3;a=\x00\r\nabc\r\n0\r\n\r\n", 400},
	{"bare LF in the trailer section", "0\r\nA: b\n\r\n", 400},
	{"obs-fold in the trailer section", "0\r\nA: b\r\n c\r\n\r\n", 400},
	{"trailer section too long", "0\r\nA: " + strings.Repeat("b", 10_000) + "\r\n\r\n", 431},
}

// Peer: raw connections.
func TestMalformedRequests(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes: {/: OK hello, /echo: '*', /up/: 'http://" + up.Addr + "/'}\n"})
		witness := wire.Dial(t, s.Addr)
		refused := func(t *testing.T, octets string, status int) {
			t.Helper()
			c := wire.Dial(t, s.Addr)
			c.Send(octets)
			r := c.Read("GET", status)
			if !r.Close {
				t.Errorf("the answer does not say close: %v", r.Header)
			}
			if want := strconv.Itoa(status); !strings.HasPrefix(r.Body, want) {
				t.Errorf("content %q does not name the status", r.Body)
			}
			c.ExpectClosed()
			if r := witness.Get("/", 200); r.Body != "hello" {
				t.Errorf("another client got %q", r.Body)
			}
		}
		for _, m := range malformed {
			t.Run(m.name, func(t *testing.T) {
				refused(t, m.octets, m.status)
				t.Run("behind a good request", func(t *testing.T) {
					c := wire.Dial(t, s.Addr)
					c.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + m.octets)
					c.Read("GET", 200)
					c.Read("GET", m.status)
					c.ExpectClosed()
				})
			})
		}
		for _, m := range chunks {
			for _, path := range []string{"/echo", "/up/echo"} {
				t.Run("chunks, "+m.name+", to "+path, func(t *testing.T) {
					refused(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+m.octets, m.status)
				})
			}
		}
		t.Run("nothing of a second request is smuggled", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("POST /up/first HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /up/second HTTP/1.1\r\nHost: x\r\n\r\n")
			answer, ending := c.Rest(20 * time.Second)
			if ending != wire.Closed || !strings.HasPrefix(answer, "HTTP/1.1 400 ") || strings.Count(answer, "HTTP/1.1 ") != 1 {
				t.Errorf("connection %s, with %q", ending, answer)
			}
		})
		t.Run("octets above ASCII in the target are no fault", func(t *testing.T) {
			// Scripts send UTF-8 as it is; it is ambiguous to nobody.
			wire.Dial(t, s.Addr).Get("/\xc3\xbc", 200)
		})
		t.Run("an empty line before a request is no fault", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("\r\n")
			c.Get("/", 200) // RFC 9112, section 2.2
		})
		t.Run("a client that vanishes", func(t *testing.T) {
			for _, octets := range []string{"", "G", "GET / HTTP/1.1\r\n", "POST /up/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"} {
				c := wire.Dial(t, s.Addr)
				c.Send(octets)
				_ = c.Close()
			}
			witness.Get("/", 200)
		})
		if n := up.Connections(); n > 2*int64(len(chunks))+2 {
			t.Errorf("%d connections to the upstream", n)
		}
		_ = witness.Close()
		s.Stop(t)
	})
}
