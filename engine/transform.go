package engine

// Transform is a step between a socket's bytes and a protocol's: TLS, in
// practice. It runs on the shard's thread and never blocks.
type Transform interface {
	// Open takes received bytes. It returns the next piece of plaintext,
	// which may alias in, and how many bytes of in are used up; it is called
	// again until it returns no plaintext and uses up nothing.
	Open(in []byte) (plain []byte, n int, err error)

	// Seal turns the first n bytes of src into m bytes of dst. With an empty
	// src it writes what the transform itself has to say (a handshake
	// message, an alert). n and m are 0 when nothing can go out now; dst has
	// at least SealRoom bytes.
	Seal(dst, src []byte) (n, m int, err error)

	// Close makes the next Seal with an empty src write the closing bytes.
	Close()
}

// sealFile is how much of a file is read for one Seal: as much as a TLS record
// holds, so that nothing is read twice.
const sealFile = 16 << 10

// SealRoom is the least room that Seal is given.
const SealRoom = 20 << 10

// filter is a connection's transform with the plaintext that waits for it.
type filter struct {
	t       Transform
	plain   queue
	quiet   bool // the last Seal had nothing to say
	closed  bool // Close was called
	refused bool // Open has failed
}

// end lets the transform say its closing words after what is queued.
func (f *filter) end() {
	if !f.closed {
		f.closed, f.quiet = true, false
		f.t.Close()
	}
}

// SetTransform puts t between the socket and the protocol, before the
// connection has sent or received anything.
func (s *Shard) SetTransform(c Conn, t Transform) {
	r := s.get(c)
	if r == nil {
		return
	}
	i := int(c.index())
	for len(s.filters) <= i {
		s.filters = append(s.filters, nil)
	}
	s.filters[i] = &filter{t: t}
	r.flags |= flagFilter
	s.markDirty(c.index())
}

// open1 brings received bytes through the transform.
func (s *Shard) open1(i uint32, p []byte) {
	name, c, f := s.name(i), &s.conns[i], s.filters[i]
	for {
		plain, n, err := f.t.Open(p)
		if err != nil {
			s.refused(i)
			return
		}
		p = p[n:]
		if len(plain) > 0 && !c.has(flagDead) && s.handler.Received != nil {
			s.handler.Received(name, plain)
			if s.name(i) != name || !c.has(flagOpen) || c.has(flagFinishing) {
				return
			}
		}
		if n == 0 && len(plain) == 0 {
			break
		}
	}
	f.quiet = false
	s.markDirty(i)
}

// refused ends a connection whose bytes the transform does not take. An alert
// may be waiting to tell the peer why; it goes out as a last answer does.
func (s *Shard) refused(i uint32) {
	c, f := &s.conns[i], s.filters[i]
	s.drop(&f.plain)
	f.quiet, f.refused = false, true
	s.markDirty(i)
	if c.has(flagDead) {
		return
	}
	c.flags |= flagDead | flagClosing
	c.flags &^= flagNotify
	if s.handler.Closed != nil {
		s.handler.Closed(s.name(i), ReasonTransform, 0)
	}
	c.user = 0
	s.setDeadline(i, int64(closeTime))
}

// seal brings queued plaintext through the transform into the connection's
// own queue, as much as one write takes.
func (s *Shard) seal(i uint32) {
	c, f := &s.conns[i], s.filters[i]
	for c.q.bytes < sendBytes {
		var src []byte
		if f.plain.bytes > 0 {
			var why Reason
			if src, why = s.plaintext(i, f); why != 0 {
				s.failed(i, why, 0)
				return
			}
			if src == nil {
				return // until Present
			}
		}
		dst := s.reserve(&c.q, SealRoom)
		if dst == nil {
			s.failed(i, ReasonMemory, 0)
			return
		}
		n, m, err := f.t.Seal(dst, src)
		if err != nil {
			s.failed(i, ReasonTransform, 0)
			return
		}
		s.commit(&c.q, m)
		s.consume(&f.plain, int64(n))
		if n == 0 && m == 0 {
			f.quiet = true
			s.consume(&c.q, 0) // the room was not needed
			return
		}
		// What waits may have been appended long after the last word.
		f.quiet = false
	}
}

// sealLater has a connection whose transform may have more to say written
// again in the next turn: one seal brings through as much as one write takes.
func (s *Shard) sealLater(i uint32) {
	if c := &s.conns[i]; c.has(flagFilter) && !c.has(flagAbsent) && !s.filters[i].quiet {
		s.later = append(s.later, i)
	}
}

// plaintext is the first piece of what waits; of a file it reads a piece, and
// is nil while that is not in memory. The reason is 0 unless that failed.
func (s *Shard) plaintext(i uint32, f *filter) ([]byte, Reason) {
	g := &s.segs.all[f.plain.head]
	for g.n == 0 { // an empty buffer that a write has since gone behind
		s.pop(&f.plain)
		g = &s.segs.all[f.plain.head]
	}
	if g.kind != segFile {
		return bytesAt(uintptr(g.pos), int(min(g.n, LargeBuffer))), 0
	}
	if s.conns[i].has(flagAbsent) {
		return nil, 0
	}
	piece := s.front(i, g)
	if piece == 0 {
		return nil, 0
	}
	b := s.scratch()
	if b == nil {
		return nil, ReasonMemory
	}
	n, e := pread(g.fd, b[:min(sealFile, piece)], int64(g.pos))
	if e != 0 || n <= 0 {
		return nil, ReasonFile
	}
	return b[:n], 0
}

// scratch is a large buffer whose content lasts until the next call.
func (s *Shard) scratch() []byte {
	if s.spare == 0 {
		s.spare = s.pool.get(LargeBuffer)
		if s.spare == 0 {
			return nil
		}
	}
	return bytesAt(s.pool.addr(s.spare), LargeBuffer)
}
