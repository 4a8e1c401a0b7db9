package proxy

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
)

// parts writes the head for an upstream of HTTP/2 into memory of the size that
// is promised to suffice.
func (a *asked) parts(t testing.TB) (mem []byte, p parts) {
	t.Helper()
	room := RequestRoom(&a.r, &a.target, a.member) + acceptLen
	mem = p.appendRequest(make([]byte, 0, room), &a.r, &a.target, a.member)
	if len(mem) > room {
		t.Errorf("%d bytes, there is room for %d", len(mem), room)
	}
	return mem, p
}

// TestParts looks at each part of the head.
func TestParts(t *testing.T) {
	const added = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nForwarded: for=198.51.100.7;host=\"h\";proto=http\r\nVia: 1.1 anygate\r\n"
	for _, tt := range []struct {
		name, raw string
		want      []string // method, path, authority, accept, fields, key
	}{
		{"a plain one", "GET /a/b?c HTTP/1.1\r\nHost: h\r\nAccept:*/*\r\nX-A:  1 \r\n\r\n", []string{"GET", "/a/b?c", "h", "", "Accept: */*\r\nX-A: 1\r\n" + added, ""}},
		{"hop by hop", "POST /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE, x-b\r\nX-B: 1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", []string{"POST", "/a", "h", "", added + "TE: trailers\r\n", ""}},
		{
			"a WebSocket", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
			[]string{"GET", "/a", "h", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Version: 13\r\n" + added, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
		},
		{"a key without an offer", "GET /a HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: x\r\n\r\n", []string{"GET", "/a", "h", "", "Sec-WebSocket-Key: x\r\n" + added, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := mustAsk(t, "/", "h2c://10.0.0.1", "", tt.raw)
			mem, p := a.parts(t)
			got := []string{
				string(mem[:p.path]), string(mem[p.path:p.authority]), string(mem[p.authority:p.accept]), string(mem[p.accept:p.fields]),
				string(mem[p.fields:p.key]), string(mem[p.key:]),
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("part %d is %q, want %q", i, got[i], tt.want[i])
				}
			}
		})
	}
}

// TestPartsEdited edits fields, the longest Host among them.
func TestPartsEdited(t *testing.T) {
	host := strings.Repeat("a", 200) + ".example"
	var e http1.Edits
	for _, name := range []string{"X-A", "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		e.Remove(name)
	}
	e.Set("Host", host)
	e.Add("X-B", "2")
	a := mustAsk(t, "/", "h2c://10.0.0.1", "", "GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\nX-A: 1\r\nX-B: 1\r\n\r\n")
	a.r.Edits = &e
	mem := make([]byte, 0, RequestRoom(&a.r, &a.target, a.member)+acceptLen+len(host))
	var p parts
	got := p.appendRequest(mem, &a.r, &a.target, a.member)
	if &got[0] != &mem[:1][0] {
		t.Error("there was not enough room")
	}
	if authority, fields := string(got[p.authority:p.accept]), string(got[p.fields:p.key]); authority != host || fields != "X-B: 1\r\nX-B: 2\r\nTE: trailers\r\n" {
		t.Errorf("%q, %q", authority, fields)
	}
	if n := testing.AllocsPerRun(100, func() { p.appendRequest(mem, &a.r, &a.target, a.member) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	e = http1.Edits{}
	e.Add("X-B", "2")
	got = p.appendRequest(mem, &a.r, &a.target, a.member)
	if authority := string(got[p.authority:p.accept]); authority != "h" {
		t.Errorf("%q without an edit of it", authority)
	}
}

// TestWebSocketKey adds a key where the client has none because it asked over
// HTTP/2.
func TestWebSocketKey(t *testing.T) {
	const offer = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
	for _, tt := range []struct {
		name, raw string
		h2, want  bool
	}{
		{"over HTTP/2", offer + "\r\n", true, true},
		{"over HTTP/1.1", offer + "\r\n", false, false},
		{"with a key", offer + "sec-websocket-key: x\r\n\r\n", true, false},
		{"another protocol", strings.Replace(offer, "websocket", "x", 1) + "\r\n", true, false},
	} {
		a := mustAsk(t, "/", "http://10.0.0.1", "", tt.raw)
		a.r.HTTP2 = tt.h2
		got := a.append(t)
		if strings.Contains(got, "Sec-WebSocket-Key: ") != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
		if tt.h2 && !strings.Contains(got, "\r\nVia: 2 anygate\r\n") {
			t.Errorf("%s: %q says nothing of HTTP/2", tt.name, got)
		}
	}
}

// TestPartsAllocateNothing counts.
func TestPartsAllocateNothing(t *testing.T) {
	a := mustAsk(t, "/", "h2c://10.0.0.1", "", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	dst := make([]byte, 0, 4096)
	var p parts
	if n := testing.AllocsPerRun(100, func() { dst = p.appendRequest(dst[:0], &a.r, &a.target, a.member) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	a.r.HTTP2, a.r.OwnCertificate, a.r.Certificate = true, true, []byte(clientFields)
	if n := testing.AllocsPerRun(100, func() { dst = p.appendRequest(dst[:0], &a.r, &a.target, a.member) }); n != 0 {
		t.Errorf("%v allocations over HTTP/2", n)
	}
	if n := testing.AllocsPerRun(100, func() { dst = appendKey(dst[:0], &a.r) }); n != 0 {
		t.Errorf("%v allocations for a key", n)
	}
}

// FuzzParts sends every head that the parser accepts over HTTP/2, and has an
// independent decoder read it: it is one request, with the fields that are to
// be passed on, and none that the client could have made it believe in.
func FuzzParts(f *testing.F) {
	for _, raw := range []string{
		"GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h:1\r\nConnection: x, close\r\nX: 1\r\nContent-Length: 5\r\n\r\n",
		"GET http://a/b HTTP/1.1\r\nHost: c\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\n:path: /evil\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nX:\t a \t\r\nY:\r\nTE: trailers\r\nHTTP2-Settings: x\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: dGhl\r\nConnection: upgrade\r\nUpgrade: websocket\r\nB: 1\r\n\r\n",
		"OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 5\r\nX-Y: \x80\xff\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := ask(t, "/", "h2c://10.0.0.1:80", "", raw)
		if !ok {
			return
		}
		mem, at := a.parts(t)
		sc := h2.NewScratch()
		cfg := h2.DefaultConfig
		var conn h2.Conn
		conn.Dial(sc, &cfg)
		s := conn.Open(false)
		sc.Out = conn.AppendRequest(sc.Out, s, &h2.RequestHead{
			Method: mem[:at.path], Scheme: schemeHTTP, Authority: mem[at.authority:at.accept], Path: mem[at.path:at.authority], Length: -1, Block: mem[at.fields:],
		}, true)
		framer := http2.NewFramer(nil, bytes.NewReader(sc.Out[len(h2.Preface):]))
		framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		framer.MaxHeaderListSize = 1 << 20
		var head *http2.MetaHeadersFrame
		for head == nil {
			frame, err := framer.ReadFrame()
			if err != nil {
				t.Fatalf("%q became %q: %v", raw, mem, err)
			}
			head, _ = frame.(*http2.MetaHeadersFrame)
		}
		if got := head.PseudoValue("method") + " " + head.PseudoValue("path") + " " + head.PseudoValue("authority") + " " + head.PseudoValue("scheme"); got !=
			string(mem[:at.path])+" "+string(mem[at.path:at.authority])+" "+string(mem[at.authority:at.accept])+" http" {
			t.Errorf("%q became %q", raw, got)
		}
		drop := a.r.drops
		if len(a.r.Upgrade) > 0 {
			drop = a.r.dropsOffering
		}
		var want, got []string
		for i := range a.head.Fields {
			if g := &a.head.Fields[i]; !g.HopByHop() && !drop(&a.head.Head, g) {
				want = append(want, strings.ToLower(string(a.head.Name(g)))+": "+string(a.head.Value(g)))
			}
		}
		for _, field := range head.RegularFields() {
			got = append(got, field.Name+": "+field.Value)
		}
		if head.Truncated || len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Fatalf("the client's fields are %q, want %q", got, want)
		}
		// What follows is the proxy's own.
		for _, field := range got[len(want):] {
			switch name, _, _ := strings.Cut(field, ":"); name {
			case "max-forwards", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via":
			case "sec-websocket-key":
				if len(a.r.Upgrade) == 0 {
					t.Errorf("%q comes last", field)
				}
			default:
				if field != "te: trailers" {
					t.Errorf("%q is added", field)
				}
			}
		}
	})
}
