package handoff

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestEveryJobIsDone has several senders, and workers that go to sleep between.
func TestEveryJobIsDone(t *testing.T) {
	const senders, each = 4, 2000
	var done sync.WaitGroup
	var sum atomic.Int64
	p, err := New(8, 2, func(n int, _ <-chan struct{}) {
		sum.Add(int64(n))
		done.Done()
	})
	if err != nil {
		t.Fatal(err)
	}
	done.Add(senders * each)
	for range senders {
		go func() {
			for n := range each {
				for !p.Submit(n) {
					runtime.Gosched()
				}
			}
		}()
	}
	done.Wait()
	if want := int64(senders * each * (each - 1) / 2); sum.Load() != want {
		t.Errorf("the sum is %d, want %d", sum.Load(), want)
	}
	done.Add(1)
	if !p.Submit(0) {
		t.Error("an idle pool refuses a job")
	}
	done.Wait()
	p.Close()
}

// TestFullQueue fills a pool whose worker is busy.
func TestFullQueue(t *testing.T) {
	begun, hold := make(chan int, 8), make(chan struct{})
	p, err := New(2, 1, func(n int, _ <-chan struct{}) {
		begun <- n
		<-hold
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Submit(0)
	<-begun
	// Two are in the queue.
	taken := 0
	for range 4 {
		if p.Submit(1) {
			taken++
		}
	}
	if taken < 2 || taken > 3 {
		t.Errorf("%d jobs are taken behind a busy worker", taken)
	}
	close(hold)
	for range taken {
		<-begun
	}
	p.Close()
}

// TestCloseDropsWhatWaits closes a pool with jobs in its queue.
func TestCloseDropsWhatWaits(t *testing.T) {
	ready := make(chan struct{}, 4)
	ran := 0
	p, err := New(4, 1, func(_ int, closing <-chan struct{}) {
		ran++
		ready <- struct{}{}
		<-closing
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Submit(0)
	<-ready
	p.Submit(1)
	p.Submit(2)
	p.Close()
	if ran > 2 {
		t.Errorf("%d jobs were begun", ran)
	}
}

func TestSubmitAllocatesNothing(t *testing.T) {
	done := make(chan struct{}, 1)
	p, err := New(64, 1, func(*int, <-chan struct{}) { done <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var job int
	if n := testing.AllocsPerRun(100, func() {
		p.Submit(&job)
		<-done
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
