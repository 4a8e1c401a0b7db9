package control

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/anygate/anygate/control/discovery"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/proxy/balance"
)

// plans are the plans of a generation by the names of their routes.
func plans(gen *gateway.Generation) map[string]*proxy.Plan {
	out := make(map[string]*proxy.Plan)
	for i := range gen.Routes {
		out[gen.Routes[i].Name] = gen.Routes[i].Proxy
	}
	return out
}

// compile compiles a configuration's text.
func compile(t *testing.T, reg *Registry, text string) *gateway.Generation {
	t.Helper()
	gen, err := Compile(parse(t, t.TempDir(), text), reg)
	if err != nil {
		t.Fatal(err)
	}
	return gen
}

func TestPoolsAreShared(t *testing.T) {
	got := plans(compile(t, NewRegistry(nil), `
upstreams:
  api: {members: [192.0.2.1, 192.0.2.2], balance: p2c, limits: {connections: 5}}
  also: 192.0.2.1
routes:
  "/api/":    http://api
  "/v2/":     http://api/v2/ | balance hash ip
  "/direct/": http://192.0.2.1
  "/more/":   http://192.0.2.1/more/
  "/also/":   http://also
  "/two/":    http://192.0.2.1 http://also
  "/own/":    {to: http://api, health: /up}
  "/off/":    {to: http://api, breaker: off}
`))
	same := func(a, b string, want bool) {
		if (got[a].Upstream == got[b].Upstream) != want {
			t.Errorf("%s and %s share their upstream: %v", a, b, !want)
		}
	}
	same("/api/", "/v2/", true)
	same("/direct/", "/more/", true)
	same("/api/", "/direct/", false)
	same("/direct/", "/also/", false)
	same("/direct/", "/two/", false)
	same("/api/", "/own/", false)
	same("/own/", "/off/", false)
	for name, want := range map[string]string{"/api/": "api", "/direct/": "http://192.0.2.1:80", "/two/": "route /two/", "/own/": "route /own/"} {
		if u := got[name].Upstream; u.Name != want {
			t.Errorf("%s goes to %q, want %q", name, u.Name, want)
		}
	}
	if a, b := member(got["/api/"]), member(got["/direct/"]); a == b || a.Name != b.Name || a.Upstream != got["/api/"].Upstream {
		t.Error("an address of two pools is not a member of each")
	}
	if n := got["/own/"].Upstream.Settings.Load().Limits.Connections; n != 5 {
		t.Errorf("a pool of a route's own has %d connections, not those of the pool it names", n)
	}
	if b := got["/api/"].Balance; b.Policy != balance.P2C {
		t.Errorf("the way to balance is %v, not the pool's", b)
	}
	if b := got["/v2/"].Balance; b != (proxy.Balance{Policy: balance.Hash, Hash: proxy.HashIP}) {
		t.Errorf("the way to balance is %v, not the route's", b)
	}
}

// TestPoolSettings compiles every setting.
func TestPoolSettings(t *testing.T) {
	reg := NewRegistry(names{"a.test": {"192.0.2.9", "192.0.2.3"}})
	gen := compile(t, reg, `
upstreams:
  api:
    members: [192.0.2.1 weight 3, 192.0.2.2 backup, a.test:8080 weight 2, 192.0.2.3:8080, unix:/run/x.sock]
    health: {path: /up, host: h, every: 4s, jitter: 25%, timeout: 3s, rise: 4, fall: 5, status: [200, 3xx]}
    passive: {errors: 6, latency: 7s, eject: 8s, max: 40%}
    breaker: {errors: 30%, window: 9s, min: 10, open: 11s}
    panic: 20%
    slow-start: 12s
    limits: {connections: 13, requests: 14, queue: 15, wait: 16s}
    keepalive: {idle: 17s, age: 18s, requests: 19, connections: 20, warm: 1}
    proxy-protocol: v1
  plain: 192.0.2.1
routes:
  "/a":
    to: http://api
    balance: hash header X-User
    retry: {attempts: 3, on: [reset, timeout, 502, 429], budget: 30%, per-try: 2s}
    timeouts: {connect: 1s, first-byte: 2s, idle: 3s, tunnel: 4s}
    upgrade: off
  "/b": http://plain | balance hash cookie Session
  "/c": http://plain | balance least-conn
  "/d": http://plain | balance hash path
`)
	got := plans(gen)
	a := got["/a"]
	want := &proxy.Settings{
		Limits:    proxy.Limits{Connections: 13, Requests: 14, Queue: 15, Wait: 16 * time.Second},
		KeepAlive: proxy.KeepAlive{Idle: 17 * time.Second, Age: 18 * time.Second, Requests: 19, Connections: 20, Warm: 1, Streams: 100},
		SlowStart: 12 * time.Second, Panic: 0.2, ProxyProtocol: 1, GRPCFailures: 1 << 14,
	}
	if s := a.Upstream.Settings.Load(); !reflect.DeepEqual(s, want) {
		t.Errorf("settings %+v", s)
	}
	defaults := proxy.DefaultSettings
	defaults.Panic = 0.1
	if s := got["/b"].Upstream.Settings.Load(); !reflect.DeepEqual(*s, defaults) {
		t.Errorf("settings of a pool that has none: %+v, want %+v", *s, defaults)
	}
	retry := proxy.Retry{Attempts: 3, On: proxy.RetryReset | proxy.RetryTimeout, Budget: 0.3, PerTry: 2 * time.Second}
	retry.Statuses.Add(502)
	retry.Statuses.Add(429)
	if a.Retry != retry || a.Upgrade || !got["/b"].Upgrade {
		t.Errorf("retry %+v, upgrade %v", a.Retry, a.Upgrade)
	}
	if want := (proxy.Timeouts{Connect: time.Second, FirstByte: 2 * time.Second, Idle: 3 * time.Second, Tunnel: 4 * time.Second}); a.Timeouts != want {
		t.Errorf("timeouts %+v", a.Timeouts)
	}
	for name, want := range map[string]proxy.Balance{
		"/a": {Policy: balance.Hash, Hash: proxy.HashHeader, Name: "x-user"},
		"/b": {Policy: balance.Hash, Hash: proxy.HashCookie, Name: "Session"},
		"/c": {Policy: balance.LeastConn},
		"/d": {Policy: balance.Hash, Hash: proxy.HashPath},
	} {
		if got[name].Balance != want {
			t.Errorf("%s is balanced by %+v, want %+v", name, got[name].Balance, want)
		}
	}

	set := a.Upstream.Set()
	var list []balance.Endpoint
	for i := range set.Endpoints {
		list = append(list, set.Weights.At(i))
	}
	if want := []balance.Endpoint{
		{Key: "192.0.2.1:80", Weight: 3},
		{Key: "192.0.2.2:80", Weight: 1, Backup: true},
		{Key: "192.0.2.9:8080", Weight: 2},
		{Key: "192.0.2.3:8080", Weight: 2},
		{Key: "unix:/run/x.sock", Weight: 1},
	}; !slices.Equal(list, want) {
		t.Errorf("members %+v, want %+v", list, want)
	}

	watched := reg.watched()
	if len(watched) != 1 || watched[0].Upstream != a.Upstream {
		t.Fatalf("%d pools are watched", len(watched))
	}
	w := watched[0]
	if c := w.Active; c.Path != "/up" || c.Host != "h" || c.Every != 4*time.Second || c.Jitter != 0.25 || c.Timeout != 3*time.Second || c.Rise != 4 || c.Fall != 5 ||
		len(c.Status) != 2 || c.Status[0].From != 200 || c.Status[0].To != 200 || c.Status[1].From != 300 || c.Status[1].To != 399 {
		t.Errorf("checks %+v", *c)
	}
	if p := w.Passive; p.Errors != 6 || p.Latency != 7*time.Second || p.Eject != 8*time.Second || p.Share != 0.4 {
		t.Errorf("ejection %+v", *p)
	}
	if b := w.Breaker; b.Errors != 0.3 || b.Window != 9*time.Second || b.Min != 10 || b.Open != 11*time.Second {
		t.Errorf("breaker %+v", *b)
	}
}

// TestPoolKeepsMembers replaces a configuration: what stays is what it was, what goes drains, what comes starts slowly.
func TestPoolKeepsMembers(t *testing.T) {
	reg := NewRegistry(nil)
	first := plans(compile(t, reg, `{upstreams: {api: ["192.0.2.1", "192.0.2.2"]}, routes: {"/": "http://api"}}`))["/"]
	before := first.Upstream.Set()
	if m := before.Endpoints[0].Member; m.Since() != 0 || m.State() != 0 {
		t.Errorf("the first member is in state %d since %d", m.State(), m.Since())
	}
	second := plans(compile(t, reg, `{upstreams: {api: {members: ["192.0.2.2", "192.0.2.3"], slow-start: 1s}}, routes: {"/": "http://api"}}`))["/"]
	after := second.Upstream.Set()
	if first.Upstream != second.Upstream || second.Upstream.Settings.Load().SlowStart != time.Second {
		t.Error("the upstream is another one, or has other settings than the configuration")
	}
	if before.Endpoints[1].Member != after.Endpoints[0].Member || before.Version == after.Version {
		t.Error("a member that stays is another one, or the version of the set the same")
	}
	gone, stays, comes := before.Endpoints[0].Member, after.Endpoints[0].Member, after.Endpoints[1].Member
	if gone.State() != proxy.Draining || stays.State() != 0 || stays.Since() != 0 || comes.State() != 0 || comes.Since() == 0 {
		t.Errorf("gone %d, stays %d since %d, comes %d since %d", gone.State(), stays.State(), stays.Since(), comes.State(), comes.Since())
	}
	compile(t, reg, `{upstreams: {api: ["192.0.2.1"]}, routes: {"/": "http://api"}}`)
	if gone.State() != 0 || gone.Since() == 0 {
		t.Errorf("a member that came back is in state %d since %d", gone.State(), gone.Since())
	}
}

// TestPoolOfOtherTargets replaces a route's targets: exchanges of the old generation never see members of new ones.
func TestPoolOfOtherTargets(t *testing.T) {
	reg := NewRegistry(nil)
	text := func(to string) string { return `{routes: {"/": "` + to + `"}}` }
	first := plans(compile(t, reg, text("http://192.0.2.1/a http://192.0.2.2")))["/"]
	again := plans(compile(t, reg, text("http://192.0.2.1/a http://192.0.2.2")))["/"]
	other := plans(compile(t, reg, text("http://192.0.2.1/a http://192.0.2.2 http://192.0.2.3")))["/"]
	if first.Upstream != again.Upstream || first.Upstream == other.Upstream {
		t.Error("the upstream is another one with the same targets, or the same with others")
	}
	for _, p := range []*proxy.Plan{first, again, other} {
		for _, e := range p.Upstream.Set().Endpoints {
			if e.Target >= len(p.Targets) {
				t.Errorf("a plan of %d targets has a member of target %d", len(p.Targets), e.Target)
			}
		}
	}
}

// TestFailedCompilationChangesNothing compiles a configuration with an error over one that is served.
func TestFailedCompilationChangesNothing(t *testing.T) {
	reg := NewRegistry(names{})
	p := plans(compile(t, reg, `{upstreams: {api: ["192.0.2.1"]}, routes: {"/": "http://api"}}`))["/"]
	set, settings := p.Upstream.Set(), p.Upstream.Settings.Load()
	cfg := parse(t, "", `{upstreams: {api: {members: ["192.0.2.2"], slow-start: 1s}}, routes: {"/": "http://api", "/b": "http://unknown.test"}}`)
	if _, err := Compile(cfg, reg); err == nil {
		t.Fatal("a name without an address compiles")
	}
	if p.Upstream.Set() != set || p.Upstream.Settings.Load() != settings {
		t.Error("the pool has changed")
	}
}

func endpoint(addr string) discovery.Endpoint {
	return discovery.Endpoint{Addr: netip.MustParseAddrPort(addr), Weight: 1}
}

// services is a resolver that knows SRV records only.
type services map[string][]discovery.Endpoint

func (s services) Lookup(_ context.Context, q discovery.Query) (discovery.Answer, error) {
	if !q.Service || s[q.Name] == nil {
		return discovery.Answer{}, &net.DNSError{Err: "no such host", Name: q.Name, IsNotFound: true}
	}
	return discovery.Answer{Endpoints: s[q.Name]}, nil
}

func TestServiceRecords(t *testing.T) {
	const text = `{upstreams: {api: ["srv:_http._tcp.app.test", "192.0.2.9 weight 7"]}, routes: {"/": "http://api"}}`
	resolver := services{"_http._tcp.app.test": {
		{Addr: netip.MustParseAddrPort("192.0.2.1:8080"), Weight: 60},
		{Addr: netip.MustParseAddrPort("[2001:db8::1]:8081"), Weight: 1, Priority: 5, Backup: true},
	}}
	set := plans(compile(t, NewRegistry(resolver), text))["/"].Upstream.Set()
	var got []balance.Endpoint
	for i := range set.Endpoints {
		got = append(got, set.Weights.At(i))
	}
	if want := []balance.Endpoint{
		{Key: "192.0.2.1:8080", Weight: 60}, {Key: "[2001:db8::1]:8081", Weight: 1, Backup: true}, {Key: "192.0.2.9:80", Weight: 7},
	}; !slices.Equal(got, want) {
		t.Errorf("members %+v, want %+v", got, want)
	}
	_, err := Compile(parse(t, "", text), NewRegistry(services{}))
	if err == nil {
		t.Fatal("a name without records compiles")
	}
	wantIn(t, err.Error(), "test.yml:1:", `the name of SRV records "_http._tcp.app.test" does not exist`)
}

// TestMovedNames publishes the new addresses of a name, but not for a configuration that was replaced.
func TestMovedNames(t *testing.T) {
	reg := NewRegistry(names{"a.test": {"192.0.2.1"}})
	const text = `{upstreams: {api: ["a.test:81 weight 2", "192.0.2.9"]}, routes: {"/": "http://api"}}`
	p := plans(compile(t, reg, text))["/"]
	old := reg.pools[0]
	kept, gone := p.Upstream.Set().Endpoints[1].Member, member(p)
	move := func(pool *pool, addrs ...string) {
		var list []discovery.Endpoint
		for _, a := range addrs {
			list = append(list, endpoint(a))
		}
		reg.moved(pool, &pool.servers[0], list)
	}
	move(old, "192.0.2.2:81", "192.0.2.3:81")
	if got := memberNames(p); got != "192.0.2.2:81 192.0.2.3:81 192.0.2.9:80" {
		t.Errorf("members %s", got)
	}
	if w := p.Upstream.Set().Weights.At(0).Weight; w != 2 {
		t.Errorf("a new address has the weight %d, not that of its name", w)
	}
	if kept.State() != 0 || gone.State() != proxy.Draining {
		t.Errorf("what stays is in state %d, what has gone in %d", kept.State(), gone.State())
	}
	compile(t, reg, text)
	move(old, "192.0.2.4:81")
	if got := memberNames(p); got != "192.0.2.1:81 192.0.2.9:80" {
		t.Errorf("members %s after a look-up for a configuration that is gone", got)
	}
}

// TestTwoNamesOfOneAddress makes one member of two names that lead to the same server.
func TestTwoNamesOfOneAddress(t *testing.T) {
	reg := NewRegistry(names{"a.test": {"192.0.2.1"}, "b.test": {"192.0.2.1"}})
	p := plans(compile(t, reg, `{upstreams: {api: ["a.test", "b.test", "192.0.2.2"]}, routes: {"/": "http://api"}}`))["/"]
	if got := memberNames(p); got != "192.0.2.1:80 192.0.2.2:80" {
		t.Errorf("members %s", got)
	}
	if _, err := netip.ParseAddrPort(member(p).Name); err != nil {
		t.Error(err)
	}
}

// TestPoolProtocol compiles pools that speak HTTP/2. With another protocol an upstream is another one, because its
// connections outlive the configuration.
func TestPoolProtocol(t *testing.T) {
	reg := NewRegistry(nil)
	const text = `
upstreams:
  api: {members: 192.0.2.1, protocol: %s}
routes:
  "/a": http://api
  "/b": h2c://192.0.2.2:81
  "/c": http://192.0.2.2:81
`
	one := plans(compile(t, reg, fmt.Sprintf(text, "h2c, keepalive: {streams: 7, ping: 30s}, grpc-failures: [internal, unavailable]")))
	s := one["/a"].Upstream.Settings.Load()
	if s.Protocol != proxy.H2C || s.KeepAlive.Streams != 7 || s.KeepAlive.Ping != 30*time.Second || s.GRPCFailures != 1<<13|1<<14 {
		t.Errorf("settings %+v", s)
	}
	if p := one["/b"].Upstream.Settings.Load().Protocol; p != proxy.H2C {
		t.Errorf("a target of h2c:// speaks %d", p)
	}
	if one["/b"].Upstream == one["/c"].Upstream || one["/c"].Upstream.Settings.Load().Protocol != proxy.HTTP1 {
		t.Error("two protocols of one address share an upstream")
	}
	two := plans(compile(t, reg, fmt.Sprintf(text, "http1")))
	if two["/a"].Upstream == one["/a"].Upstream || two["/b"].Upstream != one["/b"].Upstream {
		t.Error("an upstream is to be the same one as long as its protocol is")
	}
}
