package gateway

import (
	"math"
	"net/netip"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

type h1Flags uint32

const (
	h1Content    h1Flags = 1 << iota // content of the request is still to come
	h1Expect                         // and the client waits for 100 (Continue)
	h1Close                          // the connection ends after this response
	h1Processing                     // process is on the stack
	h1Partial                        // the beginning of a head has come
	h1Paused                         // receiving is paused
	h1Full                           // output is over its limit; Drained will come
	h1EOF                            // the client has closed its side
	h1Chunked                        // the response is chunked
	h1NoContent                      // the response has no content
	h1Counted                        // the length of the response is known
	h1Dead                           // the connection is gone
	h1PeerKnown                      // peer holds the client's address
	h1Broken                         // output has a hole: see fail
	h1Asked                          // the client has asked for h1Close
	h1Measured                       // lastOut holds what the client had taken
	h1Tunnel                         // the connection carries another protocol
	h1Unwatched                      // a tunnel without output has no timer
	h1Preamble                       // a PROXY header is to come first
	h1Secure                         // the client came over TLS, as the PROXY header says
	h1Old                            // the request's version is 1.0
	h1TLS                            // the connection is under TLS
	h1Handshake                      // whose handshake is under way
	h1Sealed                         // what is queued came under TLS, behind a PROXY header
	h1Later                          // it is not the first of the connection
	h1Muxed                          // behind the PROXY header comes HTTP/2
	h1Switched                       // the connection is an h2Conn's now
	h1Retired                        // its next response is the last: see retire
)

func (f h1Flags) has(g h1Flags) bool { return f&g != 0 }

// h1Conn is a client's HTTP/1.1 connection: a Codec with one exchange at a
// time. The record is used again for the next connection in the same place of
// the shard's table.
//
// The first 64 bytes, a cache line, are all that a request without content
// touches if it is answered at once. Together with the record's size, a
// multiple of that, it keeps the cost of a request where there are so many
// connections that nothing of theirs is near.
type h1Conn struct {
	g       *Gateway
	conn    engine.Conn
	x       *Exchange // the one in progress
	queue   []piece   // received and not processed: what came too early
	bytesIn uint64
	scanned uint32 // bytes of the queue in which no head ends
	flags   h1Flags

	credit    int64  // content that may be passed on; of no meaning without content
	left      int64  // content of the response that its length still promises
	lastIn    uint64 // bytesIn, at the last look of the timer
	lastOut   uint64 // and what the client had taken
	lastQueue uint32 // and what waited for it, as far as it can be counted
	discarded uint32 // content that nobody wanted
	body      http1.Body
	trailer   *[]byte    // of the request, where one has come
	flow      proxy.Flow // of a tunnel's bytes from the client
	listener  uint16     // the id of the one it was accepted on
	opened    uint32     // shard clock, in seconds
	peer      netip.AddrPort
	local     *netip.AddrPort // our end's address, where anybody has asked
}

// clientBlock is a piece of the table of clients' records, which grows with
// the places that were ever in use.
type clientBlock [clientsPerBlock]h1Conn

// clientsPerBlock makes a block so large that Go's allocator gives it pages of
// its own. A smaller object with pointers has a word of the allocator's before
// it, and no record would begin with a cache line.
const clientsPerBlock = 256

// piece is a range of a buffer that holds received bytes.
type piece struct {
	buf      engine.Buf
	from, to uint32
}

// client is the record of a connection.
func (g *Gateway) client(c engine.Conn) *h1Conn {
	i := c.Index()
	return &g.clients[i/clientsPerBlock][i%clientsPerBlock]
}

// newClient takes over an accepted connection.
func (g *Gateway) newClient(c engine.Conn, listener int) {
	i := c.Index()
	for len(g.clients) <= int(i/clientsPerBlock) {
		g.clients = append(g.clients, nil)
	}
	if block := &g.clients[i/clientsPerBlock]; *block == nil {
		*block = &clientBlock{}
	}
	h := g.client(c)
	trailer := h.trailer
	if trailer != nil && cap(*trailer) > keptTrailer {
		trailer = nil
	}
	*h = h1Conn{g: g, conn: c, queue: h.queue[:0], trailer: trailer, listener: uint16(listener), opened: uint32(g.s.Now() / int64(time.Second))}
	g.open.Add(1)
	h.deadline(g.gen.Settings.Header)
}

// admitAddress refuses a connection from an address that has too many, as soon
// as it is known where it is from, and reports whether it goes on.
func (h *h1Conn) admitAddress() bool {
	if h.g.gen.Settings.PerAddress == nil || h.g.countClient(h.conn, h.Peer().Addr()) {
		return true
	}
	h.gone()
	h.g.s.Abort(h.conn)
	return false
}

func (h *h1Conn) deadline(d time.Duration) { h.g.s.SetDeadline(h.conn, d) }

// gone forgets a connection that the engine is done with, or will be.
func (h *h1Conn) gone() {
	if h.flags.has(h1Dead) {
		return
	}
	h.flags |= h1Dead
	for i := range h.queue {
		h.g.s.ReleaseBuffer(h.queue[i].buf)
	}
	h.queue = h.queue[:0]
	h.g.open.Add(-1)
	h.g.uncountClient(h.conn)
	if x := h.x; x != nil {
		h.x = nil
		x.Cancel()
	}
}

// close ends the connection after what is queued has been sent.
func (h *h1Conn) close() {
	switch {
	case h.flags.has(h1Dead):
	case h.flags.has(h1Broken):
		// A FIN could make what was sent look whole.
		h.abort()
	default:
		h.gone()
		h.g.s.Close(h.conn)
	}
}

// abort ends the connection at once, with a reset.
func (h *h1Conn) abort() {
	if !h.flags.has(h1Dead) {
		h.gone()
		h.g.s.Abort(h.conn)
	}
}

// closed is called when the connection has failed.
func (h *h1Conn) closed(why engine.Reason) {
	switch {
	case why == engine.ReasonTransform:
		h.logTLS()
	case h.flags.has(h1Handshake):
		h.g.countUnsecured("closed")
	}
	h.gone()
}

// eof is called when the client has closed its side. It may still read, so
// what it has asked for is answered first; but not if others wait for the same
// place in a queue, where those who have gone would keep out those who have not.
func (h *h1Conn) eof() {
	h.flags |= h1EOF
	if h.ghost() {
		h.close()
		return
	}
	h.resume()
}

// ghost reports whether the client has closed its side, and its request waits
// in the queue of an upstream: most who close have gone.
func (h *h1Conn) ghost() bool {
	return h.flags.has(h1EOF) && h.x != nil && h.x.Waiting()
}

// Queued ends the connection if it is that of a ghost.
func (h *h1Conn) Queued(x *Exchange) bool {
	if h.x != x || !h.ghost() {
		return true
	}
	h.close()
	return false
}

// drain prepares for the end: an idle connection is closed, one at work ends
// with its response.
func (h *h1Conn) drain() {
	if h.flags.has(h1Handshake) {
		return // a request is about to come, and has its answer
	}
	if h.x == nil && !h.flags.has(h1Partial|h1Content) && len(h.queue) == 0 {
		h.close()
		return
	}
	h.flags |= h1Close
}

// drained is called when enough output has been sent for more to be taken.
func (h *h1Conn) drained() {
	if h.flags.has(h1Broken) {
		h.abort()
		return
	}
	h.flags &^= h1Full
	if h.x != nil {
		h.x.Writable()
	} else if !h.flags.has(h1Content | h1Partial) {
		h.idle()
	}
	if !h.flags.has(h1Dead) {
		h.resume()
	}
}

// timer is called when the connection's deadline has passed.
func (h *h1Conn) timer() {
	set := &h.g.gen.Settings
	switch {
	case h.flags.has(h1Handshake):
		h.handshakeTimeout()
	case h.x != nil:
		h.watch(&h.x.gen.Settings)
	case h.g.s.Queued(h.conn) > 0:
		// The last response is still on its way.
		h.watch(set)
	case h.flags.has(h1Content):
		h.close()
	case h.flags.has(h1Partial):
		h.refuse(http1.OK, 408)
	case h.flags.has(h1Preamble) && len(h.queue) > 0:
		h.refusePreamble("proxy_header_timeout")
	case h.pending():
	default:
		h.close()
	}
}

// watch looks whether the client has sent, or taken, what it should have in
// the period that has passed.
func (h *h1Conn) watch(set *Settings) {
	if h.flags.has(h1Content) && h.x != nil && h.credit > 0 {
		if h.bytesIn-h.lastIn < enough(set.MinBody, set.BodyIdle) {
			if h.x.Responding() {
				h.abort()
			} else {
				h.timeout()
			}
			return
		}
	}
	h.lastIn = h.bytesIn
	if queued := h.g.s.Queued(h.conn); queued > 0 {
		// No more can be asked for than what waited at the last look: the
		// rest may have come a moment ago.
		out := h.g.s.Progress(h.conn)
		if h.flags.has(h1Measured) && out-h.lastOut < min(enough(set.MinWrite, set.Write), uint64(h.lastQueue)) {
			h.abort()
			return
		}
		h.lastOut, h.lastQueue = out, uint32(min(queued, math.MaxUint32))
		h.flags |= h1Measured
	} else {
		h.flags &^= h1Measured
		if h.flags.has(h1Tunnel) {
			// The proxy's timer watches for silence; this one has nothing to
			// do until there is output again.
			h.flags |= h1Unwatched
			return
		}
	}
	h.deadline(h.period(set))
}

// enough is how many bytes a period must bring at least.
func enough(rate int64, period time.Duration) uint64 {
	return uint64(max(1, rate*int64(period/time.Millisecond)/1000))
}

// period is the time until the client's progress is looked at next.
func (h *h1Conn) period(set *Settings) time.Duration {
	if h.flags.has(h1Content) {
		return set.BodyIdle
	}
	return set.Write
}

// timeout ends an exchange whose client stopped sending its content
// (RFC 9110, section 15.5.9).
func (h *h1Conn) timeout() {
	x := h.x
	h.flags |= h1Close
	x.drop()
	x.refuse(408, "content_timeout")
}

// Peer is the client's address, asked of the system once, or what the PROXY
// header says.
func (h *h1Conn) Peer() netip.AddrPort {
	if !h.flags.has(h1PeerKnown) {
		h.peer = h.g.s.PeerAddr(h.conn)
		h.flags |= h1PeerKnown
	}
	return h.peer
}

// Local is the address that the client has connected to, likewise.
func (h *h1Conn) Local() netip.AddrPort {
	if h.local == nil {
		h.local = new(h.g.s.LocalAddr(h.conn))
	}
	return *h.local
}

// Listener is the id of the listener that has accepted the connection.
func (h *h1Conn) Listener() int { return int(h.listener) }

// Secure reports whether the client's connection is encrypted.
func (h *h1Conn) Secure() bool { return h.flags.has(h1Secure) }
