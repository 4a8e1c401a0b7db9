package static

import (
	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/static/coding"
)

// admit makes room for an entry of a rank that takes n octets of memory, for content of
// a length, and reports whether it is worth keeping: the index is full most of the time, and an entry that is
// asked for less often than all that might make room for it had better not be
// kept (this is what TinyLFU does). So a client that goes through a site once does not push
// out what others ask for all the time.
func (st *Store) admit(r rank, n int, content int64, frequency uint32) bool {
	if r == rankForm && st.most[rankForm] == 0 {
		return false
	}
	for range evictionsPerLoad {
		from, full := st.short(r, n, content)
		if !full {
			return true
		}
		v := st.victim(from)
		if v == nil {
			break
		}
		if from != rankMinor && st.frequency(v) >= frequency {
			break
		}
		st.counts.Evictions++
		st.drop(v)
	}
	st.counts.Rejected++
	return false
}

// short is what has to give way to a further entry of a rank, if anything has.
func (st *Store) short(r rank, n int, content int64) (from rank, full bool) {
	switch {
	case len(st.ranks[r]) >= st.most[r]:
		return r, true
	case r == rankForm && st.longSize+content > st.o.FormBytes:
		return r, true
	case r != rankMinor && len(st.ranks[rankMemory])+len(st.ranks[rankOpen])+len(st.ranks[rankForm]) >= st.most[rankMemory]:
		return st.longest(), true
	case st.arena.used-st.leaving+room(n) > st.arena.size()-st.reserve():
		return st.longest(), true
	}
	return r, false
}

// longest is the rank with most entries of files: the one that can best spare one.
func (st *Store) longest() rank {
	if len(st.ranks[rankMemory]) >= len(st.ranks[rankOpen]) {
		return rankMemory
	}
	return rankOpen
}

// reserve is how much memory the index leaves alone.
func (st *Store) reserve() int64 { return st.arena.size() / reserveShare }

// victim is the entry of a rank that is asked for least, of a few that are chosen at
// random.
func (st *Store) victim(r rank) *Entry {
	list := st.ranks[r]
	if len(list) == 0 {
		return nil
	}
	var victim *Entry
	least := ^uint32(0)
	for range victims {
		e := &st.entries[list[st.random.IntN(len(list))]]
		if f := st.frequency(e); f < least {
			victim, least = e, f
		}
	}
	return victim
}

// frequency is how often an entry was asked for lately.
func (st *Store) frequency(e *Entry) uint32 { return e.carry + st.uses(e.token) - e.seen }

// uses counts how often all readers have answered from an entry, and from those
// that had its place before.
func (st *Store) uses(t uint32) (n uint32) {
	for _, c := range st.readers {
		n += c.tallies[t].uses.Load()
	}
	return n
}

// keep makes an entry of a finding, and publishes it unless it is not worth that. Then it
// is passing: it lasts as long as those who get it now hold it. There is none if
// everything is in use. The caller holds a reference to the entry, and the lock.
func (st *Store) keep(f *finding, site uint32, hash uint64, frequency uint32) *Entry {
	path := f.image[:f.marks.path]
	r, n := rankMemory, max(len(f.image), 1)
	switch {
	case f.status != 200 || !plainPath(path):
		r = rankMinor
	case f.made && !f.inMemory:
		r = rankForm
	case f.fd >= 0 && !f.inMemory:
		r = rankOpen
	}
	if f.inMemory && n+len(f.content) > pageSize {
		f.inMemory, r = false, rankOpen
	}
	if f.inMemory {
		n += len(f.content)
	}
	kept := false
	if f.status == 200 || f.status < 500 && len(path) <= missPathLimit {
		kept = st.admit(r, n, f.file.size, frequency)
	}
	if f.made && !kept {
		return nil
	}
	x, ok := extent{}, false
	if kept || !f.inMemory {
		x, ok = st.arena.allocate(n)
	}
	if !ok && f.inMemory && f.fd >= 0 {
		// Sent from its descriptor, it needs room for its head only.
		n -= len(f.content)
		f.inMemory, kept = false, false
		x, ok = st.arena.allocate(n)
	}
	if !ok {
		return nil
	}
	t := st.vacancy()
	if t == 0 {
		st.arena.release(x)
		return nil
	}
	e := &st.entries[t]
	st.fill(e, f, x, n)
	e.token, e.site, e.hash, e.rank = t, site, hash, r
	e.carry, e.seen = frequency, st.uses(t)
	e.refs.Store(1)
	if !kept {
		// What is not worth keeping is not worth coding.
		e.flags &^= flagCodable
		e.state = statePassing
		st.leaving += int64(e.extent.units) * unitSize
		st.parting = append(st.parting, t)
		return e
	}
	if r == rankForm {
		st.longSize += f.file.size
	}
	st.publish(e)
	return e
}

// vacancy is an unused token, 0 if there is none.
func (st *Store) vacancy() uint32 {
	if n := len(st.vacant); n > 0 {
		t := st.vacant[n-1]
		st.vacant = st.vacant[:n-1]
		return t
	}
	if int(st.made) < len(st.entries) {
		st.made++
		return st.made - 1
	}
	return 0
}

// fill writes an entry. The descriptor is the entry's from now on, unless it needs none.
func (st *Store) fill(e *Entry, f *finding, x extent, n int) {
	memory := st.arena.bytes(x, n)
	if f.inMemory {
		copy(memory[copy(memory, f.image):], f.content)
		if f.fd >= 0 {
			f.close()
			f.inMemory = true
		}
	} else {
		copy(memory, f.image)
	}
	e.image, e.extent, e.marks, e.fd = offheap.Addr(memory), x, f.marks, int32(f.fd)
	f.fd = -1
	e.status, e.variant, e.index, e.has = f.status, f.variant, f.index, f.siblings.has
	e.file, e.modified, e.of = f.file, f.modified, f.of
	for k := range f.siblings.form {
		if f.siblings.has.Has(coding.Coding(k)) {
			e.stamps[k] = stampOf(&f.siblings.form[k])
		}
	}
	for _, flag := range [...]struct {
		set  bool
		flag entryFlags
	}{
		{f.deep, flagDeep},
		{f.shell, flagShell},
		{f.young, flagYoung},
		{f.inMemory, flagMemory},
		{f.negotiates, flagNegotiates},
		{f.codable, flagCodable},
		{f.made, flagMade},
	} {
		if flag.set {
			e.flags |= flag.flag
		}
	}
}
