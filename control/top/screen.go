package top

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/telemetry"
)

// Order is by what routes are ordered.
type Order int

// The orders.
const (
	ByRate Order = iota
	ByErrors
	ByLatency
	ByName
	orders
)

var orderNames = [orders]string{"requests", "errors", "latency", "name"}

func (o Order) String() string { return orderNames[o] }

// Screen is what is shown: the present answer, and the one before it, nil if there is none yet.
type Screen struct {
	Now, Before *admin.Status
	Order       Order
}

// never stands for what is not known.
const never = "-"

// seconds are between the two answers; NaN if they are not to be compared.
func (s *Screen) seconds() float64 {
	if s.Before == nil || !s.Before.Began.Equal(s.Now.Began) {
		return math.NaN()
	}
	return s.Now.Now.Sub(s.Before.Now).Seconds()
}

// Lines is the text, each line no longer than width.
func (s *Screen) Lines(width int) []string {
	n := s.Now
	up := n.Now.Sub(n.Began).Truncate(time.Second)
	state := "serving"
	if n.Draining {
		state = "draining"
	}
	lines := []string{
		fmt.Sprintf("anygate %s  %s  %s  up %s  %d connections  %d requests under way", n.Version, n.Engine, state, up, n.Connections, n.Active), "",
	}
	lines = append(lines, s.routes(width)...)
	lines = append(lines, s.upstreams(width)...)
	lines = append(lines, s.shards(width)...)
	lines = append(lines, s.faults(width)...)
	for i := range lines {
		lines[i] = cut(plain(lines[i]), width)
	}
	return lines
}

// routeRow is a route with what it is ordered by.
type routeRow struct {
	cells        []string
	name         string
	rate, errors float64
	p99          time.Duration
}

func (s *Screen) routes(width int) []string {
	before := make(map[string]*admin.Route)
	if s.Before != nil {
		for i := range s.Before.Routes {
			before[s.Before.Routes[i].Name] = &s.Before.Routes[i]
		}
	}
	seconds := s.seconds()
	var rows []routeRow
	for i := range s.Now.Routes {
		r, b := &s.Now.Routes[i], before[s.Now.Routes[i].Name]
		if b == nil || math.IsNaN(seconds) {
			b = &admin.Route{}
		}
		d := durations(r.Durations, b.Durations)
		all := total(r.Requests)
		row := routeRow{
			name: r.Name, rate: rate(all, total(b.Requests), seconds), errors: rate(r.Requests["5xx"], b.Requests["5xx"], seconds), p99: d.Quantile(0.99),
		}
		row.cells = []string{
			r.Name, number(row.rate), number(rate(r.Requests["4xx"], b.Requests["4xx"], seconds)), number(row.errors),
			duration(d.Quantile(0.5)), duration(row.p99), size(rate(r.Sent, b.Sent, seconds)), fmt.Sprint(all),
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b routeRow) int {
		order := 0
		switch s.Order {
		case ByRate:
			order = cmp.Compare(b.rate, a.rate)
		case ByErrors:
			order = cmp.Compare(b.errors, a.errors)
		case ByLatency:
			order = cmp.Compare(b.p99, a.p99)
		}
		return cmp.Or(order, cmp.Compare(a.name, b.name))
	})
	list := make([][]string, len(rows))
	for i := range rows {
		list[i] = rows[i].cells
	}
	return table(width, []string{"ROUTE", "REQ/S", "4XX/S", "5XX/S", "P50", "P99", "OUT/S", "REQUESTS"}, list)
}

func (s *Screen) upstreams(width int) []string {
	type name struct{ upstream, member string }
	before := make(map[name]*admin.Member)
	if s.Before != nil {
		for i := range s.Before.Upstreams {
			u := &s.Before.Upstreams[i]
			for k := range u.Members {
				before[name{u.Name, u.Members[k].Name}] = &u.Members[k]
			}
		}
	}
	seconds := s.seconds()
	var rows [][]string
	for i := range s.Now.Upstreams {
		u := &s.Now.Upstreams[i]
		for k := range u.Members {
			m := &u.Members[k]
			b := before[name{u.Name, m.Name}]
			if b == nil || math.IsNaN(seconds) {
				b = &admin.Member{}
			}
			condition := m.Condition
			if u.Breaker != "closed" {
				condition = "breaker " + u.Breaker
			}
			latency := never
			if answers := m.Answers - b.Answers; answers > 0 && m.Answers > b.Answers {
				latency = duration(time.Duration((m.Sum-b.Sum)/int64(answers)) * time.Microsecond)
			}
			rows = append(rows, []string{
				u.Name + " " + m.Name, condition, number(rate(m.Requests, b.Requests, seconds)), number(rate(m.Failures, b.Failures, seconds)),
				latency, fmt.Sprint(m.Active), fmt.Sprint(m.Open), fmt.Sprint(u.Waiting),
			})
		}
	}
	return table(width, []string{"UPSTREAM", "STATE", "REQ/S", "FAIL/S", "RESPONSE", "ACTIVE", "CONNS", "WAITING"}, rows)
}

func (s *Screen) shards(width int) []string {
	seconds := s.seconds()
	var rows [][]string
	for i := range s.Now.Shards {
		h := &s.Now.Shards[i]
		b := &admin.Shard{}
		if s.Before != nil && i < len(s.Before.Shards) && !math.IsNaN(seconds) {
			b = &s.Before.Shards[i]
		}
		each := never
		if n := h.Requests - b.Requests; n > 0 && !math.IsNaN(seconds) {
			each = number(float64(h.CPU-b.CPU)/float64(n)) + "µs"
		}
		cpu := never
		if !math.IsNaN(seconds) && seconds > 0 {
			cpu = fmt.Sprintf("%.0f%%", float64(h.CPU-b.CPU)/1e4/seconds)
		}
		state := "ok"
		if !h.Answers {
			state = "silent"
		}
		rows = append(rows, []string{
			fmt.Sprint(h.ID), state, number(rate(h.Requests, b.Requests, seconds)), cpu, each, fmt.Sprint(h.Connections), fmt.Sprint(h.Active),
			fmt.Sprint(h.Small + h.Large),
		})
	}
	return table(width, []string{"SHARD", "STATE", "REQ/S", "CPU", "CPU/REQ", "CONNS", "ACTIVE", "BUFFERS"}, rows)
}

func (s *Screen) faults(width int) []string {
	before := make(map[string]uint64)
	if s.Before != nil {
		for _, f := range s.Before.Faults {
			before[f.Reason] = f.Count
		}
	}
	var rows [][]string
	for _, f := range s.Now.Faults {
		rows = append(rows, []string{f.Reason, number(rate(f.Count, before[f.Reason], s.seconds())), fmt.Sprint(f.Count)})
	}
	return table(width, []string{"FAULT", "PER S", "COUNT"}, rows)
}

// total is the sum over all classes of statuses.
func total(requests map[string]uint64) (n uint64) {
	for _, k := range requests {
		n += k
	}
	return n
}

// durations are those counted between two answers.
func durations(now, before []uint64) (h telemetry.Histogram) {
	for i := range min(len(now), len(h.Counts)) {
		h.Counts[i] = now[i]
		if i < len(before) && before[i] <= now[i] {
			h.Counts[i] -= before[i]
		}
	}
	return h
}

func rate(now, before uint64, seconds float64) float64 {
	if now < before || !(seconds > 0) {
		return math.NaN()
	}
	return float64(now-before) / seconds
}

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return never
	case v == 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func size(v float64) string {
	if math.IsNaN(v) {
		return never
	}
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if v < 1000 {
			return number(v) + unit
		}
		v /= 1000
	}
	return number(v) + "TB"
}

func duration(d time.Duration) string {
	switch {
	case d == 0:
		return never
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1fms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}
