package gateway

import "github.com/anygate/anygate/engine"

// absence is a connection that waits for a part of a file to be read into memory.
type absence struct {
	conn  engine.Conn
	token uint32 // of the file, which stays open for as long
}

// absent has a part of a file read that a connection is to be sent next.
func (g *Gateway) absent(c engine.Conn, fd int32, off, n int64, token uint32) bool {
	i := len(g.absences)
	if k := len(g.freeAbsences); k > 0 {
		i = int(g.freeAbsences[k-1])
		g.freeAbsences = g.freeAbsences[:k-1]
	} else {
		g.absences = append(g.absences, absence{})
	}
	g.absences[i] = absence{c, token}
	if !g.readAhead(fd, off, n, uint64(i), g.present) {
		g.freeAbsences = append(g.freeAbsences, uint32(i))
		return false
	}
	g.files.RetainToken(token)
	return true
}

// isPresent lets a connection go on.
func (g *Gateway) isPresent(i uint64) {
	a := g.absences[i]
	g.freeAbsences = append(g.freeAbsences, uint32(i))
	g.s.Present(a.conn)
	g.files.ReleaseToken(a.token)
}
