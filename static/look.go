package static

// alone is the lock of a Store that one goroutine uses.
type alone struct{}

func (alone) Lock()   {}
func (alone) Unlock() {}

// Look answers one request at once, on the calling goroutine, from a Store of its own: for
// tools, which have no shards. What the Answer refers to stays until done is called.
//
// Unix is the time of day in seconds.
func Look(s *Site, r *Request, unix int64) (a *Answer, done func()) {
	a = &Answer{Status: 503, Block: unavailableBlock, FD: -1}
	st, err := NewStore(StoreOptions{
		Lock: alone{}, Entries: minEntries, Descriptors: waitMost,
		Clock: func() int64 { return 0 }, Unix: func() int64 { return unix },
	})
	if err != nil {
		return a, func() {}
	}
	l, w := NewLoader(), new(Wait)
	var c *Cache
	c, err = st.NewCache(ReaderOptions{
		Submit: func(ask *Ask) bool { st.Handle(l, ask); return true },
		Reply:  func(w *Wait, token uint32) bool { c.Deliver(w, token); return true },
		Tell:   func(f *Farewell) bool { c.Pass(f); return true },
	})
	if err != nil {
		st.Close()
		return a, func() {}
	}
	w.Keep(r)
	for c.Resume(s, w, 0, a); a.Wanted && c.Submit(w); {
		c.Resume(s, w, 0, a)
	}
	if a.Wanted {
		a.Wanted = false
		a.refuse(r, 503, unavailableBlock)
	}
	return a, st.Close
}
