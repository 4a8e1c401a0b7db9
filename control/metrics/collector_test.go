package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/anygate/anygate/control/certificates"
	"github.com/anygate/anygate/control/health"
	"github.com/anygate/anygate/control/traces"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
)

// sample are readings in which everything has happened, on two shards.
func sample() *Readings {
	shard := func() Shard {
		var s Shard
		s.Answers = true
		s.Active, s.Tunnels = 3, 1
		s.Protocols = [gateway.Protocols]uint64{7, 5}
		s.Routes = make([]gateway.RouteCount, gateway.FirstSeries+1)
		r := &s.Routes[gateway.FirstSeries]
		r.Requests[2][gateway.MethodRead], r.Requests[5][gateway.MethodWrite] = 10, 1
		r.Received, r.Sent = 100, 200
		r.Durations.Observe(int64(20 * time.Microsecond))
		r.Durations.Observe(int64(time.Hour))
		s.Faults = []gateway.ReasonCount{{Reason: "rate_limited", Count: 4}}
		s.Refusals = []gateway.ReasonCount{{Reason: "ping_flood", Count: 1}}
		s.Unsecured = []gateway.ReasonCount{{Reason: "version", Count: 2}}
		s.GRPC[0], s.GRPC[len(s.GRPC)-1] = 1, 1
		s.Secured = gateway.TLSCount{Full: [2]uint64{1, 2}, Resumed: [2]uint64{0, 3}, ECH: 1, Certified: 1}
		s.TLS.Handshakes, s.TLS.Resumed = 10, 4
		s.Engine.Spins, s.Engine.SpinHits = 5, 2
		s.CPU = 1500 * time.Millisecond
		return s
	}
	var counts proxy.UpstreamCount
	counts.Failures[proxy.ConnectRefused] = 2
	counts.Answers.Observe(int64(time.Millisecond))
	counts.Open, counts.Busy = 5, 2
	return &Readings{
		Version: "1.2.3", Engine: "io_uring", Began: time.Unix(1000, 0), Taken: time.Unix(2000, 0),
		Shards: []Shard{shard(), shard()}, Routes: []string{"(none)", "(other)", "GET /a"},
		Upstreams: []Upstream{{
			Name: "api", Breaker: proxy.BreakerHalfOpen, Limits: proxy.Limits{Connections: 10}, Used: Used{Connections: 5}, Counts: counts,
			Members: []Member{
				{Name: "10.0.0.1:80", Requests: 9, Health: &health.MemberStatus{Passed: 3, Failed: 1}},
				{Name: "10.0.0.2:80", State: proxy.Ejected | proxy.Unhealthy},
				{Name: "10.0.0.3:80", Disabled: true},
			},
		}},
		Certificates: []certificates.Status{{File: "site.pem", Names: []string{"a.example"}, Kind: "ECDSA", Until: time.Unix(3000, 0), Stapled: time.Unix(2500, 0)}},
		Keys:         certificates.Keys{Tickets: time.Unix(1800, 0)},
		Logs:         []Log{{Name: "error"}, {Name: "access", Dropped: 6, Refused: 2}}, Spans: traces.Counts{Sent: 9, Dropped: 1},
		Changes: Changes{Loaded: time.Unix(1500, 0), Reloads: 2, Refused: 1, Failed: true},
	}
}

// collect writes what a registry, which checks it, makes of readings: a line for each series.
func collect(t *testing.T, r *Readings) (lines []string, names []string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(func(f func(*Readings)) { f(r) }))
	found, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		names = append(names, f.GetName())
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %s", f.GetName(), strings.Join(labels, ","), value(f.GetType(), m)))
		}
	}
	return lines, names
}

func value(kind dto.MetricType, m *dto.Metric) string {
	switch kind {
	case dto.MetricType_COUNTER:
		return fmt.Sprint(m.GetCounter().GetValue())
	case dto.MetricType_GAUGE:
		return fmt.Sprint(m.GetGauge().GetValue())
	}
	h := m.GetHistogram()
	var buckets []string
	last := uint64(0)
	for _, b := range h.GetBucket() {
		if b.GetCumulativeCount() != last {
			last = b.GetCumulativeCount()
			buckets = append(buckets, fmt.Sprintf("%v:%d", b.GetUpperBound(), last))
		}
	}
	return fmt.Sprintf("%d of %vs %v", h.GetSampleCount(), h.GetSampleSum(), buckets)
}

func TestCollector(t *testing.T) {
	lines, names := collect(t, sample())
	for _, want := range []string{
		`anygate_build_info{engine=io_uring,version=1.2.3} 1`,
		`anygate_start_time_seconds{} 1000`,
		`anygate_tls_key_timestamp_seconds{use=tickets} 1800`,
		`anygate_config_last_load_successful{} 0`,
		`anygate_config_loads_total{result=loaded} 2`,
		`anygate_config_loads_total{result=refused} 1`,
		`anygate_log_lines_dropped_total{log=access} 6`,
		`anygate_log_refusals_total{log=access} 2`,
		`anygate_spans_total{result=sent} 9`,
		`anygate_certificate_expiry_timestamp_seconds{file=site.pem,key=ECDSA,name=a.example} 3000`,
		`anygate_certificate_ocsp_expiry_timestamp_seconds{file=site.pem} 2500`,
		`anygate_requests_total{method=read,route=GET /a,status=2xx} 20`,
		`anygate_requests_total{method=write,route=GET /a,status=5xx} 2`,
		`anygate_request_duration_seconds{route=GET /a} 4 of 7200.00004s [2.5e-05:2]`,
		`anygate_request_bytes_total{route=GET /a} 200`,
		`anygate_response_bytes_total{route=GET /a} 400`,
		`anygate_requests_active{} 6`,
		`anygate_tunnels_active{} 2`,
		`anygate_requests_protocol_total{protocol=http/2} 10`,
		`anygate_request_faults_total{reason=rate_limited} 8`,
		`anygate_connections_refused_total{reason=ping_flood} 2`,
		`anygate_grpc_responses_total{code=other} 2`,
		`anygate_tls_handshakes_total{resumed=yes,version=1.3} 6`,
		`anygate_tls_handshakes_total{resumed=no,version=1.2} 2`,
		`anygate_tls_handshake_failures_total{reason=version} 4`,
		`anygate_upstream_tls_handshakes_total{resumed=no} 6`,
		`anygate_upstream_tls_handshakes_total{resumed=yes} 2`,
		`anygate_upstream_failures_total{reason=connect_refused,upstream=api} 2`,
		`anygate_upstream_response_seconds{upstream=api} 1 of 0.001s [0.001:1]`,
		`anygate_upstream_connections{state=busy,upstream=api} 2`,
		`anygate_upstream_connections{state=idle,upstream=api} 3`,
		`anygate_upstream_limit{limit=connections,upstream=api} 10`,
		`anygate_upstream_limit_used{limit=connections,upstream=api} 5`,
		`anygate_upstream_breaker_state{upstream=api} 1`,
		`anygate_upstream_members{state=available,upstream=api} 1`,
		`anygate_upstream_members{state=unhealthy,upstream=api} 1`,
		`anygate_upstream_members{state=disabled,upstream=api} 1`,
		`anygate_member_up{member=10.0.0.1:80,upstream=api} 1`,
		`anygate_member_up{member=10.0.0.3:80,upstream=api} 0`,
		`anygate_member_checks_total{member=10.0.0.1:80,result=failed,upstream=api} 1`,
		`anygate_shard_cpu_seconds_total{shard=1} 1.5`,
		`anygate_shard_spins_total{result=miss,shard=0} 3`,
	} {
		if !slices.Contains(lines, want) {
			name, _, _ := strings.Cut(want, "{")
			have := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, name+"{") })
			t.Errorf("there is no %s, but %q", want, have)
		}
	}
	for i := range families {
		if !slices.Contains(names, families[i].name) {
			t.Errorf("%s has no series although everything has happened", families[i].name)
		}
	}
}

// TestCollectorWithoutAnything wants no series of what has not happened, and no failure.
func TestCollectorWithoutAnything(t *testing.T) {
	lines, _ := collect(t, &Readings{})
	for _, l := range lines {
		if strings.HasPrefix(l, "anygate_requests_total") || strings.HasPrefix(l, "anygate_upstream") && strings.Contains(l, "upstream=") {
			t.Errorf("there is %s", l)
		}
	}
}
