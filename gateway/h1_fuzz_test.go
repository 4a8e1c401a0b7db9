package gateway

import (
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// FuzzSplits feeds a connection arbitrary bytes in one piece, and in pieces cut
// where the second argument says: what comes back must be the same, and every
// connection must end.
func FuzzSplits(f *testing.F) {
	for _, row := range append(h1Table, longHeads()...) {
		if !strings.Contains(row.in, "/p/") && len(row.in) < 4096 {
			f.Add([]byte(row.in), []byte{1, 7, 30})
		}
	}
	f.Add([]byte(get("/ping")+offering("/ping", "h2c, x")+get("/ping")), []byte{9, 60, 80})
	w := newSimWorld(f, 1, engine.Faults{})
	w.settings.Body = 5000
	w.serve("GET /ping: OK pong", "GET POST /both: CREATED both", "/none: NO_CONTENT", "GET /old/*: MOVED /new/*", "/echo: *", "/big: OK "+numbered(5000))
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		if len(in) > 4096 {
			return // where limits are, which one is met first is up to the pieces
		}
		// What is wrong with a head is looked for when it has ended.
		in = append(in[:len(in):len(in)], "\r\n\r\n"...)
		w.t = t
		whole := w.feed(in)
		var pieces [][]byte
		rest := in
		for _, n := range cuts {
			k := min(int(n)+1, len(rest))
			pieces, rest = append(pieces, rest[:k]), rest[k:]
		}
		pieces = append(pieces, rest)
		if split := w.feed(pieces...); split != whole {
			t.Fatalf("in one piece\n%s\nin %d pieces\n%s", brief(whole), len(pieces), brief(split))
		}
	})
}

// feed sends pieces over a new connection, ends it, and returns what came
// back.
func (w *world) feed(pieces ...[]byte) string {
	c := w.client()
	for _, p := range pieces {
		c.peer.Write(p)
		for n := 0; n < 100 && c.peer.Unread() > 0; n++ {
			w.step()
		}
	}
	c.closeWrite()
	got := undated(c.rest())
	w.eventually("the client is gone", func() bool { return w.s.Stats().Clients == 0 })
	w.clients = w.clients[:len(w.clients)-1]
	return got
}
