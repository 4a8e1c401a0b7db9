package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/anygate/anygate/telemetry"
)

// family is one name with all its series.
type family struct {
	name   string
	help   string
	kind   prometheus.ValueType // of what is no histogram
	labels []string
	// each calls e for every series.
	each func(r *Readings, e *emitter)
}

// emitter passes series on to whoever collects.
type emitter struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	out  chan<- prometheus.Metric
}

// value emits a number.
func (e *emitter) value(v float64, labels ...string) {
	e.out <- prometheus.MustNewConstMetric(e.desc, e.kind, v, labels...)
}

// count emits a number that only grows, unless nothing was counted: what has never happened has no series, of which there
// would be many.
func (e *emitter) count(n uint64, labels ...string) {
	if n > 0 {
		e.value(float64(n), labels...)
	}
}

// flag emits 1 or 0.
func (e *emitter) flag(yes bool, labels ...string) {
	v := 0.0
	if yes {
		v = 1
	}
	e.value(v, labels...)
}

// histogram emits durations in seconds.
func (e *emitter) histogram(h *telemetry.Histogram, labels ...string) {
	buckets := make(map[float64]uint64, telemetry.Buckets-1)
	n := uint64(0)
	for i, c := range h.Counts {
		n += c
		if i < telemetry.Buckets-1 {
			buckets[telemetry.Bound(i).Seconds()] = n
		}
	}
	e.out <- prometheus.MustNewConstHistogram(e.desc, n, float64(h.Sum)/1e9, buckets, labels...)
}

// Collector collects all families from readings.
type Collector struct {
	read  func(func(*Readings))
	descs []*prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes a collector. read calls its argument with the present readings.
func NewCollector(read func(func(*Readings))) *Collector {
	c := &Collector{read: read, descs: make([]*prometheus.Desc, len(families))}
	for i, f := range families {
		c.descs[i] = prometheus.NewDesc(f.name, f.help, f.labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.read(func(r *Readings) {
		for i := range families {
			families[i].each(r, &emitter{c.descs[i], families[i].kind, out})
		}
	})
}
