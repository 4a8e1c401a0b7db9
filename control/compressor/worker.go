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
			if !w.work(&j) {
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

// work answers a job, and those that came for the same form meanwhile. It
// reports false when the compressor is closing.
func (w *worker) work(j *static.Job) bool {
	if !w.c.begin(j) {
		return true
	}
	form := w.c.shelf.Find(j.Key)
	var err error
	if form == nil {
		form, err = w.make(j)
	}
	if errors.Is(err, errClosing) {
		return false
	}
	useless := errors.Is(err, errUseless)
	for _, waiting := range w.c.end(j) {
		if !w.reply(&waiting, form, useless) {
			return false
		}
	}
	ok := w.reply(j, form, useless)
	if form != nil {
		form.Release()
	}
	return ok
}

// reply posts the outcome to the shard. It holds the form for the shard.
func (w *worker) reply(j *static.Job, form *static.Form, useless bool) bool {
	o := static.Coded{Token: j.Token, Form: form, Useless: useless}
	if form != nil {
		form.Retain()
	}
	for !j.Reply(o) {
		select {
		case <-time.After(replyAgain):
		case <-w.c.closing:
			if form != nil {
				form.Release()
			}
			return false
		}
	}
	return true
}

var (
	errClosing = errors.New("compressor: closing")
	errUseless = errors.New("compressor: the form does not pay")
	errNoRoom  = errors.New("compressor: no room for the form")
)

// make makes the form of a job, retained for the caller.
func (w *worker) make(j *static.Job) (*static.Form, error) {
	var content []byte
	err := errNoRoom
	if w.c.room(j) {
		content, err = w.code(j)
	}
	switch {
	case errors.Is(err, errUseless):
		w.c.stats.Useless.Add(1)
		return nil, err
	case errors.Is(err, errClosing):
		return nil, err
	case err == nil && !j.Intact():
		err = static.ErrChanged
	}
	if err == nil {
		if form := w.c.put(j, content); form != nil {
			w.c.stats.Made.Add(1)
			return form, nil
		}
		err = errNoRoom
	}
	w.c.stats.Failed.Add(1)
	return nil, err
}

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
