package gateway

import (
	"strconv"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/telemetry"
)

// echo is the state of an echo action: what was asked, and the first bytes of
// the content as they come. Its buffers are used again.
type echo struct {
	json    bool
	head    []byte // all of the answer that comes before the content
	content []byte
	total   int64
}

// serveEcho answers with what was asked: as JSON to a client that accepts it,
// as text otherwise.
func (g *Gateway) serveEcho(x *Exchange, in *Incoming) {
	e := g.newEcho()
	x.echo = e
	e.json = acceptsJSON(in.Head)
	peer := "unix"
	switch client := x.clientAddr(); {
	case client.Port() != 0:
		peer = client.String()
	case client.IsValid():
		peer = client.Addr().String()
	}
	if e.json {
		e.head = appendEchoJSON(e.head[:0], in, peer)
	} else {
		e.head = appendEchoText(e.head[:0], in, peer)
	}
	if x.RequestOpen() {
		x.want(contentWindow)
		return
	}
	e.finish(x)
}

// received keeps the first bytes of the content, and reads on.
func (e *echo) received(x *Exchange, p []byte) {
	e.total += int64(len(p))
	room := echoContent - len(e.content)
	e.content = append(e.content, p[:min(len(p), room)]...)
	x.want(len(p))
}

// finish sends the answer.
func (e *echo) finish(x *Exchange) {
	b := e.head
	contentType := "text/plain; charset=utf-8"
	if e.json {
		contentType = "application/json"
		b = append(b, `,"body":`...)
		b = telemetry.AppendJSONString(b, e.content)
		b = append(b, `,"body_bytes":`...)
		b = strconv.AppendInt(b, e.total, 10)
		b = append(b, "}\n"...)
	} else if e.total > 0 {
		b = append(b, "\r\n"...)
		b = append(b, e.content...)
		if e.total > int64(len(e.content)) {
			b = append(b, "\n... "...)
			b = strconv.AppendInt(b, e.total-int64(len(e.content)), 10)
			b = append(b, " more bytes\n"...)
		}
	}
	e.head = b
	g := x.g
	g.fields = http1.AppendField(g.fields[:0], "Content-Type", contentType)
	g.fields = append(g.fields, "Cache-Control: no-store\r\nVary: Accept\r\nX-Content-Type-Options: nosniff\r\n"...)
	x.respond(Response{Status: x.route.Status, Block: g.fields, Length: int64(len(b))}, b)
}

func (g *Gateway) newEcho() *echo {
	if n := len(g.echoes); n > 0 {
		e := g.echoes[n-1]
		g.echoes = g.echoes[:n-1]
		return e
	}
	return &echo{}
}

func (g *Gateway) freeEcho(e *echo) {
	e.content, e.total = e.content[:0], 0
	g.echoes = append(g.echoes, e)
}

// acceptsJSON reports whether an Accept field names JSON. A wildcard does not
// count: it is what every tool sends, and text is what people read.
func acceptsJSON(h *http1.Request) bool {
	for i := h.First(http1.Accept); i >= 0; i = h.Next(i) {
		rest := h.Value(&h.Fields[i])
		for len(rest) > 0 {
			var item []byte
			item, rest = http1.NextItem(rest)
			const name = "application/json"
			if len(item) >= len(name) && http1.EqualFold(item[:len(name)], name) &&
				(len(item) == len(name) || item[len(name)] == ';' || item[len(name)] == ' ') {
				return true
			}
		}
	}
	return false
}

// secrets are names of fields that have no ID and hold credentials.
var secrets = [...]string{"x-api-key", "api-key", "x-auth-token", "x-access-token", "x-csrf-token", "x-amz-security-token"}

// masked reports whether the value of a field is a credential.
func masked(h *http1.Request, f *http1.Field) bool {
	switch f.ID {
	case http1.Authorization, http1.ProxyAuthorization, http1.Cookie, http1.SetCookie:
		return true
	case http1.FieldOther:
		for _, name := range secrets {
			if http1.EqualFold(h.Name(f), name) {
				return true
			}
		}
	}
	return false
}

const mask = "***"

func appendEchoText(b []byte, in *Incoming, peer string) []byte {
	h := in.Head
	b = append(b, h.Bytes(h.Method)...)
	b = append(b, ' ')
	b = append(b, h.Bytes(h.Target)...)
	b = append(b, ' ')
	b = append(b, in.Protocol...)
	b = append(b, "\r\nPeer: "...)
	b = append(b, peer...)
	b = append(b, "\r\n"...)
	for i := range h.Fields {
		f := &h.Fields[i]
		value := h.Value(f)
		if masked(h, f) {
			value = []byte(mask)
		}
		b = http1.AppendField(b, h.Name(f), value)
	}
	return b
}

func appendEchoJSON(b []byte, in *Incoming, peer string) []byte {
	h := in.Head
	b = append(b, `{"method":`...)
	b = telemetry.AppendJSONString(b, h.Bytes(h.Method))
	b = append(b, `,"path":`...)
	b = telemetry.AppendJSONString(b, h.PathBytes())
	b = append(b, `,"query":`...)
	b = telemetry.AppendJSONString(b, h.Bytes(h.Query))
	b = append(b, `,"protocol":"`...)
	b = append(b, in.Protocol...)
	b = append(b, `","peer":`...)
	b = telemetry.AppendJSONString(b, []byte(peer))
	b = append(b, `,"headers":[`...)
	for i := range h.Fields {
		f := &h.Fields[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = telemetry.AppendJSONString(b, h.Name(f))
		b = append(b, ',')
		if masked(h, f) {
			b = append(b, `"`+mask+`"`...)
		} else {
			b = telemetry.AppendJSONString(b, h.Value(f))
		}
		b = append(b, ']')
	}
	return append(b, ']')
}
