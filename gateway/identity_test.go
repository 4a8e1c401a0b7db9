package gateway

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// peerOf is the address of the clients of a world.
func (w *world) peerOf() string {
	if w.onSim() {
		return "192.0.2.1"
	}
	return "127.0.0.1"
}

// trustPeers makes a world trust its clients, and the addresses of a network
// behind them.
func (w *world) trustPeers() {
	w.settings.Trust = NewTrust(prefixes(w.peerOf()+"/32", "10.0.0.0/8", "fd00::/8"))
}

// tellsIdentity answers with what a request says of its client.
func tellsIdentity(_ *upstreamConn, r *http.Request, _ string) string {
	var b strings.Builder
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"} {
		b.WriteString(strings.Join(r.Header.Values(name), "|") + "\n")
	}
	return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(b.Len()) + "\r\n\r\n" + b.String()
}

// toldIdentity is that answer; PEER stands for the client's own address.
func (w *world) toldIdentity(addresses, proto, host, forwarded string) string {
	body := strings.ReplaceAll(strings.Join([]string{addresses, proto, host, forwarded, ""}, "\n"), "PEER", w.peerOf())
	return okLine + served + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// TestIdentityPassedOn says what upstreams are told when the peer is trusted.
func TestIdentityPassedOn(t *testing.T) {
	for _, tt := range []struct{ name, fields, addresses, proto, host, forwarded string }{
		{
			"nothing is said", "",
			"PEER", "http", "h", `for=PEER;host="h";proto=http`,
		},
		{
			"an address", "X-Forwarded-For: 203.0.113.9\r\n",
			"203.0.113.9, PEER", "http", "h", `for=203.0.113.9;host="h";proto=http, for=PEER;host="h";proto=http`,
		},
		{
			"a list goes on", "X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\nX-Forwarded-For: 10.0.0.2\r\n",
			"1.1.1.1, 203.0.113.9, 10.0.0.2, PEER", "http", "h", `for=203.0.113.9;host="h";proto=http, for=PEER;host="h";proto=http`,
		},
		{
			"IPv6", "X-Forwarded-For: 2001:db8::9\r\n",
			"2001:db8::9, PEER", "http", "h", `for="[2001:db8::9]";host="h";proto=http, for=PEER;host="h";proto=http`,
		},
		{
			"scheme and host", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: a.test:8443\r\n",
			"203.0.113.9, PEER", "https", "a.test:8443", `for=203.0.113.9;host="a.test:8443";proto=https, for=PEER;host="h";proto=http`,
		},
		{
			"scheme and host without an address", "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\n",
			"PEER", "https", "a.test", `for=PEER;host="a.test";proto=https`,
		},
		{
			"lists of schemes and hosts", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https, http\r\nX-Forwarded-Host: bank, a.test\r\n",
			"PEER", "http", "a.test", `for=PEER;host="a.test";proto=http`,
		},
		{
			"a scheme and a host that are none", "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a\"b\r\n",
			"PEER", "http", "h", `for=PEER;host="h";proto=http`,
		},
		{
			"a host that is too long", "X-Forwarded-Host: " + strings.Repeat("a", 262) + "\r\n",
			"PEER", "http", "h", `for=PEER;host="h";proto=http`,
		},
		{
			"an address that is none", "X-Forwarded-For: unknown\r\n",
			"unknown, PEER", "http", "h", `for=PEER;host="h";proto=http`,
		},
		{
			"Forwarded", "Forwarded: for=1.1.1.1;host=bank, for=203.0.113.9;host=\"a.test\";proto=https\r\nForwarded: for=10.0.0.2;proto=http\r\n",
			"203.0.113.9, PEER", "https", "a.test",
			`for=1.1.1.1;host=bank, for=203.0.113.9;host="a.test";proto=https, for=10.0.0.2;proto=http, for=PEER;host="h";proto=http`,
		},
		{
			"Forwarded that hides the client", "Forwarded: for=_hidden;proto=https\r\n",
			"PEER", "https", "h", `for=_hidden;proto=https, for=PEER;host="h";proto=http`,
		},
		{
			"Forwarded that is malformed", "Forwarded: for=\"1.1.1.1, for=203.0.113.9;proto=https\r\n",
			"203.0.113.9, PEER", "https", "h", `for=203.0.113.9;host="h";proto=https, for=PEER;host="h";proto=http`,
		},
		{
			"both", "Forwarded: for=1.1.1.1;proto=https;host=bank\r\nX-Forwarded-For: 203.0.113.9\r\n",
			"203.0.113.9, PEER", "http", "h", `for=203.0.113.9;host="h";proto=http, for=PEER;host="h";proto=http`,
		},
		{
			"fields that Connection names", "Connection: x-forwarded-for\r\nX-Forwarded-For: 203.0.113.9\r\n",
			"203.0.113.9, PEER", "http", "h", `for=203.0.113.9;host="h";proto=http, for=PEER;host="h";proto=http`,
		},
		{
			"other spellings and fields", "X_Forwarded_For: 1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nX-Forwarded-Port: 443\r\n",
			"PEER", "http", "h", `for=PEER;host="h";proto=http`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.trustPeers()
				w.upstream("up", answering(tellsIdentity))
				w.serve("/p/: http://up/")
				c := w.client()
				c.send("GET /p/" + req + tt.fields + "\r\n")
				c.expect(w.toldIdentity(tt.addresses, tt.proto, tt.host, tt.forwarded))
				// Nothing of it stays with the connection.
				c.send("GET /p/" + req + "\r\n")
				c.expect(w.toldIdentity("PEER", "http", "h", `for=PEER;host="h";proto=http`))
				c.close()
			})
		})
	}
}

// TestIdentityNotTrusted drops what a peer says that is not trusted.
func TestIdentityNotTrusted(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.settings.Trust = NewTrust(prefixes("10.0.0.0/8", "192.0.2.2/32"))
		w.upstream("up", answering(tellsIdentity))
		w.serve("/p/: http://up/")
		c := w.client()
		c.send("GET /p/" + req + "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: bank\r\nForwarded: for=10.0.0.1\r\n\r\n")
		c.expect(w.toldIdentity("PEER", "http", "h", `for=PEER;host="h";proto=http`))
		c.close()
	})
}

// TestIdentityInLogs is about the addresses of log lines, those of failures
// included, and of the echo.
func TestIdentityInLogs(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.errors, w.settings.AccessLog = telemetry.NewRing(1<<16), telemetry.NewRing(1<<16), LogText
	w.trustPeers()
	w.upstreamAt("down", engine.TCPAddr(netip.MustParseAddrPort("192.0.2.99:80")))
	w.serve("/ping: OK pong", "/p/: http://down/", "/echo: *")
	c := w.client()
	c.send("GET /ping" + req + "X-Forwarded-For: 203.0.113.9\r\n\r\n")
	c.expect(text(200, "pong"))
	c.send("GET /p/" + req + "X-Forwarded-For: [2001:db8::9]:4711\r\n\r\n")
	c.expect(page(502))
	c.send("GET /echo" + req + "X-Forwarded-For: 203.0.113.9\r\n\r\n")
	if body := c.response("GET").content; !strings.Contains(body, "\r\nPeer: 203.0.113.9\r\n") {
		t.Errorf("the echo is %q", body)
	}
	c.send("GET /ping" + req + "\r\n")
	c.expect(text(200, "pong"))
	c.close()
	w.eventually("the client has gone", func() bool { return w.g.Open() == 0 })
	got := logOf(t, w.access)
	lines := strings.Split(got, "\n")
	for i, want := range []string{" 203.0.113.9 GET h /ping", " [2001:db8::9]:4711 GET h /p/", " 203.0.113.9 GET h /echo", " 192.0.2.1:"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d lacks %q:\n%s", i, want, got)
		}
	}
	if got := logOf(t, w.errors); !strings.Contains(got, "client=[2001:db8::9]:4711") {
		t.Errorf("the error log is %q", got)
	}
}

// TestIdentityAllocatesNothing is about requests of a trusted peer.
func TestIdentityAllocatesNothing(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.trustPeers()
	w.serve("/ping: OK pong")
	c := w.client()
	c.send("GET /ping" + req + "\r\n")
	c.expect(text(200, "pong"))
	r := said(t, "X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test\r\nForwarded: for=_x\r\n")
	x := w.g.newExchange()
	x.start(&w.g.clients[0][w.firstClient()], 0)
	if n := testing.AllocsPerRun(100, func() {
		x.who = identity{}
		x.identify(r)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if x.Client() != netip.MustParseAddr("203.0.113.9") || !x.https() {
		t.Errorf("the client is %v, over TLS %t", x.Client(), x.https())
	}
	w.g.freeExchange(x)
	c.close()
}

// firstClient is the place of a client's record.
func (w *world) firstClient() int {
	for i := range w.g.clients[0] {
		if h := &w.g.clients[0][i]; h.g != nil && !h.flags.has(h1Dead) {
			return i
		}
	}
	w.t.Fatal("there is no client")
	return 0
}
