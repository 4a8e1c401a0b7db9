package http1

import (
	"bytes"
	"testing"
)

// FuzzCompose composes requests of arbitrary fields. What is accepted is what the parser makes of the same request as text,
// and what the parser accepts of a request that could as well be one of HTTP/2 is accepted.
func FuzzCompose(f *testing.F) {
	f.Add([]byte(get+"accept: */*\ncookie: a=b\nx: y\ncookie: c\nhost: h:443\nte: trailers\nexpect: 100-continue\ncontent-length: 5\n"), false)
	f.Add([]byte(":method: CONNECT\n:authority: [::1]:443\n:protocol: websocket\n:scheme: http\n:path: /?a\nx: y\n"), false)
	f.Add([]byte(":path: *\n:method: OPTIONS\n:scheme: HTTP\nhost: a\nconnection: close\n:status: 200\n"), true)
	f.Add([]byte("GET /a%20b?c HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nX: y\r\nContent-Length: 5\r\nExpect: 100-continue\r\nAccept: a\r\n\r\n"), false)
	f.Add([]byte("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), true)
	f.Add([]byte("CONNECT h:443 HTTP/1.1\r\nA: b\r\nHost: h:443\r\nMax-Forwards: 1\r\n\r\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, ended bool) {
		if len(b) > 8<<10 {
			return
		}
		composeText(t, b)

		var r Request
		c := Composer{AllowProtocol: true}
		c.BeginRequest(&r, make([]byte, 0, MaxHeadBytes), &DefaultLimits)
		for line := range bytes.Lines(b) {
			name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(": "))
			switch pseudo := LookupPseudo(name); {
			case !IsFieldValue(value):
				c.Refuse(ErrBadFieldValue)
			case pseudo != PseudoInvalid || bytes.HasPrefix(name, []byte(":")):
				c.Pseudo(pseudo, value)
			case !IsToken(name) || !bytes.Equal(name, bytes.ToLower(name)):
				c.Refuse(ErrBadFieldName)
			default:
				c.Field(AppendField(nil, name, value), len(name), LookupField(name))
			}
		}
		if err := c.EndRequest(ended); err != OK {
			if err.Status() < 400 {
				t.Fatal(err)
			}
			return
		}
		checkComposed(t, &r)
		for id := range numFields {
			if connectionSpecific.has(id) && r.Has(id) && !c.Extended() {
				t.Fatalf("the request has %v", id)
			}
		}
		if r.Repeated(Cookie) || r.Repeated(Host) || r.Chunked && ended {
			t.Fatalf("%+v", r)
		}
	})
}

// composeText composes the request that b is as text, if it could be one of HTTP/2, and compares.
func composeText(t *testing.T, b []byte) {
	t.Helper()
	var want Request
	lim := DefaultLimits
	lim.HeadBytes -= 100 // a composed one has its authority twice
	if n, err := want.Scan(b, &lim); n == 0 || err != OK || want.Minor == 0 || want.Form == AbsoluteForm {
		return
	}
	var r Request
	var c Composer
	c.BeginRequest(&r, make([]byte, 0, MaxHeadBytes), &DefaultLimits)
	c.Pseudo(PseudoMethod, want.Bytes(want.Method))
	if want.MethodID == CONNECT {
		c.Pseudo(PseudoAuthority, want.Bytes(want.Target))
	} else {
		c.Pseudo(PseudoPath, want.Bytes(want.Target))
		c.Pseudo(PseudoScheme, []byte("https"))
	}
	var lines []byte
	for i := range want.Fields {
		f := &want.Fields[i]
		name, value := bytes.ToLower(want.Name(f)), want.Value(f)
		if connectionSpecific.has(f.ID) || f.ID == TE || f.ID == Cookie && want.Repeated(Cookie) {
			return
		}
		if want.MethodID == CONNECT && f.ID == Host {
			if !sameAuthority(want.Value(f), want.Bytes(want.Target), false) {
				return
			}
			continue
		}
		lines = AppendField(lines, name, value)
		c.Field(AppendField(nil, name, value), len(name), f.ID)
	}
	if err := c.EndRequest(want.ContentLength <= 0); err != OK {
		t.Fatalf("%q: %v", b, err)
	}
	if want.MethodID == CONNECT {
		return // its Host field has moved to the front
	}
	var lower Request
	text := AppendRequestLine(nil, want.Bytes(want.Method), want.Bytes(want.Target))
	text = append(append(text, lines...), CRLF...)
	if _, err := lower.Scan(text, &DefaultLimits); err != OK {
		t.Fatalf("%q: %v", text, err)
	}
	compareRequests(t, &r, &lower)
}
