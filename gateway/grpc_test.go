package gateway

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// The clients here speak HTTP/1.1, because what makes a request one of gRPC is
// its media type; those of test/grpc are real ones.

// grpcGet is a request of gRPC.
func grpcGet(path string, lines ...string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc+proto\r\nTE: trailers\r\n" + strings.Join(lines, "") + "Content-Length: 5\r\n\r\n\x00\x00\x00\x00\x00"
}

// grpcSays is what a client gets of the gateway itself.
func grpcSays(code int, message string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Type: application/grpc\r\nGrpc-Status: %d\r\nGrpc-Message: %s\r\nContent-Length: 0\r\n\r\n", code, message)
}

// TestGRPCErrors has the gateway answer requests of gRPC by itself.
func TestGRPCErrors(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.settings.Body = 1000
		w.speaksH2(nil)
		w.upstream("up", (&origin{serve: func(r *originRequest) { r.c.closeWrite() }}).data())
		w.upstreamAt("down", engine.TCPAddr(netip.MustParseAddrPort("127.0.0.1:1")))
		w.serve("/p/: http://up", "/down/: http://down", "GET /get/: OK", "/said/: 403 no")
		for _, tt := range []struct{ request, want string }{
			{grpcGet("/nowhere"), grpcSays(12, "404 Not Found")},
			{grpcGet("/get/"), grpcSays(12, "405 Method Not Allowed")},
			{grpcGet("/down/"), grpcSays(14, "upstream: connect_refused")},
			{grpcGet("/p/"), grpcSays(14, "upstream: upstream_closed")},
			{"POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 1001\r\n\r\n", grpcSays(8, "413 Content Too Large")},
			{grpcGet("/said/"), "HTTP/1.1 403 Forbidden\r\nServer: anygate\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nno"},
			{strings.Replace(grpcGet("/nowhere"), "grpc+proto", "grpc-web", 1), "HTTP/1.1 404 Not Found\r\nServer: anygate\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n\r\n404 Not Found\n"},
		} {
			c := w.client()
			c.send(tt.request)
			c.until("the answer has come", func(got []byte) bool { return strings.Contains(string(got), "\r\n\r\n") })
			c.got = []byte(strings.Replace(string(c.got), "Connection: close\r\n", "", 1))
			c.expect(tt.want)
			c.abort()
		}
		w.eventually("all are counted", func() bool {
			return w.g.GRPCCount(12) == 2 && w.g.GRPCCount(14) == 2 && w.g.GRPCCount(8) == 1 && w.g.GRPCCount(0) == 0 && w.g.GRPCCount(99) == 0
		})
	})
}

// TestGRPCStatus finds the status in the head, in the trailers, and puts one
// there where the response breaks off.
func TestGRPCStatus(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\ncontent-type: application/grpc\r\n"
	for _, tt := range []struct {
		name  string
		serve func(r *originRequest)
		want  string
		code  int
		bad   bool // counts as a failure of the member
	}{
		{"trailers", func(r *originRequest) {
			r.head(false, ":status", "200", "content-type", "application/grpc")
			r.send([]byte("abcde"), func() { r.head(true, "grpc-status", "0") })
		}, head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\ngrpc-status: 0\r\n\r\n", 0, false},
		{"trailers only", func(r *originRequest) {
			r.answer("200", "", "content-type", "application/grpc", "grpc-status", "5", "grpc-message", "no%20such")
		}, head + "grpc-status: 5\r\ngrpc-message: no%20such\r\nContent-Length: 0\r\n\r\n", 5, false},
		{"unavailable", func(r *originRequest) {
			r.answer("200", "", "content-type", "application/grpc", "grpc-status", "14")
		}, head + "grpc-status: 14\r\nContent-Length: 0\r\n\r\n", 14, true},
		{"unavailable in the end", func(r *originRequest) {
			r.head(false, ":status", "200", "content-type", "application/grpc")
			r.send([]byte("abcde"), func() { r.head(true, "grpc-status", "14") })
		}, head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\ngrpc-status: 14\r\n\r\n", 14, true},
		{"cut off", func(r *originRequest) {
			r.head(false, ":status", "200", "content-type", "application/grpc")
			r.send([]byte("abcde"), func() { r.cut(2) })
		}, head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nGrpc-Status: 14\r\nGrpc-Message: upstream: truncated_response\r\n\r\n", 14, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
				w.speaksH2(nil)
				u := w.upstream("up", (&origin{serve: tt.serve}).data())
				w.serve("/p/: http://up")
				c := w.client()
				c.send(grpcGet("/p/"))
				c.expect(tt.want)
				w.eventually("it is counted", func() bool { return w.g.GRPCCount(tt.code) == 1 })
				if line := logOf(t, w.access); !strings.Contains(line, fmt.Sprintf(`"status":200,"grpc_status":%d,`, tt.code)) {
					t.Errorf("the log has %s", line)
				}
				m := w.memberOf(w.shared("up"), u)
				if failed := m.Cells()[0].Failures.Load() == 1; failed != tt.bad {
					t.Errorf("counted as a failure of the member: %t", failed)
				}
			})
		})
	}
}

// TestGRPCDeadline ends what the client does not wait for any longer, whatever
// the upstream's timeouts are.
func TestGRPCDeadline(t *testing.T) {
	for name, protocol := range map[string]proxy.Protocol{"h2c": proxy.H2C, "http1": proxy.HTTP1} {
		t.Run(name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			w.speaksH2(func(s *proxy.Settings) { s.Protocol = protocol })
			u := w.upstream("up", func(c *upstreamConn) { c.in = nil })
			if protocol == proxy.H2C {
				u.data = (&origin{serve: func(*originRequest) {}}).data()
			}
			w.serve("/p/: http://up")
			c := w.client()
			c.send(grpcGet("/p/", "Grpc-Timeout: 1500m\r\n"))
			w.steps(10)
			w.advance(1400 * time.Millisecond)
			w.steps(10)
			if len(c.got) > 0 {
				t.Fatalf("received %s", brief(string(c.got)))
			}
			w.advance(200 * time.Millisecond)
			c.expect(grpcSays(4, "upstream: grpc_deadline"))
			if protocol == proxy.H2C && u.h2conn(0).resets != 1 {
				t.Error("the upstream is not told")
			}
		})
	}
}

// TestGRPCDeadlineOfTheUpstream has an upstream that was told the deadline as well end
// the call at that time: that is the deadline, whoever comes first, and no failure of the
// member.
func TestGRPCDeadlineOfTheUpstream(t *testing.T) {
	const cancel, internal = 8, 2
	for _, row := range []struct {
		name    string
		after   time.Duration
		begun   bool // the response
		code    uint32
		want    string // how the client is told
		failure uint64
	}{
		{"at the time", 1493 * time.Millisecond, false, cancel, "4", 0},
		{"with a response that has begun", 1493 * time.Millisecond, true, cancel, "4", 0},
		{"before", 1400 * time.Millisecond, false, cancel, "14", 1},
		{"at the time, for another reason", 1493 * time.Millisecond, false, internal, "14", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			w.speaksH2(nil)
			var held *originRequest
			u := w.upstream("up", (&origin{serve: func(r *originRequest) { held = r }}).data())
			w.serve("/p/: http://up")
			c := w.client()
			c.send(grpcGet("/p/", "Grpc-Timeout: 1500m\r\n"))
			w.eventually("the request is there", func() bool { return held != nil })
			if row.begun {
				held.head(false, ":status", "200", "content-type", "application/grpc")
			}
			w.steps(10)
			w.advance(row.after)
			held.cut(row.code)
			w.steps(10)
			if c.pull(); !strings.Contains(strings.ToLower(string(c.got)), "grpc-status: "+row.want+"\r\n") {
				t.Errorf("received %q", c.got)
			}
			if n := w.memberOf(w.shared("up"), u).Cells()[0].Failures.Load(); n != row.failure {
				t.Errorf("%d failures of the member are counted", n)
			}
		})
	}
}
