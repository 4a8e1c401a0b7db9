package proxy

import (
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy/balance"
	"github.com/anygate/anygate/tlsedge"
)

// Upstream is a pool of members as the whole process sees it: what a [Plan]
// balances over. It lives in the process's registry under its name, so that
// connections, counts and health outlive a reload.
//
// Shards read it and own nothing of it; what they count they count in cells
// of their own. The control plane changes it by publishing: a new Set when
// members come or go, states of members, the state of the breaker.
type Upstream struct {
	// ID is small and unique in the process.
	ID   uint32
	Name string

	// Settings are replaced as a whole by a reload.
	Settings atomic.Pointer[Settings]

	set     atomic.Pointer[Set]
	breaker atomic.Uint32

	// Conns, Requests and Waiting are the process-wide limits.
	Conns, Requests, Waiting Quota

	// cells hold what each shard has counted for the breaker.
	cells []Cell
	// shards are those that use it, by their numbers, so that one can hand
	// another what it does not need of a limit.
	shards []atomic.Pointer[engine.Shard]
}

// Settings are how an upstream is to be used. They are immutable.
type Settings struct {
	Limits    Limits
	KeepAlive KeepAlive
	SlowStart time.Duration
	// Panic is the share of members, from 0 to 1, below which being
	// available does not count any more and all are used.
	Panic float64
	// ProxyProtocol is the version of the PROXY protocol that connections
	// begin with; 0 is none.
	ProxyProtocol uint8
	// Protocol is what connections speak. It is the same in all settings that
	// an upstream ever has.
	Protocol Protocol
	// GRPCFailures are the statuses of gRPC, as bits, that count as failures
	// of a member.
	GRPCFailures uint32
}

// Protocol is what is spoken with the members of an upstream.
type Protocol uint8

// The protocols.
const (
	HTTP1 Protocol = iota // HTTP/1.1
	H2C                   // HTTP/2 in cleartext, without asking (RFC 9113, section 3.3)
	H2                    // HTTP/2 over TLS, agreed on by ALPN (RFC 9113, section 3.2)
)

// DefaultSettings are those of an upstream of which nothing is said.
var DefaultSettings = Settings{
	KeepAlive:    KeepAlive{Idle: idleTime, Connections: maxIdle, Streams: maxStreams},
	GRPCFailures: 1 << grpcUnavailable,
}

// Limits bound what an upstream is given, in the process as a whole.
type Limits struct {
	Connections int // open connections; 0 is no bound
	Requests    int // requests under way; 0 is no bound
	Queue       int // requests that wait for one of the above; 0 is none
	// Wait is how long a request waits at the most; 0 is no bound.
	Wait time.Duration
}

// KeepAlive says how long connections are kept.
type KeepAlive struct {
	Idle        time.Duration // without a request
	Age         time.Duration // since it was established; 0 is no bound
	Requests    int           // carried by one connection; 0 is no bound
	Connections int           // idle ones of a member and shard
	Warm        int           // idle ones of a member and shard that are opened beforehand
	Streams     int           // requests that a connection of HTTP/2 carries at a time
	Ping        time.Duration // silence after which such a connection is asked for a sign of life; 0 is never
}

// Set is the members of an upstream at one time. It is immutable.
type Set struct {
	Version   uint64
	Endpoints []Endpoint
	// Weights is what balancing needs to know of the endpoints, in their
	// order.
	Weights *balance.Set
}

// Endpoint is a member in a Set.
type Endpoint struct {
	Member *Member
	// Target is the index in Plan.Targets of how requests to it are written.
	// It is 0 for the members of a named pool.
	Target int
}

// Publish replaces the members. From the control plane, one goroutine at a
// time.
func (u *Upstream) Publish(s *Set) { u.set.Store(s) }

// Set is the members as of now; never nil once published.
func (u *Upstream) Set() *Set { return u.set.Load() }

// Member is one address of an upstream. It lives in the process's registry:
// the same address of the same upstream is the same Member in every
// generation and Set.
type Member struct {
	// ID is small and unique in the process; shards keep their pools by it.
	ID uint32
	// Name is the address for logs, "10.0.0.1:8080" or "unix:/run/app.sock".
	Name     string
	Addr     *engine.Addr
	Upstream *Upstream

	state atomic.Uint32
	since atomic.Int64
	// tls is how TLS is spoken to it, and trouble why that does not work; see
	// tls.go.
	tls     atomic.Pointer[tlsedge.Client]
	trouble atomic.Pointer[string]
	cells   []Cell
}

// NewUpstream and NewMember make what the registry holds, for so many shards.
func NewUpstream(id uint32, name string, shards int) *Upstream {
	u := &Upstream{ID: id, Name: name, cells: make([]Cell, shards), shards: make([]atomic.Pointer[engine.Shard], shards)}
	for _, q := range []*Quota{&u.Conns, &u.Requests, &u.Waiting} {
		q.starving = make([]atomic.Uint64, (shards+63)/64)
	}
	u.Settings.Store(&DefaultSettings)
	u.set.Store(&Set{Weights: balance.NewSet(nil)})
	return u
}

func NewMember(id uint32, name string, addr *engine.Addr, u *Upstream, shards int) *Member {
	return &Member{ID: id, Name: name, Addr: addr, Upstream: u, cells: make([]Cell, shards)}
}

// The reasons for which a member is not available, as bits of its state.
const (
	Unhealthy uint32 = 1 << iota // active checks fail
	Ejected                      // it has failed requests, or was too slow
	Draining                     // it is no longer in the upstream's set
)

// SetState publishes whether a member is available; now is engine.Now. A
// member that becomes available again starts slowly.
func (m *Member) SetState(s uint32, now int64) {
	if s == 0 && m.state.Load() != 0 {
		m.since.Store(now)
	}
	m.state.Store(s)
}

// Mark sets or clears some of the reasons and leaves the others to those who
// know of them, so that health and discovery need not know of each other.
func (m *Member) Mark(reasons uint32, set bool, now int64) {
	for {
		before := m.state.Load()
		after := before &^ reasons
		if set {
			after = before | reasons
		}
		if after == 0 && before != 0 {
			m.since.Store(now)
		}
		if m.state.CompareAndSwap(before, after) {
			return
		}
	}
}

// State is the reasons for which the member is not available, 0 for none.
func (m *Member) State() uint32 { return m.state.Load() }

// Since is when the member became available, by engine.Now; 0 if it always
// was.
func (m *Member) Since() int64 { return m.since.Load() }

// Cell is what one shard has counted of a member or an upstream. Only that
// shard writes it; the control plane reads it at its leisure. It fills a
// cache line of its own, and then one, because processors fetch them in
// pairs.
type Cell struct {
	Requests    atomic.Uint64 // sent
	Failures    atomic.Uint64 // connect errors, timeouts, broken responses, and 5xx
	Successes   atomic.Uint64
	Consecutive atomic.Uint64 // failures since the last success
	LatencySum  atomic.Uint64 // microseconds to the response's head
	LatencyN    atomic.Uint64
	Active      atomic.Int64 // requests under way
	Open        atomic.Int64 // connections
	_           [64]byte
}

// Cells are the counts of all shards.
func (m *Member) Cells() []Cell   { return m.cells }
func (u *Upstream) Cells() []Cell { return u.cells }

// The states of a breaker.
const (
	BreakerClosed   uint32 = iota // requests pass
	BreakerOpen                   // none do
	BreakerHalfOpen               // each shard lets one at a time try
)

// SetBreaker publishes the state of the breaker. Shards count requests let
// through while it is half open in their cells as any others.
func (u *Upstream) SetBreaker(state uint32) { u.breaker.Store(state) }

// Breaker is its state.
func (u *Upstream) Breaker() uint32 { return u.breaker.Load() }
