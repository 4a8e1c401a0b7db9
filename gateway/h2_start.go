package gateway

import (
	"bytes"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

// A connection becomes one of HTTP/2 by what it begins with (RFC 9113, section
// 3.3), by the protocol that TLS has settled on, by the listener that it came
// to, or by a request of HTTP/1.1 that asks for it (RFC 7540, section 3.2).

var preface = []byte(h2.Preface)

// prior reports whether p, in which no request of HTTP/1.1 begins, is how a
// client of HTTP/2 begins, or may be when more of it has come. In the first
// case the connection is one of HTTP/2, for which all of p is meant. Under TLS
// it is not: the protocol is the one that was negotiated, by which whoever
// stands in between may have judged the connection.
func (h *h1Conn) prior(p []byte) bool {
	g := h.g
	if g.gen.Settings.H2 == nil || h.flags.has(h1Later|h1TLS) {
		return false
	}
	if len(p) < len(preface) {
		if !bytes.HasPrefix(preface, p) {
			return false
		}
		if !h.flags.has(h1Partial) {
			h.flags |= h1Partial
			h.deadline(g.gen.Settings.Header)
		}
		return true
	}
	if !bytes.HasPrefix(p, preface) {
		return false
	}
	h.flags &^= h1Partial
	g.startH2(h).accept()
	return true
}

var (
	switchingToH2 = []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	tokenH2C      = []byte("h2c")
	fieldSettings = "http2-settings"
)

// upgrade goes on in HTTP/2 if the request asks for it, and reports whether it
// did. The request is the first of its streams, and is served; anything that
// would make that less than simple (content, an offer of further protocols, a
// second connection's settings) leaves the connection as it is, which is always
// allowed.
func (h *h1Conn) upgrade(r *http1.Request) bool {
	g := h.g
	if g.gen.Settings.H2 == nil || r.Minor == 0 || r.MethodID == http1.CONNECT || h.Secure() || g.draining || h.flags.has(h1Retired) || h.flags.has(h1Full) {
		return false
	}
	if kind, _ := r.Content(); kind != http1.BodyNone || proxy.Leaves(r) || !offersH2C(r) {
		return false
	}
	i := r.Find(fieldSettings)
	if i < 0 || r.Next(i) >= 0 || !r.Fields[i].Nominated {
		return false
	}
	settings := r.Value(&r.Fields[i])
	m := g.startH2(h)
	m.enter()
	s := m.c.Upgrade(g.mux.scratch, m.cfg, settings)
	if s == nil {
		m.abandon()
		return false
	}
	if !g.s.Append(h.conn, switchingToH2) {
		m.fail()
	}
	m.flush()
	m.deadline(g.gen.Settings.Header)
	st := m.newStream(s)
	st.flags |= h2Ended
	m.start(st, &Incoming{Head: r, Protocol: h2Protocol})
	m.leave()
	return true
}

// offersH2C reports whether h2c is among the protocols that a request offers.
func offersH2C(r *http1.Request) bool {
	for i := r.First(http1.Upgrade); i >= 0; i = r.Next(i) {
		for rest := r.Value(&r.Fields[i]); len(rest) > 0; {
			var protocol []byte
			if protocol, rest = http1.NextItem(rest); bytes.Equal(protocol, tokenH2C) {
				return true
			}
		}
	}
	return false
}

// abandon makes the connection what it was before startH2.
func (h *h2Conn) abandon() {
	m := &h.g.mux
	m.owner, h.depth = nil, 0
	h.g.h2[h.conn.Index()] = nil
	h.under.flags &^= h1Switched
	h.g.s.SetUser(h.conn, userClient)
	m.spare = append(m.spare, h)
}
