package gateway

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/static"
)

// fileWait is an exchange that waits for the file system: for a file that is not in the
// cache, or that is to be looked at again. A goroutine does that, and the shard hears
// of it by a message.
type fileWait struct {
	static.Wait
	x     *Exchange // nil once it has ended, or got another answer
	begun int64     // shard clock
	place int       // in Gateway.waits
}

// openFiles makes the shard a reader of the cache of files.
func (g *Gateway) openFiles() error {
	s := g.s
	var err error
	g.files, err = g.store.NewCache(static.ReaderOptions{
		Submit: g.ask,
		Reply: func(w *static.Wait, token uint32) bool {
			return s.Post(engine.Message{Kind: messageFile, Arg: uint64(token), Value: w})
		},
		Tell: func(f *static.Farewell) bool {
			return s.Post(engine.Message{Kind: messageFarewell, Value: f})
		},
	})
	return err
}

// awaitFile has a request wait for what its answer needs.
func (g *Gateway) awaitFile(x *Exchange, r *static.Request) {
	if len(g.waits) >= fileWaits {
		x.busy()
		return
	}
	w := g.newWait()
	w.Keep(r)
	g.submitWait(x, w)
}

// submitWait asks for what the answer needs, for the first time or once more.
func (g *Gateway) submitWait(x *Exchange, w *fileWait) {
	w.x, x.file = x, w
	if !g.files.Submit(&w.Wait) {
		w.x, x.file = nil, nil
		g.freeWait(w)
		x.busy()
	}
}

// fileCame answers an exchange that has waited. Once asked for, something always comes.
func (g *Gateway) fileCame(w *fileWait, token uint32) {
	g.files.Deliver(&w.Wait, token)
	x := w.x
	if x == nil {
		g.freeWait(w)
		return
	}
	w.x, x.file = nil, nil
	a := &g.file
	g.files.Resume(x.route.Site, &w.Wait, fileClock(g.s.Now()), a)
	if a.Wanted {
		g.submitWait(x, w)
		return
	}
	x.answerFile(a)
	g.freeWait(w)
}

// fileClock is a shard's time in the unit of the cache of files.
func fileClock(now int64) int64 { return now / 1e6 }

func (g *Gateway) newWait() *fileWait {
	var w *fileWait
	if n := len(g.spareWaits); n > 0 {
		w = g.spareWaits[n-1]
		g.spareWaits = g.spareWaits[:n-1]
	} else {
		w = &fileWait{}
		w.Owner = w
	}
	w.begun, w.place = g.s.Now(), len(g.waits)
	g.waits = append(g.waits, w)
	return w
}

func (g *Gateway) freeWait(w *fileWait) {
	g.files.Finish(&w.Wait)
	last := g.waits[len(g.waits)-1]
	g.waits[w.place], last.place = last, w.place
	g.waits = g.waits[:len(g.waits)-1]
	g.spareWaits = append(g.spareWaits, w)
}

// hurryWaits answers those who have waited too long: a file on a disk that does not answer
// keeps its place among the waits, but no client.
func (g *Gateway) hurryWaits() {
	for _, w := range g.waits {
		if x := w.x; x != nil && g.s.Now()-w.begun > int64(filePatience) {
			x.drop()
			x.busy()
		}
	}
}
