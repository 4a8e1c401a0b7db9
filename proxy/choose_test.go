package proxy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy/balance"
)

// newTestProxy makes a Proxy on a simulated shard, whose clock advance moves.
func newTestProxy(t *testing.T) (p *Proxy, advance func(time.Duration)) {
	t.Helper()
	sim, err := engine.NewSim(1, engine.Faults{}, engine.Limits{Connections: 8, Clients: 4, SmallBuffers: 8, LargeBuffers: 4}, engine.Handler{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Release)
	return New(sim.Shard(), 1), sim.Advance
}

// planOf makes a plan with an endpoint for each letter: the same letter is the
// same member, a capital one writes another path.
func planOf(letters string) *Plan {
	u := NewUpstream(2, "letters", 1)
	plan := &Plan{ID: 3, Upstream: u, Targets: []Target{{Group: 0}, {Group: 1}}}
	members := map[byte]*Member{}
	set := &Set{}
	var weights []balance.Endpoint
	for i := range len(letters) {
		c, target := letters[i], 0
		if c >= 'A' && c <= 'Z' {
			c, target = c+'a'-'A', 1
		}
		if members[c] == nil {
			members[c] = NewMember(uint32(c-'a'), string(c), nil, u, 1)
		}
		set.Endpoints = append(set.Endpoints, Endpoint{Member: members[c], Target: target})
		weights = append(weights, balance.Endpoint{Key: string(c), Group: int32(target)})
	}
	set.Weights = balance.NewSet(weights)
	u.Publish(set)
	return plan
}

// callOf makes a call that has not been sent anywhere.
func callOf(p *Proxy, plan *Plan) *Call {
	c := p.newCall()
	c.plan, c.v = plan, p.view(plan.Upstream)
	return c
}

// passOver has a proxy pass members over, by their letters.
func passOver(p *Proxy, plan *Plan, letters string) {
	v := p.view(plan.Upstream)
	for _, pl := range v.pools {
		if strings.Contains(letters, pl.member.Name) {
			v.passOver(pl, p.s.Now()+int64(failTime))
		}
	}
}

func TestChoose(t *testing.T) {
	for _, tt := range []struct{ name, members, failed, want string }{
		{"one", "a", "", "aaaa"},
		{"three in turn", "abc", "", "abcabcabc"},
		{"targets with other paths take their turn", "aBC", "", "abcabc"},
		{"all but one have failed", "abc", "ac", "bbb"},
		{"all have failed: they stay in turn", "abc", "abc", "abcabc"},
		{"a member named twice gets two turns", "aab", "", "aabaab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, advance := newTestProxy(t)
			plan := planOf(tt.members)
			passOver(p, plan, tt.failed)
			next := func() string {
				c := callOf(p, plan)
				if !c.choose() {
					t.Fatal("no member")
				}
				return c.Member()
			}
			var got string
			for range len(tt.want) {
				got += next()
			}
			if got != tt.want {
				t.Errorf("%s", got)
			}
			advance(failTime)
			seen := map[string]bool{}
			for range tt.members {
				seen[next()] = true
			}
			for _, pl := range p.view(plan.Upstream).pools {
				if name := pl.member.Name; !seen[name] {
					t.Errorf("%s is not back after its time", name)
				}
			}
		})
	}
}

// TestNext follows one call whose members cannot be connected to, one after
// the other.
func TestNext(t *testing.T) {
	for _, tt := range []struct{ name, members, failed, want string }{
		{"one", "a", "", "a"},
		{"three", "abc", "", "abc"},
		{"those that failed before come last", "abcd", "b", "acd" + "b"},
		{"all have failed before", "abc", "abc", "abc"},
		{"the same path only", "aBcD", "", "ac"},
		{"each member once", "abab", "", "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newTestProxy(t)
			plan := planOf(tt.members)
			passOver(p, plan, tt.failed)
			c := callOf(p, plan)
			c.choose()
			c.head = p.s.Buffer(1) // it is written
			got := c.Member()
			for c.next(c.decide(causeConnect)) {
				got += c.Member()
			}
			// Which of two equal ones comes first is a matter of package balance.
			last := len(got) - 1
			if sorted(got) != sorted(tt.want) || tt.failed == "b" && got[last] != 'b' {
				t.Errorf("tried %s, want %s", got, tt.want)
			}
		})
	}
}

func sorted(s string) string {
	b := []byte(s)
	slices.Sort(b)
	return string(b)
}

// TestNextIsBounded has more members than a call tries.
func TestNextIsBounded(t *testing.T) {
	p, _ := newTestProxy(t)
	c := callOf(p, planOf("abcdefghijkl"))
	n := 0
	for c.choose() && c.decide(causeConnect) == otherNext {
		c.exclude()
		n++
	}
	if n != maxTries {
		t.Errorf("%d members tried, want %d", n, maxTries)
	}
}

// TestChooseAvailable has members that the control plane has taken out.
func TestChooseAvailable(t *testing.T) {
	p, advance := newTestProxy(t)
	plan := planOf("abc")
	u := plan.Upstream
	take := func(n int) (got string) {
		for range n {
			c := callOf(p, plan)
			if !c.choose() {
				return got + "-"
			}
			got += c.Member()
		}
		return got
	}
	set := u.Set()
	set.Endpoints[1].Member.SetState(Unhealthy, p.s.Now())
	if got := take(4); strings.Contains(got, "b") || len(got) != 4 {
		t.Errorf("with b down: %s", got)
	}
	advance(time.Millisecond)
	set.Endpoints[0].Member.SetState(Ejected, p.s.Now())
	set.Endpoints[2].Member.SetState(Draining|Unhealthy, p.s.Now())
	if got := take(1); got != "-" {
		t.Errorf("with all down: %s", got)
	}
	advance(time.Millisecond)
	u.Settings.Store(&Settings{Panic: 0.5, SlowStart: time.Minute})
	if got := take(3); strings.Contains(got, "-") {
		t.Errorf("in panic: %s", got)
	}
	advance(time.Millisecond)
	for i := range 3 {
		set.Endpoints[i].Member.SetState(0, p.s.Now())
	}
	advance(time.Hour)
	set.Endpoints[2].Member.SetState(Ejected, p.s.Now())
	set.Endpoints[2].Member.SetState(0, p.s.Now())
	if got := take(30); strings.Count(got, "c") > 4 {
		t.Errorf("a member that is back does not start slowly: %s", got)
	}
	advance(time.Minute)
	if got := take(30); strings.Count(got, "c") != 10 {
		t.Errorf("a member does not get its full share in the end: %s", got)
	}
}

// TestChooseFollowsTheSet replaces the members.
func TestChooseFollowsTheSet(t *testing.T) {
	p, _ := newTestProxy(t)
	plan := planOf("ab")
	c := callOf(p, plan)
	c.choose()
	u := plan.Upstream
	d := NewMember(9, "d", nil, u, 1)
	u.Publish(&Set{
		Endpoints: []Endpoint{{Member: u.Set().Endpoints[1].Member}, {Member: d}},
		Weights:   balance.NewSet([]balance.Endpoint{{Key: "b"}, {Key: "d"}}),
	})
	got := ""
	for range 4 {
		c := callOf(p, plan)
		c.choose()
		got += c.Member()
	}
	if strings.Count(got, "b") != 2 || strings.Count(got, "d") != 2 {
		t.Errorf("%s", got)
	}
	if c.Member() != "a" {
		t.Errorf("the call that was sent to a is at %s now", c.Member())
	}
	u.Publish(&Set{Weights: balance.NewSet(nil)})
	if callOf(p, plan).choose() {
		t.Error("chosen from no members")
	}
}

func TestChooseAllocatesNothing(t *testing.T) {
	p, advance := newTestProxy(t)
	plan := planOf("abcdef")
	c := callOf(p, plan)
	c.choose()
	if n := testing.AllocsPerRun(100, func() {
		advance(10 * time.Millisecond)
		p.view(plan.Upstream)
		c.choose()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHashKey(t *testing.T) {
	const fields = "X-User: alice\r\nCookie: a=1; sid=42;b=2\r\nCookie: \tother=7\r\n"
	key := func(b Balance, path, peer, fields string) uint64 {
		a := mustAsk(t, "/", "http://up", "", "GET "+path+" HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n")
		a.r.Peer = netip.MustParseAddr(peer)
		return hashKey(&b, &a.r)
	}
	ip := key(Balance{Hash: HashIP}, "/", "192.0.2.1", "")
	for _, tt := range []struct {
		name       string
		b          Balance
		path, peer string
		fields     string
		want       uint64
	}{
		{"ip", Balance{Hash: HashIP}, "/x", "192.0.2.1", fields, ip},
		{"mapped ip", Balance{Hash: HashIP}, "/x", "::ffff:192.0.2.1", fields, ip},
		{"header", Balance{Hash: HashHeader, Name: "x-user"}, "/", "192.0.2.2", fields, balance.Sum("alice")},
		{"no header", Balance{Hash: HashHeader, Name: "x-user"}, "/", "192.0.2.1", "", ip},
		{"cookie", Balance{Hash: HashCookie, Name: "sid"}, "/", "192.0.2.2", fields, balance.Sum("42")},
		{"first cookie", Balance{Hash: HashCookie, Name: "a"}, "/", "192.0.2.2", fields, balance.Sum("1")},
		{"cookie of a second line", Balance{Hash: HashCookie, Name: "other"}, "/", "192.0.2.2", fields, balance.Sum("7")},
		{"a cookie whose name only begins so", Balance{Hash: HashCookie, Name: "si"}, "/", "192.0.2.1", fields, ip},
		{"no cookie", Balance{Hash: HashCookie, Name: "sid"}, "/", "192.0.2.1", "", ip},
		{"path", Balance{Hash: HashPath}, "/a/b?c", "192.0.2.2", fields, balance.Sum("/a/b")},
	} {
		if got := key(tt.b, tt.path, tt.peer, tt.fields); got != tt.want {
			t.Errorf("%s: %x, want %x", tt.name, got, tt.want)
		}
	}
	if key(Balance{Hash: HashIP}, "/", "192.0.2.3", "") == ip {
		t.Error("two clients have one key")
	}
}

// TestFailures keeps codes and statuses apart, and each in its place.
func TestFailures(t *testing.T) {
	want := map[Failure]string{
		ConnectRefused: "connect_refused", ConnectUnreachable: "connect_unreachable", ConnectReset: "connect_reset",
		ConnectTimeout: "connect_timeout", ConnectFailed: "connect_failed", TLSHandshake: "tls_handshake", TLSCertificate: "tls_certificate", NoMembers: "no_members",
		CircuitOpen: "breaker_open", QueueFull: "queue_full", QueueTimeout: "queue_timeout",
		FirstByteTimeout: "first_byte_timeout", PerTryTimeout: "per_try_timeout",
		IdleTimeout: "upstream_idle_timeout", UpstreamClosed: "upstream_closed", UpstreamReset: "upstream_reset",
		BadResponse: "bad_response", BadFraming: "bad_framing", ResponseTooLarge: "response_head_too_large",
		InterimFlood: "interim_flood", Truncated: "truncated_response", Refused: "upstream_refused", GRPCDeadline: "grpc_deadline", TunnelIdle: "tunnel_idle",
		TLSBusy: "tls_busy", NoBuffers: "no_buffers", NoConnections: "no_connections", HeadTooLarge: "head_too_large",
	}
	if len(want) != len(failures)-1 {
		t.Errorf("%d failures, %d are listed here", len(failures)-1, len(want))
	}
	for f, code := range want {
		if f.String() != code || f.Status() < 400 {
			t.Errorf("failure %d: code %q, status %d, want %q", f, f, f.Status(), code)
		}
	}
}

func TestConnectFailure(t *testing.T) {
	for e, want := range map[engine.Errno]Failure{
		unix.ECONNREFUSED: ConnectRefused, unix.ENOENT: ConnectRefused, unix.EHOSTUNREACH: ConnectUnreachable,
		unix.ENETUNREACH: ConnectUnreachable, unix.EADDRNOTAVAIL: ConnectUnreachable, unix.ECONNRESET: ConnectReset,
		unix.ETIMEDOUT: ConnectTimeout, unix.EACCES: ConnectFailed, unix.EAGAIN: ConnectFailed, unix.EINVAL: ConnectFailed,
	} {
		if got := connectFailure(e); got != want {
			t.Errorf("%v: %s, want %s", e, got, want)
		}
	}
}
