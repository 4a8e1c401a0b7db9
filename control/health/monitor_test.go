package health

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

func start(t testing.TB, o Options) *Monitor {
	t.Helper()
	m := New(o)
	t.Cleanup(m.Close)
	return m
}

// quick is a check that finds out soon.
func quick() *Check { return &Check{Every: tick, Timeout: 5 * time.Second, Rise: 2, Fall: 2} }

// switchable is a member that answers with what its status is set to.
func switchable(t testing.TB, status *atomic.Int64) string {
	return scripted(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		head(c)
		_, _ = io.WriteString(c, response(int(status.Load()), ""))
	})
}

func TestMonitorActive(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	address := switchable(t, &status)
	dead := free(t)
	u, members := pool(t, 1, address, dead)
	j := newJournal()
	m := start(t, Options{Log: j.log})
	m.Apply([]Upstream{{Upstream: u, Active: quick()}})

	if got, want := j.next(t).String(), "member "+dead+" of api is down: 2 checks failed: connection refused"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if members[1].State() != proxy.Unhealthy || members[0].State() != 0 {
		t.Errorf("states %d and %d", members[0].State(), members[1].State())
	}
	until(t, "no check passes", func() bool { return m.Status()[0].Members[0].Passed > 0 })
	status.Store(500)
	if got, want := j.next(t).String(), "member "+address+" of api is down: 2 checks failed: status 500"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if members[0].State() != proxy.Unhealthy || members[0].Since() != 0 {
		t.Errorf("state %d since %d", members[0].State(), members[0].Since())
	}
	s := m.Status()[0].Members[0]
	if s.State != proxy.Unhealthy || s.LastError == nil || s.LastError.Error() != "status 500" || s.Failed < 2 || s.Passed == 0 {
		t.Errorf("status %+v", s)
	}
	status.Store(200)
	if got, want := j.next(t).String(), "member "+address+" of api is up: 2 checks passed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if members[0].State() != 0 || members[0].Since() == 0 {
		t.Errorf("state %d since %d: slow start begins now", members[0].State(), members[0].Since())
	}
}

// The first check is made at once, and no second one before the interval is over or while one is under way.
func TestMonitorChecksOneAtATime(t *testing.T) {
	arrived := make(chan struct{}, 100)
	release := make(chan struct{})
	var underWay, most atomic.Int64
	address := scripted(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
		most.Store(max(most.Load(), underWay.Add(1)))
		head(c)
		arrived <- struct{}{}
		<-release
		underWay.Add(-1)
		_, _ = io.WriteString(c, response(200, ""))
	})
	u, _ := pool(t, 1, address, address) // Twice the same address is two members.
	publish(u, u.Set().Endpoints[0].Member, u.Set().Endpoints[0].Member)
	m := start(t, Options{})
	m.Apply([]Upstream{{Upstream: u, Active: &Check{Every: time.Millisecond, Timeout: 10 * time.Second}}})
	<-arrived
	// Many turns pass in which it is due.
	for range 5 {
		m.turn()
	}
	close(release)
	<-arrived
	<-arrived
	if most.Load() != 1 {
		t.Errorf("%d checks of one member at a time", most.Load())
	}
	until(t, "no check has passed", func() bool { return m.Status()[0].Members[0].Passed > 0 })
	if n := len(m.Status()[0].Members); n != 1 {
		t.Errorf("a member with two places in the set is watched %d times", n)
	}
}

// More than can be checked at a time are checked one after the other, and none is forgotten.
func TestMonitorBoundsChecks(t *testing.T) {
	const n = maxChecks + 50
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = "127.0.0.1:9"
	}
	u, members := pool(t, 1, addresses...)
	publish(u, members...)
	var underWay, most, all atomic.Int64
	var filled sync.Once // what is free again is filled again, and maybe up to the bound
	full, release := make(chan struct{}), make(chan struct{})
	m := start(t, Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		defer underWay.Add(-1)
		if now := underWay.Add(1); now == maxChecks {
			filled.Do(func() { close(full) })
		} else if now > most.Load() {
			most.Store(now)
		}
		all.Add(1)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, net.ErrClosed
	}})
	m.Apply([]Upstream{{Upstream: u, Active: &Check{Every: time.Hour, Timeout: time.Minute, Fall: 1}}})
	<-full
	m.turn()
	close(release)
	until(t, "not all members are checked", func() bool {
		return !slices.ContainsFunc(members, func(m *proxy.Member) bool { return m.State() == 0 })
	})
	if most.Load() >= maxChecks || all.Load() != n {
		t.Errorf("more than %d checks at a time, %d in all", maxChecks, all.Load())
	}
}

// Other members of the set are followed, and those that have left are nobody's business.
func TestMonitorFollowsTheSet(t *testing.T) {
	first, second := free(t), free(t)
	u, members := pool(t, 1, first, second)
	publish(u, members[0])
	j := newJournal()
	m := start(t, Options{Log: j.log})
	m.Apply([]Upstream{{Upstream: u, Active: quick()}})
	if e := j.next(t); e.Member != first || e.Kind != Down {
		t.Errorf("%s", e)
	}
	members[0].Mark(proxy.Draining, true, 1)
	publish(u, members[1])
	if e := j.next(t); e.Member != second || e.Kind != Down {
		t.Errorf("%s", e)
	}
	if s := members[0].State(); s != proxy.Draining {
		t.Errorf("who has left has the state %d", s)
	}
	// It begins anew when it comes back.
	members[0].Mark(proxy.Draining, false, 2)
	publish(u, members...)
	if e := j.next(t); e.Member != first || e.Kind != Down {
		t.Errorf("%s", e)
	}
}

func TestMonitorApply(t *testing.T) {
	dead := free(t)
	u, members := pool(t, 1, dead)
	other, others := pool(t, 1, dead)
	j := newJournal()
	var now atomic.Int64
	now.Store(1)
	m := start(t, Options{Log: j.log, Now: func() int64 { return now.Load() }})
	check := quick()
	m.Apply([]Upstream{{Upstream: other, Breaker: &Breaker{Min: 1}}, {Upstream: u, Active: check}})
	until(t, "not one check", func() bool { return m.Status()[1].Members[0].Failed == 1 })

	// The same again changes nothing: one more failure is enough, and no check is made before its time.
	same := *check
	m.Apply([]Upstream{{Upstream: u, Active: &same}, {Upstream: other, Breaker: &Breaker{Min: 1}}})
	m.turn()
	if s := m.Status()[0]; s.Members[0].Failed != 1 || s.Upstream != "api" {
		t.Errorf("%+v", s)
	}
	now.Add(int64(tick))
	m.turn()
	if e := j.next(t); e.Kind != Down {
		t.Errorf("%s", e)
	}
	// Who is down stays so when the check becomes another, and one that looks elsewhere is made at once.
	now.Add(1)
	m.Apply([]Upstream{{Upstream: u, Active: &Check{Path: "/other", Every: time.Hour, Fall: 1}}, {Upstream: other, Breaker: &Breaker{Min: 1}}})
	until(t, "the new check was not made", func() bool { return m.Status()[0].Members[0].Failed == 3 })
	if members[0].State() != proxy.Unhealthy {
		t.Errorf("state %d", members[0].State())
	}

	fails(&other.Cells()[0], 1)
	until(t, "the breaker does not open", func() bool { return other.Breaker() == proxy.BreakerOpen })
	if e := j.next(t); e.Kind != BreakerOpened || e.For != defaultOpen || e.Reason != "1 of 1 requests failed" {
		t.Errorf("%s", e)
	}
	if s := m.Status()[1]; s.Breaker != proxy.BreakerOpen {
		t.Errorf("%+v", s)
	}

	// What is not watched any more is available.
	m.Apply(nil)
	if members[0].State() != 0 || others[0].State() != 0 || other.Breaker() != proxy.BreakerClosed || len(m.Status()) != 0 {
		t.Errorf("states %d and %d, breaker %d", members[0].State(), others[0].State(), other.Breaker())
	}
	// The breaker begins anew.
	m.Apply([]Upstream{{Upstream: other, Breaker: &Breaker{Min: 1}}})
	m.turn()
	if other.Breaker() != proxy.BreakerClosed {
		t.Error("open for what is past")
	}
}

// The result of a check that was replaced in the meantime says nothing.
func TestMonitorIgnoresOldResults(t *testing.T) {
	u, members := pool(t, 1, "127.0.0.1:9")
	asked, release := make(chan struct{}, 10), make(chan struct{})
	m := start(t, Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, net.ErrClosed
	}})
	m.Apply([]Upstream{{Upstream: u, Active: &Check{Path: "/old", Fall: 1, Timeout: time.Minute}}})
	<-asked
	m.Apply([]Upstream{{Upstream: u, Active: &Check{Path: "/new", Fall: 2, Timeout: time.Minute, Every: time.Hour}}})
	close(release)
	<-asked
	until(t, "the new check has no result", func() bool { return m.Status()[0].Members[0].Failed == 1 })
	if members[0].State() != 0 {
		t.Error("down because of a check that is not made any more")
	}
}

func TestMonitorPassive(t *testing.T) {
	u, members := pool(t, 2, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
	j := newJournal()
	var now atomic.Int64
	m := start(t, Options{Log: j.log, Now: func() int64 { return now.Load() }})
	m.Apply([]Upstream{{Upstream: u, Passive: &Passive{Errors: 5}}})

	// Two of three fail; half of three is one.
	fails(&members[1].Cells()[1], 5)
	fails(&members[2].Cells()[0], 5)
	m.turn()
	if got := j.next(t).String(); got != "member 127.0.0.1:2 of api is ejected for 10s: 5 consecutive errors" {
		t.Error(got)
	}
	if s := m.Status()[0].Members[1]; s.State != proxy.Ejected || s.EjectedFor != 10*time.Second || s.EjectedWhy != "5 consecutive errors" || s.Ejections != 1 {
		t.Errorf("%+v", s)
	}
	if members[2].State() != 0 {
		t.Error("more than half are ejected")
	}
	// When the first comes back, the other one goes.
	now.Store(10 * second)
	m.turn()
	if got := j.next(t).String(); got != "member 127.0.0.1:2 of api is readmitted: after 10s" {
		t.Error(got)
	}
	if got := j.next(t).String(); got != "member 127.0.0.1:3 of api is ejected for 10s: 5 consecutive errors" {
		t.Error(got)
	}
	if members[1].State() != 0 || members[1].Since() != 10*second || members[2].State() != proxy.Ejected {
		t.Errorf("states %d since %d, %d", members[1].State(), members[1].Since(), members[2].State())
	}
	// The third comes back, the second fails again, and is gone for longer.
	now.Store(20 * second)
	m.turn()
	j.next(t)
	fails(&members[1].Cells()[1], 5)
	now.Store(19*second + second)
	m.turn()
	if e := j.next(t); e.Member != "127.0.0.1:2" || e.For != 10*time.Second {
		t.Errorf("well for as long as it was ejected, and yet: %s", e)
	}
	now.Store(30 * second)
	m.turn()
	j.next(t)
	fails(&members[1].Cells()[1], 5)
	m.turn()
	if e := j.next(t); e.Member != "127.0.0.1:2" || e.For != 20*time.Second {
		t.Errorf("%s", e)
	}
	// Without passive checks nobody is ejected.
	m.Apply([]Upstream{{Upstream: u, Breaker: &Breaker{}}})
	if members[1].State() != 0 {
		t.Error("still ejected")
	}
}

// A member whose checks fail gets no requests to be judged by, and what it failed before is no reason once they pass.
func TestMonitorUnhealthyIsNotEjected(t *testing.T) {
	var status atomic.Int64
	status.Store(500)
	u, members := pool(t, 1, switchable(t, &status), "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
	j := newJournal()
	m := start(t, Options{Log: j.log})
	check := quick()
	check.Status = []StatusRange{{200, 299}}
	m.opt.Dial = only(members[0].Name)
	m.Apply([]Upstream{{Upstream: u, Active: check, Passive: &Passive{Errors: 3, Share: 0.5}}})
	if e := j.next(t); e.Kind != Down {
		t.Fatalf("%s", e)
	}
	fails(&members[0].Cells()[0], 100)
	m.turn()
	if s := members[0].State(); s != proxy.Unhealthy {
		t.Errorf("state %d", s)
	}
	status.Store(200)
	if e := j.next(t); e.Kind != Up {
		t.Fatalf("%s", e)
	}
	m.turn()
	if s := members[0].State(); s != 0 {
		t.Errorf("state %d after it came back", s)
	}
	if all := j.all(); len(all) > 0 {
		t.Errorf("and then: %q", all)
	}
}

// only lets one address be dialled, and fails for want of something on this side for all others.
func only(address string) Dialer {
	return func(ctx context.Context, network, to string) (net.Conn, error) {
		if to != address {
			return nil, ownFault{net.ErrClosed}
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
}

func TestMonitorBreaker(t *testing.T) {
	u, _ := pool(t, 2, "127.0.0.1:1")
	j := newJournal()
	var now atomic.Int64
	m := start(t, Options{Log: j.log, Now: func() int64 { return now.Load() }})
	m.Apply([]Upstream{{Upstream: u, Breaker: &Breaker{Errors: 0.5, Min: 10, Open: 3 * time.Second}}})
	succeeds(&u.Cells()[1], 4)
	fails(&u.Cells()[0], 6)
	m.turn()
	if got := j.next(t).String(); got != "the breaker of api is open for 3s: 6 of 10 requests failed" || u.Breaker() != proxy.BreakerOpen {
		t.Errorf("%s; state %d", got, u.Breaker())
	}
	now.Store(3 * second)
	m.turn()
	if e := j.next(t); e.Kind != BreakerHalfOpen || u.Breaker() != proxy.BreakerHalfOpen {
		t.Errorf("%s; state %d", e, u.Breaker())
	}
	succeeds(&u.Cells()[0], 2)
	succeeds(&u.Cells()[1], 1)
	m.turn()
	if e := j.next(t); e.Kind != BreakerClosed || u.Breaker() != proxy.BreakerClosed {
		t.Errorf("%s; state %d", e, u.Breaker())
	}
}

// What is to be closed while checks hang, or their content does, is closed at once.
func TestMonitorClose(t *testing.T) {
	asked := make(chan struct{}, 10)
	u, members := pool(t, 1,
		scripted(t, "tcp", "127.0.0.1:0", func(c net.Conn) { head(c); asked <- struct{}{}; hold(c) }),
		scripted(t, "tcp", "127.0.0.1:0", says("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", hold)))
	m := New(Options{})
	m.Apply([]Upstream{{Upstream: u, Active: &Check{Every: time.Hour, Timeout: time.Hour}}})
	<-asked
	until(t, "a head is not enough", func() bool { return m.Status()[0].Members[1].Passed == 1 })
	m.Close()
	m.Close()
	m.Apply([]Upstream{{Upstream: u, Active: quick()}})
	if members[0].State() != 0 {
		t.Error("the end of the process is held against a member")
	}
}

// Two Monitors' worth of goroutines at once: what the race detector is for.
func TestMonitorFromManyGoroutines(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	u, members := pool(t, 1, switchable(t, &status), free(t))
	m := start(t, Options{Random: func() float64 { return 0.5 }})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			m.Apply([]Upstream{{Upstream: u, Active: quick(), Passive: &Passive{Errors: i%3 + 1}, Breaker: &Breaker{}}})
			publish(u, members[:i%2+1]...)
			m.turn()
		}
		publish(u, members...)
	}()
	for range 200 {
		fails(&members[0].Cells()[0], 1)
		_ = m.Status()
	}
	<-done
	until(t, "a member that is not there is up", func() bool { return members[1].State()&proxy.Unhealthy != 0 })
	for _, s := range m.Status() {
		if !strings.HasPrefix(s.Members[0].Member, "127.0.0.1:") {
			t.Errorf("%+v", s)
		}
	}
}
