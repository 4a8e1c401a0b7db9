package health

import (
	"time"

	"github.com/anygate/anygate/proxy"
)

// Status is what is known of an upstream.
type Status struct {
	Upstream string
	// Breaker is its state, and BreakerFor for how long it has had it; closed if there is none.
	Breaker    uint32
	BreakerFor time.Duration
	Members    []MemberStatus
}

// MemberStatus is what is known of a member.
type MemberStatus struct {
	Member string
	// State are the reasons why it is not available, 0 for none, and For how long it has been so.
	State uint32
	For   time.Duration
	// Passed and Failed are the active checks so far. LastCheck is how long ago the last one ended, and LastError why it
	// has failed, nil if it passed.
	Passed, Failed uint64
	LastCheck      time.Duration
	LastError      error
	// Ejections is how many are not forgotten, EjectedFor how much of the current one is left, and EjectedWhy its reason.
	Ejections  int
	EjectedFor time.Duration
	EjectedWhy string
}

// Status is what is known of all upstreams that are watched, in the order in which they were given.
func (m *Monitor) Status() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.opt.Now()
	all := make([]Status, 0, len(m.watched))
	for _, w := range m.watched {
		s := Status{Upstream: w.upstream.Name, Breaker: proxy.BreakerClosed, Members: make([]MemberStatus, 0, len(w.order))}
		if w.settings.Breaker != nil {
			s.Breaker, s.BreakerFor = w.circuit.state, time.Duration(now-w.changed)
		}
		for _, c := range w.order {
			s.Members = append(s.Members, c.status(now))
		}
		all = append(all, s)
	}
	return all
}

func (c *member) status(now int64) MemberStatus {
	s := MemberStatus{
		Member: c.Name, State: c.State(), For: time.Duration(now - c.since),
		Passed: c.passed, Failed: c.failed, LastError: c.last, Ejections: c.ejection.times,
	}
	if c.lastAt != 0 {
		s.LastCheck = time.Duration(now - c.lastAt)
	}
	if c.ejection.ejected {
		s.EjectedFor, s.EjectedWhy = time.Duration(c.ejection.until-now), c.why
	}
	return s
}
