package metrics

import "github.com/anygate/anygate/proxy"

var upstreamFamilies = []family{
	{"anygate_upstream_response_seconds", "Time from the sending of a request to the head of its response, by upstream.", histogram, []string{"upstream"}, func(r *Readings, e *emitter) {
		for i := range r.Upstreams {
			e.histogram(&r.Upstreams[i].Counts.Answers, r.Upstreams[i].Name)
		}
	}},
	{"anygate_upstream_failures_total", "Requests that got no whole response from an upstream, by the reason in the log.", counter, []string{"upstream", "reason"}, func(r *Readings, e *emitter) {
		for i := range r.Upstreams {
			u := &r.Upstreams[i]
			for f := 1; f <= proxy.Failures; f++ {
				e.count(u.Counts.Failures[f], u.Name, proxy.Failure(f).String())
			}
		}
	}},
	{"anygate_upstream_retries_total", "Attempts that were made because one before had failed.", counter, []string{"upstream"}, func(r *Readings, e *emitter) {
		e.upstreams(r, func(u *Upstream) float64 { return float64(u.Counts.Retries) })
	}},
	{"anygate_upstream_connects_total", "Connections that were begun to members of an upstream.", counter, []string{"upstream"}, func(r *Readings, e *emitter) {
		e.upstreams(r, func(u *Upstream) float64 { return float64(u.Counts.Connects) })
	}},
	{"anygate_upstream_connections", "Connections to members of an upstream, by whether they serve a request (busy) or wait for one (idle).", gauge, []string{"upstream", "state"}, func(r *Readings, e *emitter) {
		for i := range r.Upstreams {
			u := &r.Upstreams[i]
			e.value(float64(u.Counts.Busy), u.Name, "busy")
			e.value(float64(max(0, u.Counts.Open-u.Counts.Busy)), u.Name, "idle")
		}
	}},
	{"anygate_upstream_requests_active", "Requests of an upstream that are under way, those that wait for its limits among them.", gauge, []string{"upstream"}, func(r *Readings, e *emitter) {
		e.upstreams(r, func(u *Upstream) float64 { return float64(u.Counts.Calls) })
	}},
	{"anygate_upstream_requests_waiting", "Requests that wait for the limits of an upstream.", gauge, []string{"upstream"}, func(r *Readings, e *emitter) {
		e.upstreams(r, func(u *Upstream) float64 { return float64(u.Counts.Waiting) })
	}},
	{"anygate_upstream_queued_total", "Requests that had to wait for the limits of an upstream.", counter, []string{"upstream"}, func(r *Readings, e *emitter) {
		e.upstreams(r, func(u *Upstream) float64 { return float64(u.Counts.Queued) })
	}},
	{"anygate_upstream_limit", "The limits of an upstream; absent where there is none.", gauge, []string{"upstream", "limit"}, func(r *Readings, e *emitter) {
		for i := range r.Upstreams {
			u := &r.Upstreams[i]
			e.limit(u.Name, u.Limits.Connections, u.Limits.Requests, u.Limits.Queue, func(limit, _ int64) int64 { return limit }, u.Used)
		}
	}},
	{"anygate_upstream_limit_used", "What is used of the limits of an upstream.", gauge, []string{"upstream", "limit"}, func(r *Readings, e *emitter) {
		for i := range r.Upstreams {
			u := &r.Upstreams[i]
			e.limit(u.Name, u.Limits.Connections, u.Limits.Requests, u.Limits.Queue, func(_, used int64) int64 { return used }, u.Used)
		}
	}},
	{"anygate_upstream_breaker_state", "The state of the breaker of an upstream: 0 closed, 1 half open, 2 open.", gauge, []string{"upstream"}, func(r *Readings, e *emitter) {
		e.upstreams(r, func(u *Upstream) float64 {
			switch u.Breaker {
			case proxy.BreakerOpen:
				return 2
			case proxy.BreakerHalfOpen:
				return 1
			}
			return 0
		})
	}},
	{"anygate_upstream_members", "Members of an upstream, by whether they get requests.", gauge, []string{"upstream", "state"}, func(r *Readings, e *emitter) {
		for i := range r.Upstreams {
			counts := make(map[string]int)
			for k := range r.Upstreams[i].Members {
				counts[r.Upstreams[i].Members[k].Condition()]++
			}
			for _, state := range Conditions {
				e.value(float64(counts[state]), r.Upstreams[i].Name, state)
			}
		}
	}},
	{"anygate_member_up", "Whether a member of an upstream gets requests.", gauge, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.flag(m.Condition() == Available, upstream, m.Name) })
	}},
	{"anygate_member_requests_total", "Attempts that were made with a member.", counter, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.value(float64(m.Requests), upstream, m.Name) })
	}},
	{"anygate_member_failures_total", "Attempts that a member has failed: it could not be connected to, broke off, was too slow, or answered 5xx.", counter, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.value(float64(m.Failures), upstream, m.Name) })
	}},
	{"anygate_member_requests_active", "Connections to a member that serve a request.", gauge, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.value(float64(m.Active), upstream, m.Name) })
	}},
	{"anygate_member_connections", "Connections to a member.", gauge, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.value(float64(m.Open), upstream, m.Name) })
	}},
	{"anygate_member_response_seconds_total", "Sum of the times to the heads of a member's responses.", counter, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.value(m.Latency.Seconds(), upstream, m.Name) })
	}},
	{"anygate_member_responses_total", "Heads of responses of a member.", counter, []string{"upstream", "member"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) { e.value(float64(m.Answers), upstream, m.Name) })
	}},
	{"anygate_member_checks_total", "Active health checks of a member, by result.", counter, []string{"upstream", "member", "result"}, func(r *Readings, e *emitter) {
		r.eachMember(func(upstream string, m *Member) {
			if m.Health != nil {
				e.count(m.Health.Passed, upstream, m.Name, "passed")
				e.count(m.Health.Failed, upstream, m.Name, "failed")
			}
		})
	}},
	{"anygate_upstream_tls_handshakes_total", "TLS handshakes with members that have ended well, by whether a session was resumed.", counter, []string{"resumed"}, func(r *Readings, e *emitter) {
		var full, resumed uint64
		for i := range r.Shards {
			// The edge counts both sides, the gateway those with clients.
			s := &r.Shards[i]
			own := s.Secured.Resumed[0] + s.Secured.Resumed[1]
			all := s.Secured.Full[0] + s.Secured.Full[1] + own
			resumed += s.TLS.Resumed - own
			full += s.TLS.Handshakes - all - (s.TLS.Resumed - own)
		}
		e.count(full, "no")
		e.count(resumed, "yes")
	}},
}

// The conditions of a member.
const (
	Available = "available"
	Disabled  = "disabled"  // taken out by command
	Unhealthy = "unhealthy" // its checks fail
	Ejected   = "ejected"   // it has failed requests
	Leaving   = "leaving"   // it is no longer a member
)

// Conditions are all of them.
var Conditions = []string{Available, Unhealthy, Ejected, Disabled, Leaving}

// Condition is the first of the reasons why a member gets no requests, or that it does.
func (m *Member) Condition() string {
	switch {
	case m.Disabled:
		return Disabled
	case m.State&proxy.Unhealthy != 0:
		return Unhealthy
	case m.State&proxy.Ejected != 0:
		return Ejected
	case m.State&proxy.Draining != 0:
		return Leaving
	}
	return Available
}

func (r *Readings) eachMember(f func(upstream string, m *Member)) {
	for i := range r.Upstreams {
		for k := range r.Upstreams[i].Members {
			f(r.Upstreams[i].Name, &r.Upstreams[i].Members[k])
		}
	}
}

func (e *emitter) upstreams(r *Readings, of func(*Upstream) float64) {
	for i := range r.Upstreams {
		e.value(of(&r.Upstreams[i]), r.Upstreams[i].Name)
	}
}

// limit emits something of each limit that there is.
func (e *emitter) limit(upstream string, connections, requests, queue int, what func(limit, used int64) int64, used Used) {
	for _, l := range []struct {
		name        string
		limit, used int64
	}{{"connections", int64(connections), used.Connections}, {"requests", int64(requests), used.Requests}, {"queue", int64(queue), used.Queue}} {
		if l.limit > 0 {
			e.value(float64(what(l.limit, l.used)), upstream, l.name)
		}
	}
}
