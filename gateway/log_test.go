package gateway

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// logOf is what a ring holds.
func logOf(t testing.TB, r *telemetry.Ring) string {
	t.Helper()
	var out bytes.Buffer
	w := telemetry.NewWriter(&out, nil, r)
	if err := w.Close(patience); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var measured = regexp.MustCompile(`[0-9]+\.[0-9]{3}ms|"duration_ms":[0-9.]+|20[0-9-]+T[0-9:]+Z|:[0-9]+ `)

func TestAccessLog(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.errors, w.settings.AccessLog = telemetry.NewRing(1<<16), telemetry.NewRing(1<<16), LogText
	tableWorld(t, w)
	c := w.client()
	c.send("GET /ping?q=1" + req + "Referer: http://r/\r\nUser-Agent: me\r\n\r\n")
	c.expect(text(200, "pong"))
	c.send("HEAD /ping" + req + "\r\n")
	c.expect(headOnly(text(200, "pong")))
	c.send("POST /p/a" + req + "Content-Length: 5\r\n\r\nhello")
	c.expect(fromUp(`POST /a "hello"`))
	c.send("GET /nowhere HTTP/1.0\r\n\r\n")
	c.expect(closing(page(404)))
	c.expectEnd()
	c = w.client()
	c.send("GET /files/large.bin" + req + "\r\n")
	c.response("GET")
	w.upstreams["up"].data = func(*upstreamConn) {}
	c.send("POST /p/b" + req + "Content-Length: 5\r\n\r\nhel")
	w.steps(20)
	c.abort()
	w.steps(5)
	w.upstreams["up"].refuse(true)
	c = w.client()
	c.send("GET /p/c" + req + "\r\n")
	c.expect(page(502))
	c.send("POST /p/d" + req + "Content-Length: 5\r\n\r\n")
	w.pass(time.Second)
	c.expect(page(502))
	d := w.client()
	d.send("GET /../x" + req + "\r\n")
	d.expect(page(400))
	c.send("hello, garbage\r\n\r\n")
	c.rest()
	got := measured.ReplaceAllString(logOf(t, w.access), "")
	want := strings.Join([]string{
		` 192.0.2.1GET h /ping?q=1 HTTP/1.1 200 0 4  route="GET /ping" referer=http://r/ user_agent=me`,
		` 192.0.2.1HEAD h /ping HTTP/1.1 200 0 0  route="GET /ping"`,
		` 192.0.2.1POST h /p/a HTTP/1.1 200 5 15  route=/p/ upstream=up`,
		` 192.0.2.1GET - /nowhere HTTP/1.0 404 0 14 `,
		` 192.0.2.1GET h /files/large.bin HTTP/1.1 200 0 300000  route=/files/`,
		` 192.0.2.1POST h /p/b HTTP/1.1 0 3 0  route=/p/ reason=client_closed`,
		` 192.0.2.1GET h /p/c HTTP/1.1 502 0 16  route=/p/ upstream=up reason=connect_refused`,
		` 192.0.2.1POST h /p/d HTTP/1.1 502 0 16  route=/p/ upstream=up reason=connect_refused`,
		` 192.0.2.1GET h /../x HTTP/1.1 400 0 16  reason=bad_path`,
		` 192.0.2.1- - - - 400 0 16  reason=bad_request_line`,
		"",
	}, "\n")
	if got != want {
		t.Errorf("the access log is\n%s\nwant\n%s", got, want)
	}
	got = measured.ReplaceAllString(logOf(t, w.errors), "")
	for _, line := range []string{
		`error upstream gave no response reason=connect_refused upstream=up route=/p/ status=502 client=192.0.2.1:`,
		`info request refused reason=bad_request_line status=400 client=192.0.2.1:`,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("the error log lacks %q:\n%s", line, got)
		}
	}
}

// TestLogMasks sends credentials of all kinds, and fields that are logged.
func TestLogMasks(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
	w.settings.LogMask = telemetry.NewMask([]string{"x-customer"})
	for _, name := range []string{"x-request-id", "cookie", "authorization", "x-customer", "accept"} {
		w.settings.LogFields = append(w.settings.LogFields, NewLogField(name))
	}
	w.serve("/: OK hi")
	c := w.client()
	c.send("GET /a?q=1&Token=secret" + req + "Referer: http://me:secret@r/?api_key=secret\r\nCookie: a=secret; b=secret\r\n" +
		"Authorization: Bearer secret\r\nX-Customer: secret\r\nX-Request-Id: 4711\r\n\r\n")
	c.expect(text(200, "hi"))
	c.send("GET /b" + req + "\r\n")
	c.expect(text(200, "hi"))
	w.settings.AccessLog = LogCombined
	w.current.Store(w.generation("/: OK hi"))
	c.send("GET /c?pwd=secret" + req + "User-Agent: \"me\"\r\n\r\n")
	c.expect(text(200, "hi"))
	got := logOf(t, w.access)
	for _, part := range []string{
		` /a?q=1&Token=*** `, ` referer=http://***@r/?api_key=*** x-request-id=4711 cookie="a=***; b=***" authorization="Bearer ***" x-customer=***` + "\n",
		` /b HTTP/1.1 200 0 2 0.000ms route=/` + "\n",
		`192.0.2.1 - - [`, `] "GET /c?pwd=*** HTTP/1.1" 200 2 "-" "\"me\""` + "\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in\n%s", part, got)
		}
	}
	if strings.Contains(got, "secret") {
		t.Errorf("credentials are shown:\n%s", got)
	}
	c.close()
}

// TestSlowRequestsAreLogged although hardly any are, and not where none are.
func TestSlowRequestsAreLogged(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.settings.AccessLog, w.settings.LogSlow = telemetry.NewRing(1<<16), LogText, time.Second
	var waiting []*upstreamConn
	w.upstream("up", func(c *upstreamConn) { waiting = append(waiting, c) })
	gen := w.generation("/few/: http://up", "/none/: http://up")
	gen.Routes[0].Policies = &Policies{Log: &LogShare{1}}
	gen.Routes[1].Policies = &Policies{Log: &LogShare{0}}
	w.current.Store(gen)
	w.start()
	for _, path := range []string{"/few/quick", "/few/slow", "/none/slow"} {
		c := w.client()
		c.send("GET " + path + req + "\r\n")
		w.steps(10)
		if strings.HasSuffix(path, "slow") {
			w.pass(2 * time.Second)
		}
		for _, u := range waiting {
			u.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		waiting = nil
		c.response("GET")
		c.close()
	}
	if got := logOf(t, w.access); strings.Count(got, "\n") != 1 || !strings.Contains(got, "/few/slow") {
		t.Errorf("the log has\n%s", got)
	}
}

// TestLogOfLongRequests has a request whose parts are longer than what is kept of them.
func TestLogOfLongRequests(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
	for i := range telemetry.MaxLogFields {
		w.settings.LogFields = append(w.settings.LogFields, NewLogField("x-"+strings.Repeat("f", i+1)))
	}
	w.serve("/: OK hi")
	var head strings.Builder
	head.WriteString("GET /" + strings.Repeat("t", 4000) + req)
	head.WriteString("Referer: " + strings.Repeat("r", 3000) + "\r\nUser-Agent: " + strings.Repeat("u", 3000) + "\r\n")
	for i := range telemetry.MaxLogFields {
		head.WriteString("X-" + strings.Repeat("f", i+1) + ": " + strings.Repeat("v", 1000) + "\r\n")
	}
	c := w.client()
	c.send(head.String() + "\r\n")
	c.expect(text(200, "hi"))
	got := logOf(t, w.access)
	for _, part := range []string{"ttt...\"", "rrr...\"", "uuu...\"", `"x-f":"vvv`, `"x-ff":"`} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in\n%s", part, got)
		}
	}
	if !json.Valid([]byte(got)) {
		t.Errorf("the line is not JSON:\n%s", got)
	}
	c.close()
}

// TestFullLog goes on when nobody drains the log: lines are dropped, requests
// are not.
func TestFullLog(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.settings.AccessLog = telemetry.NewRing(1), LogJSON
	w.serve("/ping: OK pong")
	c := w.client()
	c.send(strings.Repeat("GET /ping"+req+"\r\n", 2000))
	c.expect(strings.Repeat(text(200, "pong"), 2000))
	if w.access.Dropped() == 0 {
		t.Error("the ring has room for everything")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(logOf(t, w.access)), "\n") {
		if !strings.HasPrefix(line, `{"time":"`) || !strings.HasSuffix(line, "}") {
			t.Fatalf("a line is not whole: %q", line)
		}
	}
	c.close()
}
