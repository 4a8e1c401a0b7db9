package telemetry

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStuck is what Close returns when the destination did not take what was left in time.
var ErrStuck = errors.New("the log's destination does not accept what is written to it")

// Loss is what a Writer tells about lines that have not reached their destination.
type Loss struct {
	// Lines is how many were lost since the last time.
	Lines uint64
	// Err is why the destination refuses lines, or has refused them. When it is nil the destination was only too slow.
	Err error
	// Retried says that the destination refuses lines at this moment. They are kept, and it is tried again, until it takes
	// them. That is told once; what was lost is told when it is over.
	Retried bool
}

// Counts are the lines that a Writer has not written, since it began.
type Counts struct {
	// Dropped is how many found no room in a ring, Lost how many were given up at the end.
	Dropped, Lost uint64
	// Refused is how many times the destination refused lines.
	Refused uint64
}

// Writer drains rings into one destination, from a goroutine of its own.
//
// A destination is an io.Writer that says how many bytes it has taken when it returns an error. What it has not taken is
// offered again, from there on.
type Writer struct {
	// mu keeps lines whole: only its holder writes to out and consumes from the rings.
	mu       sync.Mutex
	out      io.Writer
	rings    []*Ring
	why      error     // the destination's last refusal, until the end of it is told
	until    time.Time // the destination is not tried before
	refusing bool
	warned   bool   // the refusal is told
	told     uint64 // lost and dropped lines that were told
	when     time.Time

	lost, refused atomic.Uint64 // see Counts

	wanted atomic.Pointer[io.Writer] // where Redirect was told last to write to
	tell   func(Loss)
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
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
			w.last()
			w.report(time.Now(), true)
			w.last()
			return
		case <-w.wake:
		case <-idle.C:
		}
		w.Flush()
		w.report(time.Now(), false)
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
func (w *Writer) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drain(time.Now())
}

// drain takes what each ring holds once, and goes on while it finds that much has come in the meantime. A bound per ring
// keeps one busy shard from holding up the others, and another on the whole keeps losses from not being told.
func (w *Writer) drain(now time.Time) {
	if w.refusing && now.Before(w.until) {
		return
	}
	for range maxRounds {
		busy := false
		for _, r := range w.rings {
			n, err := w.empty(r)
			if err != nil {
				w.refusing, w.why, w.until = true, err, now.Add(retryAfter)
				w.refused.Add(1)
				return
			}
			busy = busy || n > len(r.buf)/4
		}
		w.refusing = false
		if !busy {
			return
		}
	}
}

// empty writes what a ring holds.
func (w *Writer) empty(r *Ring) (n int, err error) {
	for n < len(r.buf) {
		b := r.peek()
		if len(b) == 0 {
			break
		}
		k, err := w.out.Write(b)
		k = max(0, min(k, len(b)))
		if err == nil && k < len(b) {
			err = io.ErrShortWrite
		}
		r.advance(k)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// last writes what is left, and gives up what cannot be written.
func (w *Writer) last() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = time.Time{}
	w.drain(time.Now())
	if !w.refusing {
		return
	}
	for _, r := range w.rings {
		for b := r.peek(); len(b) > 0; b = r.peek() {
			w.lost.Add(countLines(b))
			r.advance(len(b))
		}
	}
	w.refusing = false
}

// Redirect has the Writer write to another destination from now on. The one before gets what there is; what it does not
// take goes to the other. It waits for nothing: moved is closed when nothing is being written to the one before, which may
// be never if that does not move.
func (w *Writer) Redirect(out io.Writer) (moved <-chan struct{}) {
	w.wanted.Store(&out)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.mu.Lock()
		w.drain(time.Now())
		// The newest, as several may have waited here.
		w.out, w.until = *w.wanted.Load(), time.Time{}
		w.mu.Unlock()
		w.Wake()
	}()
	return done
}

// Counts tells what was not written so far. It waits for nothing.
func (w *Writer) Counts() Counts {
	c := Counts{Lost: w.lost.Load(), Refused: w.refused.Load()}
	for _, r := range w.rings {
		c.Dropped += r.Dropped()
	}
	return c
}

// report tells about lost lines, when it is time to.
func (w *Writer) report(now time.Time, last bool) {
	if loss, ok := w.unreported(now, last); ok && w.tell != nil {
		w.tell(loss)
	}
}

func (w *Writer) unreported(now time.Time, last bool) (loss Loss, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refusing {
		if w.warned {
			return Loss{}, false
		}
		w.warned = true
		return Loss{Err: w.why, Retried: true}, true
	}
	all := w.lost.Load()
	for _, r := range w.rings {
		all += r.Dropped()
	}
	over := w.warned // the end of a refusal is told even if nothing was lost
	if (all == w.told && !over) || (!last && !over && now.Sub(w.when) < lossInterval) {
		return Loss{}, false
	}
	loss = Loss{Lines: all - w.told, Err: w.why}
	w.told, w.when, w.why, w.warned = all, now, nil, false
	return loss, true
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
