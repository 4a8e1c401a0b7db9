package gateway

import "github.com/anygate/anygate/http1"

// serveRedirect answers with a Location (RFC 9110, section 15.4).
func (g *Gateway) serveRedirect(x *Exchange, h *http1.Request, raw, norm []byte) {
	var query []byte
	if h.HasQuery {
		query = h.Bytes(h.Query)
	}
	b := append(g.fields[:0], "Location: "...)
	b = x.route.Location.Append(b, raw, norm, query, &g.match)
	b = append(b, "\r\nContent-Type: text/plain; charset=utf-8\r\n"...)
	g.fields = b
	text := http1.StatusText(x.route.Status)
	g.block = append(append(g.block[:0], text...), '\n')
	x.respond(Response{Status: x.route.Status, Block: b, Length: int64(len(g.block))}, g.block)
}
