package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
)

const (
	// full is how long a run takes at least in which memory has to be flat to a few MiB. In a shorter one pools and the
	// Go heap still find their size.
	full       = 5 * time.Minute
	fullGrowth = 4 << 20
	growth     = 24 << 20
	// more is by how many descriptors or goroutines the last third of a run may differ from the one before: connections
	// to upstreams come and go, and requests of the admin API.
	moreDescriptors = 12
	moreGoroutines  = 4
	// every is how often the configuration is reloaded; in a short run more often.
	every = 10 * time.Second
)

// length is how long the run takes, from the environment.
func length(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("ANYGATE_SOAK_TIME")
	if text == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 5*time.Second {
		t.Fatalf("ANYGATE_SOAK_TIME: %q is not a time of at least 5s", text)
	}
	return d
}

func TestSoak(t *testing.T) {
	d := length(t)
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			soak(t, e, d)
		})
	}
}

func soak(t *testing.T, e product.Engine, d time.Duration) {
	s := newSite(t)
	p := s.start(t, e)
	w := newWatch(t, p)
	l := newLoad(s, p.Addrs[0], p.Addrs[1])
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l.start(ctx)

	end := time.Now().Add(d)
	change := time.NewTicker(min(every, d/5))
	defer change.Stop()
	look := time.NewTicker(interval)
	defer look.Stop()
	for time.Now().Before(end) {
		select {
		case <-look.C:
			w.look(t)
		case <-change.C:
			s.reload(t)
			s.rotate(t, p)
		}
	}
	stop()
	l.running.Wait()

	judgeLoad(t, l.tally, d)
	judgeGrowth(t, w, d)
	for _, told := range w.stalls.told {
		t.Errorf("a loop has stalled %s", told)
	}
	judgeMetrics(t, w, s.generation)
	p.Running(t)
	p.Stop(t)
	lines := s.readLog(t)
	t.Logf("%d responses, %d failures, %d reloads, %d lines of the log; %s", l.total(), l.failed, s.generation, lines, w.stalls.String())
}

// judgeLoad wants every request to have got what it should, each policy to have done what it is for, and enough of it.
func judgeLoad(t *testing.T, l *tally, d time.Duration) {
	t.Helper()
	for _, what := range l.trouble {
		t.Error(what)
	}
	if l.failed > len(l.trouble) {
		t.Errorf("and %d more", l.failed-len(l.trouble))
	}
	for _, a := range asks(false) {
		if l.count(a.name, 0) == 0 {
			t.Errorf("nobody has asked for %q", a.name)
		}
	}
	for name, statuses := range map[string][]int{
		"limited": {200, 429}, "busy": {200}, "late": {504}, "denied": {403}, "partner": {200, 403}, "no bearer": {401}, "content too large": {413},
		"WebSocket": {101}, "download": {200},
	} {
		for _, status := range statuses {
			if l.count(name, status) == 0 {
				t.Errorf("nobody who asked for %q has got %d", name, status)
			}
		}
	}
	if n := l.total(); n < int(d/time.Second)*50 {
		t.Errorf("only %d responses in %s", n, d)
	}
}

// judgeGrowth compares the last third of a run with the one before.
func judgeGrowth(t *testing.T, w *watch, d time.Duration) {
	t.Helper()
	if len(w.samples) < 6 {
		t.Fatalf("only %d samples", len(w.samples))
	}
	most := float64(growth)
	if d >= full {
		most = fullGrowth
	}
	before, after := w.of(func(s *sample) float64 { return s.resident })
	t.Logf("resident memory: %.1f MiB, then %.1f MiB", median(before)/(1<<20), median(after)/(1<<20))
	if median(after) > median(before)+most {
		t.Error("resident memory grows")
	}
	for _, c := range []struct {
		what string
		most float64
		of   func(*sample) float64
	}{
		{"goroutines", moreGoroutines, func(s *sample) float64 { return s.goroutines }},
		{"descriptors", moreDescriptors, func(s *sample) float64 { return s.descriptors }},
	} {
		before, after := w.of(c.of)
		t.Logf("%s: %.0f (%.0f to %.0f), then %.0f (%.0f to %.0f)", c.what, median(before), before[0], before[len(before)-1], median(after), after[0], after[len(after)-1])
		if median(after) > median(before)+c.most {
			t.Errorf("there are more and more %s", c.what)
		}
	}
}

// judgeMetrics looks at what must never have happened.
func judgeMetrics(t *testing.T, w *watch, reloads int) {
	t.Helper()
	// A shard may learn a moment later than its client that a WebSocket has ended, and metrics may be as old as an interval.
	const tunnels = `anygate_tunnels_active`
	series, asked := w.metrics(t), time.Now()
	for ; time.Since(asked) < interval || series[tunnels] != 0 && time.Since(asked) < patience; series = w.metrics(t) {
		time.Sleep(interval / 10)
	}
	for name, want := range map[string]float64{
		`anygate_config_loads_total{result="loaded"}`:      float64(reloads),
		`anygate_config_loads_total{result="refused"}`:     0,
		`anygate_log_lines_dropped_total{log="access"}`:    0,
		`anygate_log_refusals_total{log="access"}`:         0,
		`anygate_shard_buffers_exhausted_total{shard="0"}`: 0,
		`anygate_shard_inbox_full_total{shard="0"}`:        0,
		`anygate_shard_up{shard="0"}`:                      1,
		tunnels:                                            0,
	} {
		if got, there := series[name]; !there || got != want {
			t.Errorf("%s is %v (%t), want %v", name, got, there, want)
		}
	}
}

// rotate renames the log, after what was there is judged.
func (s *site) rotate(t *testing.T, p *product.Server) {
	t.Helper()
	name := filepath.Join(s.dir, "access.log")
	if err := os.Rename(name, name+".1"); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	p.Signal(t, syscall.SIGUSR1)
}

// readLog wants the lines of the last log to be JSON, without what is masked.
func (s *site) readLog(t *testing.T) (n int) {
	t.Helper()
	for _, name := range []string{"access.log.1", "access.log"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if bytes.Contains(text, []byte("pin=1234")) || bytes.Contains(text, []byte("beta-token")) {
			t.Errorf("%s has what is masked", name)
		}
		for line := range bytes.Lines(text) {
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				t.Errorf("%s: %q: %v", name, line, err)
				break
			}
			n++
		}
	}
	if n == 0 {
		t.Error("the access log is empty")
	}
	return n
}
