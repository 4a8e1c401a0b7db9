package static

import (
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/static/coding"
)

// Cache is how one shard reads a Store. It is not safe for concurrent use, but for
// Readings.
//
// What it keeps of its own is a tally for each place of the Store: how often it answered
// from the entry there, which the Store reads to know what is worth keeping, and how
// many holds on it there are. So a request writes memory of its own shard only.
type Cache struct {
	_       [64]byte // another shard's may lie beside it, and both are written with each request
	store   *Store
	seed    maphash.Seed
	entries []Entry
	index   []atomic.Uint32
	tallies []tally
	submit  func(*Ask) bool
	reply   func(w *Wait, token uint32) bool
	tell    func(*Farewell) bool

	now      int64  // of the request
	scratch  []byte // the field lines of the last Answer, if they were composed
	lines    []byte // and what these were composed of
	parts    []Part // the parts of the last Answer
	heads    []byte // and their heads
	spans    []span // and where they are
	tag      []byte // of a form that is not there yet
	wait     *Wait  // the request that is answered, if it waited
	ask      Ask    // what the last Answer needs
	accept   []byte // the last Accept-Encoding
	accepted coding.Preference

	boundaries uint64 // how many were made
	held       int    // holds, all entries together
	hits       uint64
	misses     uint64
	readings   [2]atomic.Uint64 // hits and misses, as of the last Tick

	passed atomic.Uint64 // the last grace period that has come to an end here
	closed atomic.Bool
	_      [64]byte
}

// tally is what a Cache keeps for a place of the Store.
type tally struct {
	uses atomic.Uint32
	held uint32 // holds, and keptBit
}

// keptBit says that the Cache has a reference to the entry, which it gives back with the
// last hold.
const keptBit = 1 << 31

// ReaderOptions connect a Cache with those who work for it.
type ReaderOptions struct {
	// Submit takes what is asked of the Store, to call its Handle; it is called on the
	// Cache's thread and copies the Ask, or refuses it.
	Submit func(*Ask) bool
	// Reply and Tell bring the arguments to Deliver and Pass on the Cache's thread. They
	// are called on any goroutine, and fail when that is not possible just now.
	Reply func(w *Wait, token uint32) bool
	Tell  func(*Farewell) bool
}

// NewCache makes a reader. All readers are made before the first request.
func (st *Store) NewCache(o ReaderOptions) (*Cache, error) {
	tallies, err := offheap.Slice[tally](len(st.entries))
	if err != nil {
		return nil, err
	}
	c := &Cache{
		store: st, seed: st.seed, entries: st.entries, index: st.index, tallies: tallies,
		submit: o.Submit, reply: o.Reply, tell: o.Tell,
		scratch:  make([]byte, 0, 1024),
		lines:    make([]byte, 0, 1024),
		accept:   make([]byte, 0, 64),
		tag:      make([]byte, 0, 64),
		accepted: coding.Parse(nil),
	}
	st.lock.Lock()
	st.readers = append(st.readers, c)
	st.lock.Unlock()
	return c, nil
}

// Close ends the reader. It reports how many holds are left, whose entries then stay until
// the Store is closed.
func (c *Cache) Close() (held int) {
	c.closed.Store(true)
	return c.held
}

// Retain keeps an entry, and with it the memory or the descriptor of an Answer,
// until as many calls of Release.
func (c *Cache) Retain(e *Entry) {
	c.tallies[e.token].held++
	c.held++
}

// RetainToken is Retain of the entry with the given token.
func (c *Cache) RetainToken(token uint32) { c.Retain(&c.entries[token]) }

// Release ends a Retain.
func (c *Cache) Release(e *Entry) {
	t := &c.tallies[e.token]
	if t.held&^keptBit == 0 {
		panic("static: Release of an entry that is not retained")
	}
	t.held--
	c.held--
	if t.held == keptBit {
		t.held = 0
		e.refs.Add(-1)
	}
}

// ReleaseToken ends a Retain of the entry with the given token.
func (c *Cache) ReleaseToken(token uint32) {
	c.Release(&c.entries[token])
}

// Deliver takes an entry that the Store has found for a Wait, 0 if it has none. The Wait
// holds it until Finish.
func (c *Cache) Deliver(w *Wait, token uint32) {
	if token == 0 {
		w.refused = true
		return
	}
	e := &c.entries[token]
	// The reference that came with it stays until the last hold is gone.
	t := &c.tallies[token]
	if t.held&keptBit != 0 {
		e.refs.Add(-1)
	}
	t.held |= keptBit
	c.Retain(e)
	if w.ask.kind == askBeside && e.variant == coding.Identity {
		w.without = w.without.With(w.ask.k)
	}
	if w.count == len(w.held) {
		c.Release(e)
		return
	}
	w.held[w.count] = token
	w.count++
}

// Finish lets go of what came for a Wait, which may be used again.
func (c *Cache) Finish(w *Wait) {
	for _, token := range w.held[:w.count] {
		c.ReleaseToken(token)
	}
	w.count = 0
	w.request, w.ask = Request{}, Ask{}
}

// Pass ends a grace period here: nothing that was found before it is in use, unless it is held.
func (c *Cache) Pass(f *Farewell) {
	for _, token := range f.tokens {
		if t := &c.tallies[token]; t.held != 0 && t.held&keptBit == 0 {
			t.held |= keptBit
			c.entries[token].refs.Add(1)
		}
	}
	c.passed.Store(f.number)
}

// Submit asks the Store for what the last Answer needs, for a Wait that keeps its request.
// It fails if too much is asked for already.
func (c *Cache) Submit(w *Wait) bool {
	w.ask = c.ask
	w.ask.wait = w
	if w.ask.entry != 0 {
		c.entries[w.ask.entry].refs.Add(1)
	}
	if w.ask.entry == 0 && !w.ask.fixed && w.ask.site.file == nil {
		w.ask.path = w.request.Path
	}
	if w.count == len(w.held) || !c.submit(&w.ask) {
		w.ask.Drop()
		return false
	}
	return true
}

// Counts is how many entries were found, and how many had to be asked for.
func (c *Cache) Counts() (hits, misses uint64) { return c.hits, c.misses }

// Tick makes the counters readable. It is called about once a second.
func (c *Cache) Tick() {
	c.readings[0].Store(c.hits)
	c.readings[1].Store(c.misses)
}

// Readings is how many entries were found, and how many had to be asked for, as of the
// last Tick. For any goroutine.
func (c *Cache) Readings() (hits, misses uint64) { return c.readings[0].Load(), c.readings[1].Load() }

// Held is how many holds on entries there are.
func (c *Cache) Held() int { return c.held }

// find returns the entry of a path that is to be believed now, or nil; then it is to be asked for.
func (c *Cache) find(s *Site, path []byte) *Entry {
	if s.file != nil {
		path = nil
	}
	hash := hashOf(c.seed, s.id, path, coding.Identity)
	if c.wait != nil {
		if e := c.given(hash, s.id, path, coding.Identity); e != nil {
			return e
		}
	}
	if e := lookup(c.index, c.entries, hash, s.id, path, coding.Identity); e != nil {
		if left := remaining(e.lease.Load(), s.generation.Load(), c.now); left > 0 {
			if left < renewAhead && e.renewing.Load() == 0 {
				c.renew(s, e)
			}
			c.use(e)
			return e
		}
	}
	c.misses++
	c.ask = Ask{kind: askFind, site: s, path: path, reader: c}
	return nil
}

// findFixed is find for a path that is not the request's, and lasts.
func (c *Cache) findFixed(s *Site, path []byte) *Entry {
	e := c.find(s, path)
	c.ask.fixed = e == nil
	return e
}

// given is an entry that came for the request that is answered.
func (c *Cache) given(hash uint64, site uint32, path []byte, k coding.Coding) *Entry {
	for _, token := range c.wait.held[:c.wait.count] {
		if e := &c.entries[token]; e.answers(hash, site, path, k) {
			return e
		}
	}
	return nil
}

// came reports whether an entry came for the request that is answered.
func (c *Cache) came(e *Entry) bool {
	return c.wait != nil && slices.Contains(c.wait.held[:c.wait.count], e.token)
}

// form returns the form of a file that is there, or nil.
func (c *Cache) form(e *Entry, k coding.Coding) *Entry {
	path := e.path()
	hash := hashOf(c.seed, e.site, path, k)
	if c.wait != nil {
		if v := c.given(hash, e.site, path, k); v != nil && v.of == stampOf(&e.file) {
			return v
		}
	}
	if v := lookup(c.index, c.entries, hash, e.site, path, k); v != nil && v.of == stampOf(&e.file) {
		return v
	}
	return nil
}

// use counts an answer from an entry.
func (c *Cache) use(e *Entry) {
	c.hits++
	t := &c.tallies[e.token]
	t.uses.Store(t.uses.Load() + 1)
}

// renew has the Store look at an entry before its lease ends, so that nobody has to wait.
// Of all readers one asks.
func (c *Cache) renew(s *Site, e *Entry) {
	if !e.renewing.CompareAndSwap(0, 1) {
		return
	}
	e.refs.Add(1)
	a := Ask{kind: askRenew, site: s, entry: e.token, reader: c}
	if !c.submit(&a) {
		a.Drop()
	}
}

// askForm asks for a form to be made. Of all readers one asks.
func (c *Cache) askForm(s *Site, e *Entry, k coding.Coding) {
	if before := e.forms.Or(formAsked(k)); before&formAsked(k) != 0 {
		return
	}
	e.refs.Add(1)
	a := Ask{kind: askMake, k: k, site: s, entry: e.token, reader: c}
	if !c.submit(&a) {
		a.Drop()
	}
}
