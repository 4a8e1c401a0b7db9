package tlsedge

import "errors"

// A client that sends a ClientHello, which anybody's will do, and then nothing,
// costs itself a connection and its shard one of flightsMost handshakes, until the
// listener's timeout. Where others wait in line, such a handshake is ended earlier:
// the one first that has waited longest for its client's next bytes.

// errCrowdedOut ends a handshake whose client is silent, in favour of others.
var errCrowdedOut = errors.New("handshake_crowded_out")

// patients are the handshakes that wait for bytes of clients, those first that have
// waited longest.
type patients struct {
	first, last *flight
	ending      int // those that were told to end, and have not
}

// wait puts a handshake at the end.
func (p *patients) wait(f *flight, now int64) {
	f.listed, f.since = true, now
	if f.prev, f.after = p.last, nil; f.prev != nil {
		f.prev.after = f
	} else {
		p.first = f
	}
	p.last = f
}

// leave takes a handshake out, if it is there.
func (p *patients) leave(f *flight) {
	if !f.listed {
		return
	}
	if f.prev != nil {
		f.prev.after = f.after
	} else {
		p.first = f.after
	}
	if f.after != nil {
		f.after.prev = f.prev
	} else {
		p.last = f.prev
	}
	f.listed, f.prev, f.after = false, nil, nil
}

// waits follows a run of a handshake of a client's that has not ended. said is how
// much it had to say before: if it has answered the client since, its wait begins
// anew. Single bytes of a message are no answer to anything.
func (e *Edge) waits(f *flight, said int) {
	switch {
	case f.conn.server == nil:
	case f.conn.stuck:
		e.patients.leave(f) // it is we who keep it waiting
	case !f.listed || len(f.tr.out) > said:
		e.patients.leave(f)
		e.patients.wait(f, e.s.Now())
	}
}

// crowd ends as many of the handshakes that have waited for too long as there are
// others in line.
func (e *Edge) crowd() {
	p := &e.patients
	// Places that are free are taken as fast as turns allow.
	free := max(0, flightsMost-e.flights-e.granted)
	for e.waiting > p.ending+free && p.first != nil && e.s.Now()-p.first.since > int64(crowdedAfter) {
		f := p.first
		p.leave(f)
		p.ending++
		f.crowded = true
		e.s.Nudge(f.conn.name)
	}
}

// crowdedOut ends a handshake at once. Its place is another's.
func (c *Conn) crowdedOut() error {
	e, f := c.edge, c.flight
	c.flight, c.tr, c.said = nil, nil, 0
	e.abort(f)
	e.stats.Failed++
	e.stats.Crowded++
	e.grant()
	return c.end(errCrowdedOut)
}
