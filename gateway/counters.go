package gateway

import (
	"crypto/tls"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// What a shard counts is plain memory that no other thread reads: an increment
// is one instruction. Whoever wants to know has the shard copy it, by Snapshot.

// MethodGroup sorts methods by what they do.
type MethodGroup uint8

// The groups.
const (
	MethodRead  MethodGroup = iota // GET, HEAD, OPTIONS
	MethodWrite                    // POST, PUT, PATCH, DELETE
	MethodOther                    // all others
	MethodGroups
)

var methodGroups = [MethodGroups]string{"read", "write", "other"}

func (m MethodGroup) String() string { return methodGroups[m] }

// groupOf is the group of each method.
var groupOf = [256]MethodGroup{
	http1.MethodOther: MethodOther, http1.CONNECT: MethodOther,
	http1.POST: MethodWrite, http1.PUT: MethodWrite, http1.PATCH: MethodWrite, http1.DELETE: MethodWrite,
}

// StatusClasses is how many classes of statuses there are, by their first
// digit. Class 0 is for exchanges that ended before a status was sent.
const StatusClasses = 6

// RouteCount is what a shard has counted of a route. It is a multiple of a cache
// line, and what a fast request without a failure touches lies in two of them.
type RouteCount struct {
	// Received and Sent are bytes of content.
	Received, Sent uint64
	// Durations are those of the exchanges that were no tunnels, from the head of
	// the request to the end of the response as it is handed to the kernel.
	Durations telemetry.Histogram
	Requests  [StatusClasses][MethodGroups]uint64
	_         [4]uint64
}

// The series that are always there; those of routes follow, see Route.Series.
const (
	SeriesNone  = iota // what no route took
	SeriesOther        // routes beyond the limit of series
	FirstSeries        // of a route
)

// Protocol is what a client speaks.
type Protocol uint8

// The protocols.
const (
	ProtocolH1 Protocol = iota
	ProtocolH2
	Protocols
)

var protocols = [Protocols]string{"http/1", "http/2"}

func (p Protocol) String() string { return protocols[p] }

// TLSCount is what a shard has counted of handshakes with clients.
type TLSCount struct {
	// Full and Resumed ended well, by version: 0 is TLS 1.2, 1 is TLS 1.3. Of
	// both, ECH had an encrypted ClientHello, and Certified a certificate of the
	// client's.
	Full, Resumed [2]uint64
	ECH           uint64
	Certified     uint64
}

// counters are what a shard counts itself. Those of the parts it is made of
// are theirs.
type counters struct {
	_         [64]byte // another shard's may lie beside it
	active    int64    // exchanges under way
	tunnels   int64    // of these
	protocols [Protocols]uint64
	tls       TLSCount
	routes    []RouteCount  // by series
	faults    *reasonCounts // of requests
	refusals  *reasonCounts // of connections
	failures  *reasonCounts // of handshakes
	_         [64]byte
}

// prepareCounters makes place for the routes of a generation.
func (g *Gateway) prepareCounters(gen *Generation) {
	n := FirstSeries
	for i := range gen.Routes {
		n = max(n, int(gen.Routes[i].Series)+1)
	}
	if have := len(g.count.routes); have < n {
		g.count.routes = append(g.count.routes, make([]RouteCount, n-have)...)
	}
}

// countBegin counts the beginning of an exchange.
func (g *Gateway) countBegin(x *Exchange, in *Incoming) {
	c := &g.count
	x.began = g.s.Now()
	c.active++
	p := ProtocolH1
	if in.Protocol == h2Protocol {
		p = ProtocolH2
	}
	c.protocols[p]++
}

// countEnd counts an exchange that is over. reason is why it ended otherwise
// than by its action's own answer, empty if it did not.
func (g *Gateway) countEnd(x *Exchange, reason string) {
	c := &g.count
	c.active--
	series := uint32(SeriesNone)
	if x.route != nil {
		series = x.route.Series
	}
	r := &c.routes[series]
	r.Received += uint64(x.content)
	r.Sent += uint64(x.log.sent)
	if x.state&tunnelled == 0 {
		r.Durations.Observe(g.s.Now() - x.began)
	} else {
		c.tunnels--
	}
	r.Requests[uint(x.log.status)/100%StatusClasses][groupOf[x.method]]++
	if reason != "" {
		c.faults.count(reason)
	}
}

// countTunnel counts that an exchange becomes a tunnel.
func (g *Gateway) countTunnel() { g.count.tunnels++ }

// countRefusal counts what was to be a request, but has no head that could be
// read, and was answered with a status.
func (g *Gateway) countRefusal(status int, reason string) {
	g.count.routes[SeriesNone].Requests[uint(status)/100%StatusClasses][MethodOther]++
	g.count.faults.count(reason)
}

// countRefused counts a connection that was ended for a reason.
func (g *Gateway) countRefused(reason string) { g.count.refusals.count(reason) }

// countSecured counts a handshake that has ended well.
func (g *Gateway) countSecured(t *tlsedge.Conn) {
	c, st := &g.count.tls, t.State()
	version := 0
	if st.Version >= tls.VersionTLS13 {
		version = 1
	}
	if st.Resumed {
		c.Resumed[version]++
	} else {
		c.Full[version]++
	}
	if st.ECH {
		c.ECH++
	}
	if t.Peer() != nil {
		c.Certified++
	}
}

// countUnsecured counts one that has not.
func (g *Gateway) countUnsecured(reason string) { g.count.failures.count(reason) }

// Add adds what another shard has counted of the route.
func (r *RouteCount) Add(o *RouteCount) {
	r.Received += o.Received
	r.Sent += o.Sent
	r.Durations.Add(&o.Durations)
	for i := range r.Requests {
		for k, n := range o.Requests[i] {
			r.Requests[i][k] += n
		}
	}
}
