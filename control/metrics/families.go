package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
	// histogram is for families whose series are histograms.
	histogram = prometheus.UntypedValue
)

// families are all that there are, part by part.
var families = slices.Concat(processFamilies, requestFamilies, connectionFamilies, upstreamFamilies, shardFamilies)

var processFamilies = []family{
	{"anygate_build_info", "The program that runs; always 1.", gauge, []string{"version", "engine"}, func(r *Readings, e *emitter) {
		e.value(1, r.Version, r.Engine)
	}},
	{"anygate_start_time_seconds", "When the process began to serve, in Unix time.", gauge, nil, func(r *Readings, e *emitter) {
		e.value(float64(r.Began.UnixMilli()) / 1e3)
	}},
	{"anygate_draining", "Whether the process takes nothing new, and finishes what it has.", gauge, nil, func(r *Readings, e *emitter) {
		e.flag(r.Draining)
	}},
	{"anygate_config_loaded_timestamp_seconds", "When the configuration that is served was loaded, in Unix time.", gauge, nil, func(r *Readings, e *emitter) {
		e.value(float64(r.Changes.Loaded.UnixMilli()) / 1e3)
	}},
	{"anygate_config_last_load_successful", "Whether the last attempt to load a configuration has succeeded.", gauge, nil, func(r *Readings, e *emitter) {
		e.flag(!r.Changes.Failed)
	}},
	{"anygate_config_loads_total", "Attempts to load another configuration, by result.", counter, []string{"result"}, func(r *Readings, e *emitter) {
		e.value(float64(r.Changes.Reloads), "loaded")
		e.value(float64(r.Changes.Refused), "refused")
	}},
	{"anygate_upgrades_failed_total", "Times that another process was to go on and did not come to serve.", counter, nil, func(r *Readings, e *emitter) {
		e.value(float64(r.Changes.UpgradesFailed))
	}},
	{"anygate_log_lines_dropped_total", "Log lines that were dropped, because their destination was too slow.", counter, []string{"log"}, func(r *Readings, e *emitter) {
		for _, l := range r.Logs {
			e.value(float64(l.Dropped+l.Lost), l.Name)
		}
	}},
	{"anygate_log_refusals_total", "Times that the destination of a log has refused lines, which is tried again.", counter, []string{"log"}, func(r *Readings, e *emitter) {
		for _, l := range r.Logs {
			e.value(float64(l.Refused), l.Name)
		}
	}},
	{"anygate_spans_total", "Spans of traces, by what has become of them.", counter, []string{"result"}, func(r *Readings, e *emitter) {
		e.count(r.Spans.Sent, "sent")
		e.count(r.Spans.Lost, "lost")
		e.count(r.Spans.Rejected, "rejected")
		e.count(r.Spans.Dropped, "dropped")
	}},
	{"anygate_certificate_expiry_timestamp_seconds", "When a certificate that is served, or one of its chain, expires first, in Unix time.", gauge, []string{"file", "name", "key"}, func(r *Readings, e *emitter) {
		for _, c := range r.Certificates {
			e.value(float64(c.Until.Unix()), c.File, first(c.Names), c.Kind)
		}
	}},
	{"anygate_certificate_refused", "Whether the files of a certificate have changed into something that cannot be served.", gauge, []string{"file"}, func(r *Readings, e *emitter) {
		for _, c := range r.Certificates {
			e.flag(c.Refused, c.File)
		}
	}},
	{"anygate_certificate_ocsp_expiry_timestamp_seconds", "When the stapled OCSP response of a certificate ends, in Unix time; absent if there is none.", gauge, []string{"file"}, func(r *Readings, e *emitter) {
		for _, c := range r.Certificates {
			if !c.Stapled.IsZero() {
				e.value(float64(c.Stapled.Unix()), c.File)
			}
		}
	}},
	{"anygate_tls_key_timestamp_seconds", "Since when the newest key is in use, of session tickets (tickets) and of Encrypted Client Hello (ech), in Unix time; absent if there is none.", gauge, []string{"use"}, func(r *Readings, e *emitter) {
		for _, k := range []struct {
			use   string
			since time.Time
		}{{"tickets", r.Keys.Tickets}, {"ech", r.Keys.ECH}} {
			if !k.since.IsZero() {
				e.value(float64(k.since.Unix()), k.use)
			}
		}
	}},
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
