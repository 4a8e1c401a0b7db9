package static

import (
	"golang.org/x/sys/unix"
)

// grace is a grace period: the time in which every reader comes to a point where it is
// not in the middle of anything. What was dropped before it began cannot be found
// by anybody after it, and can be given up if nobody holds it. One runs at a time.
type grace struct {
	number uint64
	tokens []uint32
	asked  int // how many readers have been told
}

// Farewell tells a reader of a grace period. It goes to Cache.Pass, on the reader's thread.
type Farewell struct {
	number uint64
	tokens []uint32
}

// Sweep gives up what was dropped, as far as that is possible by now, and reports whether
// there is more to give up later.
func (st *Store) Sweep() (more bool) {
	st.lock.Lock()
	defer st.lock.Unlock()
	g := &st.grace
	for more := true; more; {
		switch {
		case len(g.tokens) == 0 && len(st.dropped) == 0:
			more = false
		case len(g.tokens) == 0:
			g.number++
			// Readers look at the tokens later, so they are never written again.
			g.tokens, st.dropped = st.dropped, nil
			g.asked = 0
		case !st.passed():
			more = false
		default:
			st.parting = append(st.parting, g.tokens...)
			g.tokens = nil
		}
	}
	kept := st.parting[:0]
	for _, t := range st.parting {
		if e := &st.entries[t]; e.refs.Load() == 0 {
			st.free(e)
		} else {
			kept = append(kept, t)
		}
	}
	st.parting = kept
	return len(st.parting)+len(g.tokens)+len(st.dropped) > 0
}

// passed tells readers of the grace period, and reports whether it is over.
func (st *Store) passed() bool {
	g := &st.grace
	for g.asked < len(st.readers) {
		c := st.readers[g.asked]
		if !c.closed.Load() && !c.tell(&Farewell{g.number, g.tokens}) {
			return false // its inbox is full
		}
		g.asked++
	}
	for _, c := range st.readers {
		if c.passed.Load() < g.number && !c.closed.Load() {
			return false
		}
	}
	return true
}

// free gives up what an entry holds and makes its place vacant.
func (st *Store) free(e *Entry) {
	if e.fd >= 0 {
		unix.Close(int(e.fd))
	}
	if e.extent.units > 0 {
		st.arena.release(e.extent)
		st.leaving -= int64(e.extent.units) * unitSize
	}
	t := e.token
	*e = Entry{}
	st.vacant = append(st.vacant, t)
}
