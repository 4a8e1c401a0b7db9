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

// SealRoom is the least room that Seal is given.
const SealRoom = 20 << 10

// filter is a connection's transform with the plaintext that waits for it.
type filter struct {
	t     Transform
	plain queue
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
	name, f := s.name(i), s.filters[i]
	for {
		plain, n, err := f.t.Open(p)
		if err != nil {
			// An alert may be waiting to tell the peer why.
			s.seal(i)
			s.failed(i, ReasonTransform, 0)
			return
		}
		p = p[n:]
		if len(plain) > 0 {
			s.handler.Received(name, plain)
			if s.get(name) == nil {
				return
			}
		}
		if n == 0 && len(plain) == 0 {
			break
		}
	}
	s.markDirty(i)
}

// seal brings queued plaintext through the transform into the connection's
// own queue, as much as one write takes.
func (s *Shard) seal(i uint32) {
	c, f := &s.conns[i], s.filters[i]
	for c.q.bytes < sendBytes {
		var src []byte
		if f.plain.bytes > 0 {
			var ok bool
			if src, ok = s.plaintext(f); !ok {
				s.failed(i, ReasonFile, 0)
				return
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
			return
		}
	}
}

// plaintext is the first piece of what waits; of a file it reads a piece.
func (s *Shard) plaintext(f *filter) ([]byte, bool) {
	g := &s.segs.all[f.plain.head]
	if g.n == 0 { // an empty buffer that a write has since gone behind
		s.pop(&f.plain)
		g = &s.segs.all[f.plain.head]
	}
	if g.kind != segFile {
		return bytesAt(uintptr(g.pos), int(min(g.n, LargeBuffer))), true
	}
	b := s.scratch()
	n, e := pread(g.fd, b[:min(int64(len(b)), g.n)], int64(g.pos))
	return b[:max(n, 0)], e == 0 && n > 0
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
