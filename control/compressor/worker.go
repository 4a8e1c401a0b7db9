package compressor

import (
	"errors"
	"time"

	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// worker makes one form at a time.
type worker struct {
	c       *Compressor
	set     *encoder.Set // nil after a while without work
	budget  budget
	content []byte
	out     output
}

func newWorker(c *Compressor) *worker {
	return &worker{c: c, budget: budget{share: workerShare, burst: workerBurst}}
}

func (w *worker) run() {
	idle := time.NewTimer(keepEncoders)
	defer idle.Stop()
	for {
		select {
		case j := <-w.c.jobs:
			if !w.work(j) {
				return
			}
			idle.Reset(keepEncoders)
		case <-idle.C:
			w.set, w.content, w.out.b = nil, nil, nil
		case <-w.c.closing:
			return
		}
	}
}

// work answers a job. It reports false when the compressor is closing.
func (w *worker) work(j *static.Job) bool {
	content, err := w.code(j)
	if err == nil && !j.Intact() {
		err = static.ErrChanged
	}
	switch {
	case errors.Is(err, errUseless):
		w.c.stats.Useless.Add(1)
		j.Reply(static.Coded{Useless: true})
	case err != nil:
		w.c.stats.Failed.Add(1)
		j.Reply(static.Coded{})
	case j.Reply(static.Coded{Content: content}):
		w.c.stats.Made.Add(1)
	default:
		w.c.stats.Failed.Add(1)
	}
	return !errors.Is(err, errClosing)
}

var (
	errClosing = errors.New("compressor: closing")
	errUseless = errors.New("compressor: the form does not pay")
)

// code codes the content of a job, in pieces, resting between them.
func (w *worker) code(j *static.Job) ([]byte, error) {
	if w.set == nil {
		w.set, w.content = encoder.NewSet(encoder.Fast), make([]byte, chunk)
	}
	w.out = output{b: w.out.b[:0], size: j.Size()}
	e := w.set.Encoder(&w.out, j.Coding(), j.Size())
	for off := int64(0); off < j.Size(); {
		piece := w.content[:min(chunk, j.Size()-off)]
		began := time.Now()
		n, err := j.ReadAt(piece, off)
		if n == 0 {
			return nil, err
		}
		off += int64(n)
		if _, err := e.Write(piece[:n]); err != nil || w.out.full {
			return nil, w.out.explain(err)
		}
		if err := w.rest(began); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	if err := e.Close(); err != nil || w.out.full {
		return nil, w.out.explain(err)
	}
	if err := w.rest(began); err != nil {
		return nil, err
	}
	if !coding.Pays(j.Size(), int64(len(w.out.b))) {
		return nil, errUseless
	}
	return w.out.b, nil
}

// rest waits as long as the budget wants after work since began.
func (w *worker) rest(began time.Time) error {
	now := time.Now()
	pause := w.budget.spend(now.Sub(began), now)
	if pause == 0 {
		select {
		case <-w.c.closing:
			return errClosing
		default:
			return nil
		}
	}
	select {
	case <-time.After(pause):
		return nil
	case <-w.c.closing:
		return errClosing
	}
}

// output collects a form, and stops the encoder when the form is not going to pay.
type output struct {
	b    []byte
	size int64 // of the content
	full bool
}

func (o *output) Write(p []byte) (int, error) {
	if int64(len(o.b)+len(p)) > o.size {
		o.full = true
		return 0, errUseless
	}
	o.b = append(o.b, p...)
	return len(p), nil
}

// explain is the error of an encoder, whatever it makes of the error of Write.
func (o *output) explain(err error) error {
	if o.full {
		return errUseless
	}
	return err
}
