package gateway

// A frame of a file's content is written around bytes that were read from the file, and
// to read bytes that are not in memory keeps the shard waiting for a disk. So the engine
// is asked first, for a part of the file at a time, and a stream whose part is not there
// rests until somebody else has read it. The other streams of its connection go on.

// resident reports whether the next bytes of a file can be read. If not, the stream
// rests.
func (h *h2Conn) resident(st *h2Stream, p *h2Piece) bool {
	g := h.g
	part, there := g.s.Resident(p.fd, p.off, p.n)
	if there {
		p.known = p.off + part
		return true
	}
	st.flags |= h2Absent
	st.absence = g.fetch(absence{conn: h.conn, stream: st.number, token: p.token}, p.fd, p.off, part)
	if st.absence == 0 {
		g.mux.unasked = append(g.mux.unasked, st.number)
		return false
	}
	// Whatever comes of it, the part is not asked for again.
	p.known = p.off + part
	return false
}

// present lets a stream go on that rests.
func (st *h2Stream) present() {
	h := st.h
	st.flags &^= h2Absent
	st.absence = 0
	h.enter()
	h.c.Ready(st.s)
	h.leave()
}

// askAgain asks once more for what nobody could be asked for before.
func (m *h2Shared) askAgain() {
	list := m.unasked
	m.unasked, m.asking = m.asking[:0], list
	for _, number := range list {
		if st := m.streams[number]; st.h != nil && st.flags.has(h2Absent) && st.absence == 0 {
			st.present()
		}
	}
}
