package metrics

import (
	"maps"
	"slices"
	"strconv"

	"github.com/anygate/anygate/gateway"
)

var statusClasses = [gateway.StatusClasses]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

var requestFamilies = []family{
	{"anygate_requests_total", "Requests that are over, by route, method (read, write, other) and class of the status.", counter, []string{"route", "method", "status"}, func(r *Readings, e *emitter) {
		r.EachRoute(func(route string, c *gateway.RouteCount) {
			for class := range c.Requests {
				for m, n := range c.Requests[class] {
					e.count(n, route, gateway.MethodGroup(m).String(), statusClasses[class])
				}
			}
		})
	}},
	{"anygate_request_duration_seconds", "Time from the head of a request to the end of its response, by route; without tunnels.", histogram, []string{"route"}, func(r *Readings, e *emitter) {
		r.EachRoute(func(route string, c *gateway.RouteCount) {
			if c.Durations.Count() > 0 {
				e.histogram(&c.Durations, route)
			}
		})
	}},
	{"anygate_request_bytes_total", "Content of requests, by route.", counter, []string{"route"}, func(r *Readings, e *emitter) {
		r.EachRoute(func(route string, c *gateway.RouteCount) { e.count(c.Received, route) })
	}},
	{"anygate_response_bytes_total", "Content of responses, by route.", counter, []string{"route"}, func(r *Readings, e *emitter) {
		r.EachRoute(func(route string, c *gateway.RouteCount) { e.count(c.Sent, route) })
	}},
	{"anygate_requests_active", "Requests that are under way, tunnels among them.", gauge, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Active) })
	}},
	{"anygate_tunnels_active", "Requests that carry another protocol: WebSockets, CONNECT.", gauge, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Tunnels) })
	}},
	{"anygate_requests_protocol_total", "Requests that have begun, by protocol.", counter, []string{"protocol"}, func(r *Readings, e *emitter) {
		for p := range gateway.Protocols {
			n := uint64(0)
			for i := range r.Shards {
				n += r.Shards[i].Protocols[p]
			}
			e.value(float64(n), p.String())
		}
	}},
	{"anygate_request_faults_total", "Requests that ended otherwise than by the answer of their route's action, by the reason in the access log.", counter, []string{"reason"}, func(r *Readings, e *emitter) {
		e.reasons(r, func(s *Shard) []gateway.ReasonCount { return s.Faults })
	}},
	{"anygate_grpc_responses_total", "Responses of gRPC, by status.", counter, []string{"code"}, func(r *Readings, e *emitter) {
		if len(r.Shards) == 0 {
			return
		}
		for code := range r.Shards[0].GRPC {
			n := uint64(0)
			for i := range r.Shards {
				n += r.Shards[i].GRPC[code]
			}
			name := strconv.Itoa(code)
			if code == len(r.Shards[0].GRPC)-1 {
				name = "other"
			}
			e.count(n, name)
		}
	}},
	{"anygate_static_lookups_total", "Lookups of static files, by whether the cache had them (hit) or the file system was asked (miss).", counter, []string{"result"}, func(r *Readings, e *emitter) {
		var hits, misses uint64
		for i := range r.Shards {
			hits += r.Shards[i].Hits
			misses += r.Shards[i].Misses
		}
		e.value(float64(hits), "hit")
		e.value(float64(misses), "miss")
	}},
	{"anygate_static_files", "Files in the cache.", gauge, nil, func(r *Readings, e *emitter) { e.value(float64(r.Files.Files)) }},
	{"anygate_static_open_files", "Files that the cache keeps open.", gauge, nil, func(r *Readings, e *emitter) { e.value(float64(r.Files.Descriptors)) }},
	{"anygate_static_evictions_total", "Files that were dropped from the cache to make room.", counter, nil, func(r *Readings, e *emitter) { e.value(float64(r.Files.Evictions)) }},
}

// EachRoute calls f with what all shards have counted of each route that has been asked for.
func (r *Readings) EachRoute(f func(route string, c *gateway.RouteCount)) {
	for i, name := range r.Routes {
		var sum gateway.RouteCount
		for k := range r.Shards {
			if s := &r.Shards[k]; i < len(s.Routes) {
				sum.Add(&s.Routes[i])
			}
		}
		if sum != (gateway.RouteCount{}) {
			f(name, &sum)
		}
	}
}

// Reasons are what all shards have counted by reason, in the order of the alphabet.
func (r *Readings) Reasons(of func(*Shard) []gateway.ReasonCount) []gateway.ReasonCount {
	sums := make(map[string]uint64)
	for i := range r.Shards {
		for _, c := range of(&r.Shards[i]) {
			sums[c.Reason] += c.Count
		}
	}
	list := make([]gateway.ReasonCount, 0, len(sums))
	for _, reason := range slices.Sorted(maps.Keys(sums)) {
		list = append(list, gateway.ReasonCount{Reason: reason, Count: sums[reason]})
	}
	return list
}

func (e *emitter) reasons(r *Readings, of func(*Shard) []gateway.ReasonCount) {
	for _, c := range r.Reasons(of) {
		e.count(c.Count, c.Reason)
	}
}

// StatusClass is the name of a class of statuses.
func StatusClass(class int) string { return statusClasses[class] }
