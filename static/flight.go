package static

import "github.com/anygate/anygate/static/coding"

// flightKey is what is being looked for.
type flightKey struct {
	site uint32
	k    coding.Coding
	path string
}

// flight is a look into the file system under way, and who else waits for it.
type flight struct{ asks []Ask }

// Handle does what a reader asks for. It may wait for a disk. What several readers ask for
// at a time is looked for once.
func (st *Store) Handle(l *Loader, a *Ask) {
	if a.kind == askMake {
		st.handleMake(a)
		return
	}
	path := a.path
	if a.entry != 0 {
		path = st.entries[a.entry].path()
	}
	hash := st.hashOf(a.site.id, path, a.k)
	key := flightKey{a.site.id, a.k, string(path)}
	st.lock.Lock()
	frequency := uint32(0)
	if a.wait != nil {
		frequency = st.sketch.add(hash)
	}
	if f := st.flights[key]; f != nil {
		f.asks = append(f.asks, *a)
		st.counts.Coalesced++
		st.lock.Unlock()
		return
	}
	f := &flight{}
	st.flights[key] = f
	st.lock.Unlock()

	var e *Entry // with a reference
	if a.kind == askBeside {
		e = st.beside(l, a, hash, frequency)
	} else {
		e = st.findPatiently(l, a.site, path, hash, frequency)
	}

	st.lock.Lock()
	delete(st.flights, key)
	st.lock.Unlock()
	st.answer(a, e)
	for i := range f.asks {
		st.answer(&f.asks[i], e)
	}
	if e != nil {
		e.refs.Add(-1)
	}
}

// answer ends an Ask.
func (st *Store) answer(a *Ask, e *Entry) {
	if a.kind == askBeside && e == nil {
		e = &st.entries[a.entry] // the file without a form
	}
	if a.wait != nil {
		t := uint32(0)
		if e != nil {
			e.refs.Add(1)
			t = e.token
		}
		for !a.reader.reply(a.wait, t) {
			if a.reader.closed.Load() || st.closed.Load() {
				break
			}
			st.o.Pause()
		}
	}
	if a.entry != 0 {
		mine := &st.entries[a.entry]
		mine.renewing.Store(0)
		mine.refs.Add(-1)
	}
}

// findPatiently is find, which it repeats while no descriptor is left: those of what was
// dropped are given up in a moment.
func (st *Store) findPatiently(l *Loader, s *Site, path []byte, hash uint64, frequency uint32) *Entry {
	for attempt := 1; ; attempt++ {
		e := st.find(l, s, path, hash, frequency)
		if e == nil || e.status != 503 || attempt == shortAttempts || st.closed.Load() {
			return e
		}
		e.refs.Add(-1)
		st.Sweep()
		st.o.Pause()
	}
}

// find returns the entry of a path: the one that there is, if that is how things still
// are, or a new one. There is none if everything is in use.
func (st *Store) find(l *Loader, s *Site, path []byte, hash uint64, frequency uint32) *Entry {
	var last *root
	for attempt := 1; ; attempt++ {
		r, generation, errno := st.enter(s)
		if r == last && r != nil {
			// The next one is not there yet, or somebody is just going there.
			st.o.Pause()
		}
		last = r
		if errno != 0 {
			l.found = finding{outcome: outcome{status: statusOf(errno)}, fd: -1, image: l.found.image}
			l.found.begin(path)
			return st.found(l, s, path, hash, frequency, generation, false)
		}
		e, again := st.findIn(l, s, r, path, hash, frequency, generation, attempt < rootAttempts)
		st.leave(r)
		if !again {
			return e
		}
	}
}

// findIn is find in a root. With retry it may say that another root is to be looked in.
func (st *Store) findIn(l *Loader, s *Site, r *root, path []byte, hash uint64, frequency, generation uint32, retry bool) (e *Entry, again bool) {
	watched := st.watch(l, s, r, path, generation, false)
	out := l.survey(s, r, path)
	if watched && l.directory {
		watched = st.watch(l, s, r, path, generation, true)
		out = l.survey(s, r, path)
	}
	watched = watched && !l.linked
	if retry && out.status != 200 && st.left(s, r) {
		return nil, true
	}
	if e := st.confirm(s, path, hash, &out, generation, watched); e != nil {
		return e, false
	}
	f := l.load(st.start, s, r, path, out, st.o.Unix())
	if retry && f.status != 200 && out.status == 200 && st.left(s, r) {
		return nil, true
	}
	return st.found(l, s, path, hash, frequency, generation, watched), false
}

// found puts what was found in the place of what there was.
func (st *Store) found(l *Loader, s *Site, path []byte, hash uint64, frequency, generation uint32, watched bool) *Entry {
	f := &l.found
	defer f.close()
	st.lock.Lock()
	defer st.lock.Unlock()
	st.counts.Loads++
	old := st.lookup(hash, s.id, path, coding.Identity)
	if old != nil {
		frequency = max(frequency, st.frequency(old))
		if f.status == 503 {
			// What was true a moment ago is a better answer.
			old.refs.Add(1)
			st.lend(old, generation, false)
			return old
		}
		st.drop(old)
	}
	if f.status == 503 {
		st.shed()
	}
	e := st.keep(f, s.id, hash, frequency)
	if e != nil {
		st.lend(e, generation, watched)
		st.formsOf(e)
	}
	return e
}

// confirm renews the lease of the entry of a path, if things still are as it says, and
// returns it with a reference.
func (st *Store) confirm(s *Site, path []byte, hash uint64, out *outcome, generation uint32, watched bool) *Entry {
	st.lock.Lock()
	defer st.lock.Unlock()
	e := st.lookup(hash, s.id, path, coding.Identity)
	if e == nil {
		return nil
	}
	if !e.matches(out) || e.is(flagYoung) {
		return nil
	}
	st.counts.Checks++
	e.refs.Add(1)
	e.retryForms()
	st.lend(e, generation, watched)
	return e
}

// matches reports whether an entry is what a look has found.
func (e *Entry) matches(out *outcome) bool {
	if e.status != out.status || e.is(flagDeep) != out.deep || e.is(flagShell) != out.shell || e.index != out.index ||
		e.file != out.file || e.has != out.siblings.has {
		return false
	}
	for k := range out.siblings.form {
		if e.has.Has(coding.Coding(k)) && e.stamps[k] != stampOf(&out.siblings.form[k]) {
			return false
		}
	}
	return true
}

// lend lets readers believe an entry for a while.
func (st *Store) lend(e *Entry, generation uint32, watched bool) {
	period := int64(polledLease)
	if watched && !e.is(flagYoung) {
		period = watchedLease
	}
	e.lease.Store(leaseOf(generation, st.o.Clock()+period))
}

// beside returns the entry of the form beside a file, or nil if it is not what was seen there.
func (st *Store) beside(l *Loader, a *Ask, hash uint64, frequency uint32) *Entry {
	e := &st.entries[a.entry]
	r, generation, errno := st.enter(a.site)
	if errno != 0 {
		return nil
	}
	defer st.leave(r)
	st.lock.Lock()
	v := st.lookup(hash, e.site, e.path(), a.k)
	if v != nil && v.of == stampOf(&e.file) && stampOf(&v.file) == e.stamps[a.k] && !v.is(flagYoung) {
		v.refs.Add(1)
		st.lock.Unlock()
		return v
	}
	st.lock.Unlock()
	f := l.beside(st.start, a.site, r, e, a.k, st.o.Unix())
	if f == nil {
		return nil
	}
	defer f.close()
	st.lock.Lock()
	defer st.lock.Unlock()
	st.counts.Loads++
	if v := st.lookup(hash, e.site, e.path(), a.k); v != nil {
		st.drop(v)
	}
	v = st.keep(f, e.site, hash, max(frequency, st.frequency(e)))
	if v != nil {
		st.lend(v, generation, false)
	}
	return v
}
