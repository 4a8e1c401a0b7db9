package control

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/discovery"
)

// wait waits until something is so; was is what done compares with.
func (r *running) wait(what string, done func(was int64) bool, was int64) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(was); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not within 20 s; the log:\n%s", what, r.err.String())
		}
	}
}

// logged waits for a line of the error log.
func (r *running) logged(part string) {
	r.t.Helper()
	r.wait(part+" is logged", func(int64) bool { return strings.Contains(r.err.String(), part) }, 0)
}

// TestHealthIsWatched serves two members of which one fails its checks, and then recovers.
func TestHealthIsWatched(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		var sick atomic.Bool
		sick.Store(true)
		member := func(name string, healthy func() bool) *httptest.Server {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/up" && !healthy() {
					w.WriteHeader(503)
				}
				fmt.Fprint(w, name)
			}))
			t.Cleanup(s.Close)
			return s
		}
		a := member("a", func() bool { return true })
		b := member("b", func() bool { return !sick.Load() })
		r := start(t, "", fmt.Sprintf(`
listen: "127.0.0.1:0"
server: {engine: %s, shards: 2}
upstreams:
  api:
    members: ["%s", "%s"]
    health: {path: /up, every: 100ms, fall: 1, rise: 1}
routes: {"/": http://api}
`, engine, strings.TrimPrefix(a.URL, "http://"), strings.TrimPrefix(b.URL, "http://")))
		name := "member " + strings.TrimPrefix(b.URL, "http://") + " of api is "
		r.logged("warn " + name + "down")
		for range 10 {
			if status, body := r.get("/"); status != 200 || body != "a" {
				t.Errorf("%d %q while one member is down", status, body)
			}
		}
		sick.Store(false)
		r.logged("info " + name + "up")
		seen := make(map[string]bool)
		for range 10 {
			_, body := r.get("/")
			seen[body] = true
		}
		if !seen["a"] || !seen["b"] {
			t.Errorf("only %v answer when both members are up", seen)
		}
	})
}

// TestNamesAreTold logs what happens to a name: the first failures, the end of them, and other addresses.
func TestNamesAreTold(t *testing.T) {
	var stderr journal
	s := &Server{logs: mustOpenLogs(t, config.Log{Access: config.AccessLog{To: "off"}, Level: "info"}, 1, &stderr, &stderr)}
	q := discovery.Query{Name: "app.test", Port: 80}
	for n := range 5 {
		s.tellName(discovery.Event{Query: q, Err: fmt.Errorf("no answer %d", n+1), Failures: n + 1})
	}
	s.tellName(discovery.Event{Query: q, Failures: 5})
	s.tellName(discovery.Event{
		Query: q, Added: []discovery.Endpoint{endpoint("192.0.2.1:80"), endpoint("[2001:db8::1]:80")}, Removed: []discovery.Endpoint{endpoint("192.0.2.2:80")},
	})
	if err := s.logs.close(); err != nil {
		t.Fatal(err)
	}
	got := stderr.String()
	wantIn(t, got, `warn a name cannot be looked up: its last addresses stay name=app.test failures=1 error="no answer 1"`, "failures=2", "failures=4",
		"info a name can be looked up again name=app.test failures=5",
		"info the addresses of a name have changed: added 192.0.2.1:80 [2001:db8::1]:80, removed 192.0.2.2:80 name=app.test")
	if n := strings.Count(got, "\n"); n != 5 {
		t.Errorf("%d lines:\n%s", n, got)
	}
}
