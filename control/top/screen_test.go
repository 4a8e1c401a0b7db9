package top

import (
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/telemetry"
)

// counts puts n durations into a bucket.
func counts(bucket int, n uint64) []uint64 {
	list := make([]uint64, telemetry.Buckets)
	list[bucket] = n
	return list
}

func statuses() (before, now *admin.Status) {
	began := time.Unix(1000, 0)
	before = &admin.Status{
		Began: began, Now: time.Unix(1010, 0),
		Routes:    []admin.Route{{Name: "/a", Requests: map[string]uint64{"2xx": 100}, Durations: counts(0, 100)}},
		Upstreams: []admin.Upstream{{Name: "api", Breaker: "closed", Members: []admin.Member{{Name: "10.0.0.1:80", Requests: 10, Answers: 10, Sum: 1000}}}},
		Shards:    []admin.Shard{{Requests: 100, CPU: 1_000_000}},
	}
	now = &admin.Status{
		Version: "1.2.3", Engine: "io_uring", Began: began, Now: time.Unix(1012, 0), Connections: 7, Active: 3,
		Routes: []admin.Route{
			{Name: "/a", Requests: map[string]uint64{"2xx": 300, "5xx": 100}, Sent: 4000, Durations: counts(6, 300)},
			{Name: "/new \x1b[31m", Requests: map[string]uint64{"4xx": 4}, Durations: counts(9, 4)},
		},
		Upstreams: []admin.Upstream{{Name: "api", Breaker: "closed", Members: []admin.Member{
			{Name: "10.0.0.1:80", Condition: "available", Requests: 30, Failures: 2, Active: 1, Open: 4, Answers: 20, Sum: 21_000},
			{Name: "10.0.0.2:80", Condition: "unhealthy"},
		}}},
		Shards: []admin.Shard{{Answers: true, Requests: 500, CPU: 1_004_000, Connections: 7, Active: 3, Small: 300}},
		Faults: []admin.Reason{{Reason: "rate_limited", Count: 8}},
	}
	return before, now
}

func TestScreen(t *testing.T) {
	before, now := statuses()
	s := Screen{Now: now, Before: before}
	got := strings.Join(s.Lines(80), "\n")
	for _, line := range []string{
		"anygate 1.2.3  io_uring  serving  up 12s  7 connections  3 requests under way",
		"ROUTE       REQ/S  4XX/S  5XX/S    P50     P99   OUT/S  REQUESTS",
		"/a            150      0   50.0  750µs   995µs  2.00kB       400",
		"/new ?[31m   2.00   2.00      0  7.5ms  9.9ms       0B         4",
		"UPSTREAM         STATE      REQ/S  FAIL/S  RESPONSE  ACTIVE  CONNS  WAITING",
		"api 10.0.0.1:80  available   10.0    1.00     2.0ms       1      4        0",
		"api 10.0.0.2:80  unhealthy      0       0         -       0      0        0",
		"SHARD     STATE  REQ/S  CPU  CPU/REQ  CONNS  ACTIVE  BUFFERS",
		"0            ok    200   0%   10.0µs      7       3      300",
		"FAULT         PER S  COUNT",
		"rate_limited   4.00      8",
	} {
		if !strings.Contains(squeezed(got), squeezed(line)) {
			t.Errorf("there is no line\n%s\nin\n%s", line, got)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Error("a name has reached the terminal as it is")
	}
	for _, width := range []int{1, 10, 40, 60} {
		for _, line := range s.Lines(width) {
			if n := len([]rune(line)); n > width {
				t.Errorf("a line has %d characters of %d: %s", n, width, line)
			}
		}
	}
}

// squeezed makes one blank of many: how wide columns are is the table's business.
func squeezed(s string) string {
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

func TestOrders(t *testing.T) {
	before, now := statuses()
	now.Routes = append(now.Routes, admin.Route{Name: "/0", Requests: map[string]uint64{"2xx": 10}, Durations: counts(18, 1)})
	for order, want := range map[Order]string{ByRate: "/a", ByErrors: "/a", ByLatency: "/0", ByName: "/0"} {
		s := Screen{Now: now, Before: before, Order: order}
		if first := s.Lines(100)[3]; !strings.HasPrefix(first, want+" ") {
			t.Errorf("by %s the first route is %s", order, first)
		}
	}
}

// TestFirstAnswer has nothing to compare with, and so has one of another process.
func TestFirstAnswer(t *testing.T) {
	before, now := statuses()
	other := *before
	other.Began = time.Unix(1, 0)
	for name, b := range map[string]*admin.Status{"none": nil, "another process": &other} {
		s := Screen{Now: now, Before: b}
		if line := squeezed(s.Lines(100)[3]); !strings.HasPrefix(line, "/a - - - 750µs 995µs - 400") && !strings.HasPrefix(line, "/new") {
			t.Errorf("%s: %s", name, line)
		}
	}
}
