package health

import (
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

func TestEjectionByErrors(t *testing.T) {
	type cells = []proxy.Cell
	for _, c := range []struct {
		name  string
		count func(cells)
		why   string
	}{
		{"nothing", func(cells) {}, ""},
		{"too few", func(c cells) { fails(&c[0], 4) }, ""},
		{"enough", func(c cells) { fails(&c[0], 5) }, "5 consecutive errors"},
		{"more", func(c cells) { fails(&c[1], 7) }, "7 consecutive errors"},
		{"a success between", func(c cells) { fails(&c[0], 4); succeeds(&c[0], 1); fails(&c[0], 4) }, ""},
		{"shared by two shards", func(c cells) { fails(&c[0], 3); fails(&c[1], 3) }, ""},
		{"successes of another shard", func(c cells) { fails(&c[0], 5); succeeds(&c[1], 100) }, "5 consecutive errors"},
		{"many of each, ending well", func(c cells) { fails(&c[0], 100); succeeds(&c[0], 1) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := (&Passive{Errors: 5}).withDefaults()
			cells := make([]proxy.Cell, 2)
			e := newEjection(cells, 0)
			c.count(cells)
			if why, found := e.fault(p, cells, second); why != c.why || found != (why != "") {
				t.Errorf("%q (%v), want %q", why, found, c.why)
			}
		})
	}
}

// Failures that were paid for do not count again, whether they are still the last thing that was seen or not.
func TestEjectionAfresh(t *testing.T) {
	for _, c := range []struct {
		name  string
		after func(*proxy.Cell)
		want  bool
	}{
		{"nothing since", func(*proxy.Cell) {}, false},
		{"too few since", func(c *proxy.Cell) { fails(c, 2) }, false},
		{"as many again", func(c *proxy.Cell) { fails(c, 3) }, true},
		{"a success and fewer", func(c *proxy.Cell) { succeeds(c, 1); fails(c, 2) }, false},
		{"a success and as many", func(c *proxy.Cell) { succeeds(c, 1); fails(c, 3) }, true},
		{"a success and more than ever", func(c *proxy.Cell) { succeeds(c, 1); fails(c, 9) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := (&Passive{Errors: 3}).withDefaults()
			cells := make([]proxy.Cell, 1)
			fails(&cells[0], 7)
			e := newEjection(cells, 0)
			if _, found := e.fault(p, cells, second); found {
				t.Error("ejected for what happened before it was watched")
			}
			e.eject(p, second)
			e.readmit(cells, 11*second)
			c.after(&cells[0])
			if why, found := e.fault(p, cells, 12*second); found != c.want {
				t.Errorf("fault %q", why)
			}
		})
	}
}

func TestEjectionByLatency(t *testing.T) {
	type step struct {
		at    float64
		n     uint64
		after time.Duration
		why   string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"fast", []step{{1, 100, time.Second, ""}}},
		{"as slow as may be", []step{{1, 100, 2 * time.Second, ""}}},
		{"too slow", []step{{1, 100, 2001 * time.Millisecond, "the mean latency of 100 responses is 2.001s"}}},
		{"too soon to tell", []step{{0.9, 100, 3 * time.Second, ""}, {1, 0, 0, "the mean latency of 100 responses is 3s"}}},
		{"too few to tell", []step{{1, 9, 3 * time.Second, ""}, {5, 1, 3 * time.Second, "the mean latency of 10 responses is 3s"}}},
		{"too few for too long", []step{{10, 9, 3 * time.Second, ""}, {12, 9, 3 * time.Second, ""}}},
		{"a mean, not the worst", []step{{0.5, 99, time.Millisecond, ""}, {1, 1, time.Minute, ""}}},
		{"each window by itself", []step{{1, 100, time.Second, ""}, {2, 10, 5 * time.Second, "the mean latency of 10 responses is 5s"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := (&Passive{Latency: 2 * time.Second}).withDefaults()
			cells := make([]proxy.Cell, 2)
			answers(&cells[1], 50, time.Hour)
			e := newEjection(cells, 0)
			for i, s := range c.steps {
				answers(&cells[i%2], s.n, s.after)
				if why, found := e.fault(p, cells, int64(s.at*float64(second))); why != s.why || found != (why != "") {
					t.Errorf("step %d: %q, want %q", i+1, why, s.why)
				}
			}
		})
	}
}

func TestNothingIsLookedAtUnlessAskedFor(t *testing.T) {
	cells := make([]proxy.Cell, 1)
	e := newEjection(cells, 0)
	fails(&cells[0], 1000)
	answers(&cells[0], 1000, time.Hour)
	if why, found := e.fault((&Passive{}).withDefaults(), cells, 60*second); found {
		t.Error(why)
	}
}

func TestEjectionGrowsAndIsForgotten(t *testing.T) {
	cells := make([]proxy.Cell, 1)
	p := (&Passive{Errors: 1, Eject: 10 * time.Second}).withDefaults()
	e := newEjection(cells, 0)
	now := int64(0)
	for i := 1; i <= 3; i++ {
		e.eject(p, now)
		if want := time.Duration(i) * 10 * time.Second; e.length != want || e.until != now+int64(want) {
			t.Fatalf("ejection %d takes %s, until %s", i, e.length, time.Duration(e.until))
		}
		now = e.until
		e.readmit(cells, now)
	}
	// 30 s take it back to two, 20 s more to one, 10 s more to none.
	for _, c := range []struct {
		after int64
		times int
	}{{29, 3}, {30, 2}, {49, 2}, {50, 1}, {59, 1}, {60, 0}, {1000, 0}} {
		e.forget(p, now+c.after*second)
		if e.times != c.times {
			t.Errorf("after %d s %d are not forgotten, want %d", c.after, e.times, c.times)
		}
	}
	// A look that comes late catches up.
	for range 3 {
		e.eject(p, now)
		e.readmit(cells, now)
	}
	if e.forget(p, now+3600*second); e.times != 0 {
		t.Errorf("%d are not forgotten", e.times)
	}
}

func TestEjectionIsBounded(t *testing.T) {
	for _, c := range []struct {
		eject, longest time.Duration
		times          int
	}{
		{10 * time.Second, longestEjection, 30},
		{7 * time.Second, longestEjection, 43},
		{time.Hour, time.Hour, 1},
	} {
		p := (&Passive{Eject: c.eject}).withDefaults()
		e := newEjection(nil, 0)
		for range 1000 {
			e.eject(p, 0)
		}
		if e.length != c.longest || e.times != c.times {
			t.Errorf("%s: %s after %d steps, want %s after %d", c.eject, e.length, e.times, c.longest, c.times)
		}
	}
}

func TestMayEject(t *testing.T) {
	for _, c := range []struct {
		share                string
		of                   float64
		members, unavailable int
		want                 bool
	}{
		{"the only one", 1, 1, 0, false},
		{"one of two", 0.5, 2, 0, true},
		{"both of two", 1, 2, 1, false},
		{"one of three, however small the share", 0.01, 3, 0, true},
		{"a second of three at half", 0.5, 3, 1, false},
		{"a second of four at half", 0.5, 4, 1, true},
		{"a third of four at half", 0.5, 4, 2, false},
		{"all but one", 1, 10, 8, true},
		{"the last one", 1, 10, 9, false},
	} {
		t.Run(c.share, func(t *testing.T) {
			if got := (&Passive{Share: c.of}).mayEject(c.members, c.unavailable); got != c.want {
				t.Errorf("%d of %d at %v: %v", c.unavailable, c.members, c.of, got)
			}
		})
	}
}

// A poll of a member's counts is made ten times a second for each of them.
func TestLooksAllocateNothing(t *testing.T) {
	cells := make([]proxy.Cell, 4)
	p := (&Passive{Errors: 5, Latency: time.Second}).withDefaults()
	s := (&Breaker{}).withDefaults()
	e := newEjection(cells, 0)
	var b circuit
	now := int64(0)
	if n := testing.AllocsPerRun(100, func() {
		now += int64(tick)
		succeeds(&cells[0], 1)
		e.fault(p, cells, now)
		e.forget(p, now)
		b.look(s, sum(cells), now)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDefaults(t *testing.T) {
	if p := (&Passive{}).withDefaults(); p.Eject != defaultEject || p.Share != defaultShare {
		t.Errorf("%+v", p)
	}
	if b := (&Breaker{}).withDefaults(); *b != (Breaker{defaultErrors, defaultWindow, defaultMin, defaultOpen}) {
		t.Errorf("%+v", b)
	}
	c := (&Check{}).withDefaults()
	if !c.same(&Check{Path: "/", Every: defaultEvery, Timeout: defaultTimeout, Rise: defaultRise, Fall: defaultFall, Status: []StatusRange{{200, 399}}}) {
		t.Errorf("%+v", c)
	}
	for status, want := range map[int]bool{199: false, 200: true, 302: true, 399: true, 400: false, 503: false} {
		if c.passes(status) != want {
			t.Errorf("%d passes: %v", status, !want)
		}
	}
	given := Check{Path: "/x", Host: "h", Every: 1, Timeout: 2, Jitter: 0.3, Rise: 4, Fall: 5, Status: []StatusRange{{204, 204}, {500, 599}}}
	if !given.withDefaults().same(&given) {
		t.Error("what was given is replaced")
	}
	if !given.passes(204) || !given.passes(503) || given.passes(200) {
		t.Error("several ranges")
	}
}

func TestInterval(t *testing.T) {
	c := &Check{Every: 10 * time.Second, Jitter: 0.1}
	for random, want := range map[float64]int64{0: 9, 0.5: 10, 1: 11} {
		if got := c.interval(random); got != want*second {
			t.Errorf("%v: %s", random, time.Duration(got))
		}
	}
}

func TestEventStrings(t *testing.T) {
	for _, c := range []struct {
		event Event
		want  string
		worse bool
	}{
		{Event{Down, "api", "10.0.0.1:8080", "3 checks failed: connection refused", 0}, "member 10.0.0.1:8080 of api is down: 3 checks failed: connection refused", true},
		{Event{Up, "api", "unix:/run/a", "2 checks passed", 0}, "member unix:/run/a of api is up: 2 checks passed", false},
		{Event{Ejected, "api", "10.0.0.1:80", "5 consecutive errors", 10 * time.Second}, "member 10.0.0.1:80 of api is ejected for 10s: 5 consecutive errors", true},
		{Event{Readmitted, "api", "10.0.0.1:80", "after 10s", 0}, "member 10.0.0.1:80 of api is readmitted: after 10s", false},
		{Event{BreakerOpened, "api", "", "20 of 30 requests failed", 5 * time.Second}, "the breaker of api is open for 5s: 20 of 30 requests failed", true},
		{Event{BreakerHalfOpen, "api", "", "requests may try", 0}, "the breaker of api is half open: requests may try", false},
		{Event{BreakerClosed, "api", "", "3 trials succeeded", 0}, "the breaker of api is closed: 3 trials succeeded", false},
	} {
		if got := c.event.String(); got != c.want || c.event.Kind.Worse() != c.worse || strings.Contains(got, "\n") {
			t.Errorf("%q (worse: %v), want %q", got, c.event.Kind.Worse(), c.want)
		}
	}
}
