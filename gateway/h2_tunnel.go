package gateway

// A stream becomes a tunnel like a connection of HTTP/1.1 does: by a 2xx to
// CONNECT (RFC 9113, section 8.5), or to an extended CONNECT (RFC 8441), which
// stands where HTTP/1.1 has Upgrade and 101. The connection's other streams go
// on as before.

// Tunnel begins the response behind which both directions carry another
// protocol.
func (h *h2Conn) Tunnel(x *Exchange, r *Response) {
	st := h.of(x)
	if st == nil {
		return
	}
	h.enter()
	status := r.Status
	if status == 101 {
		status = 200
	}
	st.flags |= h2Tunnel
	st.wanted = st.passed
	h.head(st, r, status, -1, false)
	h.leave()
}

// CloseWrite ends our side of a tunnel behind what is queued.
func (h *h2Conn) CloseWrite(x *Exchange) {
	if st := h.of(x); st != nil {
		h.enter()
		h.finish(st, nil)
		h.leave()
	}
}
