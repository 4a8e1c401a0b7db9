package gateway

import (
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// Snapshot is what a shard has counted up to one moment. Numbers that only grow
// have begun with the shard.
type Snapshot struct {
	// Active is how many exchanges are under way, Tunnels how many of them carry
	// another protocol.
	Active, Tunnels int64
	Protocols       [Protocols]uint64
	// Routes are by the series of the routes.
	Routes []RouteCount
	// Faults are why exchanges ended otherwise than by their action's own
	// answer, Refusals why connections were ended, Unsecured why handshakes
	// failed.
	Faults, Refusals, Unsecured []ReasonCount
	// GRPC are exchanges by their status of gRPC; the last is for statuses that
	// there are not.
	GRPC [grpcCodes + 1]uint64

	Secured   TLSCount
	TLS       tlsedge.Stats
	H2        h2.Stats
	H2Streams int
	Upstreams []proxy.UpstreamCount
	// Hits and Misses are lookups of files.
	Hits, Misses uint64

	Engine engine.Stats
	// Turns are how long the turns of the loop have taken, without waiting.
	Turns telemetry.Histogram
	// Pressure is how scarce buffers are; see engine.Shard.Pressure.
	Pressure int
	// CPU is the processor time of the shard's thread.
	CPU time.Duration
}

// Snapshot copies what the shard has counted. It keeps the memory that into has
// already. On the shard's thread.
func (g *Gateway) Snapshot(into *Snapshot) {
	c := &g.count
	*into = Snapshot{
		Active: c.active, Tunnels: c.tunnels, Protocols: c.protocols,
		Routes:    append(into.Routes[:0], c.routes...),
		Faults:    c.faults.append(into.Faults[:0]),
		Refusals:  c.refusals.append(into.Refusals[:0]),
		Unsecured: c.failures.append(into.Unsecured[:0]),
		Secured:   c.tls,
		TLS:       g.edge.Stats(),
		H2:        g.H2Stats(),
		Upstreams: g.proxy.Counts(into.Upstreams[:0]),
		Engine:    g.s.Stats(),
		Turns:     g.s.TurnTimes(),
		Pressure:  g.s.Pressure(),
		CPU:       engine.CPUTime(),
	}
	if g.mux.scratch != nil {
		into.H2Streams = g.mux.scratch.Streams()
	}
	into.Hits, into.Misses = g.files.Counts()
	for i := range into.GRPC {
		into.GRPC[i] = g.grpc[i].Load()
	}
}
