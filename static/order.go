package static

import "golang.org/x/sys/unix"

// order is a list of entries by use, linked through the entries themselves.
type order struct {
	newest, oldest uint32
	length         int
}

// orderOf is the list an entry belongs to.
func (c *Cache) orderOf(e *Entry) *order {
	if e.minor {
		return &c.minor
	}
	return &c.files
}

// touch makes an entry the newest of its list. It does so once a second at most:
// a finer order is not worth three cache lines per request.
func (c *Cache) touch(e *Entry, now int64) {
	if e.touched == now {
		return
	}
	e.touched = now
	list := c.orderOf(e)
	if list.newest == e.token {
		return
	}
	c.unlink(list, e)
	c.link(list, e)
}

func (c *Cache) link(list *order, e *Entry) {
	e.newer, e.older = 0, list.newest
	if list.newest != 0 {
		c.entry(list.newest).newer = e.token
	} else {
		list.oldest = e.token
	}
	list.newest = e.token
	list.length++
}

func (c *Cache) unlink(list *order, e *Entry) {
	if e.newer != 0 {
		c.entry(e.newer).older = e.older
	} else {
		list.newest = e.older
	}
	if e.older != 0 {
		c.entry(e.older).newer = e.newer
	} else {
		list.oldest = e.newer
	}
	list.length--
}

// take returns an unused entry, after evicting the oldest of its list if that is
// full.
func (c *Cache) take(minor bool) *Entry {
	list, limit := &c.files, c.maxFiles
	if minor {
		list, limit = &c.minor, c.maxMinor
	}
	for list.length >= limit {
		c.stats.Evictions++
		c.evict(c.entry(list.oldest))
	}
	if c.vacant == 0 {
		c.grow()
	}
	e := c.entry(c.vacant)
	c.vacant = e.next
	e.next = 0
	e.minor = minor
	return e
}

// grow adds a chunk of entries to the vacant ones.
func (c *Cache) grow() {
	first := uint32(len(c.chunks))*chunkEntries + 1
	chunk := make([]Entry, chunkEntries)
	for i := range chunk {
		chunk[i].token = first + uint32(i)
		chunk[i].fd = -1
		chunk[i].next = c.vacant
		c.vacant = chunk[i].token
	}
	c.chunks = append(c.chunks, chunk)
}

// insert makes an entry findable and the newest of its list.
func (c *Cache) insert(e *Entry, now int64) {
	bucket := &c.table[e.hash&uint64(len(c.table)-1)]
	e.next = *bucket
	*bucket = e.token
	e.indexed = true
	e.touched = now
	c.link(c.orderOf(e), e)
}

// evict takes an entry, with its forms, out of the table and its list, and frees
// it unless it is retained.
func (c *Cache) evict(e *Entry) {
	if e.of != 0 {
		c.detach(e)
	} else {
		c.evictForms(e, false)
		c.unchain(e)
	}
	e.indexed = false
	c.unlink(c.orderOf(e), e)
	if e.refs > 0 {
		c.detached++
		return
	}
	c.free(e)
}

// unchain takes an entry out of the table.
func (c *Cache) unchain(e *Entry) {
	slot := &c.table[e.hash&uint64(len(c.table)-1)]
	for *slot != e.token {
		slot = &c.entry(*slot).next
	}
	*slot = e.next
	e.next = 0
}

// free gives up what an entry holds and makes it vacant. The capacity of its
// path and block stays for the next file.
func (c *Cache) free(e *Entry) {
	if e.fd >= 0 && e.made == nil {
		unix.Close(int(e.fd))
		c.descriptors--
	}
	if e.extent.units > 0 {
		c.arena.release(e.extent)
	}
	if e.made != nil {
		e.made.Release()
	}
	*e = Entry{token: e.token, path: e.path[:0], block: e.block[:0], fd: -1, next: c.vacant}
	c.vacant = e.token
}

// makeRoom finds room in the arena for n octets, evicting files that have not
// been used for longest. Only pages that just got emptier are tried again.
func (c *Cache) makeRoom(n int) (extent, bool) {
	if x, ok := c.arena.allocate(n); ok {
		return x, true
	}
	if len(c.arena.free) == 0 {
		return extent{}, false
	}
	token := c.files.oldest
	for range evictionsPerLoad {
		if token == 0 {
			break
		}
		e := c.entry(token)
		if e.extent.units == 0 || e.refs > 0 {
			token = e.newer
			continue
		}
		token = c.afterForms(e)
		page := int(e.extent.page)
		c.stats.Evictions++
		c.evict(e)
		if x, ok := c.arena.allocateIn(page, n); ok {
			return x, true
		}
	}
	return extent{}, false
}

// afterForms evicts the forms of an entry that is about to be evicted, and returns
// the next newer entry, which one of them may have been.
func (c *Cache) afterForms(e *Entry) uint32 {
	c.evictForms(e, false)
	return e.newer
}

// evictDescriptors closes descriptors of files that nobody is reading, oldest
// first, and reports whether there were any. It is the answer to running out of
// descriptors.
func (c *Cache) evictDescriptors() bool {
	closed := false
	token := c.files.oldest
	for range evictionsPerLoad {
		if token == 0 {
			break
		}
		e := c.entry(token)
		if e.fd < 0 || e.made != nil || e.refs > 0 {
			token = e.newer
			continue
		}
		token = c.afterForms(e)
		c.stats.Evictions++
		c.evict(e)
		closed = true
	}
	return closed
}
