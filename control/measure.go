package control

import (
	"sync"
	"time"

	"github.com/anygate/anygate/control/health"
	"github.com/anygate/anygate/control/metrics"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// measures are the last readings, and the memory that they are taken into.
type measures struct {
	mu       sync.Mutex
	spare    []*gateway.Snapshot // by shard: what is written to next
	readings metrics.Readings
}

// Measure calls f with what is known of the process, which f must not keep: of further calls, one at a time, later ones
// write into the same memory. Who asks again within measureAge is told the same.
func (s *Server) Measure(f func(*metrics.Readings)) {
	m := &s.measures
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.readings.Taken) >= measureAge {
		s.takeReadings(m)
	}
	f(&m.readings)
}

// takeReadings asks the shards first, all of them at once, so that what they say is of about the same time.
func (s *Server) takeReadings(m *measures) {
	r := &m.readings
	s.askShards(m)
	*r = metrics.Readings{
		Version: s.opt.Version, Engine: s.backend.Kind.String(), Began: s.began, Taken: time.Now(), Draining: s.isEnding(),
		Shards: r.Shards, Files: s.files.service.Store().Counts(), Logs: s.logs.losses(), Changes: s.told.read(),
	}
	if x := s.tracing.exporter.Load(); x != nil {
		r.Spans = x.Counts()
	}
	if set := s.registry.set(); set != nil {
		r.Certificates, r.Keys = set.Status(), set.Keys()
	}
	var watched []health.Status
	if monitor := s.monitor(); monitor != nil {
		watched = monitor.Status()
	}
	r.Routes, r.Upstreams = s.registry.measure(watched)
	index := make(map[string]*metrics.Upstream, len(r.Upstreams))
	for i := range r.Upstreams {
		index[r.Upstreams[i].Name] = &r.Upstreams[i]
	}
	for i := range r.Shards {
		for _, c := range r.Shards[i].Upstreams {
			if u := index[c.Upstream.Name]; u != nil {
				u.Counts.Add(&c)
			}
		}
	}
}

// askShards has every shard copy what it has counted. One that does not answer in time keeps its numbers.
func (s *Server) askShards(m *measures) {
	r := &m.readings
	if m.spare == nil {
		m.spare, r.Shards = make([]*gateway.Snapshot, len(s.shards)), make([]metrics.Shard, len(s.shards))
	}
	answered := s.ask(askTime, func(i int, sh *shard) func() {
		if m.spare[i] == nil {
			m.spare[i] = new(gateway.Snapshot)
		}
		into := m.spare[i]
		return func() { sh.Snapshot(into) }
	})
	for i, ok := range answered {
		if r.Shards[i].Answers = ok; ok {
			// The memory changes hands: what was shown before is written to next.
			r.Shards[i].Snapshot, *m.spare[i] = *m.spare[i], r.Shards[i].Snapshot
		} else {
			m.spare[i] = nil
		}
	}
}

// measure is what there is to know of routes and upstreams. Those of one name, of which one is being replaced by another
// say, are one.
func (r *Registry) measure(watched []health.Status) (routes []string, upstreams []metrics.Upstream) {
	type name struct{ upstream, member string }
	conditions := make(map[name]*health.MemberStatus)
	for i := range watched {
		for k := range watched[i].Members {
			m := &watched[i].Members[k]
			conditions[name{watched[i].Upstream, m.Member}] = m
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make(map[string]int)
	for _, p := range r.pools {
		u := p.upstream
		i, ok := known[u.Name]
		if !ok {
			i = len(upstreams)
			known[u.Name] = i
			upstreams = append(upstreams, metrics.Upstream{Name: u.Name, Breaker: u.Breaker(), Limits: u.Settings.Load().Limits})
		}
		out := &upstreams[i]
		out.Used.Connections += u.Conns.Used()
		out.Used.Requests += u.Requests.Used()
		out.Used.Queue += u.Waiting.Used()
		seen := make(map[*proxy.Member]bool)
		add := func(m *proxy.Member, disabled bool) {
			if seen[m] {
				return
			}
			seen[m] = true
			one := measureMember(m, disabled, conditions[name{u.Name, m.Name}])
			// One address may be several members: with and without TLS, say.
			for i := range out.Members {
				if out.Members[i].Name == m.Name {
					out.Members[i].Add(&one)
					return
				}
			}
			out.Members = append(out.Members, one)
		}
		for _, e := range u.Set().Endpoints {
			add(e.Member, false)
		}
		for _, m := range p.disabled {
			add(m, true)
		}
	}
	return append([]string(nil), r.series.names...), upstreams
}

func measureMember(m *proxy.Member, disabled bool, h *health.MemberStatus) metrics.Member {
	out := metrics.Member{Name: m.Name, State: m.State(), Disabled: disabled, Health: h}
	for i := range m.Cells() {
		c := &m.Cells()[i]
		out.Requests += c.Requests.Load()
		out.Failures += c.Failures.Load()
		out.Successes += c.Successes.Load()
		out.Active += c.Active.Load()
		out.Open += c.Open.Load()
		out.Latency += time.Duration(c.LatencySum.Load()) * time.Microsecond
		out.Answers += c.LatencyN.Load()
	}
	return out
}

// losses are the lines that were lost on their way to each log.
func (l *logs) losses() []metrics.Log {
	l.where.Lock()
	defer l.where.Unlock()
	of := func(name string, w *telemetry.Writer) metrics.Log {
		if w == nil {
			return metrics.Log{Name: name}
		}
		c := w.Counts()
		return metrics.Log{Name: name, Dropped: c.Dropped, Lost: c.Lost, Refused: c.Refused}
	}
	return []metrics.Log{of("error", l.errors), of("access", l.access)}
}

// told is what was done to the process, for metrics.
type told struct {
	mu      sync.Mutex
	changes metrics.Changes
}

func (t *told) read() metrics.Changes {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changes
}

// loaded notes that a configuration was loaded, or could not be.
func (t *told) loaded(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.changes
	if c.Failed = err != nil; c.Failed {
		c.Refused++
		return
	}
	c.Reloads++
	c.Loaded = time.Now()
}

func (t *told) upgradeFailed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes.UpgradesFailed++
}
