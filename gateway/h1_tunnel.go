package gateway

// A tunnel takes an HTTP/1.1 connection over for good. Until it is decided
// whether there is going to be one, what the client sends behind the head is
// kept, and not looked at. If there is none, it is dropped with the connection;
// see head.

var lineUpgrade = []byte("Connection: upgrade\r\nUpgrade: ")

// Tunnel begins the response behind which both directions carry another
// protocol (RFC 9110, sections 7.8 and 9.3.6).
func (h *h1Conn) Tunnel(x *Exchange, r *Response) {
	if h.x != x || h.flags.has(h1Broken) {
		return
	}
	b := h.startHead(r, len(r.Protocol))
	if b == nil {
		return
	}
	if len(r.Protocol) > 0 {
		b = append(b, lineUpgrade...)
		b = append(b, r.Protocol...)
		b = append(b, crlf...)
	}
	h.g.s.Commit(h.conn, len(append(b, crlf...)))
	h.flags |= h1Tunnel | h1Close
	h.credit = 0
	h.deadline(x.gen.Settings.Write)
}

// CloseWrite ends our side of a tunnel behind what is queued.
func (h *h1Conn) CloseWrite(x *Exchange) {
	if h.x == x && !h.flags.has(h1Broken) {
		h.g.s.CloseWrite(h.conn)
	}
}

// tunnel passes bytes on as they are, as far as they are asked for.
func (h *h1Conn) tunnel(p []byte) (n int) {
	x := h.x
	if x == nil {
		return len(p)
	}
	if h.credit <= 0 {
		return 0
	}
	h.credit -= int64(len(p))
	h.g.s.Bulk(h.conn, h.flow.Received(len(p)))
	x.Received(p)
	return len(p)
}

// settleTunnel is settle for a tunnel: the end of the client's side is passed
// on behind the last of its bytes, and receiving pauses while nobody asks.
func (h *h1Conn) settleTunnel() {
	if h.flags.has(h1EOF) && len(h.queue) == 0 {
		if h.x != nil && h.x.RequestOpen() {
			h.x.RequestEnd(nil)
		}
		return
	}
	h.pause(h.x != nil && h.credit <= 0)
}
