package control

import (
	"net/http"
	"reflect"
	"sync/atomic"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/handover"
	"github.com/anygate/anygate/control/traces"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/telemetry"
)

// tracing is what the shards record of requests, on its way to a collector.
type tracing struct {
	rings   []*telemetry.Ring
	bell    *handover.Queue[struct{}] // rung by a shard whose ring is half full
	options traces.Options
	target  *traces.Target
	// exporter is nil until there is a collector.
	exporter atomic.Pointer[traces.Exporter]
}

func openTracing(shards int, version string, l *logs) (*tracing, error) {
	bell, err := handover.New[struct{}](2)
	if err != nil {
		return nil, err
	}
	t := &tracing{bell: bell, rings: make([]*telemetry.Ring, shards)}
	for i := range t.rings {
		t.rings[i] = telemetry.NewRing(spanRingBytes)
		t.rings[i].OnHalf(func() { bell.Put(&struct{}{}) })
	}
	t.options = traces.Options{Rings: t.rings, Clock: engine.Now, Version: version, Tell: l.say}
	return t, nil
}

// use has spans sent to the collector of a configuration.
func (t *tracing) use(c *config.Trace) {
	next := collector(c)
	if reflect.DeepEqual(next, t.target) {
		return
	}
	t.target = next
	e := t.exporter.Load()
	if e == nil {
		e = traces.New(t.options)
		t.exporter.Store(e)
		go func() {
			for {
				if _, ok := t.bell.Take(); !ok {
					return
				}
				e.Wake()
			}
		}()
	}
	e.Use(next)
}

// close sends what is left.
func (t *tracing) close() {
	if e := t.exporter.Load(); e != nil {
		e.Close(spansClose)
	}
	t.bell.Close()
}

func collector(c *config.Trace) *traces.Target {
	if c == nil {
		return nil
	}
	t := &traces.Target{Endpoint: c.Endpoint, Service: c.Service, Headers: http.Header{}}
	for _, h := range c.Headers {
		t.Headers.Add(h.Name, h.Value)
	}
	return t
}

// traced says which requests are traced; nil for none.
func traced(c *config.Trace) *gateway.Tracing {
	if c == nil {
		return nil
	}
	return &gateway.Tracing{Of100000: uint32(c.Sample), Continue: continued[c.Continue]}
}

var continued = map[string]gateway.TraceContinue{
	"all": gateway.ContinueAll, "trusted": gateway.ContinueTrusted, "none": gateway.ContinueNone,
}
