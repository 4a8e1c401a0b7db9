package proxy

import (
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// Member is one upstream address. It is immutable and lives in the process's
// registry: the same address has the same Member in every generation, so that
// pools outlive a reload.
type Member struct {
	// ID is small and unique in the process; shards keep their pools by it.
	ID uint32
	// Name is the address for logs, "10.0.0.1:8080" or "unix:/run/app.sock".
	Name string
	Addr *engine.Addr
}

// Choice is a member together with what its URI does to the path.
type Choice struct {
	Member  *Member
	Rewrite route.Rewrite
	// Group tells rewrites apart: choices of one group write the same path.
	Group int
}

// Plan is a compiled proxy action. It is immutable.
type Plan struct {
	// ID is small and unique in the process; shards keep their balancing
	// state by it.
	ID uint32
	// Choices are taken in turn.
	Choices  []Choice
	Timeouts Timeouts
	Limits   http1.Limits // of response heads
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
}
