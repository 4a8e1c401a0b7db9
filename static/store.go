package static

import (
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/static/coding"
)

// Store is the process's cache of files: of open files, of the heads and contents of
// small ones, of coded forms, and of failures.
//
// Readers, one Cache for each shard, find entries in it without a lock and without
// writing anything that another reader touches. Everything else is done by whoever calls
// Handle, Age, Sweep and the like: goroutines of the control plane, any number of them,
// with a lock that they bring, since this package has none.
type Store struct {
	o     StoreOptions
	lock  Locker
	seed  maphash.Seed
	start string

	entries []Entry // by token; 0 is none
	index   []atomic.Uint32
	arena   arena

	// Under the lock.
	made     uint32 // tokens ever used
	vacant   []uint32
	ranks    [ranks][]uint32
	most     [ranks]int
	sketch   sketch
	random   *rand.Rand
	readers  []*Cache
	dropped  []uint32 // out of the index, since the last grace period began
	grace    grace
	parting  []uint32 // nobody can find them any more, but some may still hold them
	flights  map[flightKey]*flight
	places   map[uint32]*place
	watches  watches
	longSize int64 // octets of forms in files without a name that are in the index
	leaving  int64 // octets of memory that what was dropped still takes
	cursor   uint32
	closed   atomic.Bool
	counts   Counts
}

// Locker is a lock, as of package sync.
type Locker interface {
	Lock()
	Unlock()
}

// StoreOptions describe a Store.
type StoreOptions struct {
	Lock Locker

	// Bytes is the memory for heads and small contents, Entries how many entries there
	// may be, Descriptors how many of them may hold an open file. Entries is
	// derived from Bytes if it is 0.
	Bytes       int64
	Entries     int
	Descriptors int

	// FormBytes bounds the coded forms that are made while serving and longer than
	// what is kept in memory, FormDescriptors how many there are.
	FormBytes       int64
	FormDescriptors int

	// Start is what the head of a 200 of HTTP/1.1 begins with, up to the value of Date.
	Start string

	// Clock is a clock in milliseconds that is never set, Unix the time of day in
	// seconds.
	Clock func() int64
	Unix  func() int64

	// Pause waits a little, for a reader whose inbox is full or a root that is being replaced;
	// without it the attempts follow one another.
	Pause func()

	// Watch has changes told by inotify.
	Watch bool

	// Make takes a job for a coded form, or refuses it. Without it only the forms
	// beside files are sent.
	Make func(*Job) bool
}

// Counts is what a Store has counted, and what it holds.
type Counts struct {
	Loads     uint64 // opened, or found to be missing
	Checks    uint64 // found unchanged
	Coalesced uint64 // answered by what somebody else had asked for
	Evictions uint64 // dropped to make room
	Rejected  uint64 // not kept, because others are asked for more
	Expired   uint64 // dropped because nobody asked for them
	Roots     uint64 // root directories that were replaced by others
	Notices   uint64 // told by inotify, once for each site and batch
	Forms     uint64 // made while serving

	Files       int   // entries of files in the index
	Minor       int   // failures, redirects and unusual spellings in the index
	Descriptors int   // held by entries in the index
	Leaving     int   // dropped entries that still take something
	Bytes       int64 // memory in use
	FormBytes   int64 // of the longer forms in the index
	Watches     int   // directories that are watched
}

// rank is what an entry competes for, and the list it is in.
type rank uint8

const (
	rankMemory rank = iota // content in memory, or none
	rankOpen               // an open file
	rankMinor              // what clients can make up any number of
	rankForm               // a made form in a file without a name
	ranks
)

// NewStore makes a Store.
func NewStore(o StoreOptions) (*Store, error) {
	o.Bytes = max(o.Bytes, minBytes)
	if o.Entries == 0 {
		o.Entries = int(min(o.Bytes/bytesPerEntry, maxEntries))
	}
	o.Entries = max(o.Entries, minEntries)
	if o.Pause == nil {
		o.Pause = func() {}
	}
	st := &Store{
		o: o, lock: o.Lock, start: o.Start, seed: maphash.MakeSeed(),
		made: 1, sketch: newSketch(o.Entries), random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		flights: make(map[flightKey]*flight), places: make(map[uint32]*place),
		watches: watches{fd: -1},
	}
	var err error
	if st.arena, err = newArena(o.Bytes); err != nil {
		return nil, err
	}
	if st.entries, err = offheap.Slice[Entry](1 + o.Entries + max(o.Entries/reserveShare, reserveLeast)); err != nil {
		st.arena.close()
		return nil, err
	}
	size := 1
	for size < 2*o.Entries {
		size *= 2
	}
	st.index = make([]atomic.Uint32, size)
	minor := max(o.Entries/minorShare, 1)
	st.most = [ranks]int{
		rankMemory: o.Entries - minor, rankOpen: max(o.Descriptors, 1), rankMinor: minor, rankForm: o.FormDescriptors,
	}
	if o.Watch {
		st.watches = openWatches()
	}
	return st, nil
}

// Close gives everything up. No reader and no other call may be running.
func (st *Store) Close() {
	st.closed.Store(true)
	for t := uint32(1); t < st.made; t++ {
		if e := &st.entries[t]; e.token != 0 && e.fd >= 0 {
			unix.Close(int(e.fd))
		}
	}
	for id, p := range st.places {
		unix.Close(p.current.fd)
		delete(st.places, id)
	}
	if st.watches.fd >= 0 {
		unix.Close(st.watches.fd)
		st.watches.fd = -1
	}
	for _, c := range st.readers {
		offheap.Unmap(c.tallies)
		c.tallies = nil
	}
	offheap.Unmap(st.entries)
	st.entries, st.readers, st.made = nil, nil, 1
	st.arena.close()
}

// Counts reports the counters.
func (st *Store) Counts() Counts {
	st.lock.Lock()
	defer st.lock.Unlock()
	c := st.counts
	c.Minor = len(st.ranks[rankMinor])
	c.Descriptors = len(st.ranks[rankOpen])
	for r, list := range st.ranks {
		if rank(r) != rankMinor {
			c.Files += len(list)
		}
	}
	c.Leaving = len(st.dropped) + len(st.grace.tokens) + len(st.parting)
	c.Bytes, c.FormBytes, c.Watches = st.arena.used, st.longSize, st.watches.count
	return c
}

// hashOf is the place of a path of a site in the index. The multiplier spreads
// the small numbers over all bits.
func (st *Store) hashOf(site uint32, path []byte, k coding.Coding) uint64 {
	return hashOf(st.seed, site, path, k)
}

func hashOf(seed maphash.Seed, site uint32, path []byte, k coding.Coding) uint64 {
	return maphash.Bytes(seed, path) ^ (uint64(site)*uint64(coding.Count)+uint64(k))*0x9E3779B97F4A7C15
}

// answers reports whether an entry is that of a path.
func (e *Entry) answers(hash uint64, site uint32, path []byte, k coding.Coding) bool {
	return e.hash == hash && e.site == site && e.variant == k && string(e.path()) == string(path)
}

// lookup finds an entry; the lock is held.
func (st *Store) lookup(hash uint64, site uint32, path []byte, k coding.Coding) *Entry {
	return lookup(st.index, st.entries, hash, site, path, k)
}

// lookup finds an entry in an index, or nil. It needs no lock: one who comes without it
// may be told of an entry that is being dropped.
func lookup(index []atomic.Uint32, entries []Entry, hash uint64, site uint32, path []byte, k coding.Coding) *Entry {
	for t := index[hash&uint64(len(index)-1)].Load(); t != 0; {
		e := &entries[t]
		if e.answers(hash, site, path, k) {
			return e
		}
		t = e.next.Load()
	}
	return nil
}

// publish makes an entry findable: readers that come upon it see all of it, because the
// store of its token comes after all that was written of it.
func (st *Store) publish(e *Entry) {
	e.state = stateIndexed
	bucket := &st.index[e.hash&uint64(len(st.index)-1)]
	e.next.Store(bucket.Load())
	bucket.Store(e.token)
	e.at = uint32(len(st.ranks[e.rank]))
	st.ranks[e.rank] = append(st.ranks[e.rank], e.token)
}

// drop makes an entry unfindable. What it holds is given up when nobody can be
// reading it any more; until then its own place in the chain stays, for those who are
// on their way through it.
func (st *Store) drop(e *Entry) {
	link := &st.index[e.hash&uint64(len(st.index)-1)]
	for link.Load() != e.token {
		link = &st.entries[link.Load()].next
	}
	link.Store(e.next.Load())
	list := st.ranks[e.rank]
	last := list[len(list)-1]
	list[e.at] = last
	st.entries[last].at = e.at
	st.ranks[e.rank] = list[:len(list)-1]
	e.state = stateDropped
	st.leaving += int64(e.extent.units) * unitSize
	if e.rank == rankForm {
		st.longSize -= e.file.size
	}
	if e.is(flagMade) {
		st.formGone(e)
	}
	st.dropped = append(st.dropped, e.token)
}

// Empty reports whether there is nothing in the Store.
func (st *Store) Empty() bool {
	st.lock.Lock()
	defer st.lock.Unlock()
	return int(st.made)-1 == len(st.vacant)
}
