package health

import (
	"fmt"
	"time"
)

// Kind is what has changed.
type Kind uint8

// The changes.
const (
	Down            Kind = iota + 1 // active checks of the member fail
	Up                              // and pass again
	Ejected                         // the member is set aside because of its requests
	Readmitted                      // and used again
	BreakerOpened                   // the upstream is not asked any more
	BreakerHalfOpen                 // single requests may try
	BreakerClosed                   // and all again
)

var kinds = [...]string{
	Down: "member is down", Up: "member is up", Ejected: "member is ejected", Readmitted: "member is readmitted",
	BreakerOpened: "breaker is open", BreakerHalfOpen: "breaker is half open", BreakerClosed: "breaker is closed",
}

func (k Kind) String() string { return kinds[k] }

// Worse reports whether the change is for the worse, and deserves a warning.
func (k Kind) Worse() bool { return k == Down || k == Ejected || k == BreakerOpened }

// Event is a change that the log tells.
type Event struct {
	Kind     Kind
	Upstream string
	Member   string // none if it is the breaker's
	Reason   string
	// For is how long it will last, 0 if that depends.
	For time.Duration
}

// String is the change in one sentence: "member 10.0.0.1:8080 of api is down: 3 checks failed: connection refused".
func (e Event) String() string {
	what := e.Kind.String()
	var s string
	if e.Member != "" {
		s = fmt.Sprintf("member %s of %s%s", e.Member, e.Upstream, what[len("member"):])
	} else {
		s = fmt.Sprintf("the breaker of %s%s", e.Upstream, what[len("breaker"):])
	}
	if e.For > 0 {
		s += " for " + e.For.String()
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}
