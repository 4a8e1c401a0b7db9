package gateway

import "testing"

func TestRefusedUpstream(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", func(c *upstreamConn) {})
		if w.onSim() {
			u.refuse(true)
		} else {
			u.lis.Close()
		}
		w.serve("/p/: http://up/")
		c := w.client()
		c.send("GET /p/ HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(page(502))
		c.expectOpen()
	})
}
