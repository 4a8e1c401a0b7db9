package admin

import (
	"time"

	"github.com/anygate/anygate/control/metrics"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// The types below are the JSON forms of answers. They are stable: members may be added, but none is renamed, removed or
// given another meaning. Numbers that only grow have begun with the process.

// Status is the process as a whole.
type Status struct {
	Version  string    `json:"version"`
	Engine   string    `json:"engine"`
	Began    time.Time `json:"began"`
	Now      time.Time `json:"now"`
	Loaded   time.Time `json:"loaded"`
	Draining bool      `json:"draining"`
	// Active are requests under way, Tunnels those of them that carry another protocol.
	Active      int64  `json:"requests_active"`
	Tunnels     int64  `json:"tunnels_active"`
	Connections int    `json:"connections"`
	Accepted    uint64 `json:"connections_accepted"`
	// Bounds are the upper bounds of the buckets of durations, in microseconds; the last bucket has none.
	Bounds       []int64       `json:"bounds_us"`
	Routes       []Route       `json:"routes"`
	Upstreams    []Upstream    `json:"upstreams"`
	Shards       []Shard       `json:"shards"`
	Faults       []Reason      `json:"faults"`
	Certificates []Certificate `json:"certificates"`
}

// Route is what was counted of a route.
type Route struct {
	Name string `json:"route"`
	// Requests are by class of the status: "none", "1xx" to "5xx".
	Requests map[string]uint64 `json:"requests"`
	Received uint64            `json:"bytes_received"`
	Sent     uint64            `json:"bytes_sent"`
	// Durations are by bucket, and Sum is that of all, in microseconds.
	Durations []uint64 `json:"durations"`
	Sum       uint64   `json:"duration_sum_us"`
}

// Upstream is one of the configuration.
type Upstream struct {
	Name    string `json:"upstream"`
	Breaker string `json:"breaker"`
	// Active are requests under way, Waiting those of them that wait for a limit.
	Active   int      `json:"requests_active"`
	Waiting  int      `json:"requests_waiting"`
	Open     int      `json:"connections"`
	Busy     int      `json:"connections_busy"`
	Retries  uint64   `json:"retries"`
	Failures []Reason `json:"failures"`
	Members  []Member `json:"members"`
}

// Member is a member of an upstream.
type Member struct {
	Name string `json:"member"`
	// Condition is available, unhealthy, ejected, disabled or leaving.
	Condition string `json:"condition"`
	Requests  uint64 `json:"requests"`
	Failures  uint64 `json:"failures"`
	Active    int64  `json:"requests_active"`
	Open      int64  `json:"connections"`
	// Answers are heads of responses, and Sum the time to them, in microseconds.
	Answers uint64 `json:"responses"`
	Sum     int64  `json:"response_sum_us"`
	// Check is why the last check has failed, Ejected why it is ejected; empty if they say nothing.
	Check   string `json:"check_error,omitempty"`
	Ejected string `json:"ejected_for,omitempty"`
}

// Shard is what a shard has counted.
type Shard struct {
	ID          int    `json:"shard"`
	Answers     bool   `json:"answers"`
	Connections int    `json:"connections"`
	Active      int64  `json:"requests_active"`
	Requests    uint64 `json:"requests"`
	// CPU is processor time, in microseconds.
	CPU      int64  `json:"cpu_us"`
	Turns    uint64 `json:"turns"`
	Events   uint64 `json:"events"`
	Small    int    `json:"buffers_small"`
	Large    int    `json:"buffers_large"`
	Pressure int    `json:"buffer_pressure"`
}

// Reason is how often something has happened for a reason.
type Reason struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// Certificate is one that is served.
type Certificate struct {
	File    string    `json:"file"`
	Names   []string  `json:"names"`
	Until   time.Time `json:"until"`
	Refused bool      `json:"refused"`
}

// MemberCommand says which member is meant.
type MemberCommand struct {
	Upstream string `json:"upstream"`
	Member   string `json:"member"`
}

// Connections are those of clients.
type Connections struct {
	Shards []ShardConnections `json:"shards"`
	// Clients are those that have moved the most bytes, and those that are there for longest.
	Clients []Client `json:"clients"`
}

// ShardConnections are the numbers of a shard.
type ShardConnections struct {
	ID       int    `json:"shard"`
	Clients  int    `json:"clients"`
	Open     int    `json:"open"`
	Accepted uint64 `json:"accepted"`
	Streams  int    `json:"h2_streams"`
	Tunnels  int64  `json:"tunnels"`
}

// Client is a connection of a client.
type Client struct {
	Shard    int    `json:"shard"`
	Peer     string `json:"peer"`
	Protocol string `json:"protocol"`
	TLS      bool   `json:"tls"`
	Tunnel   bool   `json:"tunnel"`
	Seconds  int64  `json:"age_s"`
	Sent     uint64 `json:"bytes_sent"`
	Received uint64 `json:"bytes_received"`
	Active   int    `json:"requests_active"`
	Route    string `json:"route,omitempty"`
}

func statusOf(r *metrics.Readings) Status {
	st := Status{
		Version: r.Version, Engine: r.Engine, Began: r.Began, Now: r.Taken, Loaded: r.Changes.Loaded, Draining: r.Draining,
		Routes: []Route{}, Upstreams: upstreamsOf(r), Faults: []Reason{}, Certificates: []Certificate{},
	}
	for i := range telemetry.Buckets - 1 {
		st.Bounds = append(st.Bounds, telemetry.Bound(i).Microseconds())
	}
	r.EachRoute(func(name string, c *gateway.RouteCount) {
		out := Route{Name: name, Requests: make(map[string]uint64), Received: c.Received, Sent: c.Sent, Durations: c.Durations.Counts[:], Sum: c.Durations.Sum / 1000}
		for class, groups := range c.Requests {
			n := uint64(0)
			for _, k := range groups {
				n += k
			}
			if n > 0 {
				out.Requests[metrics.StatusClass(class)] = n
			}
		}
		st.Routes = append(st.Routes, out)
	})
	for i := range r.Shards {
		s := &r.Shards[i]
		out := Shard{
			ID: i, Answers: s.Answers, Connections: s.Engine.Clients, Active: s.Active, CPU: s.CPU.Microseconds(), Turns: s.Engine.Turns, Events: s.Engine.Events,
			Small: s.Engine.SmallInUse, Large: s.Engine.LargeInUse, Pressure: s.Pressure,
		}
		for _, n := range s.Protocols {
			out.Requests += n
		}
		st.Shards = append(st.Shards, out)
		st.Active += s.Active
		st.Tunnels += s.Tunnels
		st.Connections += s.Engine.Clients
		st.Accepted += s.Engine.Accepted
	}
	for _, f := range r.Reasons(func(s *metrics.Shard) []gateway.ReasonCount { return s.Faults }) {
		st.Faults = append(st.Faults, Reason(f))
	}
	for _, c := range r.Certificates {
		st.Certificates = append(st.Certificates, Certificate{c.File, c.Names, c.Until, c.Refused})
	}
	return st
}

var breakers = map[uint32]string{proxy.BreakerClosed: "closed", proxy.BreakerOpen: "open", proxy.BreakerHalfOpen: "half-open"}

func upstreamsOf(r *metrics.Readings) []Upstream {
	list := make([]Upstream, 0, len(r.Upstreams))
	for i := range r.Upstreams {
		u := &r.Upstreams[i]
		out := Upstream{
			Name: u.Name, Breaker: breakers[u.Breaker], Active: u.Counts.Calls, Waiting: u.Counts.Waiting, Open: u.Counts.Open, Busy: u.Counts.Busy,
			Retries: u.Counts.Retries, Failures: []Reason{}, Members: []Member{},
		}
		for f := 1; f <= proxy.Failures; f++ {
			if n := u.Counts.Failures[f]; n > 0 {
				out.Failures = append(out.Failures, Reason{proxy.Failure(f).String(), n})
			}
		}
		for k := range u.Members {
			out.Members = append(out.Members, memberOf(&u.Members[k]))
		}
		list = append(list, out)
	}
	return list
}

func memberOf(m *metrics.Member) Member {
	out := Member{
		Name: m.Name, Condition: m.Condition(), Requests: m.Requests, Failures: m.Failures, Active: m.Active, Open: m.Open,
		Answers: m.Answers, Sum: m.Latency.Microseconds(),
	}
	if h := m.Health; h != nil {
		if h.LastError != nil {
			out.Check = h.LastError.Error()
		}
		out.Ejected = h.EjectedWhy
	}
	return out
}

func connectionsOf(r *metrics.Readings) Connections {
	var out Connections
	for i := range r.Shards {
		s := &r.Shards[i]
		out.Shards = append(out.Shards, ShardConnections{i, s.Engine.Clients, s.Engine.Open, s.Engine.Accepted, s.H2Streams, s.Tunnels})
	}
	return out
}
