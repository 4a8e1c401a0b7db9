package traces

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/anygate/anygate/telemetry"
)

// collector is a server that answers as it is told, and keeps what it took.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int  // statuses to come; then 200
	body    []byte // of a 200
	spans   []*tracepb.Span
	posts   int
}

func startCollector(t *testing.T, answers ...int) *collector {
	c := &collector{answers: answers}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.posts++
		if len(c.answers) > 0 {
			w.Header().Set("Retry-After", "1")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.answers[0])
			c.answers = c.answers[1:]
			return
		}
		b, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err != nil || proto.Unmarshal(b, &data) != nil || r.Header.Get("X-Key") != "secret" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, rs := range data.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
		_, _ = w.Write(c.body)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) took() (spans, posts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans), c.posts
}

func (c *collector) target() *Target {
	return &Target{Endpoint: c.URL, Service: "test", Headers: http.Header{"X-Key": {"secret"}}}
}

// said collects what the operator is told.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) tell(_ telemetry.Level, msg string, fields ...telemetry.Field) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, strings.TrimSpace(string(telemetry.AppendError(nil, telemetry.Info, 0, msg, fields...))))
}

func (s *said) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func record() *telemetry.Span {
	s := &telemetry.Span{
		ID: [8]byte{1}, Client: [8]byte{2}, Begin: 1e9, End: 3e9, ClientBegin: 1e9, ClientEnd: 2e9,
		Network: netip.MustParseAddrPort("10.0.0.9:1234"), State: []byte("a=1"),
	}
	s.Trace, s.Peer = [16]byte{15: 1}, netip.MustParseAddrPort("192.0.2.7:0")
	s.Method, s.Target, s.Host, s.Protocol = []byte("GET"), []byte("/a?b=c"), []byte("example.com:8080"), "HTTP/2.0"
	s.Status, s.Route, s.Upstream, s.UserAgent = 200, "GET POST example.com/a/:id", "10.0.0.1:80", []byte("me\xff")
	return s
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func newExporter(ring *telemetry.Ring) (*Exporter, *said) {
	s := &said{}
	return New(Options{Rings: []*telemetry.Ring{ring}, Clock: func() int64 { return 5e9 }, Version: "0.0.0", Tell: s.tell}), s
}

// TestExporter sends what comes, moves to another collector, and sends the rest at the end.
func TestExporter(t *testing.T) {
	ring := telemetry.NewRing(4 << 20)
	one, two := startCollector(t), startCollector(t)
	e, s := newExporter(ring)
	e.Use(one.target())
	for range 1200 {
		ring.Span(record())
	}
	e.Wake()
	waitFor(t, "all spans", func() bool { n, _ := one.took(); return n == 2400 })
	if _, posts := one.took(); posts < 3 {
		t.Errorf("sent in %d batches", posts)
	}
	e.Use(two.target())
	ring.Span(record())
	e.Close(10 * time.Second)
	if n, _ := two.took(); n != 2 {
		t.Errorf("the other collector has %d spans", n)
	}
	if c := e.Counts(); c != (Counts{Sent: 1201}) {
		t.Errorf("counted %+v", c)
	}
	if s.text() != "" {
		t.Errorf("told\n%s", s.text())
	}
}

func TestExporterTellsLosses(t *testing.T) {
	ring := telemetry.NewRing(1 << 16)
	c := startCollector(t, 400)
	e, s := newExporter(ring)
	defer e.Close(time.Second)
	e.Use(c.target())
	ring.Span(record())
	e.Wake()
	waitFor(t, "the loss", func() bool {
		return strings.Contains(s.text(), `the collector does not take them spans=1 error="traces export: the collector answers 400"`)
	})
	ring.Span(record())
	e.Wake()
	waitFor(t, "the good news", func() bool { return strings.Contains(s.text(), "taken by the collector again") })
	if got := e.Counts(); got != (Counts{Sent: 1, Lost: 1}) {
		t.Errorf("counted %+v", got)
	}
}

// TestExporterEndsInTime closes while the collector does not answer.
func TestExporterEndsInTime(t *testing.T) {
	ring := telemetry.NewRing(1 << 16)
	release := make(chan struct{})
	arrived := make(chan struct{}, 10)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-release
	}))
	defer stuck.Close()
	defer close(release)
	e, _ := newExporter(ring)
	e.Use(&Target{Endpoint: stuck.URL})
	ring.Span(record())
	e.Wake()
	<-arrived
	begin := time.Now()
	e.Close(50 * time.Millisecond)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it takes %v", took)
	}
	if c := e.Counts(); c.Lost != 1 {
		t.Errorf("counted %+v", c)
	}
}

func TestUpload(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []int
		posts   int
		err     string
		pauses  []time.Duration
	}{
		{"at once", nil, 1, "", nil},
		{"in the end", []int{503, 429, 504}, 4, "", []time.Duration{time.Second, time.Second, time.Second}},
		{"never", []int{502, 502, 502, 502, 502}, 5, "answers 502", []time.Duration{time.Second, time.Second, time.Second, time.Second}},
		{"wrong", []int{400}, 1, "answers 400", nil},
		{"moved", []int{302}, 1, "answers 302", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := startCollector(t, tt.answers...)
			var pauses []time.Duration
			u := newClient(c.target(), "0.0.0", nil)
			u.pause = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
			err := u.UploadTraces(t.Context(), nil)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("the error is %v, want %q", err, tt.err)
			}
			if _, posts := c.took(); posts != tt.posts || len(pauses) != len(tt.pauses) {
				t.Errorf("%d requests with pauses of %v", posts, pauses)
			}
		})
	}
}

// TestUploadToNobody pauses longer each time.
func TestUploadToNobody(t *testing.T) {
	c := startCollector(t)
	c.Close()
	var pauses []time.Duration
	u := newClient(c.target(), "0.0.0", nil)
	u.pause = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	if err := u.UploadTraces(t.Context(), nil); err == nil {
		t.Error("nobody has taken the spans")
	}
	for i, d := range pauses {
		if want := min(pauseLeast<<i, pauseMost); d != want {
			t.Errorf("pause %d is %v, want %v", i, d, want)
		}
	}
	if len(pauses) != attempts-1 {
		t.Errorf("%d pauses", len(pauses))
	}
}

func TestPartialSuccess(t *testing.T) {
	c := startCollector(t)
	c.body = []byte("\x0a\x08\x08\x07\x12\x04full")
	var n int64
	var why string
	u := newClient(c.target(), "0.0.0", func(k int64, s string) { n, why = k, s })
	if err := u.UploadTraces(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n != 7 || why != "full" {
		t.Errorf("%d spans are rejected: %s", n, why)
	}
	for _, broken := range []string{"", "\x0a", "\x0a\x05\x08", "\xff\xff", "\x0b\x0c", "\x0d\x01\x02\x03\x04"} {
		if n, why := partialSuccess([]byte(broken)); n != 0 || why != "" {
			t.Errorf("%q is read as %d, %s", broken, n, why)
		}
	}
}

func TestConvert(t *testing.T) {
	start := time.Unix(1000, 0)
	list := convert(nil, record(), start, &common{})
	if len(list) != 2 {
		t.Fatalf("%d spans", len(list))
	}
	server, client := list[0], list[1]
	if server.Name() != "GET /a/:id" || client.Name() != "GET" || server.Parent().IsValid() || client.Parent().SpanID() != server.SpanContext().SpanID() {
		t.Errorf("%s below %v, %s below %v", server.Name(), server.Parent(), client.Name(), client.Parent())
	}
	if !server.StartTime().Equal(start.Add(time.Second)) || !server.EndTime().Equal(start.Add(3*time.Second)) || !client.EndTime().Equal(start.Add(2*time.Second)) {
		t.Errorf("from %v to %v, %v", server.StartTime(), server.EndTime(), client.EndTime())
	}
	wantAttributes(t, server, "http.route=/a/:id http.request.method=GET url.path=/a url.query=b=c url.scheme=http server.address=example.com server.port=8080 "+
		"client.address=192.0.2.7 network.peer.address=10.0.0.9 network.peer.port=1234 network.protocol.name=http network.protocol.version=2 "+
		"user_agent.original=me\ufffd http.request.body.size=0 http.response.body.size=0 http.response.status_code=200")
	wantAttributes(t, client, "http.request.method=GET server.address=10.0.0.1 server.port=80 http.response.status_code=200")
	if server.Status().Code != codes.Unset || server.SpanContext().TraceState().String() != "a=1" {
		t.Errorf("the status is %v, the state %v", server.Status(), server.SpanContext().TraceState())
	}
}

func TestConvertOthers(t *testing.T) {
	for _, tt := range []struct {
		name           string
		change         func(*telemetry.Span)
		server, client string // names
		has            string // an attribute of the server's
		lacks          string
		code           codes.Code
	}{
		{"unknown method", func(s *telemetry.Span) { s.Method = []byte("BREW") }, "HTTP /a/:id", "HTTP", "http.request.method_original=BREW", "", codes.Unset},
		{"no route", func(s *telemetry.Span) { s.Route, s.Status = "", 404 }, "GET", "GET", "http.response.status_code=404", "http.route", codes.Unset},
		{"failure", func(s *telemetry.Span) { s.Status, s.Reason = 502, "connect_refused" }, "GET /a/:id", "GET", "error.type=connect_refused", "", codes.Error},
		{"own 503", func(s *telemetry.Span) { s.Status = 503 }, "GET /a/:id", "GET", "error.type=503", "", codes.Error},
		{"nothing sent", func(s *telemetry.Span) { s.Status = 0 }, "GET /a/:id", "GET", "error.type=_OTHER", "http.response.status_code", codes.Error},
		{"https", func(s *telemetry.Span) { s.HTTPS, s.Host = true, []byte("h:443") }, "GET /a/:id", "GET", "url.scheme=https", "server.port", codes.Unset},
		{"IPv6", func(s *telemetry.Span) { s.Host = []byte("[::1]") }, "GET /a/:id", "GET", "server.address=::1", "server.port", codes.Unset},
		{"absolute form", func(s *telemetry.Span) { s.Target = []byte("http://h/x?y") }, "GET /a/:id", "GET", "url.path=/x", "", codes.Unset},
		{"without a path", func(s *telemetry.Span) { s.Target = []byte("http://h") }, "GET /a/:id", "GET", "url.path=/", "url.query", codes.Unset},
		{"gRPC", func(s *telemetry.Span) { s.GRPC = 6 }, "GET /a/:id", "GET", "rpc.grpc.status_code=5", "", codes.Unset},
		{"unix socket", func(s *telemetry.Span) {
			s.Peer, s.Network, s.Upstream = netip.AddrPort{}, netip.AddrPort{}, "unix:/run/x"
		}, "GET /a/:id", "GET", "url.path=/a", "client.address", codes.Unset},
		{"wrong state", func(s *telemetry.Span) { s.State = []byte("A B") }, "GET /a/:id", "GET", "url.path=/a", "", codes.Unset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := record()
			tt.change(r)
			list := convert(nil, r, time.Time{}, &common{})
			if list[0].Name() != tt.server || list[1].Name() != tt.client || list[0].Status().Code != tt.code {
				t.Errorf("%s and %s, %v", list[0].Name(), list[1].Name(), list[0].Status())
			}
			got := attributes(list[0])
			if !strings.Contains(got+" ", tt.has+" ") || tt.lacks != "" && strings.Contains(got, tt.lacks+"=") {
				t.Errorf("%s: want %s and not %s", got, tt.has, tt.lacks)
			}
		})
	}
}

func attributes(s sdktrace.ReadOnlySpan) string {
	var list []string
	for _, a := range s.Attributes() {
		list = append(list, string(a.Key)+"="+a.Value.String())
	}
	return strings.Join(list, " ")
}

func wantAttributes(t *testing.T, s sdktrace.ReadOnlySpan, want string) {
	t.Helper()
	if got := attributes(s); got != want {
		t.Errorf("%s has\n%s\nwant\n%s", s.Name(), got, want)
	}
}
