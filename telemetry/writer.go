package telemetry

import (
	"errors"
	"io"
	"sync"
	"time"
)

// ErrStuck is what Close returns when the destination did not take what was left in time.
var ErrStuck = errors.New("the log's destination does not accept what is written to it")

// Loss is what a Writer tells about lines that did not reach their destination.
type Loss struct {
	// Lines is how many were lost since the last time.
	Lines uint64
	// Err is the last error of the destination since then. When it is nil the destination was only too slow.
	Err error
}

// Writer drains rings into one destination, from a goroutine of its own.
type Writer struct {
	// mu keeps lines whole: only its holder writes to out and consumes from the rings.
	mu    sync.Mutex
	out   io.Writer
	rings []*Ring
	lost  uint64 // lines that the destination refused
	why   error  // the last refusal that was not told
	told  uint64 // lost and dropped lines that were told
	when  time.Time

	tell func(Loss)
	wake chan struct{}
	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// NewWriter starts a Writer that drains rings into out. Once a second at most, and at the end, tell is called with
// what was lost since; it may append a line to one of the rings. Nil does not ask.
func NewWriter(out io.Writer, tell func(Loss), rings ...*Ring) *Writer {
	w := &Writer{
		out: out, rings: rings, tell: tell,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *Writer) run() {
	defer close(w.done)
	idle := time.NewTicker(idlePoll)
	defer idle.Stop()
	for {
		select {
		case <-w.stop:
			w.Flush()
			w.report(time.Now(), true)
			w.Flush()
			return
		case <-w.wake:
			w.Flush()
		case now := <-idle.C:
			// As long as there is something, there is probably more.
			for w.drain() {
				w.report(time.Now(), false)
			}
			w.report(now, false)
		}
	}
}

// Wake makes the Writer look at its rings now, without waiting for it. It is for ordinary goroutines that have something
// to say; a shard leaves the Writer to its rhythm.
func (w *Writer) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // It is about to look.
	}
}

// Flush writes what the rings hold at this moment, and returns when it is written.
func (w *Writer) Flush() { w.drain() }

// drain takes what each ring holds once, and reports whether there was anything. A bound per ring keeps one busy shard
// from holding up the others, and Flush from never returning.
func (w *Writer) drain() (any bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.rings {
		for budget := len(r.buf); budget > 0; {
			b := r.peek()
			if len(b) == 0 {
				break
			}
			any = true
			if _, err := w.out.Write(b); err != nil {
				// What a destination refuses is gone: keeping it would only drop later lines instead.
				w.lost += countLines(b)
				w.why = err
			}
			r.advance(len(b))
			budget -= len(b)
		}
	}
	return any
}

// report tells about lost lines, when it is time to.
func (w *Writer) report(now time.Time, last bool) {
	if loss := w.unreported(now, last); loss.Lines > 0 && w.tell != nil {
		w.tell(loss)
	}
}

func (w *Writer) unreported(now time.Time, last bool) Loss {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.lost
	for _, r := range w.rings {
		all += r.Dropped()
	}
	if all == w.told || (!last && now.Sub(w.when) < lossInterval) {
		return Loss{}
	}
	loss := Loss{Lines: all - w.told, Err: w.why}
	w.told, w.when, w.why = all, now, nil
	return loss
}

// Close writes what is left and ends the goroutine. A destination that does not move, a pipe that nobody reads say, is
// given up after the given time; the error is then ErrStuck. The rings must not be written to any more.
func (w *Writer) Close(within time.Duration) error {
	w.once.Do(func() { close(w.stop) })
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.done:
		return nil
	case <-timer.C:
		return ErrStuck
	}
}

func countLines(b []byte) (n uint64) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}
