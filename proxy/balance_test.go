package proxy

import (
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
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

// planOf makes a plan with a choice for each letter: the same letter is the
// same member, a capital one writes another path.
func planOf(letters string) *Plan {
	plan := &Plan{ID: 3}
	members := map[byte]*Member{}
	for i := range len(letters) {
		c, group := letters[i], 0
		if c >= 'A' && c <= 'Z' {
			c, group = c+'a'-'A', 1
		}
		if members[c] == nil {
			members[c] = &Member{ID: uint32(c - 'a'), Name: string(c)}
		}
		plan.Choices = append(plan.Choices, Choice{Member: members[c], Group: group})
	}
	return plan
}

func TestChoose(t *testing.T) {
	for _, tt := range []struct{ name, choices, failed, want string }{
		{"one", "a", "", "aaaa"},
		{"three in turn", "abc", "", "abcabcabc"},
		{"targets with other paths take their turn", "aBC", "", "abcabc"},
		{"one has failed", "abc", "b", "acacac"},
		{"the first has failed", "abc", "a", "bcbcbc"},
		{"all but one have failed", "abc", "ac", "bbb"},
		{"all have failed: they stay in turn", "abc", "abc", "abcabc"},
		{"a member named twice gets two turns", "aab", "", "aabaab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, advance := newTestProxy(t)
			plan := planOf(tt.choices)
			for i := range plan.Choices {
				m := plan.Choices[i].Member
				for k := range len(tt.failed) {
					if m.Name == tt.failed[k:k+1] {
						p.pool(m).failedUntil = p.s.Now() + int64(failTime)
					}
				}
			}
			var got string
			for range len(tt.want) {
				got += plan.Choices[p.choose(plan)].Member.Name
			}
			if got != tt.want {
				t.Errorf("%s", got)
			}
			advance(failTime)
			seen := map[string]bool{}
			for range plan.Choices {
				seen[plan.Choices[p.choose(plan)].Member.Name] = true
			}
			for i := range plan.Choices {
				if name := plan.Choices[i].Member.Name; !seen[name] {
					t.Errorf("%s is not back after its time", name)
				}
			}
		})
	}
}

// TestAnother follows one call whose members cannot be connected to, one after
// the other.
func TestAnother(t *testing.T) {
	for _, tt := range []struct{ name, choices, failed, want string }{
		{"one", "a", "", "a"},
		{"three", "abc", "", "abc"},
		{"those that failed before come last", "abcd", "b", "acdb"},
		{"all have failed before", "abc", "abc", "abc"},
		{"the same path only", "aBcD", "", "ac"},
		{"each member once", "aabb", "", "ab"},
		{"the limit", "abcdefghijkl", "", "abcdefgh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newTestProxy(t)
			plan := planOf(tt.choices)
			for k := range len(tt.failed) {
				p.pool(&Member{ID: uint32(tt.failed[k] - 'a')}).failedUntil = p.s.Now() + int64(failTime)
			}
			c := &Call{p: p, plan: plan}
			c.at = p.choose(plan)
			got := c.Member()
			for c.next() {
				got += c.Member()
			}
			if got != tt.want {
				t.Errorf("tried %s, want %s", got, tt.want)
			}
		})
	}
}

func TestChooseAllocatesNothing(t *testing.T) {
	p, _ := newTestProxy(t)
	plan := planOf("abcdef")
	p.choose(plan)
	if n := testing.AllocsPerRun(100, func() { p.choose(plan) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFailures keeps codes and statuses apart, and each in its place.
func TestFailures(t *testing.T) {
	want := map[Failure]string{
		ConnectRefused: "connect_failed", ConnectTimeout: "connect_timeout", FirstByteTimeout: "first_byte_timeout",
		IdleTimeout: "upstream_idle_timeout", UpstreamClosed: "upstream_closed", UpstreamReset: "upstream_reset",
		BadResponse: "bad_response", Truncated: "truncated_response", NoBuffers: "no_buffers",
		NoConnections: "no_connections", HeadTooLarge: "head_too_large",
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
