package integration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

const (
	clientTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan   = "00f067aa0ba902b7"
	clientParent = "traceparent: 00-" + clientTrace + "-" + clientSpan + "-01"
)

// traced starts a server that traces to a collector, and an upstream that says what it was told.
func traced(t *testing.T, e product.Engine, c *peer.Collector, more string) (s *product.Server, told chan string) {
	told = make(chan string, 10)
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		told <- r.Header.Get("Traceparent") + " " + r.Header.Get("Tracestate")
	}))
	t.Cleanup(up.Close)
	return product.Start(t, product.Config{Engine: e, Env: []string{"COLLECTOR_KEY=secret"}, Text: `
log: stdout json
trace: {endpoint: "http://` + c.Addr + `", headers: {X-Key: "${COLLECTOR_KEY}"}, service: edge, sample: 100%` + more + `}
routes:
  "GET /api/:id": ` + up.URL + `
  "/gone": http://` + peer.FreePort(t) + `
  "/hello": OK hello
`}), told
}

// Peers: curl, and a receiver made of the OpenTelemetry Collector's own code. Traces are continued and begun, passed on to
// upstreams, and exported.
func TestTracing(t *testing.T) {
	program := peer.BuildCollector(t)
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		// The first request to it fails, and is repeated.
		c := peer.StartCollector(t, program, "-key", "secret", "-failures", "1")
		s, told := traced(t, e, c, "")
		peer.Curl(t, "-H", clientParent, "-H", "tracestate: a=1", s.URL("/api/7?q=1&token=secret"))
		at := <-told
		spans := c.Spans(t, 2)
		server, client := spans[0], spans[1]
		if want := "00-" + clientTrace + "-" + client.SpanID + "-01 a=1"; at != want {
			t.Errorf("the upstream was told %s, want %s", at, want)
		}
		if server.TraceID != clientTrace || server.ParentSpanID != clientSpan || server.TraceState != "a=1" || server.Kind != 2 || server.Name != "GET /api/:id" {
			t.Errorf("the server's span is %+v", server)
		}
		if client.TraceID != clientTrace || client.ParentSpanID != server.SpanID || client.Kind != 3 || client.Name != "GET" {
			t.Errorf("the client's span is %+v", client)
		}
		if server.StartTimeUnixNano > client.StartTimeUnixNano || client.EndTimeUnixNano > server.EndTimeUnixNano || len(server.StartTimeUnixNano) != 19 {
			t.Errorf("the spans are not within each other: %+v", spans)
		}
		for key, want := range map[string]string{
			"http.request.method": "GET", "http.route": "/api/:id", "url.path": "/api/7", "url.query": "q=1&token=***", "url.scheme": "http",
			"http.response.status_code": "200", "server.address": "127.0.0.1", "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1",
			"network.protocol.name": "http", "network.protocol.version": "1.1",
		} {
			if got := server.Attributes[key]; got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if server.Resource["service.name"] != "edge" {
			t.Errorf("the resource is %v", server.Resource)
		}

		peer.Curl(t, s.URL("/gone"))
		spans = c.Spans(t, 2)
		if g := spans[0]; g.Status.Code != 2 || g.Attributes["http.response.status_code"] != "502" || g.Attributes["error.type"] != "connect_refused" || g.ParentSpanID != "" {
			t.Errorf("the failure's span is %+v", g)
		}
		if g := spans[1]; g.Status.Code != 2 || g.Attributes["error.type"] != "connect_refused" || g.Attributes["http.response.status_code"] != "" {
			t.Errorf("the failure's request is %+v", g)
		}
		// What is recorded last is sent before the end.
		peer.Curl(t, s.URL("/hello"))
		s.Stop(t)
		last := c.Spans(t, 1)[0]
		expectAll(t, "the access log", s.Stdout.String(), `"trace_id":"`+clientTrace+`"`, `"trace_id":"`+last.TraceID+`"`)
	})
}

// Peers: curl, and a receiver that does not take spans. Requests are served, and it is told that spans are lost.
func TestTracingWithoutCollector(t *testing.T) {
	program := peer.BuildCollector(t)
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		c := peer.StartCollector(t, program, "-key", "another")
		s, told := traced(t, e, c, ", continue: none")
		peer.Curl(t, "-H", clientParent, "-H", "tracestate: a=1", s.URL("/api/7"))
		if at := <-told; strings.Contains(at, clientTrace) || !strings.HasSuffix(at, "-01 ") {
			t.Errorf("the upstream was told %q", at)
		}
		s.Stderr.Line(t, "spans were dropped because the collector does not take them", "spans=1", "the collector answers 401")
		if a := peer.Curl(t, s.URL("/hello")); a.Status != 200 {
			t.Errorf("status %d", a.Status)
		}
		s.Stop(t)
	})
}
