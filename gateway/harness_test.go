package gateway

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/privacypass"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/proxy/balance"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/uring"
)

// The tests of this package drive a whole Gateway, either on the simulated
// engine (deterministic, with faults, with a clock that the test moves) or on
// a real loop over loopback sockets. A world is one such gateway with its
// clients and upstreams; a test that holds for all of them takes it from
// forEachEngine.
//
// ANYGATE_TEST_ENGINES=epoll (or io_uring) restricts the real loops; without
// that, a kernel that has no io_uring fails the tests rather than passing half
// of them.

// patience bounds every wait on a real loop, and turns those of a simulation;
// nothing takes that long unless it is broken.
const (
	patience = 20 * time.Second
	turns    = 200_000
)

// testShards is how many shards may share an upstream; most tests have one.
const testShards = 2

// testLimits suit a test with a handful of connections.
var testLimits = engine.Limits{Connections: 256, Clients: 128, SmallBuffers: 4096, LargeBuffers: 256}

// realEngines are the loops that forEachEngine runs beside the simulation.
var realEngines = func() (kinds []engine.Kind) {
	names := os.Getenv("ANYGATE_TEST_ENGINES")
	if names == "" {
		names = "io_uring,epoll"
	}
	for name := range strings.SplitSeq(names, ",") {
		switch strings.TrimSpace(name) {
		case engine.IOUring.String():
			kinds = append(kinds, engine.IOUring)
		case engine.Epoll.String():
			kinds = append(kinds, engine.Epoll)
		default:
			panic(fmt.Sprintf("ANYGATE_TEST_ENGINES names %q, which is no engine", name))
		}
	}
	return kinds
}()

// forEachEngine runs a test in the simulation and on each real loop.
func forEachEngine(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sim", func(t *testing.T) { test(t, newSimWorld(t, 1, engine.Faults{})) })
	forEachLoop(t, test)
}

// forEachLoop runs a test on each real loop.
func forEachLoop(t *testing.T, test func(t *testing.T, w *world)) {
	for _, kind := range realEngines {
		t.Run(kind.String(), func(t *testing.T) { test(t, newWorld(t, kind)) })
	}
}

// world is a gateway under test. Its first group of fields may be changed until
// serve is called.
type world struct {
	t         testing.TB
	kind      engine.Kind // of a real loop; 0 for the simulation
	seed      uint64
	faults    engine.Faults
	limits    engine.Limits
	settings  Settings
	timeouts  proxy.Timeouts
	noUpgrade bool // the routes' requests cannot switch protocols
	retry     proxy.Retry
	pooling   *proxy.Settings         // of all upstreams, nil for the usual ones
	id        int                     // of the shard
	transform func() engine.Transform // of every client connection
	tls       *tls.Config             // of every client, whose connections are under TLS
	securing  func(u *upstream)       // puts upstreams under TLS as they are made
	spans     *telemetry.Ring
	access    *telemetry.Ring
	errors    *telemetry.Ring
	sites     map[string]static.Options      // of static actions, by their path
	tokens    map[string]*privacypass.Policy // of routes, by their heads
	policies  *Policies                      // of all routes
	edits     *http1.Edits                   // of all proxied requests
	lines     *FieldLines                    // likewise
	overload  *Overload
	jobs      func(*Job) bool // nil does each on a goroutine of its own

	// present says which parts of files are in memory, and readAhead brings others there.
	present   func(fd int32, off, n int64) bool
	readAhead func(fd int32, off, n int64, token uint64, done func(uint64) bool) bool

	// asking may refuse what is asked of the cache of files.
	asking func(*static.Ask) bool

	// wrap may replace the functions that the shard calls.
	wrap func(h *engine.Handler)

	g         *Gateway
	s         *engine.Shard
	store     *static.Store
	making    func(*static.Job) bool // of coded forms
	sim       *engine.Sim
	current   atomic.Pointer[Generation]
	upstreams map[string]*upstream
	byAddr    map[string]*upstream
	clients   []*client
	addr      netip.AddrPort
	done      chan struct{}
	handling  sync.WaitGroup
	base      engine.Stats
	plans     uint32
	pools     map[string]*proxy.Upstream
	members   map[memberKey]*proxy.Member
}

// memberKey is the identity of a member: one address in one pool.
type memberKey struct {
	pool *proxy.Upstream
	u    *upstream
}

// shared is the pool of a name.
func (w *world) shared(name string) *proxy.Upstream {
	if w.pools[name] == nil {
		w.pools[name] = proxy.NewUpstream(uint32(len(w.pools)), name, testShards)
		if w.pooling != nil {
			w.pools[name].Settings.Store(w.pooling)
		}
	}
	return w.pools[name]
}

// memberOf is an upstream's server in a pool.
func (w *world) memberOf(pool *proxy.Upstream, u *upstream) *proxy.Member {
	key := memberKey{pool, u}
	if w.members[key] == nil {
		w.members[key] = proxy.NewMember(uint32(len(w.members)), u.name, u.addr, pool, testShards)
		w.members[key].SetTLS(u.client)
	}
	return w.members[key]
}

// newSimWorld makes a gateway in the simulation.
func newSimWorld(t testing.TB, seed uint64, f engine.Faults) *world {
	w := newWorld(t, 0)
	w.seed, w.faults = seed, f
	return w
}

// newWorld makes a gateway on a real loop.
func newWorld(t testing.TB, kind engine.Kind) *world {
	w := &world{
		t: t, kind: kind, limits: testLimits,
		settings: Settings{
			HTTP: http1.DefaultLimits, Header: 10 * time.Second,
			BodyIdle: 30 * time.Second, Write: 30 * time.Second, MinBody: 1, MinWrite: 1, Idle: 60 * time.Second,
		},
		timeouts:  proxy.Timeouts{Connect: 5 * time.Second, FirstByte: 30 * time.Second, Idle: 30 * time.Second, Tunnel: time.Hour},
		upstreams: map[string]*upstream{}, byAddr: map[string]*upstream{},
		pools: map[string]*proxy.Upstream{}, members: map[memberKey]*proxy.Member{},
	}
	if everyWorld != nil {
		everyWorld(w)
	}
	return w
}

// everyWorld changes worlds as they are made, for tests that run others.
var everyWorld func(w *world)

// onSim reports whether the world is a simulation.
func (w *world) onSim() bool { return w.kind == 0 }

// serve starts the gateway with routes in the form of the configuration,
// "HEAD: ACTION". The hosts of proxy targets are names of upstreams.
func (w *world) serve(lines ...string) {
	w.t.Helper()
	w.current.Store(w.generation(lines...))
	w.start()
}

// start starts the gateway with the generation that is there.
func (w *world) start() {
	w.t.Helper()
	if w.jobs == nil {
		w.jobs = func(j *Job) bool {
			w.aside(j.Run, j.Done)
			return true
		}
	}
	w.g = newGateway(Options{
		Jobs:       w.jobs,
		Generation: &w.current, Access: w.access, Errors: w.errors, Spans: w.spans, ErrorLevel: telemetry.Debug, Overload: w.overload,
		Files: w.newStore(), Ask: w.handle, ReadAhead: w.readAhead,
		Background: w.aside,
	})
	h := w.g.Handler()
	messages := h.Message
	h.Message = func(m engine.Message) {
		if f, ok := m.Value.(func()); ok {
			f()
			return
		}
		messages(m)
	}
	if accepted := h.Accepted; w.transform != nil {
		h.Accepted = func(c engine.Conn, listener int) {
			w.s.SetTransform(c, w.transform())
			accepted(c, listener)
		}
	}
	if w.wrap != nil {
		w.wrap(&h)
	}
	if w.onSim() {
		w.startSim(h)
	} else {
		w.startLoop(h)
	}
	w.t.Cleanup(w.stop)
}

// aside does work on a goroutine of its own, and says so. A simulation waits
// for it: its clock would run away from a goroutine that gets no processor.
func (w *world) aside(work func(), done func() bool) {
	do := func() {
		work()
		for !done() {
			runtime.Gosched()
		}
	}
	if w.onSim() {
		do()
		return
	}
	go do()
}

// newStore makes the cache of files.
func (w *world) newStore() *static.Store {
	w.t.Helper()
	var err error
	w.store, err = static.NewStore(static.StoreOptions{
		Lock: new(sync.Mutex), Entries: 256, Bytes: 4 << 20, Descriptors: 64, FormBytes: 1 << 20, FormDescriptors: 8,
		Start: FileStart, Make: w.making, Pause: runtime.Gosched,
		Clock: func() int64 {
			if w.onSim() {
				return fileClock(w.s.Now())
			}
			return fileClock(engine.Now())
		},
		Unix: func() int64 { return time.Now().Unix() },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.store.Close)
	return w.store
}

// handle does what the shard asks of the cache of files: on a goroutine, or in the
// simulation at once, so that one seed is one run.
func (w *world) handle(a *static.Ask) bool {
	if w.asking != nil && !w.asking(a) {
		return false
	}
	if w.onSim() {
		w.store.Handle(static.NewLoader(), a)
		return true
	}
	ask := *a
	w.handling.Go(func() { w.store.Handle(static.NewLoader(), &ask) })
	return true
}

func (w *world) startSim(h engine.Handler) {
	sim, err := engine.NewSim(w.seed, w.faults, w.limits, h)
	if err != nil {
		w.t.Fatal(err)
	}
	w.sim, w.s = sim, sim.Shard()
	sim.SetPresent(w.present)
	if err := w.g.Attach(w.s); err != nil {
		w.t.Fatal(err)
	}
	sim.OnDial = w.dial
	w.s.AddListener(-1, 7)
	w.base = w.s.Stats()
}

func (w *world) startLoop(h engine.Handler) {
	fd, err := engine.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.addr, err = engine.LocalAddr(fd); err != nil {
		w.t.Fatal(err)
	}
	if w.s, err = engine.New(engine.Config{ID: w.id, CPU: -1, Limits: w.limits, Backend: w.kind, Present: w.present}, h); err != nil {
		w.t.Fatal(err)
	}
	if err := w.g.Attach(w.s); err != nil {
		w.t.Fatal(err)
	}
	w.s.AddListener(fd, 7)
	w.done = make(chan struct{})
	ready := make(chan error, 1)
	go func() {
		defer close(w.done)
		w.g.Run(func(err error) { ready <- err })
	}()
	if err := <-ready; err != nil {
		if w.kind == engine.IOUring {
			cause, cure := uring.Explain(err)
			w.t.Fatalf("no io_uring: %v: %s; %s", err, cause, cure)
		}
		w.t.Fatal(err)
	}
	w.do(func() { w.base = w.s.Stats() })
}

// generation compiles routes.
func (w *world) generation(lines ...string) *Generation {
	w.t.Helper()
	gen := &Generation{Settings: w.settings}
	var b route.Builder
	for i, line := range lines {
		key, text, ok := strings.Cut(line, ": ")
		if !ok {
			w.t.Fatalf("%q is not HEAD: ACTION", line)
		}
		head, e := route.ParseHead(key)
		if e != nil {
			w.t.Fatalf("%q: %v", key, e)
		}
		if other, ok := b.Add(head, uint32(i)); !ok {
			w.t.Fatalf("%q is the same as %q", line, lines[other])
		}
		gen.Routes = append(gen.Routes, w.route(head, text))
	}
	gen.Table = b.Build()
	return gen
}

func (w *world) route(head route.Head, text string) Route {
	w.t.Helper()
	a, _, e := route.ParseAction(text)
	if e != nil {
		w.t.Fatalf("%q: %v", text, e)
	}
	r := Route{Name: head.String(), Action: a.Kind, Status: a.Status, Token: w.tokens[head.String()], Policies: w.policies}
	var err error
	switch a.Kind {
	case route.Fixed:
		media := ""
		switch {
		case a.JSON:
			media = "application/json"
		case a.Body != "":
			media = "text/plain; charset=utf-8"
		}
		r.Fixed = NewFixed(a.Status, media, []byte(a.Body))
	case route.Redirect:
		if r.Location, e = route.CompileLocation(head, a.Location); e != nil {
			w.t.Fatalf("%q: %v", text, e)
		}
	case route.Static:
		info, statErr := os.Stat(a.Path)
		if statErr != nil {
			w.t.Fatal(statErr)
		}
		o, ok := w.sites[a.Path]
		if !ok {
			o.SPA = static.SPAOff
		}
		o.Root, o.File = a.Path, !info.IsDir()
		if r.Site, err = static.Compile(o); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(r.Site.Close)
	case route.Proxy:
		r.Proxy, r.Lines = w.plan(head, a.Targets), w.lines
	}
	return r
}

// plan makes a plan whose targets go to the upstreams of their hosts' names.
func (w *world) plan(head route.Head, targets []route.Target) *proxy.Plan {
	w.t.Helper()
	// A route of one target shares its upstream with others, as a pool does.
	name := "route " + head.String()
	if len(targets) == 1 {
		name = targets[0].Host
	}
	p := &proxy.Plan{ID: w.plans, Upstream: w.shared(name), Timeouts: w.timeouts, Upgrade: !w.noUpgrade, Retry: w.retry, Edits: w.edits, Limits: http1.DefaultLimits}
	w.plans++
	var endpoints []proxy.Endpoint
	var weights []balance.Endpoint
	groups := map[string]int{}
	for i, target := range targets {
		u := w.upstreams[target.Host]
		if u == nil {
			w.t.Fatalf("no upstream has the name %q", target.Host)
		}
		rewrite, e := route.CompileRewrite(head, target)
		if e != nil {
			w.t.Fatal(e)
		}
		key := fmt.Sprint(target.HasPath, target.Path)
		if _, ok := groups[key]; !ok {
			groups[key] = len(groups)
		}
		p.Targets = append(p.Targets, proxy.Target{Rewrite: rewrite, Group: groups[key]})
		endpoints = append(endpoints, proxy.Endpoint{Member: w.memberOf(p.Upstream, u), Target: i})
		weights = append(weights, balance.Endpoint{Key: u.name, Group: int32(groups[key])})
	}
	p.Upstream.Publish(&proxy.Set{Version: uint64(w.plans), Endpoints: endpoints, Weights: balance.NewSet(weights)})
	return p
}

// do runs f on the shard's thread and waits for it.
func (w *world) do(f func()) {
	w.t.Helper()
	if w.onSim() {
		f()
		return
	}
	done := make(chan struct{})
	for !w.s.Post(engine.Message{Value: func() { f(); close(done) }}) {
		runtime.Gosched()
	}
	select {
	case <-done:
	case <-time.After(patience):
		w.t.Fatal("the shard does not take messages")
	}
}

// step runs one turn of a simulation, the upstreams' part included.
func (w *world) step() {
	w.sim.Step()
	for _, u := range w.upstreams {
		u.pump()
	}
}

// steps runs n turns.
func (w *world) steps(n int) {
	for range n {
		w.step()
	}
}

// eventually waits until f, which is called on the shard's thread, is true.
func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	begin := time.Now()
	for n := 0; ; n++ {
		ok := false
		w.do(func() { ok = f() })
		if ok {
			return
		}
		if w.onSim() {
			if n > turns {
				w.t.Fatalf("%d turns in vain until %s (seed %d); %+v", n, what, w.seed, w.s.Stats())
			}
			w.step()
			continue
		}
		if time.Since(begin) > patience {
			var st engine.Stats
			w.do(func() { st = w.s.Stats() })
			w.t.Fatalf("waited in vain until %s; %+v", what, st)
		}
		runtime.Gosched()
	}
}

// advance moves a simulation's clock and lets the deadlines that pass come.
func (w *world) advance(d time.Duration) {
	w.sim.Advance(d)
	w.step()
}

// stop ends the clients that are left, and checks that nothing else is: no
// connection, buffer, timer, exchange or retained file.
func (w *world) stop() {
	w.t.Helper()
	for _, c := range w.clients {
		c.abort()
	}
	w.eventually("no client is left", func() bool { return w.g.Open() == 0 && w.s.Stats().Clients == 0 })
	w.do(func() { w.g.proxy.CloseIdle() })
	w.eventually("no connection is left", func() bool { return w.s.Stats().Open == 0 })
	w.eventually("no directory is being read", func() bool { return len(w.g.reading) == 0 })
	w.eventually("no token is being verified", func() bool { return len(w.g.redeeming) == 0 })
	w.eventually("no file is waited for", func() bool { return len(w.g.waits) == 0 })
	w.handling.Wait()
	w.eventually("what was dropped is given up", func() bool { return !w.store.Sweep() })
	w.do(w.checkRest)
	for _, u := range w.upstreams {
		u.close()
	}
	if w.onSim() {
		if n := w.g.files.Close(); n != 0 {
			w.t.Errorf("%d holds on files are left", n)
		}
		w.sim.Release()
		return
	}
	w.g.Stop()
	select {
	case <-w.done:
	case <-time.After(patience):
		w.t.Fatal("the shard does not stop")
	}
	if n := w.g.files.Held(); n != 0 {
		w.t.Errorf("%d holds on files are left", n)
	}
}

// checkRest checks what a shard without connections holds.
func (w *world) checkRest() {
	w.t.Helper()
	st := w.s.Stats()
	if st.SmallInUse > w.base.SmallInUse || st.LargeInUse > w.base.LargeInUse {
		w.t.Errorf("buffers leaked: %d small and %d large in use, %d and %d at rest (seed %d)", st.SmallInUse, st.LargeInUse, w.base.SmallInUse, w.base.LargeInUse, w.seed)
	}
	if st.TimersQueued != 0 {
		w.t.Errorf("%d timers are left (seed %d)", st.TimersQueued, w.seed)
	}
	for _, block := range w.g.clients {
		if block == nil {
			continue
		}
		for i := range block {
			if h := &block[i]; h.g != nil && (h.x != nil || len(h.queue) > 0 || !h.flags.has(h1Dead)) {
				w.t.Errorf("a client's record is still in use: flags %b, %d pieces, exchange %v (seed %d)", h.flags, len(h.queue), h.x != nil, w.seed)
			}
		}
	}
	for _, h := range w.g.h2 {
		if h != nil {
			w.t.Errorf("an HTTP/2 connection is still there: flags %b (seed %d)", h.flags, w.seed)
		}
	}
	if m := &w.g.mux; m.scratch != nil && (len(m.free) != len(m.streams)-1 || m.scratch.Streams() != 0 || len(m.scratch.Out) != 0) {
		w.t.Errorf("%d of %d streams are free, %d are the codec's, %d bytes of its output are left (seed %d)", len(m.free), len(m.streams)-1, m.scratch.Streams(), len(m.scratch.Out), w.seed)
	}
	if n := &w.g.count; n.active != 0 || n.tunnels != 0 {
		w.t.Errorf("%d exchanges and %d tunnels are still counted (seed %d)", n.active, n.tunnels, w.seed)
	}
	for _, u := range w.pools {
		if w.id == 0 && (u.Conns.Used() != 0 || u.Requests.Used() != 0 || u.Waiting.Used() != 0) {
			w.t.Errorf("%s: %d connections, %d requests and %d waiting are still counted (seed %d)", u.Name, u.Conns.Used(), u.Requests.Used(), u.Waiting.Used(), w.seed)
		}
	}
	for _, m := range w.members {
		if c := &m.Cells()[w.id]; c.Active.Load() != 0 || c.Open.Load() != 0 {
			w.t.Errorf("%s: %d active, %d open are still counted (seed %d)", m.Name, c.Active.Load(), c.Open.Load(), w.seed)
		}
	}
	if st := w.g.edge.Stats(); st.Flights != 0 || st.Waiting != 0 {
		w.t.Errorf("handshakes are left: %+v (seed %d)", st, w.seed)
	}
	free := map[any]bool{}
	for _, x := range w.g.spare {
		if free[x] || x.codec != nil || x.call != nil || x.echo != nil || x.list != nil || x.redemption != nil || x.file != nil || x.log.buf != 0 {
			w.t.Errorf("an exchange was freed twice, or is still in use (seed %d)", w.seed)
		}
		free[x] = true
	}
	for _, e := range w.g.echoes {
		if free[e] {
			w.t.Errorf("an echo was freed twice (seed %d)", w.seed)
		}
		free[e] = true
	}
}

// undated replaces the values of Date fields by "D", so that responses can be
// compared with literals.
func undated(b []byte) string {
	const name = "\r\nDate: "
	var out []byte
	for {
		i := bytes.Index(b, []byte(name))
		if i < 0 || i+len(name)+29 > len(b) {
			return string(append(out, b...))
		}
		out = append(append(out, b[:i+len(name)]...), 'D')
		b = b[i+len(name)+29:]
	}
}

// brief shortens bytes for a message.
func brief(s string) string {
	if len(s) <= 1200 {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q ... %q (%d bytes)", s[:600], s[len(s)-300:], len(s))
}
