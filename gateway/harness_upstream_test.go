package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/tlsedge"
)

// upstream is a scripted origin server: a peer of the simulation, or a
// listener on the loopback with a goroutine for each connection.
type upstream struct {
	w    *world
	name string
	addr *engine.Addr
	// data is called, one call at a time for all connections, whenever a
	// connection has sent bytes, or ended. It consumes c.in as it likes.
	data func(c *upstreamConn)

	mu       sync.Mutex
	conns    []*upstreamConn
	refusing bool
	lis      net.Listener
	tls      *tls.Config // of its connections; nil for plain ones
	client   *tlsedge.Client
}

// upstreamConn is a connection from the gateway.
type upstreamConn struct {
	u     *upstream
	id    int    // how many were there before it
	in    []byte // received, and not consumed by data
	eof   bool   // the gateway has ended its side, in whatever way
	state any    // data's own

	peer *engine.SimPeer
	took int
	conn *net.TCPConn
	tls  *originTLS
}

// upstream makes an upstream that proxy targets name as their host. Call it
// before serve.
func (w *world) upstream(name string, data func(c *upstreamConn)) *upstream {
	w.t.Helper()
	u := &upstream{w: w, data: data}
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + len(w.upstreams))}), 80)
	if !w.onSim() {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		u.lis = lis
		addr = lis.Addr().(*net.TCPAddr).AddrPort()
		go u.accept()
	}
	w.addUpstream(name, u, engine.TCPAddr(addr))
	return u
}

// upstreamAt makes an upstream of an address that the test serves itself, or
// nobody does. In the simulation it refuses connections.
func (w *world) upstreamAt(name string, addr *engine.Addr) *upstream {
	u := &upstream{w: w, refusing: true}
	w.addUpstream(name, u, addr)
	return u
}

func (w *world) addUpstream(name string, u *upstream, addr *engine.Addr) {
	u.name, u.addr = name, addr
	if w.securing != nil {
		w.securing(u)
	}
	w.upstreams[name] = u
	w.byAddr[addr.String()] = u
}

// dial is the simulation's network.
func (w *world) dial(addr *engine.Addr) *engine.SimPeer {
	u := w.byAddr[addr.String()]
	if u == nil || u.refusing {
		return nil
	}
	c := &upstreamConn{u: u, id: len(u.conns), peer: w.sim.NewPeer()}
	u.conns = append(u.conns, c.secured())
	return c.peer
}

// refuse makes the simulation's upstream refuse connections, or not.
func (u *upstream) refuse(yes bool) { u.refusing = yes }

// pump passes on what the simulation's connections have received.
func (u *upstream) pump() {
	for _, c := range u.conns {
		p := c.peer
		if p == nil {
			continue
		}
		fresh := p.FromShard[c.took:]
		eof := p.GotEOF || p.Closed
		if len(fresh) == 0 && eof == c.eof {
			continue
		}
		c.took = len(p.FromShard)
		c.in = append(c.in, c.open(fresh)...)
		c.eof = eof
		u.data(c)
		if c.eof {
			// An origin that learns of the end closes its own side.
			c.closeWrite()
		}
	}
}

func (u *upstream) accept() {
	for {
		conn, err := u.lis.Accept()
		if err != nil {
			return
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		u.mu.Lock()
		c := &upstreamConn{u: u, id: len(u.conns), conn: conn.(*net.TCPConn)}
		u.conns = append(u.conns, c.secured())
		u.mu.Unlock()
		go c.receive()
	}
}

func (c *upstreamConn) receive() {
	b := make([]byte, 64<<10)
	for {
		n, err := c.conn.Read(b)
		c.u.mu.Lock()
		c.in = append(c.in, c.open(b[:n])...)
		c.eof = err != nil
		c.u.data(c)
		c.u.mu.Unlock()
		if err != nil {
			_ = c.conn.Close()
			return
		}
	}
}

// write sends bytes to the gateway.
func (c *upstreamConn) write(s string) { c.writeRaw(c.seal(s)) }

func (c *upstreamConn) writeRaw(s string) {
	if s == "" {
		return
	}
	if c.peer != nil {
		c.peer.Write([]byte(s))
		return
	}
	// A gateway that has given the connection up makes it fail.
	_, _ = c.conn.Write([]byte(s))
}

// closeWrite ends what the upstream sends, abort resets the connection.
func (c *upstreamConn) closeWrite() {
	c.goodbye()
	c.closeRaw()
}

// closeRaw does so without a word of TLS.
func (c *upstreamConn) closeRaw() {
	if c.peer != nil {
		c.peer.CloseWrite()
	} else {
		_ = c.conn.CloseWrite()
	}
}

func (c *upstreamConn) abort() {
	if c.peer != nil {
		c.peer.Reset()
	} else {
		_ = c.conn.SetLinger(0)
		_ = c.conn.Close()
	}
}

// count is how many connections there have been.
func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.conns)
}

// locked runs f while data does not run.
func (u *upstream) locked(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
}

func (u *upstream) close() {
	if u.lis == nil {
		return
	}
	_ = u.lis.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range u.conns {
		_ = c.conn.Close()
	}
}

// answering makes a data function of one that answers whole requests. It is
// given the request with its content, trailers included, and returns the
// bytes of the response; "" leaves the request without one.
func answering(respond func(c *upstreamConn, r *http.Request, content string) string) func(c *upstreamConn) {
	return func(c *upstreamConn) {
		for {
			r, content, n := nextRequest(c.in)
			if n == 0 {
				return
			}
			c.in = c.in[n:]
			if response := respond(c, r, content); response != "" {
				c.write(response)
			}
		}
	}
}

// nextRequest reads a request from the start of b; n is its length, 0 if it is
// incomplete.
func nextRequest(b []byte) (r *http.Request, content string, n int) {
	in := bytes.NewReader(b)
	buf := bufio.NewReader(in)
	r, err := http.ReadRequest(buf)
	if err != nil {
		return nil, "", 0
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, "", 0
	}
	return r, string(body), len(b) - in.Len() - buf.Buffered()
}
