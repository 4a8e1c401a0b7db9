package discovery

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// script is a resolver that gives the answers of a test, and notes when it was
// asked.
type script struct {
	mu     sync.Mutex
	answer Answer
	err    error
	asked  []time.Time
	busy   int
	most   int
	takes  time.Duration
}

func (s *script) look(ctx context.Context, _ Query, _ memory) (Answer, error) {
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	s.busy++
	s.most = max(s.most, s.busy)
	a, err, takes := s.answer, s.err, s.takes
	s.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	return a, err
}

func (s *script) set(a Answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.err = a, err
}

func (s *script) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.asked...)
}

// scripted is a Discovery with a script, and the log of its events.
func scripted(s *script) (*Discovery, *events) {
	e := &events{}
	d := New(Options{Log: e.add})
	d.look = s.look
	return d, e
}

type events struct {
	mu   sync.Mutex
	list []Event
}

func (e *events) add(x Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, x)
}

func (e *events) all() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Event(nil), e.list...)
}

// answer is one with these addresses, "10.0.0.1:80 10.0.0.2:80".
func answer(ttl time.Duration, addrs string) Answer {
	return Answer{Endpoints: arrange(endpoints(addrs)), TTL: ttl}
}

// told is what a watcher was told.
type told struct {
	mu   sync.Mutex
	list []string
}

func (w *told) changed(list []Endpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, text(list))
}

func (w *told) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.list, " | ")
}

// A name is resolved when its TTL has run out, give or take 10 %, within the
// bounds.
func TestTimes(t *testing.T) {
	tests := []struct {
		name     string
		query    Query
		ttl      time.Duration
		expected time.Duration
	}{
		{"the TTL", Query{}, 30 * time.Second, 30 * time.Second},
		{"none", Query{}, 0, minTTL},
		{"a day", Query{}, 24 * time.Hour, maxTTL},
		{"own bounds, below", Query{Min: 10 * time.Second, Max: 20 * time.Second}, time.Second, 10 * time.Second},
		{"own bounds, above", Query{Min: 10 * time.Second, Max: 20 * time.Second}, time.Minute, 20 * time.Second},
		{"whatever the TTL is", Query{Min: 15 * time.Second, Max: 15 * time.Second}, time.Second, 15 * time.Second},
		{"a minimum above the usual maximum", Query{Min: time.Hour}, time.Second, time.Hour},
		{"a maximum below the usual minimum", Query{Max: 100 * time.Millisecond}, time.Minute, 100 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answer: answer(test.ttl, "10.0.0.1:80")}
				d, e := scripted(s)
				begin := time.Now()
				d.Watch(test.query, s.answer, func([]Endpoint) { t.Error("told of a change although there is none") })
				time.Sleep(200 * test.expected)
				d.Close()
				times := append([]time.Time{begin}, s.times()...)
				shortest, longest := time.Hour*1000, time.Duration(0)
				for i := 1; i < len(times); i++ {
					gap := times[i].Sub(times[i-1])
					shortest, longest = min(shortest, gap), max(longest, gap)
				}
				low, high := test.expected*9/10, test.expected*11/10
				if shortest < low || longest > high {
					t.Errorf("times of %v to %v, want within %v and %v", shortest, longest, low, high)
				}
				if longest-shortest < test.expected/10 {
					t.Errorf("times of %v to %v: there is hardly any jitter", shortest, longest)
				}
				if n := len(times) - 1; n < 180 || n > 222 {
					t.Errorf("resolved %d times, want about 200", n)
				}
				if got := e.all(); len(got) != 0 {
					t.Errorf("events: %v", got)
				}
			})
		})
	}
}

// While a name cannot be resolved, its addresses stay, and it is tried less
// and less often.
func TestFailuresKeepWhatWasGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answer(time.Minute, "10.0.0.1:80 10.0.0.2:80")}
		d, e := scripted(s)
		defer d.Close()
		var w told
		q := Query{Name: "a.test", Port: 80}
		d.Watch(q, s.answer, w.changed)
		broken := errors.New("broken")
		s.set(Answer{}, broken)
		time.Sleep(70 * time.Second)
		time.Sleep(10 * time.Minute)
		times := s.times()
		for i := 1; i < len(times); i++ {
			want := min(time.Second<<min(i-1, 20), retryMost)
			if gap := times[i].Sub(times[i-1]); gap < want*9/10 || gap > want*11/10 {
				t.Errorf("attempt %d came after %v, want %v", i+1, gap, want)
			}
		}
		if got := d.Status(); len(got) != 1 || got[0].Failures != len(times) || !errors.Is(got[0].Err, broken) || text(got[0].Endpoints) != "10.0.0.1:80 10.0.0.2:80" {
			t.Errorf("the status is %+v after %d failures", got, len(times))
		}
		// A new generation of the configuration gets what was good.
		a, err := d.Lookup(t.Context(), q)
		if err != nil || text(a.Endpoints) != "10.0.0.1:80 10.0.0.2:80" || !errors.Is(a.Partial, broken) {
			t.Errorf("looked up: %v, %v and %v", text(a.Endpoints), a.Partial, err)
		}
		if _, err := d.Lookup(t.Context(), Query{Name: "other.test"}); !errors.Is(err, broken) {
			t.Errorf("a name that nobody watches: %v", err)
		}
		s.set(Answer{}, notFound("a.test"))
		time.Sleep(time.Minute)
		if w.all() != "" {
			t.Errorf("told of %s", w.all())
		}
		failures := e.all()
		s.set(answer(time.Minute, "10.0.0.2:80 10.0.0.3:80"), nil)
		time.Sleep(time.Minute)
		if w.all() != "10.0.0.2:80 10.0.0.3:80" {
			t.Errorf("told of %s", w.all())
		}
		for i, f := range failures {
			if f.Failures != i+1 || f.Err == nil || f.Query.key() != q.key() || len(f.Added)+len(f.Removed) > 0 {
				t.Errorf("event %d is %+v", i, f)
			}
		}
		last := e.all()[len(failures):]
		if len(last) != 1 || last[0].Err != nil || last[0].Failures != len(failures) || text(last[0].Added) != "10.0.0.3:80" || text(last[0].Removed) != "10.0.0.1:80" {
			t.Errorf("the last events are %+v", last)
		}
		if got := d.Status(); got[0].Failures != 0 || got[0].Err != nil {
			t.Errorf("the status is %+v", got)
		}
	})
}

// What is told has happened: whoever reads of other addresses finds them in use.
func TestChangesAreToldWhenTheyAreMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answer(time.Minute, "10.0.0.1:80")}
		var w told
		var said atomic.Int32
		d := New(Options{Log: func(e Event) {
			if said.Add(1); text(e.Added) != "10.0.0.2:80" || w.all() != "10.0.0.2:80" {
				t.Errorf("%+v is told, and what was changed is %q", e, w.all())
			}
		}})
		d.look = s.look
		defer d.Close()
		d.Watch(Query{Name: "a.test"}, s.answer, w.changed)
		s.set(answer(time.Minute, "10.0.0.2:80"), nil)
		time.Sleep(70 * time.Second)
		if n := said.Load(); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestPartialAnswersAreCompletedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		partial := answer(5*time.Minute, "10.0.0.1:80")
		partial.Partial = errors.New("no answer for the rest")
		s := &script{answer: partial}
		d, e := scripted(s)
		defer d.Close()
		var w told
		d.Watch(Query{Name: "a.test"}, partial, w.changed)
		time.Sleep(500 * time.Millisecond)
		if got := d.Status()[0]; got.Failures != 1 || got.Err == nil {
			t.Errorf("the status is %+v", got)
		}
		s.set(answer(5*time.Minute, "10.0.0.1:80 [fd00::1]:80"), nil)
		time.Sleep(2 * time.Second)
		if w.all() != "10.0.0.1:80 [fd00::1]:80" {
			t.Errorf("told of %s", w.all())
		}
		if got := e.all(); len(got) != 2 || got[0].Err == nil || got[1].Err != nil || got[1].Failures != 1 {
			t.Errorf("the events are %+v", got)
		}
	})
}

// Only changes are announced, and the order of an answer is none.
func TestOnlyChangesAreAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answer(time.Second, "10.0.0.1:80 10.0.0.2:80")}
		d, _ := scripted(s)
		defer d.Close()
		var w told
		d.Watch(Query{Name: "a.test", Min: time.Second}, s.answer, w.changed)
		for _, list := range []string{"10.0.0.2:80 10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80", "10.0.0.1:80 10.0.0.2:80"} {
			s.set(answer(time.Second, list), nil)
			time.Sleep(3 * time.Second)
		}
		if got := w.all(); got != "10.0.0.2:80 | 10.0.0.1:80 10.0.0.2:80" {
			t.Errorf("told of %s", got)
		}
	})
}

// A name that several watch is resolved once for all, and what one has found
// out is news to the others.
func TestWatchersShareAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answer(time.Minute, "10.0.0.1:80")}
		d, _ := scripted(s)
		defer d.Close()
		q := Query{Name: "a.test"}
		var a, b, c told
		first := d.Watch(q, s.answer, a.changed)
		second := d.Watch(q, answer(time.Minute, "10.0.0.2:80"), b.changed)
		synctest.Wait()
		if len(d.Status()) != 1 {
			t.Errorf("%d names are watched", len(d.Status()))
		}
		s.set(answer(time.Minute, "10.0.0.3:80"), nil)
		time.Sleep(70 * time.Second)
		if n := len(s.times()); n != 1 {
			t.Errorf("resolved %d times for two watchers", n)
		}
		if !strings.HasSuffix(a.all(), "10.0.0.3:80") || !strings.HasSuffix(b.all(), "10.0.0.3:80") {
			t.Errorf("told of %s, and of %s", a.all(), b.all())
		}
		first.Stop()
		first.Stop()
		before := a.all()
		s.set(answer(time.Minute, "10.0.0.4:80"), nil)
		time.Sleep(70 * time.Second)
		if a.all() != before || !strings.HasSuffix(b.all(), "10.0.0.4:80") {
			t.Errorf("told of %s, and of %s", a.all(), b.all())
		}
		second.Stop()
		n := len(s.times())
		time.Sleep(time.Hour)
		if len(s.times()) != n || len(d.Status()) != 0 {
			t.Error("the name is still resolved")
		}
		// And from the beginning, without knowing anything.
		d.Watch(q, Answer{}, c.changed)
		synctest.Wait()
		if c.all() != "10.0.0.4:80" {
			t.Errorf("told of %s", c.all())
		}
	})
}

func TestStatusIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := scripted(&script{answer: answer(time.Minute, "10.0.0.1:80")})
		defer d.Close()
		want := []Query{
			{Name: "a.test", Port: 80},
			{Name: "a.test", Port: 81},
			{Name: "a.test", Port: 81, Min: time.Second},
			{Name: "a.test", Port: 81, Min: time.Second, Max: time.Second},
			{Name: "b.test", Port: 1, Servers: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.53:53")}},
			{Name: "b.test", Port: 1},
		}
		for _, i := range []int{3, 1, 5, 4, 0, 2} {
			d.Watch(want[i], Answer{}, func([]Endpoint) {})
		}
		synctest.Wait()
		for i, st := range d.Status() {
			if st.Query.key() != want[i].key() || text(st.Endpoints) != "10.0.0.1:80" || !st.Good.Equal(time.Now()) {
				t.Errorf("place %d: got %+v, want %+v", i, st, want[i])
			}
		}
	})
}

func TestLookUpsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: answer(time.Second, "10.0.0.1:80"), takes: time.Second}
		d, _ := scripted(s)
		var done atomic.Int32
		for port := range uint16(5 * parallel) {
			d.Watch(Query{Name: "a.test", Port: port}, Answer{}, func([]Endpoint) { done.Add(1) })
		}
		time.Sleep(10 * time.Second)
		d.Close()
		if s.most != parallel {
			t.Errorf("%d look-ups at once, want %d", s.most, parallel)
		}
		if n := done.Load(); n != 5*parallel {
			t.Errorf("%d names were resolved", n)
		}
	})
}

// A look-up that nobody answers ends.
func TestLookUpsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: time.Hour}
		d, e := scripted(s)
		defer d.Close()
		d.Watch(Query{Name: "a.test"}, answer(time.Second, "10.0.0.1:80"), func([]Endpoint) { t.Error("told of a change") })
		time.Sleep(lookTime + minTTL + 2*time.Second)
		if got := e.all(); len(got) != 1 || !errors.Is(got[0].Err, context.DeadlineExceeded) {
			t.Errorf("the events are %+v", got)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: time.Hour}
		d, e := scripted(s)
		w := d.Watch(Query{Name: "a.test"}, Answer{}, func([]Endpoint) { t.Error("told of a change") })
		time.Sleep(time.Second)
		begin := time.Now()
		d.Close()
		if time.Since(begin) > 0 {
			t.Errorf("closing took %v", time.Since(begin))
		}
		if got := e.all(); len(got) != 0 {
			t.Errorf("the events are %+v", got)
		}
		w.Stop()
		d.Watch(Query{Name: "b.test"}, Answer{}, func([]Endpoint) { t.Error("told of a change") }).Stop()
		d.Close()
	})
}

// The whole way, with a name server: the TTL is heeded, changes are seen, and
// whatever becomes of the server, there are always addresses.
func TestWatchWithAServer(t *testing.T) {
	s := newServer(t)
	s.set(t, "a.test. A", "a.test. 3600 A 10.0.0.1")
	d := system(t, oneTry, "", s)
	var e events
	d.log = e.add
	// Bounds below a second stand for a TTL that no test can wait for.
	q := Query{Name: "a.test", Port: 80, Min: 10 * time.Millisecond, Max: 10 * time.Millisecond}
	known, err := d.Lookup(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	news := make(chan string, 100)
	d.Watch(q, known, func(list []Endpoint) { news <- text(list) })
	next := func(want string) {
		t.Helper()
		select {
		case got := <-news:
			if got != want {
				t.Fatalf("told of %s, want %s", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("not told of %s", want)
		}
	}
	// waits until the name was asked for once more, at the least.
	failures := func() (n int) {
		for _, x := range e.all() {
			if x.Err != nil {
				n++
			}
		}
		return n
	}
	again := func() {
		t.Helper()
		had := failures()
		for end := time.Now().Add(patience); failures() == had; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("nothing has failed")
			}
		}
	}
	s.set(t, "a.test. A", "a.test. 3600 A 10.0.0.1", "a.test. 3600 A 10.0.0.2")
	next("10.0.0.1:80 10.0.0.2:80")
	s.set(t, "a.test. A", "a.test. 3600 A 10.0.0.2")
	next("10.0.0.2:80")

	s.change(func() { s.zone["a.test. A"] = nil })
	again()
	s.change(func() { delete(s.zone, "a.test. A") })
	again()
	s.change(func() { s.rewrite = broken })
	again()
	if got := text(d.Status()[0].Endpoints); got != "10.0.0.2:80" {
		t.Errorf("the addresses are %s while the name server fails", got)
	}
	s.change(func() { s.rewrite = nil })
	s.set(t, "a.test. A", "a.test. 3600 A 10.0.0.3")
	next("10.0.0.3:80")
}
