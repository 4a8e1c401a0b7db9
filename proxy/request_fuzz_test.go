package proxy

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// fuzzRoutes are the routes that FuzzAppendRequest chooses from.
var fuzzRoutes = []struct{ head, target, member string }{
	{"/", "http://up", "10.0.0.1:80"},
	{"/", "http://up/", "[2001:db8::1]:80"},
	{"/v1/", "http://up/base", "10.0.0.1:80"},
	{"/u/:id/*", "http://up/:id/files/", "10.0.0.1:80"},
	{"/x/:a/:b", "http://up/", "10.0.0.1:80"},
	{"/a", "http://up/b", "10.0.0.1:80"},
	{"/", "unix:/run/app.sock", "unix:/run/app.sock"},
}

var fuzzPeers = []netip.Addr{
	{},
	netip.MustParseAddr("198.51.100.7"),
	netip.MustParseAddr("2001:db8:1111:2222:3333:4444:5555:6666"),
}

// FuzzAppendRequest checks for any head that is accepted that what goes to the
// upstream is one head of the same meaning: a strict parser reads all of it and
// nothing else, it is framed as the content will be, and of the client's fields
// it has those that may be passed on, each unchanged, in their order.
func FuzzAppendRequest(f *testing.F) {
	for i, s := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /v1/a?b HTTP/1.1\r\nHost: h\r\nConnection: close, x-a\r\nX-A: 1\r\nB: 2\r\n\r\n",
		"POST /u/7/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n0\r\n\r\n",
		"POST /x/%41/b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
		"GET http://h:1?q HTTP/1.1\r\nHost: other\r\nVia: 1.1 x\r\n\r\n",
		"GET /a HTTP/1.0\r\n\r\n",
		"OPTIONS /a HTTP/1.1\r\nHost: h\r\nConnection: via, host, content-length,x-forwarded-for\r\nX-Forwarded-For: 1\r\nContent-Length: 0\r\n\r\n",
		"GET /u/1/a HTTP/1.1\r\nHost: h\r\nTE: gzip, trailers\r\nConnection: Upgrade, te\r\nUpgrade: h2c, a/1 , b\r\n\r\n",
		"GET / HTTP/1.1\r\nX-Forwarded-Port: 1\r\nHost: h\r\nA:\t x \t\r\nConnection: Keep-Alive\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\r\n",
	} {
		f.Add([]byte(s), uint8(i), uint8(i), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, raw []byte, which, peer uint8, https bool) {
		c := fuzzRoutes[int(which)%len(fuzzRoutes)]
		a, ok := ask(t, c.head, c.target, c.member, raw)
		if !ok {
			return
		}
		a.r.Peer, a.r.HTTPS = fuzzPeers[int(peer)%len(fuzzPeers)], https
		room := RequestRoom(&a.r, &a.target, a.member)
		out := AppendRequest(make([]byte, 0, room), &a.r, &a.target, a.member)
		if len(out) > room {
			t.Fatalf("%d bytes, RequestRoom says %d", len(out), room)
		}
		if room > engine.LargeBuffer || len(out) > http1.MaxHeadBytes {
			return
		}
		var got http1.Request
		if err := got.Parse(out, &limits); err != http1.OK {
			t.Fatalf("%q: %v", out, err)
		}
		checkLine(t, a, &got)
		checkFraming(t, a, &got)
		checkFields(t, a, &got)
	})
}

func checkLine(t *testing.T, a *asked, got *http1.Request) {
	in := &a.head
	host := in.Bytes(in.Host)
	if len(host) == 0 {
		host = appendMemberHost(nil, a.member)
	}
	switch {
	case !bytes.Equal(got.Bytes(got.Method), in.Bytes(in.Method)):
		t.Errorf("method %q", got.Bytes(got.Method))
	case got.Form != http1.OriginForm || got.Minor != 1 || got.Close:
		t.Errorf("form %v, minor version %d, close %t", got.Form, got.Minor, got.Close)
	case got.HasQuery != in.HasQuery || !bytes.Equal(got.Bytes(got.Query), in.Bytes(in.Query)):
		t.Errorf("query %q, was %q", got.Bytes(got.Query), in.Bytes(in.Query))
	case !bytes.Equal(got.Bytes(got.Host), host):
		t.Errorf("host %q, want %q", got.Bytes(got.Host), host)
	}
}

func checkFraming(t *testing.T, a *asked, got *http1.Request) {
	kind, length := got.Content()
	if kind != a.r.Content || (kind == http1.BodyLength && length != a.r.Length) {
		t.Errorf("framing %v %d, want %v %d", kind, length, a.r.Content, a.r.Length)
	}
	if got.Has(http1.ContentLength) && got.Has(http1.TransferEncoding) {
		t.Error("two framings")
	}
}

// written are the names of fields that the proxy writes itself.
var written = map[string]bool{
	"host": true, "via": true, "forwarded": true, "content-length": true, "transfer-encoding": true,
	"x-forwarded-for": true, "x-forwarded-proto": true, "x-forwarded-host": true, "max-forwards": true,
	"connection": true, "upgrade": true, "te": true,
}

// ourConnection reports whether a field is one of those in which the proxy
// speaks of its own connection: with what was offered, and TE for trailers.
func ourConnection(a *asked, got *http1.Request, f *http1.Field) bool {
	value := string(got.Value(f))
	trailers := acceptsTrailers(&a.head)
	switch f.ID {
	case http1.Connection:
		return value == "upgrade" && len(a.r.Upgrade) > 0 && !trailers ||
			value == "TE" && len(a.r.Upgrade) == 0 && trailers ||
			value == "upgrade, TE" && len(a.r.Upgrade) > 0 && trailers
	case http1.Upgrade:
		return value == string(a.r.Upgrade) && got.Upgrade
	case http1.TE:
		return value == "trailers" && trailers
	}
	return false
}

// checkFields compares the client's fields with those that are passed on.
func checkFields(t *testing.T, a *asked, got *http1.Request) {
	in := &a.head
	type field struct{ name, value string }
	var want []field
	nominated := map[string]bool{}
	for i := range in.Fields {
		f := &in.Fields[i]
		name := string(bytes.ToLower(in.Name(f)))
		if f.Nominated {
			nominated[name] = true
		}
		switch {
		case f.HopByHop() || name == "expect" || name == "x-real-ip" || (written[name] && name != "via"):
		case name == "proxy" || bytes.IndexByte([]byte(name), '_') >= 0:
		case len(name) > len("x-forwarded-") && name[:len("x-forwarded-")] == "x-forwarded-":
		default:
			want = append(want, field{name, string(in.Value(f))})
		}
	}
	vias := 0
	for i := range got.Fields {
		f := &got.Fields[i]
		name, value := string(bytes.ToLower(got.Name(f))), string(got.Value(f))
		if nominated[name] && !written[name] {
			t.Errorf("Connection nominates %q, which is passed on", name)
		}
		if f.HopByHop() && f.ID != http1.TransferEncoding && !ourConnection(a, got, f) {
			t.Errorf("%q is hop-by-hop, and passed on", name)
		}
		if name == "via" {
			vias++
		}
		if len(want) > 0 && (field{name, value}) == want[0] && name != "host" {
			want = want[1:]
			continue
		}
		if !written[name] {
			t.Errorf("%s: %q comes from nowhere", name, value)
		}
	}
	if len(want) > 0 {
		t.Errorf("%v is not passed on", want)
	}
	if vias == 0 {
		t.Error("no Via")
	}
}
