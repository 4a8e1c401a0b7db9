package health

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

// Options describe a Monitor. Everything has a default.
type Options struct {
	// Log is told what changes, one event at a time and in their order. It may take its time, and must not call Close,
	// which waits for it.
	Log func(Event)
	// Now is the clock, which must be that of the shards: what slow start begins with is read from it. The default is
	// engine.Now.
	Now func() int64
	// Dial makes the connections of active checks.
	Dial Dialer
	// Random is a number from 0 to 1 for jitter.
	Random func() float64
}

// Upstream is what is watched of an upstream. What is nil is not done.
type Upstream struct {
	Upstream *proxy.Upstream
	Active   *Check
	Passive  *Passive
	Breaker  *Breaker
}

// Monitor watches the upstreams of the process.
type Monitor struct {
	opt Options

	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup // the loop, and the checks under way

	wake    chan struct{} // something was given to a Monitor that had nothing to do
	results chan result

	mu       sync.Mutex
	watched  []*watch
	underWay int
	events   []Event // that wait for the loop
}

// New makes a Monitor without anything to watch.
func New(o Options) *Monitor {
	if o.Log == nil {
		o.Log = func(Event) {}
	}
	if o.Now == nil {
		o.Now = engine.Now
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	m := &Monitor{opt: o, wake: make(chan struct{}, 1), results: make(chan result, maxChecks)}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.ended.Add(1)
	go m.loop()
	return m
}

// Apply replaces what is watched. What is known of an upstream that stays is kept, whatever has changed in how it is
// watched; what is not watched any more is available.
func (m *Monitor) Apply(upstreams []Upstream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return
	}
	now := m.opt.Now()
	before := m.watched
	m.watched = make([]*watch, 0, len(upstreams))
	for _, u := range upstreams {
		if u.Active == nil && u.Passive == nil && u.Breaker == nil {
			continue
		}
		i := slices.IndexFunc(before, func(w *watch) bool { return w.upstream == u.Upstream })
		if i < 0 {
			m.watched = append(m.watched, newWatch(u, now))
			continue
		}
		w := before[i]
		before = slices.Delete(before, i, i+1)
		w.configure(u, now)
		m.watched = append(m.watched, w)
	}
	for _, w := range before {
		w.configure(Upstream{Upstream: w.upstream}, now)
		w.members = nil
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Close ends all checks. States stay as they are.
func (m *Monitor) Close() {
	m.cancel()
	m.ended.Wait()
}

// loop is the goroutine that everything happens on.
func (m *Monitor) loop() {
	defer m.ended.Done()
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.wake:
		case <-timer.C:
		case r := <-m.results:
			m.judge(r)
			continue
		}
		if m.turn() {
			timer.Reset(tick)
		}
	}
}

// turn reads what was counted and begins what is due. It reports whether there is anything to watch.
func (m *Monitor) turn() bool {
	m.mu.Lock()
	now := m.opt.Now()
	var due []*member
	for _, w := range m.watched {
		w.follow(now)
		w.count(now, m.say)
		due = w.due(due, now)
	}
	// The longest due go first, so that nobody starves where there are more than can be made at a time.
	slices.SortStableFunc(due, func(a, b *member) int { return cmp.Compare(a.next, b.next) })
	for _, c := range due[:min(len(due), maxChecks-m.underWay)] {
		m.begin(c, now)
	}
	watching := len(m.watched) > 0
	m.unlockAndTell()
	return watching
}

// say notes an event, to be told once the lock is free.
func (m *Monitor) say(e Event) { m.events = append(m.events, e) }

func (m *Monitor) unlockAndTell() {
	events := m.events
	m.events = nil
	m.mu.Unlock()
	for _, e := range events {
		m.opt.Log(e)
	}
}

// result is how a check has ended.
type result struct {
	member *member
	check  *Check
	err    error
}

// begin starts a check. What it is about to ask is fixed with it: a reload in the meantime makes its result worthless.
func (m *Monitor) begin(c *member, now int64) {
	check := c.watch.settings.Active
	c.next = now + check.interval(m.opt.Random())
	c.checking = true
	m.underWay++
	m.ended.Add(1)
	s := c.watch.upstream.Settings.Load()
	p := probe{check: check, addr: c.Addr, preamble: s.ProxyProtocol, protocol: s.Protocol, dial: m.opt.Dial}
	if cl := c.TLS(); cl != nil {
		p.tls = cl.Config
	}
	go func() {
		defer m.ended.Done()
		finish, err := p.run(m.ctx)
		// There is room for as many results as there are checks.
		m.results <- result{c, check, err}
		finish()
	}()
}

// judge takes the result of a check.
func (m *Monitor) judge(r result) {
	m.mu.Lock()
	m.underWay--
	r.member.checking = false
	// The member may have left, or be asked something else by now.
	if w := r.member.watch; w.members[r.member.Member] == r.member && w.settings.Active == r.check {
		w.judge(r.member, r.err, m.opt.Now(), m.say)
	}
	m.unlockAndTell()
}
