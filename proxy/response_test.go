package proxy

import (
	"testing"

	"github.com/anygate/anygate/http1"
)

func TestAppendResponseFields(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		date, server   bool
	}{
		{"nothing", "HTTP/1.1 200 OK\r\n\r\n", "", false, false},
		{
			"fields keep their order, case and spacing",
			"HTTP/1.1 200 OK\r\nb:1\r\nA:  2 \r\nC: 3\t\r\n\r\n",
			"b:1\r\nA:  2 \r\nC: 3\r\n", false, false,
		},
		{
			"the framing is the client's connection's business",
			"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 5\r\nB: 2\r\n\r\n",
			"A: 1\r\nB: 2\r\n", false, false,
		},
		{
			"chunked",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
			"Trailer: X\r\n", false, false,
		},
		{
			"hop-by-hop by their nature",
			"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nA: 1\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n\r\n",
			"A: 1\r\n", false, false,
		},
		{
			"hop-by-hop because Connection names them",
			"HTTP/1.1 200 OK\r\nX-Inner: 1\r\nA: 1\r\nConnection: x-inner, set-cookie\r\nSet-Cookie: a=b\r\nx-INNER: 2\r\n\r\n",
			"A: 1\r\n", false, false,
		},
		{
			"Proxy-Authenticate may come from further on",
			"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
			"Proxy-Authenticate: Basic\r\n", false, false,
		},
		{
			"the upstream's Date and Server",
			"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: x\r\n\r\n",
			"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: x\r\n", true, true,
		},
		{
			"a Date and a Server that are not passed on are not there",
			"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: x\r\nConnection: date, server\r\n\r\n",
			"", false, false,
		},
		{
			"repeated fields stay repeated",
			"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX: 1\r\nSet-Cookie: b=2\r\n\r\n",
			"Set-Cookie: a=1\r\nX: 1\r\nSet-Cookie: b=2\r\n", false, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r http1.Response
			if err := r.Parse([]byte(tt.in), &limits); err != http1.OK {
				t.Fatal(err)
			}
			if got := string(appendResponseFields(nil, &r)); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if date, server := passes(&r.Head, http1.Date), passes(&r.Head, http1.Server); date != tt.date || server != tt.server {
				t.Errorf("date %t, server %t", date, server)
			}
		})
	}
}

// TestAppendTrailers has forbidden fields between allowed ones: what is passed
// on must not be copied as a run of lines.
func TestAppendTrailers(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"one", "X-Sum: 1\r\n\r\n", "X-Sum: 1\r\n"},
		{"forbidden between allowed", "A: 1\r\nContent-Length: 5\r\nB: 2\r\n\r\n", "A: 1\r\nB: 2\r\n"},
		{"forbidden first and last", "Transfer-Encoding: chunked\r\nA: 1\r\nSet-Cookie: x\r\n\r\n", "A: 1\r\n"},
		{"nothing allowed", "Connection: close\r\nHost: x\r\n\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s http1.TrailerSection
			if err := s.Parse([]byte(tt.in), &limits); err != http1.OK {
				t.Fatal(err)
			}
			if got := string(appendTrailers(nil, &s)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAppendResponseFieldsAllocatesNothing(t *testing.T) {
	var r http1.Response
	if err := r.Parse([]byte("HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 5\r\nConnection: b\r\nB: 2\r\nC: 3\r\n\r\n"), &limits); err != http1.OK {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { appendResponseFields(dst, &r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
