package control

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/policy/limiter"
)

// TestLimitersSurvive compiles one configuration after another: a policy that says the same keeps its counts.
func TestLimitersSurvive(t *testing.T) {
	reg := NewRegistry(nil)
	policies := func(lines string) *gateway.Policies {
		t.Helper()
		gen, err := Compile(parse(t, "", "routes:\n  /a: {answer: OK, use: ["+lines+"]}\n  /b: OK\nserver: {limits: {connections-per-address: 7}}\n"), reg)
		if err != nil {
			t.Fatal(err)
		}
		if gen.Routes[1].Policies != nil {
			t.Error("a route without policies has some")
		}
		if gen.Settings.PerAddress == nil {
			t.Error("connections per address are not counted")
		}
		return gen.Routes[0].Policies
	}
	first := policies("limit 10/s, limit 20/s burst 40 per ip, limit 1/s per header X-Key, conns 3, conns 4 per ip")
	second := policies("conns 4 per ip, limit 10/s, limit 20/s burst 41 per ip, conns 3")
	if len(first.Limits) != 3 || len(first.Conns) != 2 || len(second.Limits) != 2 || len(second.Conns) != 2 {
		t.Fatalf("%d, %d, %d, %d limits", len(first.Limits), len(first.Conns), len(second.Limits), len(second.Conns))
	}
	var route *limiter.Bucket
	for _, l := range second.Limits {
		switch {
		case l.Bucket != nil:
			route = l.Bucket
		case l.Table == first.Limits[1].Table:
			t.Error("a limit that has changed has the counts of the old one")
		}
	}
	if route == nil || route != first.Limits[0].Bucket {
		t.Error("a limit that has not changed has lost its counts")
	}
	counter, tally := first.Conns[0].Counter, first.Conns[1].Tally
	for _, l := range second.Conns {
		if l.Counter != counter && l.Tally != tally || l.Counter == nil && l.Tally == nil {
			t.Error("what is under way is counted anew")
		}
	}
	third := policies("limit 1/s per header x-key")
	if third.Limits[0].Table == first.Limits[2].Table {
		t.Error("a limit that was gone has come back with its counts")
	}
}

func TestTooManyLimits(t *testing.T) {
	for _, name := range []string{"limit 1/s", "conns 1"} {
		var lines []string
		for i := range gateway.MaxScopes + 1 {
			lines = append(lines, fmt.Sprintf("%s per header X-%d", name, i))
		}
		_, err := Compile(parse(t, "", "routes:\n  /a: {answer: OK, use: ["+strings.Join(lines, ", ")+"]}\n"), NewRegistry(nil))
		if err == nil || !strings.Contains(err.Error(), "more than 4 policies") || !strings.Contains(err.Error(), "test.yml:2:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimiterPlaces(t *testing.T) {
	const one = `routes: {"/": {answer: OK, use: [limit 1/s per ip, limit 1/s, conns 2 per ip]}}`
	many := "use: [limit 1/s per ip, limit 1/s per header A]\nroutes:\n" + strings.Repeat("  /x%d: OK\n", 100)
	var n []any
	for i := range 100 {
		n = append(n, i)
	}
	for _, test := range []struct {
		name, text  string
		memory      int64
		rate, count int
	}{
		{"plenty", one, 64 << 30, maxLimiterKeys, 4 * 25_000},
		{"a small machine", one, 128 << 20, 128 << 20 / limiterShare / 16, 4 * 25_000},
		{"unknown", one, 0, maxLimiterKeys, 4 * 25_000},
		{"many limits", fmt.Sprintf(many, n...), 64 << 30, maxLimiterBytes / 200 / 16, 4 * 25_000},
		{"many limits in little memory", fmt.Sprintf(many, n...), 128 << 20, minLimiterKeys, 4 * 25_000},
	} {
		s := size{shards: 2}
		s.limits.Clients = 12_500
		if s.limiterPlaces(parse(t, "", test.text), test.memory); s.rateKeys != test.rate || s.countKeys != test.count {
			t.Errorf("%s: %d and %d places, want %d and %d", test.name, s.rateKeys, s.countKeys, test.rate, test.count)
		}
	}
}

// TestRequestPlaces has all requests that may be under way bring a value each: there is a place for each of them, within
// what they may take.
func TestRequestPlaces(t *testing.T) {
	const clients = 60
	one := `routes: {"/": {answer: OK, use: [conns 1 per header X-Key, conns 9, limit 1/s per ip]}}`
	many := "use: [conns 1 per header X-Key, conns 1 per ip]\nroutes:\n" + strings.Repeat("  /x%d: OK\n", 100)
	var n []any
	for i := range 100 {
		n = append(n, i)
	}
	many = fmt.Sprintf(many, n...)
	for _, test := range []struct {
		name, text   string
		memory       int64
		keys, values int // places, and how many values have one for themselves
	}{
		{"HTTP/2", one, 64 << 30, minLimiterKeys * 128, clients * 128},
		{"more streams", one + "\nserver: {h2: {streams: 1000}}", 64 << 30, minLimiterKeys * 1000, clients * 1000},
		{"HTTP/1.1 only", one + "\nserver: {h2: off}", 64 << 30, minLimiterKeys, clients},
		{"a small machine", one, 64 << 20, 64 << 20 / limiterShare / limiter.TallyBytes, clients * 128},
		{"many limits", many, 64 << 30, 1 << 15, clients * 128},
		{"many limits on a small machine", many, 64 << 20, minLimiterKeys, clients},
	} {
		cfg := parse(t, "", test.text)
		s := size{shards: 2}
		s.limits.Clients = clients / 2
		s.limiterPlaces(cfg, test.memory)
		reg := NewRegistry(nil)
		reg.limiters = limiters{rateKeys: minLimiterKeys, countKeys: s.countKeys, countBytes: s.countBytes}
		if got := reg.limiters.requestKeys(cfg); got != test.keys {
			t.Errorf("%s: %d places, want %d", test.name, got, test.keys)
		}
		gen, err := Compile(cfg, reg)
		if err != nil {
			t.Fatal(err)
		}
		tally, refused := gen.Routes[0].Policies.Conns[0].Tally, 0
		for i := range test.values {
			if _, ok := tally.Enter(tally.Hash().Bytes(fmt.Append(nil, i))); !ok {
				refused++
			}
		}
		if refused*1000 > test.values {
			t.Errorf("%s: %d of %d values have no place of their own", test.name, refused, test.values)
		}
	}
}

// TestRateOverShards asks two shards as fast as it can for a while, and until more have come than the rate allows. What they
// allow together is the rate.
func TestRateOverShards(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := start(t, "", strings.Replace(fmt.Sprintf(minimal, engine), `"/hello": OK hello`, `"/hello": {answer: OK hello, use: [limit 40/s burst 100]}`, 1))
		var allowed, refused atomic.Int64
		var all sync.WaitGroup
		begin := time.Now()
		for range 6 {
			all.Go(func() {
				// A transport each, so that each has connections of its own.
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for since := time.Since(begin); since < 500*time.Millisecond || refused.Load() == 0 && since < 20*time.Second; since = time.Since(begin) {
					resp, err := client.Get("http://" + r.Addresses()[0] + "/hello")
					if err != nil {
						t.Error(err)
						return
					}
					_ = resp.Body.Close()
					if resp.StatusCode == 200 {
						allowed.Add(1)
					} else {
						refused.Add(1)
					}
				}
			})
		}
		all.Wait()
		most := 100 + 40*time.Since(begin).Seconds()
		if n := float64(allowed.Load()); n > most*1.01 || n < 100 || refused.Load() == 0 {
			t.Errorf("%v were allowed and %d refused, at most %v may be", n, refused.Load(), most)
		}
	})
}
