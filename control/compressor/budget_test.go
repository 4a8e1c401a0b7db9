package compressor

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	const ms = time.Millisecond
	b := budget{share: 0.25, burst: 100 * ms}
	start := time.Unix(1000, 0)
	steps := []struct {
		name      string
		at        time.Duration
		work      time.Duration
		wantPause time.Duration
	}{
		{"within the burst", 0, 60 * ms, 0},
		{"the rest of it", 0, 40 * ms, 0},
		{"beyond it", 0, 10 * ms, 40 * ms},
		{"after the pause", 40 * ms, 10 * ms, 40 * ms},
		{"too early", 60 * ms, 5 * ms, 40 * ms},
		{"after a long rest no more than the burst", time.Hour, 100 * ms, 0},
		{"and then a pause", time.Hour, 25 * ms, 100 * ms},
	}
	for _, step := range steps {
		if got := b.spend(step.work, start.Add(step.at)); got != step.wantPause {
			t.Errorf("%s: a pause of %v, want %v", step.name, got, step.wantPause)
		}
	}
}

// TestBudgetInTheLongRun works as much as it may for an hour.
func TestBudgetInTheLongRun(t *testing.T) {
	b := budget{share: workerShare, burst: workerBurst}
	start := time.Unix(1000, 0)
	now, worked := start, time.Duration(0)
	for now.Sub(start) < time.Hour {
		work := 3 * time.Millisecond
		now = now.Add(work)
		worked += work
		now = now.Add(b.spend(work, now))
	}
	if share := float64(worked-workerBurst) / float64(now.Sub(start)); share > workerShare*1.001 || share < workerShare*0.99 {
		t.Errorf("a share of %.4f", share)
	}
}
