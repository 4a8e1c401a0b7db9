package gateway

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

const (
	traceID  = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID = "00f067aa0ba902b7"
	parent   = "traceparent: 00-" + traceID + "-" + parentID + "-"
)

var toldTrace = regexp.MustCompile(`(?i)\r\ntraceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])\r\n`)

// traceWorld is one whose upstream answers, and keeps what it was asked last.
func traceWorld(t *testing.T, tracing *Tracing) (w *world, last *string) {
	w, last = newSimWorld(t, 1, engine.Faults{}), new(string)
	w.spans, w.settings.Trace = telemetry.NewRing(1<<16), tracing
	w.upstream("up", func(c *upstreamConn) {
		if i := bytes.Index(c.in, []byte("\r\n\r\n")); i >= 0 {
			*last, c.in = string(c.in[:i+4]), c.in[:copy(c.in, c.in[i+4:])]
			c.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	w.settings.LogMask = telemetry.NewMask(nil)
	w.serve("/p/: http://up", "/ping: OK pong")
	return w, last
}

func TestTraceContext(t *testing.T) {
	all := &Tracing{Of100000: 100_000}
	none := &Tracing{}
	for _, tt := range []struct {
		name      string
		tracing   *Tracing
		fields    string
		goesOn    bool
		sampled   bool
		tracked   string // tracestate at the upstream
		untouched bool
	}{
		{name: "begun", tracing: all, sampled: true},
		{name: "begun, not recorded", tracing: none},
		{name: "goes on, recorded", tracing: none, fields: parent + "01\r\n", goesOn: true, sampled: true},
		{name: "goes on, not recorded", tracing: all, fields: parent + "00\r\n", goesOn: true},
		{name: "state", tracing: all, fields: parent + "01\r\nTraceState: a=1\r\ntracestate: b=2\r\n", goesOn: true, sampled: true, tracked: "a=1|b=2"},
		{name: "state that is none", tracing: all, fields: parent + "01\r\ntracestate: a=1,b\r\n", goesOn: true, sampled: true},
		{name: "too many members", tracing: all, fields: parent + "01\r\n" + strings.Repeat("tracestate: a=1,b=2,c=3\r\n", 11), goesOn: true, sampled: true},
		{name: "too long a state", tracing: all, fields: parent + "01\r\ntracestate: a=" + strings.Repeat("x", 511) + "\r\n", goesOn: true, sampled: true},
		{name: "broken", tracing: all, fields: "traceparent: 00-" + traceID + "\r\ntracestate: a=1\r\n", sampled: true},
		{name: "two of them", tracing: all, fields: parent + "00\r\n" + parent + "00\r\n", sampled: true},
		{name: "nobody's goes on", tracing: &Tracing{100_000, ContinueNone}, fields: parent + "00\r\ntracestate: a=1\r\n", sampled: true},
		{name: "only those of trusted peers", tracing: &Tracing{0, ContinueTrusted}, fields: parent + "01\r\n"},
		{name: "off", fields: parent + "01\r\ntracestate: b\r\n", untouched: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, last := traceWorld(t, tt.tracing)
			c := w.client()
			c.send("GET /p/a?token=x" + req + tt.fields + "\r\n")
			c.expect(text(200, "hello"))
			c.close()
			if tt.untouched {
				if !strings.Contains(*last, tt.fields) {
					t.Errorf("the fields are not passed on as they are:\n%s", *last)
				}
				return
			}
			m := toldTrace.FindAllStringSubmatch(*last, -1)
			if len(m) != 1 || strings.Count(strings.ToLower(*last), "traceparent") != 1 {
				t.Fatalf("the upstream is told\n%s", *last)
			}
			if goesOn := m[0][1] == traceID; goesOn != tt.goesOn || m[0][2] == parentID || (m[0][3] == "1") != tt.sampled {
				t.Errorf("the upstream is told %s", m[0][0])
			}
			var states []string
			for line := range strings.SplitSeq(*last, "\r\n") {
				if name, value, _ := strings.Cut(line, ": "); strings.EqualFold(name, "tracestate") {
					states = append(states, value)
				}
			}
			if got := strings.Join(states, "|"); got != tt.tracked {
				t.Errorf("the state is %q, want %q", got, tt.tracked)
			}
			spans := w.spans.Spans(10)
			if !tt.sampled {
				if len(spans) != 0 {
					t.Errorf("recorded: %+v", spans)
				}
				return
			}
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			s := spans[0]
			if fmt.Sprintf("%x", s.Trace[:]) != m[0][1] || fmt.Sprintf("%x", s.Client[:]) != m[0][2] || s.ID == s.Client || s.ID == [8]byte{} {
				t.Errorf("the span is %+v", s)
			}
			if got := fmt.Sprintf("%x", s.Parent[:]); tt.goesOn && got != parentID || !tt.goesOn && got != "0000000000000000" {
				t.Errorf("the parent is %s", got)
			}
			if string(s.State) != strings.ReplaceAll(tt.tracked, "|", ",") || s.Status != 200 || string(s.Target) != "/p/a?token=***" ||
				s.Route != "/p/" || s.Upstream != "up" || s.BytesSent != 5 || s.Begin == 0 || s.End < s.Begin || s.ClientEnd < s.ClientBegin {
				t.Errorf("the span is %+v", s)
			}
		})
	}
}

// TestTraceOfTrustedPeer goes on with what a proxy in front says.
func TestTraceOfTrustedPeer(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.spans, w.settings.Trace = telemetry.NewRing(1<<16), &Tracing{0, ContinueTrusted}
	w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
	w.trustPeers()
	w.serve("/ping: OK pong")
	c := w.client()
	c.send("GET /ping" + req + parent + "01\r\n\r\n")
	c.expect(text(200, "pong"))
	c.close()
	if spans := w.spans.Spans(2); len(spans) != 1 || fmt.Sprintf("%x", spans[0].Trace[:]) != traceID || spans[0].Client != [8]byte{} {
		t.Errorf("recorded: %+v", spans)
	}
	if got := logOf(t, w.access); !strings.Contains(got, " trace_id="+traceID) {
		t.Errorf("the log has\n%s", got)
	}
}

// TestTraceShare begins many traces, of which a share is recorded.
func TestTraceShare(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.spans, w.settings.Trace = telemetry.NewRing(1<<20), &Tracing{Of100000: 25_000}
	w.serve("/ping: OK pong")
	c := w.client()
	const n = 2000
	c.send(strings.Repeat("GET /ping"+req+"\r\n", n))
	c.expect(strings.Repeat(text(200, "pong"), n))
	c.close()
	// Nine standard deviations either way.
	if got := len(w.spans.Spans(n)); got < n/4-175 || got > n/4+175 {
		t.Errorf("%d of %d are recorded, want a quarter", got, n)
	}
}

// TestFullSpans drops spans, and nothing else.
func TestFullSpans(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.spans, w.settings.Trace = telemetry.NewRing(1), &Tracing{Of100000: 100_000}
	w.serve("/ping: OK pong")
	c := w.client()
	c.send(strings.Repeat("GET /ping"+req+"\r\n", 500))
	c.expect(strings.Repeat(text(200, "pong"), 500))
	c.close()
	if w.spans.Dropped() == 0 || len(w.spans.Spans(1000)) == 0 {
		t.Error("the ring has room for everything, or for nothing")
	}
}
