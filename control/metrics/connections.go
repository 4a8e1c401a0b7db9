package metrics

import "github.com/anygate/anygate/gateway"

var tlsVersions = [2]string{"1.2", "1.3"}

var connectionFamilies = []family{
	{"anygate_connections", "Connections of clients.", gauge, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Engine.Clients) })
	}},
	{"anygate_connections_accepted_total", "Connections of clients that were accepted.", counter, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Engine.Accepted) })
	}},
	{"anygate_connections_refused_total", "Connections of clients that were refused: too many of one address, or against the rules of HTTP/2 or the PROXY protocol; by reason.", counter, []string{"reason"}, func(r *Readings, e *emitter) {
		e.reasons(r, func(s *Shard) []gateway.ReasonCount { return s.Refusals })
	}},
	{"anygate_accept_errors_total", "Failures to accept a connection, for want of descriptors or memory.", counter, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Engine.AcceptErrors) })
	}},
	{"anygate_tls_handshakes_total", "Handshakes with clients that have ended well, by version and whether a session was resumed.", counter, []string{"version", "resumed"}, func(r *Readings, e *emitter) {
		for v, version := range tlsVersions {
			var full, resumed uint64
			for i := range r.Shards {
				full += r.Shards[i].Secured.Full[v]
				resumed += r.Shards[i].Secured.Resumed[v]
			}
			e.count(full, version, "no")
			e.count(resumed, version, "yes")
		}
	}},
	{"anygate_tls_handshake_failures_total", "Handshakes with clients that have failed, by reason.", counter, []string{"reason"}, func(r *Readings, e *emitter) {
		e.reasons(r, func(s *Shard) []gateway.ReasonCount { return s.Unsecured })
	}},
	{"anygate_tls_ech_accepted_total", "Handshakes with an encrypted ClientHello.", counter, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Secured.ECH) })
	}},
	{"anygate_tls_client_certificates_total", "Handshakes in which the client has shown a certificate.", counter, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.Secured.Certified) })
	}},
	{"anygate_tls_handshakes_active", "Handshakes that are under way, and those that wait for their turn.", gauge, []string{"state"}, func(r *Readings, e *emitter) {
		var active, waiting int
		for i := range r.Shards {
			active += r.Shards[i].TLS.Flights
			waiting += r.Shards[i].TLS.Waiting
		}
		e.value(float64(active), "active")
		e.value(float64(waiting), "waiting")
	}},
	{"anygate_tls_signatures_total", "Signatures and verifications that were made away from the shards.", counter, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.TLS.Signatures + s.TLS.Verifications) })
	}},
	{"anygate_tls_signatures_refused_total", "Signatures and verifications that were refused because too many waited.", counter, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.TLS.Unsigned) })
	}},
	{"anygate_h2_streams", "Streams of HTTP/2 that are in use, of clients.", gauge, nil, func(r *Readings, e *emitter) {
		e.sum(r, func(s *Shard) float64 { return float64(s.H2Streams) })
	}},
	{"anygate_h2_events_total", "What has happened on connections of HTTP/2 of clients, by event.", counter, []string{"event"}, func(r *Readings, e *emitter) {
		sums := make(map[string]uint64)
		for i := range r.Shards {
			h := &r.Shards[i].H2
			for name, n := range map[string]uint64{
				"stream_begun": h.Streams, "stream_refused": h.Refused, "stream_malformed": h.Malformed, "stream_reset_by_client": h.PeerResets,
				"stream_reset": h.Faults, "head_too_large": h.TooLarge, "connection_error": h.Fatal, "enhance_your_calm": h.Calm,
			} {
				sums[name] += n
			}
		}
		for name, n := range sums {
			e.value(float64(n), name)
		}
	}},
}

// sum emits the sum over all shards.
func (e *emitter) sum(r *Readings, of func(*Shard) float64) {
	v := 0.0
	for i := range r.Shards {
		v += of(&r.Shards[i])
	}
	e.value(v)
}
