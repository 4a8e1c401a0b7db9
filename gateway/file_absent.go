package gateway

import "github.com/anygate/anygate/engine"

// absence is a connection, or a stream of one, that waits for a part of a file to be
// read into memory.
type absence struct {
	conn   engine.Conn
	stream uint32 // its number; 0 for the connection itself
	token  uint32 // of the file, which stays open for as long
}

// absent has a part of a file read that a connection is to be sent next.
func (g *Gateway) absent(c engine.Conn, fd int32, off, n int64, token uint32) bool {
	return g.fetch(absence{conn: c, token: token}, fd, off, n) != 0
}

// fetch has n bytes from off of a file read into memory. It returns the number by which
// that is known, 0 if nobody can be asked now.
func (g *Gateway) fetch(a absence, fd int32, off, n int64) uint32 {
	i := len(g.absences)
	if k := len(g.freeAbsences); k > 0 {
		i = int(g.freeAbsences[k-1])
		g.freeAbsences = g.freeAbsences[:k-1]
	} else {
		g.absences = append(g.absences, absence{})
	}
	g.absences[i] = a
	if !g.readAhead(fd, off, n, uint64(i), g.present) {
		g.freeAbsences = append(g.freeAbsences, uint32(i))
		return 0
	}
	g.files.RetainToken(a.token)
	return uint32(i) + 1
}

// isPresent lets a connection, or a stream, go on.
func (g *Gateway) isPresent(i uint64) {
	a := g.absences[i]
	if a.stream == 0 {
		g.s.Present(a.conn)
	} else if st := g.mux.streams[a.stream]; st.h != nil && st.absence == uint32(i)+1 {
		st.present()
	}
	// Last: until then nobody else waits by this number.
	g.freeAbsences = append(g.freeAbsences, uint32(i))
	g.files.ReleaseToken(a.token)
}
