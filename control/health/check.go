package health

import (
	"slices"
	"time"
)

// Check is an active check: a GET that is to be answered with one of some statuses. Zero fields take their defaults.
type Check struct {
	Path string // "/" if empty
	// Host is the Host field; the member's address if empty, and localhost for a unix socket.
	Host    string
	Every   time.Duration // from the beginning of one check to that of the next
	Timeout time.Duration // for the connection and the head of the answer together
	// Jitter is the share of Every, from 0 to 1, by which an interval is longer or shorter at random, so that checks of
	// many members and processes spread.
	Jitter float64
	// Rise checks in succession must pass for a member that is down to be up, and Fall fail for one that is up to be down.
	Rise, Fall int
	// Status are the statuses that pass, 200 to 399 if empty. Redirects are not followed.
	Status []StatusRange
	// GRPC makes the check one of gRPC's health protocol, about Service; an empty one is the server as a whole. Path and
	// Status are of no meaning then.
	GRPC    bool
	Service string
}

// StatusRange is the statuses from From to To, both included.
type StatusRange struct{ From, To int }

func (c *Check) withDefaults() *Check {
	d := *c
	if d.Path == "" {
		d.Path = "/"
	}
	if d.Every <= 0 {
		d.Every = defaultEvery
	}
	if d.Timeout <= 0 {
		d.Timeout = defaultTimeout
	}
	if d.Rise <= 0 {
		d.Rise = defaultRise
	}
	if d.Fall <= 0 {
		d.Fall = defaultFall
	}
	if len(d.Status) == 0 {
		d.Status = []StatusRange{{200, 399}}
	}
	return &d
}

// passes reports whether the status is one of those expected.
func (c *Check) passes(status int) bool {
	return slices.ContainsFunc(c.Status, func(r StatusRange) bool { return r.From <= status && status <= r.To })
}

// same reports whether two checks ask the same.
func (c *Check) same(d *Check) bool {
	if c == nil || d == nil {
		return c == d
	}
	return c.Path == d.Path && c.Host == d.Host && c.Every == d.Every && c.Timeout == d.Timeout && c.Jitter == d.Jitter &&
		c.Rise == d.Rise && c.Fall == d.Fall && c.GRPC == d.GRPC && c.Service == d.Service && slices.Equal(c.Status, d.Status)
}

// interval is the time to the next check; random is from 0 to 1.
func (c *Check) interval(random float64) int64 {
	return int64(float64(c.Every) * (1 + c.Jitter*(2*random-1)))
}
