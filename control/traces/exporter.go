package traces

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/anygate/anygate/telemetry"
)

// Options say what an Exporter needs.
type Options struct {
	// Rings are those of the shards, Clock what their spans are timed by.
	Rings []*telemetry.Ring
	Clock func() int64
	// Version is that of the product.
	Version string
	// Tell takes what the operator should know.
	Tell func(level telemetry.Level, msg string, fields ...telemetry.Field)
}

// Counts are what became of spans since the process began. A record that the shards have made counts once, whether it
// makes one span or two.
type Counts struct {
	// Sent is how many a collector has taken, Lost how many none has, Rejected how many spans one did not want of those that it
	// took, and Dropped how many found no room in a ring.
	Sent, Lost, Rejected, Dropped uint64
}

// Exporter sends what the shards record.
type Exporter struct {
	o Options

	mu     sync.Mutex // held while sending
	target *sending   // nil for none: what is there is thrown away

	sent, lost, rejected atomic.Uint64

	told    uint64 // lost and dropped ones
	toldAt  time.Time
	why     error
	failing bool

	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}
	once    sync.Once
}

// sending is a collector in use.
type sending struct {
	exporter *otlptrace.Exporter
	common   *common
}

// New starts an Exporter that sends nowhere yet.
func New(o Options) *Exporter {
	e := &Exporter{o: o, wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	go e.run()
	return e
}

// Use has spans sent to a collector from now on, or thrown away if it is nil. It does not wait for what is being sent.
func (e *Exporter) Use(t *Target) {
	var next *sending
	if t != nil {
		// It starts the client, which cannot fail.
		x, _ := otlptrace.New(e.ctx, newClient(t, e.o.Version, e.reject))
		next = &sending{exporter: x, common: &common{
			resource: describe(t.Service, e.o.Version),
			scope:    instrumentation.Scope{Name: "github.com/anygate/anygate", Version: e.o.Version},
		}}
	}
	e.mu.Lock()
	before := e.target
	e.target = next
	e.mu.Unlock()
	if before != nil {
		_ = before.exporter.Shutdown(e.ctx)
	}
}

// describe is what the spans are of.
func describe(service, version string) *resource.Resource {
	list := []attribute.KeyValue{
		attribute.String("service.name", service), attribute.String("service.version", version),
		attribute.Int("process.pid", os.Getpid()),
		attribute.String("telemetry.sdk.language", "go"), attribute.String("telemetry.sdk.name", "opentelemetry"),
		attribute.String("telemetry.sdk.version", sdk.Version()),
	}
	if host, err := os.Hostname(); err == nil {
		list = append(list, attribute.String("host.name", host))
	}
	return resource.NewSchemaless(list...)
}

// Wake makes the Exporter look now.
func (e *Exporter) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Exporter) run() {
	defer close(e.stopped)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			e.drain()
			e.report(time.Now(), true)
			return
		case <-e.wake:
		case <-tick.C:
		}
		e.drain()
		e.report(time.Now(), false)
	}
}

// drain sends what there is, batch by batch.
func (e *Exporter) drain() {
	for e.ctx.Err() == nil {
		var records []telemetry.Span
		for _, r := range e.o.Rings {
			records = append(records, r.Spans(batchSpans-len(records))...)
		}
		if len(records) == 0 {
			return
		}
		e.send(records)
	}
}

func (e *Exporter) send(records []telemetry.Span) {
	e.mu.Lock()
	t := e.target
	e.mu.Unlock()
	if t == nil {
		return
	}
	start := time.Now().Add(-time.Duration(e.o.Clock()))
	list := make([]sdktrace.ReadOnlySpan, 0, 2*len(records))
	for i := range records {
		list = convert(list, &records[i], start, t.common)
	}
	if err := t.exporter.ExportSpans(e.ctx, list); err != nil {
		e.lost.Add(uint64(len(records)))
		e.why = err
		return
	}
	e.sent.Add(uint64(len(records)))
	if e.failing {
		e.failing, e.why = false, nil
		e.o.Tell(telemetry.Info, "spans are taken by the collector again")
	}
}

// reject counts what a collector has not wanted.
func (e *Exporter) reject(n int64, why string) {
	if e.rejected.Add(uint64(n)) == uint64(n) {
		e.o.Tell(telemetry.Warn, "the collector does not want spans: more of that is only counted",
			telemetry.Int("spans", n), telemetry.String("error", why))
	}
}

// Counts tells what became of spans.
func (e *Exporter) Counts() Counts {
	c := Counts{Sent: e.sent.Load(), Lost: e.lost.Load(), Rejected: e.rejected.Load()}
	for _, r := range e.o.Rings {
		c.Dropped += r.Dropped()
	}
	return c
}

// report tells what was lost, once a minute at most.
func (e *Exporter) report(now time.Time, last bool) {
	c := e.Counts()
	all := c.Lost + c.Dropped
	if all == e.told || !last && now.Sub(e.toldAt) < tellInterval {
		return
	}
	fields := []telemetry.Field{telemetry.Int("spans", int64(all-e.told))}
	msg := "spans were dropped because there are more than can be sent"
	if e.why != nil {
		msg, e.failing = "spans were dropped because the collector does not take them", true
		fields = append(fields, telemetry.String("error", e.why.Error()))
	}
	e.told, e.toldAt = all, now
	e.o.Tell(telemetry.Warn, msg, fields...)
}

// Close sends what is left, for no longer than the given time.
func (e *Exporter) Close(within time.Duration) {
	e.once.Do(func() { close(e.stop) })
	timer := time.AfterFunc(within, e.cancel)
	<-e.stopped
	timer.Stop()
	e.cancel()
	e.Use(nil)
}
