package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testServer serves /fixed, /large, /slow (after a pause) and, with stall, stops the world once for that long.
func testServer(t *testing.T, stall time.Duration) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	gate := make(chan struct{}, 1)
	large := strings.Repeat("x", 200_000)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := served.Add(1); stall > 0 {
			gate <- struct{}{}
			if n == 50 {
				time.Sleep(stall)
			}
			<-gate
		}
		switch r.URL.Path {
		case "/fixed":
			fmt.Fprint(w, "OK")
		case "/large":
			w.Header().Set("Content-Length", fmt.Sprint(len(large)))
			fmt.Fprint(w, large)
		case "/upload":
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
		default:
			http.NotFound(w, r)
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func fixed() Request {
	return Request{Head: Head("GET", "/fixed"), Status: 200, Length: 2}
}

func TestClosedLoop(t *testing.T) {
	address := testServer(t, 0)
	tests := []struct {
		name     string
		requests []Request
		slow     int
	}{
		{"keep-alive", []Request{fixed()}, 0},
		{"connection per request", []Request{{Head: Head("GET", "/fixed", "Connection: close"), Status: 200, Length: 2, Close: true}}, 0},
		{"upload", []Request{{Head: Head("POST", "/upload", "Content-Length: 300000"), Body: 300000, Status: 200, Length: 6}}, 0},
		{"table", []Request{
			fixed(),
			{Head: Head("GET", "/large"), Status: 200, Length: 200_000, Weight: 2},
			{Head: Head("GET", "/nothing"), Status: 404, Length: -1},
		}, 0},
		{"slow clients beside", []Request{fixed()}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := Run(Plan{
				Address: address, Connections: 5, Duration: 300 * time.Millisecond, Requests: test.requests, Sleep: true,
				Slow: test.slow, SlowRequest: Request{Head: Head("GET", "/large"), Status: 200, Length: 200_000},
			})
			if err != nil {
				t.Fatal(err)
			}
			if result.Failures.Sum() != 0 {
				t.Errorf("failures: %s", result.Failures)
			}
			if result.Requests < 20 || result.P50 <= 0 || result.P999 < result.P50 || result.Max < result.P999 {
				t.Errorf("result %+v", result)
			}
		})
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	address := testServer(t, 0)
	const rate = 1000
	result, err := Run(Plan{
		Address: address, Connections: 16, Rate: rate, Duration: time.Second, Requests: []Request{fixed()}, Sleep: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	// The standard deviation of a Poisson count of 1000 is 32.
	if result.Requests < rate-200 || result.Requests > rate+200 || result.Failures.Sum() != 0 {
		t.Errorf("%d requests at a rate of %d, failures: %s", result.Requests, rate, result.Failures)
	}
}

// TestOpenLoopChargesAStall has the server stop for 300 ms: a generator that waits for answers before it asks again
// would see that in 4 requests of 1000, an open loop sees it in everyone who came meanwhile.
func TestOpenLoopChargesAStall(t *testing.T) {
	const stall = 300 * time.Millisecond
	address := testServer(t, stall)
	result, err := Run(Plan{
		Address: address, Connections: 4, Rate: 1000, Duration: time.Second, Requests: []Request{fixed()}, Sleep: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.P90 < stall/3 || result.Max < stall {
		t.Errorf("p90 %v, longest %v after a stall of %v", result.P90, result.Max, stall)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	address := testServer(t, 0)
	result, err := Run(Plan{
		Address: address, Connections: 2, Duration: 300 * time.Millisecond, Sleep: true,
		Requests: []Request{
			{Head: Head("GET", "/nothing"), Status: 200, Length: -1},
			{Head: Head("GET", "/fixed"), Status: 200, Length: 3},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests != 0 || result.Failures.Status == 0 || result.Failures.Length == 0 {
		t.Errorf("result %+v", result)
	}
	if text := result.Failures.String(); !strings.Contains(text, "status ") || !strings.Contains(text, "length ") {
		t.Errorf("failures read %q", text)
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	good := Plan{Address: unused, Connections: 1, Duration: time.Millisecond, Requests: []Request{fixed()}}
	for name, change := range map[string]func(*Plan){
		"nobody listens": func(*Plan) {},
		"address":        func(p *Plan) { p.Address = "localhost" },
		"connections":    func(p *Plan) { p.Connections = 0 },
		"duration":       func(p *Plan) { p.Duration = 0 },
		"requests":       func(p *Plan) { p.Requests = nil },
	} {
		plan := good
		change(&plan)
		if _, err := Run(plan); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMainSpeaksJSON(t *testing.T) {
	plan, err := json.Marshal(Plan{Address: testServer(t, 0), Connections: 1, Duration: 300 * time.Millisecond, Requests: []Request{fixed()}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Main(bytes.NewReader(plan), &out); err != nil {
		t.Fatal(err)
	}
	var result Result
	if err := json.Unmarshal(out.Bytes(), &result); err != nil || result.Requests == 0 {
		t.Errorf("result %+v, %v", result, err)
	}
}

func TestIdle(t *testing.T) {
	idle, err := OpenIdle(testServer(t, 0), 20, fixed(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if alive := idle.Alive(); alive != 20 {
		t.Errorf("%d of 20 connections are alive", alive)
	}
	idle.Close()
	if _, err := OpenIdle(testServer(t, 0), 1, Request{Head: Head("GET", "/nothing"), Status: 200}, nil); err == nil {
		t.Error("a wrong status was accepted")
	}
}

func TestScheduleIsRepeatable(t *testing.T) {
	plan := Plan{Rate: 1e6, Seed: 7, Requests: []Request{{Head: "a", Weight: 3}, {Head: "b"}}}
	a, b := newSchedule(&plan), newSchedule(&plan)
	counts := map[string]int{}
	for range 4000 {
		lineA, lineB := a.draw(), b.draw()
		a.advance()
		b.advance()
		if lineA.Head != lineB.Head || a.next != b.next {
			t.Fatal("two schedules of one seed differ")
		}
		counts[lineA.Head]++
	}
	if share := float64(counts["a"]) / 4000; share < 0.7 || share > 0.8 {
		t.Errorf("a line of weight 3 in 4 was drawn in %.2f of all cases", share)
	}
}

func TestScheduleIsBounded(t *testing.T) {
	s := newSchedule(&Plan{Rate: 1e8, Requests: []Request{fixed()}})
	refused := s.arrive(10 * time.Millisecond)
	if s.size != maxDue || refused < 700_000 || refused > 850_000 {
		t.Errorf("%d queued, %d refused of about a million", s.size, refused)
	}
}

// TestReady has many connections from several addresses answered once each before anybody is told and before the clock
// starts.
func TestReady(t *testing.T) {
	const connections = 2500 // from three addresses
	var mu sync.Mutex
	sources, served := map[string]int{}, 0
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		mu.Lock()
		sources[host]++
		served++
		mu.Unlock()
		fmt.Fprint(w, "OK")
	})}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	calls := 0
	result, err := Run(Plan{
		Address: listener.Addr().String(), Connections: connections, Rate: 500, Duration: 200 * time.Millisecond,
		Requests: []Request{fixed()}, Sleep: true, Spread: true,
		Ready: func() error {
			calls++
			mu.Lock()
			defer mu.Unlock()
			if served != connections || len(sources) != 3 || sources["127.0.1.1"] != 1000 || sources["127.0.1.3"] != 500 {
				t.Errorf("when all are ready, %d requests have come, from %v", served, sources)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls != 1 || result.Failures.Sum() != 0 || result.Requests < 20 || result.Requests > 1000 || served != connections+int(result.Requests) {
		t.Errorf("%d calls, %d requests served, result %+v", calls, served, result)
	}
}
