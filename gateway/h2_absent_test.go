package gateway

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
)

// coldRead is a part of a file that was asked for.
type coldRead struct {
	off, n int64
	token  uint64
	done   func(uint64) bool
}

// coldDisk has no part of a file in memory but what was read, and reads nothing before
// it is told to.
func (w *world) coldDisk(refuse *atomic.Int32) (reads chan coldRead) {
	reads = make(chan coldRead, 16)
	w.present = func(int32, int64, int64) bool { return false }
	w.readAhead = func(_ int32, off, n int64, token uint64, done func(uint64) bool) bool {
		if refuse != nil && refuse.Add(-1) >= 0 {
			return false
		}
		reads <- coldRead{off, n, token, done}
		return true
	}
	return reads
}

// get asks for a path.
func (c *h2Client) get(path string) *h2Exchange { return c.request("GET "+path, 'n', "", "") }

// TestH2ColdFileHoldsUpNobody has a file come from a disk that takes its time: the
// stream that is to be sent it rests, and all others are answered, those of its own
// connection among them.
func TestH2ColdFileHoldsUpNobody(t *testing.T) {
	const window = 1 << 20
	large := numbered(window + 300_000)
	dir := siteDir(t, map[string]string{"large.bin": large, "a.txt": "file a"})
	for _, secret := range []bool{false, true} {
		forEachEngine(t, func(t *testing.T, w *world) {
			if secret {
				w.sealing()
			}
			w.muxed()
			reads := w.coldDisk(nil)
			w.serve("/f/: "+dir+"/", "/ping: 200 pong")
			c, gone := w.h2Client(), w.h2Client()
			cold, cancelled := c.get("/f/large.bin"), c.get("/f/large.bin")
			gone.get("/f/large.bin")
			gone.work()
			c.until(t, "the disk is asked", func() bool {
				gone.work()
				return len(reads) == 3
			})
			others := func() {
				t.Helper()
				for range 20 {
					a, ping := c.get("/f/a.txt"), c.get("/ping")
					c.until(t, "the others are answered", func() bool { return a.over() && ping.over() })
					if a.got != "file a" || ping.got != "pong" {
						t.Fatalf("%q and %q", a.got, ping.got)
					}
				}
			}
			others()
			if cold.got != "" || cancelled.got != "" {
				t.Errorf("%d and %d bytes have come of a file that is not in memory", len(cold.got), len(cancelled.got))
			}
			cancelled.cancel()
			gone.abort()
			others() // and the shard has heard of both by now
			// Of those who have gone, nobody is there for what comes; records that are used
			// again are not taken for theirs.
			var later []*h2Exchange
			for range 2 {
				later = append(later, c.get("/f/large.bin"))
			}
			c.until(t, "the disk is asked again", func() bool { return len(reads) == 5 })
			for range 5 {
				r := <-reads
				if r.off != 0 || r.n != window {
					t.Errorf("%d bytes at %d are asked for", r.n, r.off)
				}
				w.eventually("the shard is told", func() bool { return r.done(r.token) })
			}
			c.until(t, "the rest is asked for", func() bool { return len(reads) == 3 })
			others()
			for _, e := range append(later, cold) {
				if e.got != large[:window] {
					t.Errorf("stream %d has %s", e.id, brief(e.got))
				}
			}
			for range 3 {
				r := <-reads
				if r.off != window || r.n != int64(len(large)-window) {
					t.Errorf("%d bytes at %d are asked for", r.n, r.off)
				}
				w.eventually("the shard is told", func() bool { return r.done(r.token) })
			}
			c.finish(t)
			for _, e := range append(later, cold) {
				if e.got != large || e.reset {
					t.Errorf("stream %d has %s", e.id, brief(e.got))
				}
			}
			w.do(func() {
				if n := len(w.g.absences) - len(w.g.freeAbsences); n != 0 {
					t.Errorf("%d absences are left", n)
				}
			})
		})
	}
}

// TestH2ColdFileIsAskedForAgain has nobody to ask, at first.
func TestH2ColdFileIsAskedForAgain(t *testing.T) {
	content := numbered(300_000)
	dir := siteDir(t, map[string]string{"large.bin": content})
	w := newSimWorld(t, 1, engine.Faults{})
	w.muxed()
	var refuse atomic.Int32
	refuse.Store(3)
	reads := w.coldDisk(&refuse)
	w.serve("/f/: " + dir + "/")
	c := w.h2Client()
	e, gone := c.get("/f/large.bin"), c.get("/f/large.bin")
	c.until(t, "both have asked in vain", func() bool { return refuse.Load() == 1 })
	gone.cancel()
	for range 2 {
		w.advance(time.Second)
		w.steps(20)
	}
	c.until(t, "it is asked for again", func() bool { return len(reads) == 1 })
	r := <-reads
	w.eventually("the shard is told", func() bool { return r.done(r.token) })
	c.until(t, "the response has come", e.over)
	if e.got != content || e.reset {
		t.Errorf("%s", brief(e.got))
	}
}

// TestH2DeadDisk has a disk that never answers: the stream ends when nothing has been
// sent for too long, and its connection goes on.
func TestH2DeadDisk(t *testing.T) {
	dir := siteDir(t, map[string]string{"large.bin": numbered(300_000)})
	w := newSimWorld(t, 1, engine.Faults{})
	w.muxed()
	reads := w.coldDisk(nil)
	w.serve("/f/: "+dir+"/", "/ping: 200 pong")
	c := w.h2Client()
	e := c.get("/f/large.bin")
	c.until(t, "the disk is asked", func() bool { return len(reads) == 1 && c.settings })
	w.steps(20)
	for range 3 {
		w.advance(w.settings.Write)
		c.work()
	}
	if c.until(t, "the stream ends", e.over); e.code != http2.ErrCodeInternal {
		t.Errorf("it is reset with %v", e.code)
	}
	ping := c.get("/ping")
	c.until(t, "another one is answered", ping.over)
	r := <-reads
	w.eventually("the shard is told", func() bool { return r.done(r.token) })
	if ping.got != "pong" {
		t.Errorf("%q", ping.got)
	}
}
