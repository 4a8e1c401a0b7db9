package proxy

import (
	"time"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// Plan is a compiled proxy action. It is immutable; which members there are,
// and what state they are in, is a matter of its Upstream.
type Plan struct {
	// ID is small and unique in the process; shards keep their balancing
	// state by it.
	ID       uint32
	Upstream *Upstream
	// Targets say how requests are written; an Endpoint names one of them.
	Targets  []Target
	Balance  Balance
	Retry    Retry
	Timeouts Timeouts
	Edits    *http1.Edits // of the fields of requests, nil for none
	Upgrade  bool         // requests may switch to another protocol
	Limits   http1.Limits // of response heads
}

// Target is what a URI of the route does to the path.
type Target struct {
	Rewrite route.Rewrite
	// Group tells rewrites apart: targets of one group write the same path.
	Group int
}

// Timeouts bound the waiting for an upstream; 0 is no bound.
type Timeouts struct {
	// Connect bounds the time until a connection stands.
	Connect time.Duration
	// FirstByte bounds the time from the end of the request to the head of
	// the response.
	FirstByte time.Duration
	// Idle bounds the time between two pieces of content, either way.
	Idle time.Duration
	// Tunnel bounds the time in which nothing moves in a tunnel, either way.
	Tunnel time.Duration
}
