package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/anygate/anygate/engine"
)

// client is the far end of a client connection, in the hands of a test.
type client struct {
	w    *world
	peer *engine.SimPeer // in the simulation
	conn *net.TCPConn    // on a real loop
	took int             // bytes of peer.FromShard that are in got

	// seal and unseal are the client's side of the world's transform.
	unseal func(in []byte) (plain []byte)
	seal   func(plain []byte) []byte
	// goodbye is what it says before it closes its side, if anything.
	goodbye func() []byte

	got      []byte // received and not yet taken by the test
	ended    bool   // the gateway has ended its side
	reset    bool   // by a reset
	notified bool   // a transform has said goodbye before
}

// client connects to the gateway.
func (w *world) client() *client {
	w.t.Helper()
	c := &client{w: w}
	if w.onSim() {
		c.peer = w.sim.Client(7)
	} else {
		conn, err := net.DialTimeout("tcp", w.addr.String(), patience)
		if err != nil {
			w.t.Fatal(err)
		}
		c.conn = conn.(*net.TCPConn)
		_ = conn.SetDeadline(time.Now().Add(patience))
	}
	w.clients = append(w.clients, c)
	switch {
	case w.transform != nil:
		c.secret()
	case w.tls != nil:
		c.encrypt()
	}
	return c
}

// send sends bytes to the gateway; on a real loop it waits until they are
// in the socket.
func (c *client) send(s string) {
	c.w.t.Helper()
	b := []byte(s)
	if c.seal != nil {
		b = c.seal(b)
	}
	if err := c.write(b); err != nil {
		c.w.t.Fatalf("write: %v", err)
	}
}

// write sends bytes as they are.
func (c *client) write(b []byte) error {
	if c.peer != nil {
		c.peer.Write(b)
		return nil
	}
	_, err := c.conn.Write(b)
	return err
}

// pull moves what has arrived into got. On a real loop it waits for something
// to arrive.
func (c *client) pull() {
	c.w.t.Helper()
	c.receive(patience)
}

// poll is pull for a test that has something else to do when nothing arrives.
func (c *client) poll() {
	c.w.t.Helper()
	c.receive(time.Millisecond)
}

func (c *client) receive(wait time.Duration) {
	c.w.t.Helper()
	if c.ended {
		return
	}
	var in []byte
	if c.peer != nil {
		in = c.peer.FromShard[c.took:]
		c.took = len(c.peer.FromShard)
		c.ended = c.peer.GotEOF || c.peer.Closed || c.peer.Gone()
		c.reset = c.peer.WasReset || c.peer.Gone()
	} else {
		_ = c.conn.SetReadDeadline(time.Now().Add(wait))
		b := make([]byte, 256<<10)
		n, err := c.conn.Read(b)
		in = b[:n]
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && wait < patience:
		case errors.Is(err, io.EOF):
			c.ended = true
		case errors.Is(err, syscall.ECONNRESET):
			c.ended, c.reset = true, true
		case err != nil:
			c.w.t.Fatalf("read: %v, after %s", err, brief(string(c.got)))
		}
	}
	if c.unseal != nil {
		in = c.unseal(in)
	}
	c.got = append(c.got, in...)
}

// until receives until f is true of what has come, or the gateway has ended
// its side.
func (c *client) until(what string, f func(got []byte) bool) {
	c.w.t.Helper()
	for n := 0; !c.ended && !f(c.got); n++ {
		if c.peer != nil {
			if n > turns {
				c.w.t.Fatalf("%d turns in vain until %s (seed %d); received %s; %+v", n, what, c.w.seed, brief(string(c.got)), c.w.s.Stats())
			}
			c.w.step()
		}
		c.pull()
	}
}

// take receives exactly n bytes.
func (c *client) take(n int) []byte {
	c.w.t.Helper()
	c.until("enough bytes have come", func(got []byte) bool { return len(got) >= n })
	if len(c.got) < n {
		c.w.t.Fatalf("received %d bytes of %d, then the end (reset %t): %s", len(c.got), n, c.reset, brief(string(c.got)))
	}
	b := c.got[:n:n]
	c.got = c.got[n:]
	return b
}

// expect receives exactly want, in which a Date field has the value "D".
func (c *client) expect(want string) {
	c.w.t.Helper()
	c.until("the response has come", func(got []byte) bool {
		n, same := compare(got, want)
		return n > 0 || !same || want == ""
	})
	n, _ := compare(c.got, want)
	if n == 0 && want != "" {
		c.w.t.Fatalf("received (ended %t, seed %d)\n%s\nwant\n%s", c.ended, c.w.seed, brief(undated(c.got)), brief(want))
	}
	c.got = c.got[n:]
}

// compare tells whether got is the same as want as far as it goes, and, if it
// holds all of it, how long that is. A Date field in want stands for any date.
func compare(got []byte, want string) (n int, same bool) {
	const date = "\r\nDate: D"
	for {
		piece, rest, dated := strings.Cut(want, date)
		if dated {
			piece += date[:len(date)-1]
		}
		k := min(len(piece), len(got)-n)
		if string(got[n:n+k]) != piece[:k] {
			return 0, false
		}
		if k < len(piece) {
			return 0, true
		}
		n += k
		if !dated {
			return n, true
		}
		if n += len(http.TimeFormat); n > len(got) {
			return 0, true
		}
		want = rest
	}
}

// expectEnd receives the end of what the gateway sends, by a FIN.
func (c *client) expectEnd() {
	c.w.t.Helper()
	c.until("the connection ends", func([]byte) bool { return false })
	if len(c.got) > 0 || c.reset || c.unseal != nil && !c.notified {
		c.w.t.Fatalf("received %s (reset %t, notified %t), want the end of the stream", brief(string(c.got)), c.reset, c.notified)
	}
	c.close()
}

// expectReset receives the end by a reset, after whatever comes before it.
func (c *client) expectReset() {
	c.w.t.Helper()
	c.until("the connection ends", func([]byte) bool { return false })
	if !c.reset {
		c.w.t.Fatalf("the connection ended, want a reset; received %s", brief(string(c.got)))
	}
}

// rest receives until the gateway ends its side.
func (c *client) rest() []byte {
	c.w.t.Helper()
	c.until("the connection ends", func([]byte) bool { return false })
	b := c.got
	c.got = nil
	return b
}

// expectOpen checks that the connection serves another request: a path that
// has no route.
func (c *client) expectOpen() {
	c.w.t.Helper()
	c.send("GET /.sentinel HTTP/1.1\r\nHost: h\r\n\r\n")
	c.expect(page(404))
}

// closeWrite ends what the client sends.
func (c *client) closeWrite() {
	c.w.t.Helper()
	if c.goodbye != nil {
		if err := c.write(c.goodbye()); err != nil {
			c.w.t.Fatal(err)
		}
	}
	if c.peer != nil {
		c.peer.CloseWrite()
	} else if err := c.conn.CloseWrite(); err != nil {
		c.w.t.Fatal(err)
	}
}

// close closes the connection in both directions.
func (c *client) close() {
	if c.peer != nil {
		c.peer.CloseWrite()
	} else {
		_ = c.conn.Close()
	}
}

// abort resets the connection.
func (c *client) abort() {
	if c.peer != nil {
		c.peer.Reset()
	} else {
		_ = c.conn.SetLinger(0)
		_ = c.conn.Close()
	}
}

// page is a response of the gateway's own, with Date "D".
func page(status int) string {
	p := plainPages.Page(status)
	return undated(p.image)
}

// closing is a response after which the connection ends.
func closing(response string) string {
	for i := 0; i+4 <= len(response); i++ {
		if response[i:i+4] == "\r\n\r\n" {
			return response[:i+2] + "Connection: close\r\n" + response[i+2:]
		}
	}
	panic("no head in " + response)
}

// text is the response of a fixed action with a text, with Date "D".
func text(status int, body string) string {
	return undated(NewFixed(status, "text/plain; charset=utf-8", []byte(body)).image)
}
