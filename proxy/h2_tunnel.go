package proxy

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"math/rand/v2"

	"github.com/anygate/anygate/http1"
)

// Another protocol takes one stream of a connection of HTTP/2, not all of it.
// What is an Upgrade of a request in HTTP/1.1 is an extended CONNECT there (RFC
// 8441), if the member takes such. The proof of a WebSocket's server that it
// has understood the client, which HTTP/2 does without, is made here for
// clients of HTTP/1.1, and so is the question for servers of HTTP/1.1.

const (
	webSocketKeyName = "Sec-WebSocket-Key"
	// acceptLen is the length of Sec-WebSocket-Accept: a hash in base64.
	acceptLen = 28
	// webSocketGUID is what a key is hashed with (RFC 6455, section 1.3).
	webSocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

var webSocket = []byte("websocket")

// first is the protocol that is asked for by an extended CONNECT, which names
// one only.
func (o *offer) first() []byte {
	name, _ := http1.NextItem(o.bytes())
	return name
}

// webSocketKey is the index of the key that the client has sent with an offer
// of a WebSocket, -1 if there is none, or if it is too long to be one.
func webSocketKey(r *Request) int {
	if len(r.Upgrade) == 0 {
		return -1
	}
	i := r.Head.Find("sec-websocket-key")
	if i < 0 || r.Head.Fields[i].Value.Len > 64 {
		return -1
	}
	return i
}

// dropsOffering is drops for a request that offers another protocol: the
// key is not for members that are asked by an extended CONNECT.
func (r *Request) dropsOffering(h *http1.Head, f *http1.Field) bool {
	return f.ID == http1.FieldOther && http1.EqualFold(h.Name(f), "sec-websocket-key") || r.drops(h, f)
}

// appendAccept appends what a server of a WebSocket answers a key with (RFC
// 6455, section 4.2.2).
func appendAccept(dst, key []byte) []byte {
	var text [64 + len(webSocketGUID)]byte
	n := copy(text[:], key)
	n += copy(text[n:], webSocketGUID)
	sum := sha1.Sum(text[:n]) // which RFC 6455 names; nothing is kept secret by it
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// appendKey appends a key of a WebSocket to a request that offers one and has
// none, since it came over HTTP/2. It protects clients that run what others
// have written from caches on the way; here it only has to be there.
func appendKey(dst []byte, r *Request) []byte {
	if !r.HTTP2 || !bytes.EqualFold(r.Upgrade, webSocket) || r.Head.Find("sec-websocket-key") >= 0 {
		return dst
	}
	var key [16]byte
	for i := range key {
		key[i] = byte(rand.Uint32())
	}
	dst = append(dst, webSocketKeyName+": "...)
	dst = base64.StdEncoding.AppendEncode(dst, key[:])
	return append(dst, "\r\n"...)
}

// beginStreamTunnel passes on the response that makes the call a tunnel.
func (c *Call) beginStreamTunnel(r *http1.Response) {
	p := c.p
	out := &p.out
	*out = Response{
		Status: r.Status, Length: -1,
		HasDate: passes(&r.Head, http1.Date), HasServer: passes(&r.Head, http1.Server),
	}
	if c.extended {
		out.Status, out.Protocol = 101, c.offer.first()
		if accept := p.s.Bytes(c.head)[c.parts.accept:c.parts.fields]; len(accept) > 0 {
			p.block = http1.AppendField(p.block, "Sec-WebSocket-Accept", accept)
		}
	}
	out.Block = p.block
	sending := c.sending
	c.tunnel()
	if c.phase == tunnelling && c.sending == sending && !c.asked {
		// Last, because what the client has sent already may come at once.
		c.asked = true
		c.d.Want(contentWindow >> (2 * p.s.Pressure()))
	}
}

// tunnelData relays bytes of the member, and their end.
func (f *flight) tunnelData(b []byte, end bool) {
	c := f.call
	if len(b) > 0 {
		sending := c.sending
		c.d.Content(b)
		if c.phase != tunnelling || c.sending != sending {
			return
		}
		f.took(len(b))
		c.touch()
	}
	if end {
		c.tunnelEOF()
	}
}
