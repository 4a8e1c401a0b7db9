package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
)

// forwarded is what the proxy adds for the client of these tests, who asked
// for the host h.
const forwarded = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n" +
	"Forwarded: for=198.51.100.7;host=\"h\";proto=http\r\nVia: 1.1 anygate\r\n"

func TestAppendRequest(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{
			"nothing but a host",
			"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\n" + forwarded + "\r\n",
		},
		{
			"fields keep their order, case and spacing",
			"GET /a?b=c&d HTTP/1.1\r\nB: 2\r\nHost: h\r\nx-A:1\r\nC:   3 \t\r\n\r\n",
			"GET /a?b=c&d HTTP/1.1\r\nHost: h\r\nB: 2\r\nx-A:1\r\nC:   3\r\n" + forwarded + "\r\n",
		},
		{
			"repeated fields stay repeated",
			"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nX: 1\r\nCookie: b=2\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nX: 1\r\nCookie: b=2\r\n" + forwarded + "\r\n",
		},
		{
			"an empty query is a query",
			"GET /a? HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET /a? HTTP/1.1\r\nHost: h\r\n" + forwarded + "\r\n",
		},
		{
			"the client's spelling of path and query",
			"GET /%7Ea//b/../c?x=%zz?&y HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET /%7Ea//b/../c?x=%zz?&y HTTP/1.1\r\nHost: h\r\n" + forwarded + "\r\n",
		},
		{
			"a method nobody knows",
			"PROPFIND /dav HTTP/1.1\r\nHost: h\r\nDepth: 1\r\n\r\n",
			"PROPFIND /dav HTTP/1.1\r\nHost: h\r\nDepth: 1\r\n" + forwarded + "\r\n",
		},
		{
			"hop-by-hop fields by their nature",
			"GET / HTTP/1.1\r\nConnection: keep-alive\r\nHost: h\r\nA: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: close\r\nB: 2\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n" + forwarded + "Connection: TE\r\nTE: trailers\r\n\r\n",
		},
		{
			"another protocol than HTTP is offered on",
			"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\n" + forwarded + "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		},
		{
			"hop-by-hop fields because Connection names them",
			"GET / HTTP/1.1\r\nHost: h\r\nX-Secret: 1\r\nA: 1\r\nconnection: close, x-secret ,Cookie\r\nCookie: a\r\nx-secret: 2\r\nConnection: b\r\nB: 2\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\n" + forwarded + "\r\n",
		},
		{
			"Connection cannot take away what the proxy writes",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: host, content-length, x-forwarded-for, forwarded, via, x-forwarded-proto\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: h\r\n" + forwarded + "Content-Length: 2\r\n\r\n",
		},
		{
			"Proxy-Authorization may be for a proxy further on",
			"GET / HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic eDp5\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic eDp5\r\n" + forwarded + "\r\n",
		},
		{
			"what the client says of itself is replaced",
			"GET / HTTP/1.1\r\nX-Forwarded-For: 10.0.0.1\r\nHost: h\r\nx-forwarded-proto: https\r\nX-FORWARDED-HOST: bank\r\nForwarded: for=10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /admin\r\nx-forwarded-client-cert: By=me\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\n" + forwarded + "\r\n",
		},
		{
			"names that only look like it are the client's",
			"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded: a\r\nX-Forwarded-: b\r\nXX-Forwarded-For: c\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded: a\r\nX-Forwarded-: b\r\nXX-Forwarded-For: c\r\n" + forwarded + "\r\n",
		},
		{
			"Via continues the list",
			"GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 fred, 1.1 p.example.net\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 fred, 1.1 p.example.net\r\n" + forwarded + "\r\n",
		},
		{
			"Expect is answered here",
			"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
			"PUT / HTTP/1.1\r\nHost: h\r\n" + forwarded + "Content-Length: 5\r\n\r\n",
		},
		{
			"Content-Length is written anew",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0000000000000012\r\nContent-Type: text/plain\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n" + forwarded + "Content-Length: 12\r\n\r\n",
		},
		{
			"the largest Content-Length",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: h\r\n" + forwarded + "Content-Length: 9223372036854775807\r\n\r\n",
		},
		{
			"no content, said aloud",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: h\r\n" + forwarded + "Content-Length: 0\r\n\r\n",
		},
		{
			"chunked content",
			"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum\r\n" + forwarded + "Transfer-Encoding: chunked\r\n\r\n",
		},
		{
			"absolute form: its authority is the host",
			"GET http://h:80/a?b HTTP/1.1\r\nHost: other\r\nA: 1\r\n\r\n",
			"GET /a?b HTTP/1.1\r\nHost: h:80\r\nA: 1\r\n" + strings.ReplaceAll(strings.ReplaceAll(forwarded, "Host: h", "Host: h:80"), `"h"`, `"h:80"`) + "\r\n",
		},
		{
			"absolute form without a path",
			"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\n" + forwarded + "\r\n",
		},
		{
			"absolute form without a path, with a query",
			"GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET /?q HTTP/1.1\r\nHost: h\r\n" + forwarded + "\r\n",
		},
		{
			"HTTP/1.0 with a host",
			"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Replace(forwarded, "Via: 1.1", "Via: 1.0", 1) + "\r\n",
		},
		{
			"HTTP/1.0 without a host",
			"GET / HTTP/1.0\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: up:8080\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\nForwarded: for=198.51.100.7;proto=http\r\nVia: 1.0 anygate\r\n\r\n",
		},
		{
			"the first and the last field are dropped",
			"GET / HTTP/1.1\r\nTE: x\r\nHost: h\r\nA: 1\r\nUpgrade: x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\n" + forwarded + "\r\n",
		},
		{
			"the receive buffer goes on after the head",
			"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nA: 1\r\n\r\nhello" + strings.Repeat("x", 60<<10),
			"POST / HTTP/1.1\r\nHost: h\r\nA: 1\r\n" + forwarded + "Content-Length: 5\r\n\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := mustAsk(t, "/", "http://up:8080", "", tt.in)
			if got := a.append(t); got != tt.want {
				t.Errorf("from %q\ngot  %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestAppendRequestPeers(t *testing.T) {
	for _, tt := range []struct {
		name, peer string
		https      bool
		want       string
	}{
		{
			"IPv4", "192.0.2.1", false,
			"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nForwarded: for=192.0.2.1;host=\"h\";proto=http\r\n",
		},
		{
			"IPv6", "2001:db8::1", false,
			"X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nForwarded: for=\"[2001:db8::1]\";host=\"h\";proto=http\r\n",
		},
		{
			"a unix socket", "", false,
			"X-Forwarded-For: unknown\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nForwarded: for=unknown;host=\"h\";proto=http\r\n",
		},
		{
			"TLS", "192.0.2.1", true,
			"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\nForwarded: for=192.0.2.1;host=\"h\";proto=https\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := mustAsk(t, "/", "http://up", "", "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			a.r.Peer, a.r.HTTPS = netip.Addr{}, tt.https
			if tt.peer != "" {
				a.r.Peer = netip.MustParseAddr(tt.peer)
			}
			want := "GET / HTTP/1.1\r\nHost: h\r\n" + tt.want + "Via: 1.1 anygate\r\n\r\n"
			if got := a.append(t); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestAppendRequestNamesAMemberAsHost(t *testing.T) {
	for member, want := range map[string]string{
		"10.0.0.1:8080":      "Host: 10.0.0.1:8080\r\n",
		"[2001:db8::1]:8080": "Host: [2001:db8::1]:8080\r\n",
		"unix:/run/app.sock": "Host: localhost\r\n",
	} {
		a := mustAsk(t, "/", "http://up", member, "GET / HTTP/1.0\r\n\r\n")
		got := a.append(t)
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q has no %q", member, got, want)
		}
		var r http1.Request
		if err := r.Parse([]byte(got), &limits); err != http1.OK {
			t.Errorf("%s: %q: %v", member, got, err)
		}
	}
}

func TestAppendRequestRewrites(t *testing.T) {
	for _, tt := range []struct{ name, route, target, line, want string }{
		{"prefix", "/v1/", "http://up/base/", "GET /v1/a?q=1", "GET /base/a?q=1"},
		{"prefix itself", "/v1/", "http://up/", "GET /v1?q", "GET /?q"},
		{"parameter", "/u/:id/*", "http://up/:id/files", "PUT /u/%41/x%2Fy?", "PUT /%41/files/x%2Fy?"},
		{"exact", "/ping", "http://up/health", "HEAD /ping", "HEAD /health"},
		{"absolute form", "/v1/", "http://up/base/", "GET http://h/v1/a", "GET /base/a"},
		{"absolute form of nothing", "/", "http://up/base/", "GET http://h", "GET /base/"},
		{"nothing to rewrite", "/v1/", "http://up", "GET /v1/../v1/./a", "GET /v1/../v1/./a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := mustAsk(t, tt.route, tt.target, "", tt.line+" HTTP/1.1\r\nHost: h\r\n\r\n")
			line, _, _ := strings.Cut(a.append(t), " HTTP/1.1\r\n")
			if line != tt.want {
				t.Errorf("%s to %s: %q becomes %q, want %q", tt.route, tt.target, tt.line, line, tt.want)
			}
		})
	}
}

// TestRequestRoomIsTight keeps the room from growing with what follows the
// head, or so far that an ordinary head does not fit a small buffer.
func TestRequestRoomIsTight(t *testing.T) {
	const head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
	bare := mustAsk(t, "/", "http://up", "", head)
	followed := mustAsk(t, "/", "http://up", "", head+strings.Repeat("x", 60<<10))
	if a, b := RequestRoom(&bare.r, &bare.target, bare.member), RequestRoom(&followed.r, &followed.target, followed.member); a != b || a > 1<<10 {
		t.Errorf("room for %d bytes, %d with content behind the head", a, b)
	}
}

func TestAppendRequestAllocatesNothing(t *testing.T) {
	a := mustAsk(t, "/u/:id/*", "http://up/v2/:id/files", "", "GET /u/7/a/b?q=1 HTTP/1.1\r\nHost: h\r\nConnection: x-y\r\nX-Y: 1\r\nAccept: */*\r\nCookie: a=b\r\n\r\n")
	dst := make([]byte, 0, RequestRoom(&a.r, &a.target, a.member))
	if n := testing.AllocsPerRun(100, func() { AppendRequest(dst, &a.r, &a.target, a.member) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	a := mustAsk(b, "/api/", "http://up/v2/", "", "GET /api/orders?limit=10 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef\r\n\r\n")
	dst := make([]byte, 0, RequestRoom(&a.r, &a.target, a.member))
	b.ReportAllocs()
	for b.Loop() {
		AppendRequest(dst, &a.r, &a.target, a.member)
	}
}
