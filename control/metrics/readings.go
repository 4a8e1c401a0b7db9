package metrics

import (
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/control/certificates"
	"github.com/anygate/anygate/control/health"
	"github.com/anygate/anygate/control/traces"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/static"
)

// Readings are what is known of a process at one moment.
type Readings struct {
	// Version and Engine are what it is.
	Version, Engine string
	// Began is when the process began, Taken when the readings were taken.
	Began, Taken time.Time
	// Draining says that it takes nothing new.
	Draining bool

	Shards []Shard
	// Routes are the names of the series that shards count by.
	Routes    []string
	Upstreams []Upstream
	// Certificates are those that are served.
	Certificates []certificates.Status
	// Keys are those of session tickets and Encrypted Client Hello.
	Keys certificates.Keys
	// Files is what the cache of files has counted, and what it holds.
	Files static.Counts
	// Logs are the destinations of log lines, and Spans what has become of those of traces.
	Logs    []Log
	Spans   traces.Counts
	Changes Changes
}

// Silent are the indices of the shards that did not answer, or empty.
func (r *Readings) Silent() string {
	var list []string
	for i := range r.Shards {
		if !r.Shards[i].Answers {
			list = append(list, strconv.Itoa(i))
		}
	}
	return strings.Join(list, " ")
}

// Shard is what a shard has counted.
type Shard struct {
	gateway.Snapshot
	// Answers is false if the shard did not answer in time: the numbers are those from before.
	Answers bool
}

// Upstream is one of the present configuration. Several of the same name are added up.
type Upstream struct {
	Name string
	// Breaker is the state of its breaker.
	Breaker uint32
	// Limits are its limits, 0 where there is none, and Used what all shards use of them.
	Limits  proxy.Limits
	Used    Used
	Members []Member
	// Counts are what all shards have counted together.
	Counts proxy.UpstreamCount
}

// Used is what is used of limits.
type Used struct{ Connections, Requests, Queue int64 }

// Member is a member of an upstream.
type Member struct {
	Name string
	// State are the reasons why it gets no requests, as bits; 0 is none.
	State uint32
	// Disabled says that it was taken out by command.
	Disabled                      bool
	Requests, Failures, Successes uint64
	Active, Open                  int64
	// Latency is the sum of the times to heads of responses, Answers how many there were.
	Latency time.Duration
	Answers uint64
	// Health is nil for one that is not watched.
	Health *health.MemberStatus
}

// Add adds another member that has the same name.
func (m *Member) Add(o *Member) {
	m.State |= o.State
	m.Disabled = m.Disabled || o.Disabled
	m.Requests += o.Requests
	m.Failures += o.Failures
	m.Successes += o.Successes
	m.Active += o.Active
	m.Open += o.Open
	m.Latency += o.Latency
	m.Answers += o.Answers
}

// Log is a destination.
type Log struct {
	Name string
	// Dropped are lines for which it was too slow, Lost those that were given up at the end of the process. Refused is how
	// often it has refused lines, which is tried again.
	Dropped, Lost, Refused uint64
}

// Changes are what was done to the process.
type Changes struct {
	// Loaded is when the present configuration was loaded; Reloads and Refused are how often another one was, and how
	// often it could not be. Failed says that the last attempt has failed.
	Loaded           time.Time
	Reloads, Refused uint64
	Failed           bool
	// UpgradesFailed is how often another process did not come to serve.
	UpgradesFailed uint64
}
