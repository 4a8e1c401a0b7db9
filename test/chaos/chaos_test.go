package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
)

const (
	clients = 24
	// growth is by how much the product's memory may grow in a run that comes after one in which it has seen everything.
	growth = 16 << 20
)

// length is how long there is disorder, from the environment.
func length(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("ANYGATE_CHAOS_TIME")
	if text == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 5*time.Second {
		t.Fatalf("ANYGATE_CHAOS_TIME: %q is not a time of at least 5s", text)
	}
	return d
}

func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("ANYGATE_CHAOS_SEED")
	if text == "" {
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("ANYGATE_CHAOS_SEED: %v", err)
	}
	return n
}

func TestChaos(t *testing.T) {
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) { chaos(t, e, length(t), seed(t)) })
	}
}

func chaos(t *testing.T, e product.Engine, length time.Duration, seed uint64) {
	once := &ledger{times: make(map[string]int)}
	var members []*member
	var addresses []string
	for n := range 3 {
		members = append(members, newMember(t, n, once))
		addresses = append(addresses, members[n].address)
	}
	s := product.Start(t, product.Config{Engine: e, Server: "timeouts: {drain: 20s}", Text: `
upstreams:
  pool:
    members: [` + strings.Join(addresses, ", ") + `]
    health: {path: /health, every: 200ms, timeout: 200ms, rise: 1, fall: 2}
    passive: {errors: 5, eject: 500ms}
    panic: 50%
routes:
  "/":
    to: http://pool
    retry: {attempts: 5, on: [connect, reset, timeout], budget: 100%, per-try: 500ms}
    timeouts: {connect: 500ms, first-byte: 10s, idle: 3s}
`})
	a := newTally()
	d := newDisorder(members, rand.New(rand.NewPCG(seed, 0)))
	d.began = a.began
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := a.load(ctx, s.Addr, "during", clients, seed)

	// Tables and pools grow to what disorder needs; that is not what is measured.
	warm := max(length/4, 3*time.Second)
	d.reign(t, warm)
	before := s.Memory(t).Resident
	d.reign(t, length-warm)
	after := s.Memory(t).Resident
	stop()
	wait()
	calm := time.Now()
	recovers(t, s, members)
	recovered := time.Since(calm)
	s.Running(t)
	s.Stop(t)
	for _, m := range members {
		m.kill() // and its standard output is read to its end
	}

	if grown := after - before; grown > growth {
		t.Errorf("resident memory grew by %d KiB to %d KiB", grown>>10, after>>10)
	}
	for target, n := range once.times {
		if n > 1 {
			t.Errorf("POST %s was carried out %d times", target, n)
		}
	}
	excused := judge(t, a, d)
	// Disorder there was, and service.
	for n, f := range faults {
		if d.counts[n] == 0 && length >= 30*time.Second {
			t.Errorf("no member was %s", f.name)
		}
	}
	for k := range a.whole {
		whole, failed := a.whole[k].Load(), a.failed[k].Load()
		if whole < int64(length/time.Second)*10 {
			t.Errorf("only %d requests of the kind %q were answered", whole, kind(k))
		}
		// A fault fails what is under way at one of three members, and that is not much.
		if failed*4 > whole {
			t.Errorf("%d requests of the kind %q failed, %d were answered", failed, kind(k), whole)
		}
	}
	t.Logf("%s (%d excused); slowest %s; resident %d KiB (%+d KiB); %d POSTs carried out; all members back after %s; seed %d",
		a, excused, time.Duration(a.slowest.Load()).Round(time.Millisecond), after>>10, (after-before)>>10, len(once.times), recovered.Round(time.Millisecond), seed)
	if t.Failed() {
		t.Logf("what happened:\n%s", d)
	}
}

// judge reports what must not have happened, and counts what may have, because every member was down.
func judge(t *testing.T, a *tally, d *disorder) (excused int) {
	t.Helper()
	reported := 0
	for _, x := range a.trouble {
		if x.excusable && d.excuses(x.from, x.to) {
			excused++
			continue
		}
		if reported++; reported <= 20 {
			t.Errorf("%7.3fs %s", x.to.Sub(d.began).Seconds(), x.what)
		}
	}
	// An excuse is for what happens in the moment in which one member takes over from another.
	if most := a.whole[strict].Load() / 100; int64(excused) > most {
		t.Errorf("%d requests failed while every member was down at some moment, more than one in a hundred", excused)
	}
	return excused
}

// recovers waits until every member gets requests again.
func recovers(t *testing.T, s *product.Server, members []*member) {
	t.Helper()
	a := newTally()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := a.load(ctx, s.Addr, "after", 3, 1)
	defer wait()
	defer stop()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a.mu.Lock()
		seen := maps.Clone(a.members)
		a.mu.Unlock()
		missing := slices.IndexFunc(members, func(m *member) bool { return seen[m.pid()] == 0 })
		if missing < 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("member %d works and gets no requests", missing)
		}
	}
}

// String is how many requests of each kind there were.
func (a *tally) String() string {
	var s []string
	for k := range a.whole {
		s = append(s, fmt.Sprintf("%s: %d answered, %d failed", kind(k), a.whole[k].Load(), a.failed[k].Load()))
	}
	return strings.Join(s, "; ")
}
