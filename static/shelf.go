package static

import (
	"sync/atomic"

	"github.com/anygate/anygate/static/coding"
)

// Shelf is where the forms that were made while serving are found again, by every
// cache of the process. It outlives the entries of caches: a site that is asked for once
// an hour is not coded anew each time.
//
// Find is for any thread and takes no lock. Put has one caller at a time.
type Shelf struct {
	slots     []atomic.Pointer[Form]
	mostBytes int64
	mostFiles int64

	// What all forms take that exist, on the shelf or only in caches.
	bytes atomic.Int64
	files atomic.Int64
}

// shelfWays is how many places a form may be in.
const shelfWays = 4

// NewShelf makes a shelf for forms of at most that many bytes together, and as many
// descriptors for the longer ones; beyond these, longer forms are sent from memory.
func NewShelf(bytes int64, descriptors int) *Shelf {
	return &Shelf{slots: make([]atomic.Pointer[Form], shelfSlots), mostBytes: bytes, mostFiles: int64(descriptors)}
}

// Bytes is how much memory all forms take.
func (s *Shelf) Bytes() int64 { return s.bytes.Load() }

// places are the slots where a form may be.
func (s *Shelf) places(key FormKey) []atomic.Pointer[Form] {
	f := &key.file
	hash := f.ino ^ f.dev<<32 ^ uint64(f.ctime) ^ uint64(f.mtime)<<1 ^ uint64(f.size)<<20 ^ uint64(key.coding)<<60
	hash *= 0x9E3779B97F4A7C15
	first := hash >> 32 % (shelfSlots / shelfWays) * shelfWays
	return s.slots[first : first+shelfWays]
}

// Find returns the form with a key, retained for the caller, or nil.
func (s *Shelf) Find(key FormKey) *Form {
	places := s.places(key)
	for i := range places {
		if f := places[i].Load(); f != nil && f.key == key && f.tryRetain() {
			return f
		}
	}
	return nil
}

// Put makes a form of content and puts it on the shelf, in the place of those that
// nobody has used for longest. It is nil if there is no memory left, because
// caches hold all of it. The caller retains the form.
func (s *Shelf) Put(key FormKey, content []byte) *Form {
	if !s.makeRoom(int64(len(content))) {
		return nil
	}
	f, err := newForm(key, content, s)
	if err != nil {
		return nil
	}
	f.Retain()
	places := s.places(key)
	oldest := &places[0]
	for i := range places {
		there := places[i].Load()
		if there == nil || there.key == key {
			oldest = &places[i]
			break
		}
		if there.used.Load() < oldest.Load().used.Load() {
			oldest = &places[i]
		}
	}
	if old := oldest.Swap(f); old != nil {
		old.Release()
	}
	return f
}

// Room reports whether a form of n bytes could be put on the shelf, for the
// caller of Put.
func (s *Shelf) Room(n int64) bool { return s.makeRoom(n) }

// makeRoom takes forms off the shelf until n more bytes are within the limit. What
// a cache still holds keeps its memory until it is dropped there as well.
func (s *Shelf) makeRoom(n int64) bool {
	n = footprint(n)
	for s.bytes.Load()+n > s.mostBytes {
		var oldest *atomic.Pointer[Form]
		for i := range s.slots {
			there := s.slots[i].Load()
			// One that is held elsewhere, too, would give nothing back.
			if there == nil || there.refs.Load() > 1 {
				continue
			}
			if oldest == nil || there.used.Load() < oldest.Load().used.Load() {
				oldest = &s.slots[i]
			}
		}
		if oldest == nil {
			return false
		}
		oldest.Swap(nil).Release()
	}
	return true
}

// Clear takes everything off the shelf.
func (s *Shelf) Clear() {
	for i := range s.slots {
		if f := s.slots[i].Swap(nil); f != nil {
			f.Release()
		}
	}
}

// key names a form of the file that an entry holds.
func (e *Entry) key(c coding.Coding) FormKey { return FormKey{e.file, c} }
