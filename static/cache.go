package static

import (
	"hash/maphash"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
)

// Cache is a shard's cache of open files, small contents and failures. It is
// not safe for concurrent use.
//
// Entries are found by site and request path through a hash table with chains, and
// are ordered by use in two lists: one for files and a short one for whatever a
// client can make up any number of: failures, redirects, unusual spellings. An entry that is evicted while the engine retains it leaves the table
// at once and is freed by the last Release.
type Cache struct {
	seed    maphash.Seed
	table   []uint32 // tokens of the first entries of the chains
	chunks  [][]Entry
	vacant  uint32 // first of the chain of free entries
	files   order
	minor   order
	arena   arena
	roots   map[uint64]*root
	name    []byte // the name being resolved, NUL-terminated
	scratch []byte // the field lines of the last Answer, if they were composed
	parts   []Part // the parts of the last Answer
	heads   []byte // and their heads
	spans   []span // and where they are
	passing Entry  // a failure that is not worth remembering

	submit   func(*Job) bool // see Compressor
	shelf    *Shelf
	reply    func(Coded) bool
	job      Job
	accept   []byte // the last Accept-Encoding
	accepted coding.Preference

	boundaries uint64 // how many were made

	maxFiles, maxMinor int
	descriptors        int
	detached           int // evicted entries that the engine still retains
	stats              Stats
}

// Stats is what a cache counted and holds.
type Stats struct {
	Hits        uint64 // answered without asking the file system
	Checks      uint64 // unchanged after asking the file system
	Loads       uint64 // opened, or found to be missing
	Evictions   uint64 // dropped to make room
	Files       int    // files held
	Minor       int    // failures, redirects and unusual spellings remembered
	Descriptors int    // descriptors held by files
	Detached    int    // evicted entries that are still being sent
	MemoryBytes int64  // memory held by small files
}

// chunkEntries is how many entries are allocated at a time. Chunks never move,
// so an *Entry stays valid while the table grows.
const chunkEntries = 64

// NewCache makes a cache of at most maxEntries files and failures, whose small
// files take at most maxBytes of memory. Files that are being sent after they were
// evicted come on top of maxEntries; there are at most as many as exchanges. A
// file that finds no memory is sent from its descriptor.
func NewCache(maxEntries int, maxBytes int64) *Cache {
	maxEntries = max(maxEntries, minEntries)
	c := &Cache{
		seed:     maphash.MakeSeed(),
		arena:    newArena(maxBytes),
		roots:    make(map[uint64]*root),
		name:     make([]byte, 0, 256),
		scratch:  make([]byte, 0, 1024),
		accept:   make([]byte, 0, 64),
		accepted: coding.Parse(nil),
		maxMinor: max(maxEntries/minorShare, 1),
	}
	c.maxFiles = maxEntries - c.maxMinor
	size := 1
	for size < 2*maxEntries {
		size *= 2
	}
	c.table = make([]uint32, size)
	return c
}

// Close gives up the descriptors and the memory. It reports how many entries the
// engine still retains; their descriptors and all memory are then kept, so that
// nothing that is being sent is pulled away.
func (c *Cache) Close() (retained int) {
	for _, list := range []*order{&c.files, &c.minor} {
		for list.oldest != 0 {
			c.evict(c.entry(list.oldest))
		}
	}
	for id, r := range c.roots {
		unix.Close(r.fd)
		delete(c.roots, id)
	}
	if c.detached == 0 {
		c.arena.close()
	}
	return c.detached
}

// Stats reports the counters.
func (c *Cache) Stats() Stats {
	s := c.stats
	s.Files, s.Minor = c.files.length, c.minor.length
	s.Descriptors, s.Detached = c.descriptors, c.detached
	s.MemoryBytes = c.arena.used
	return s
}

// Retain keeps an entry, and with it the memory or the descriptor of an Answer,
// until as many calls of Release.
func (c *Cache) Retain(e *Entry) {
	e.refs++
}

// Release ends a Retain.
func (c *Cache) Release(e *Entry) {
	if e.refs <= 0 {
		panic("static: Release of an entry that is not retained")
	}
	e.refs--
	if e.refs == 0 && !e.indexed {
		c.detached--
		c.free(e)
	}
}

// ReleaseToken ends a Retain of the entry with the given token.
func (c *Cache) ReleaseToken(token uint32) {
	c.Release(c.entry(token))
}

// Expire drops what nobody asked for during the last minute, so that files and
// directories that are gone, and the sites of old configurations, do not keep
// descriptors. The engine calls it about once a second.
func (c *Cache) Expire(now int64) {
	for range expireBatch {
		dropped := false
		for _, list := range [...]*order{&c.files, &c.minor} {
			if list.oldest == 0 {
				continue
			}
			e := c.entry(list.oldest)
			if now-e.touched > idleLimit {
				c.evict(e)
				dropped = true
			}
		}
		if !dropped {
			break
		}
	}
	for id, r := range c.roots {
		if now-r.used > idleLimit {
			unix.Close(r.fd)
			delete(c.roots, id)
		}
	}
}

// entry is the entry with a token. Token n is element n-1 of the chunks laid end
// to end.
func (c *Cache) entry(token uint32) *Entry {
	i := token - 1
	return &c.chunks[i/chunkEntries][i%chunkEntries]
}

// find returns the entry of a path, checked against the file system within the
// last checkInterval.
func (c *Cache) find(s *Site, path []byte, now int64) *Entry {
	if s.file != nil {
		path = nil
	}
	// The multiplier spreads the small site numbers over all bits.
	hash := maphash.Bytes(c.seed, path) ^ s.id*0x9E3779B97F4A7C15
	for token := c.table[hash&uint64(len(c.table)-1)]; token != 0; {
		e := c.entry(token)
		if e.hash == hash && e.site == s.id && string(e.path) == string(path) {
			// A clock that was set back counts as stale, hence unsigned.
			if uint64(now-e.checked) < checkInterval {
				c.stats.Hits++
				return e
			}
			return c.check(e, s, path, now)
		}
		token = e.next
	}
	return c.load(hash, s, path, now)
}

// check asks the file system whether an entry still holds, and replaces it if
// not.
func (c *Cache) check(e *Entry, s *Site, path []byte, now int64) *Entry {
	r, errno := c.rootOf(s, now)
	out := outcome{status: statusOf(errno)}
	if errno == 0 {
		out = c.survey(s, r, path)
	}
	// While the process is out of descriptors, what was true a second ago is a
	// better answer than 503.
	if out.status == 503 || out == e.outcome && !e.young {
		c.stats.Checks++
		e.checked = now
		e.tried = false
		c.evictForms(e, true)
		c.touch(e, now)
		return e
	}
	hash := e.hash
	c.evict(e)
	return c.loadOutcome(hash, s, r, path, out, now)
}

// load makes the entry of a path that is not in the table.
func (c *Cache) load(hash uint64, s *Site, path []byte, now int64) *Entry {
	r, errno := c.rootOf(s, now)
	if errno != 0 && c.evictDescriptors() {
		r, errno = c.rootOf(s, now)
	}
	if errno != 0 {
		return c.pass(outcome{status: statusOf(errno)})
	}
	out := c.survey(s, r, path)
	if out.status == 503 && c.evictDescriptors() {
		out = c.survey(s, r, path)
	}
	return c.loadOutcome(hash, s, r, path, out, now)
}

// loadOutcome makes the entry for what resolve found.
func (c *Cache) loadOutcome(hash uint64, s *Site, r *root, path []byte, out outcome, now int64) *Entry {
	c.stats.Loads++
	if out.status != 200 && !memorable(out.status, path) {
		return c.pass(out)
	}
	e := c.take(out.status != 200 || !plainPath(path))
	e.outcome, e.fd = out, -1
	if out.status == 200 {
		c.open(e, s, r, now)
		if e.status != 200 && !memorable(e.status, path) {
			out = e.outcome
			c.free(e)
			return c.pass(out)
		}
	}
	e.hash, e.site, e.checked = hash, s.id, now
	e.path = append(e.path[:0], path...)
	c.insert(e, now)
	return e
}

// memorable reports whether a failure will still be true in a moment and is
// short enough to be kept.
func memorable(status uint16, path []byte) bool {
	return status < 500 && len(path) <= missPathLimit
}

// pass returns an outcome in an entry that belongs to nobody.
func (c *Cache) pass(out outcome) *Entry {
	c.passing = Entry{outcome: out, fd: -1}
	return &c.passing
}
