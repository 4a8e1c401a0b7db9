package h2

import (
	"github.com/anygate/anygate/h2/hpack"
	"github.com/anygate/anygate/http1"
)

// Scratch is what all connections of a shard share: memory that is only used during a call, the slab of streams, and
// the pools of what a connection needs while it has something under way. It must not be copied.
type Scratch struct {
	// Out is where frames go that the codec sends by itself. The owner writes it and sets it to Out[:0] before it calls
	// another Conn.
	Out []byte
	// Now is the time in milliseconds since any point, kept by the owner (once a turn). Budgets are refilled by it.
	Now int64
	// Request, Response are the heads of EventHead and EventInterim.
	Request  http1.Request
	Response http1.Response
	// Stats counts what has happened on all connections.
	Stats Stats

	composer http1.Composer
	section  http1.TrailerSection
	field    hpack.Field
	heads    []byte // what a head is composed in
	lines    []byte // trailer fields

	memory  hpack.Memory // of encoders
	slab    slab
	buffers [bufferClasses][][]byte
	tables  [tableClasses][][]uint32
}

// Stats are counters that only go up, for metrics.
type Stats struct {
	Streams    uint64 // streams begun, by either end
	Refused    uint64 // streams over the limit, REFUSED_STREAM
	Malformed  uint64 // malformed messages
	PeerResets uint64 // RST_STREAM received for streams that had not ended
	Faults     uint64 // RST_STREAM sent because of what a peer did; Refused and Malformed are among them
	TooLarge   uint64 // heads over the limits
	Fatal      uint64 // connections ended by GOAWAY with an error
	Calm       uint64 // of those: ENHANCE_YOUR_CALM
}

// NewScratch returns the Scratch of a shard.
func NewScratch() *Scratch { return &Scratch{} }

// Trailers are the fields of EventTrailers, each by itself, for as long as that is borrowed.
func (sc *Scratch) Trailers() *http1.Head { return &sc.section.Head }

// Streams is how many streams are in use, of all connections.
func (sc *Scratch) Streams() int { return sc.slab.used }

// Buffers hold what a receive has cut in two. Those of a class have the same size.
const (
	bufferClasses  = 4
	smallestBuffer = 1 << 10
	tableClasses   = 12
	smallestTable  = 8
)

// grow returns a buffer with the bytes of b and room for n more; b is given back.
func (sc *Scratch) grow(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	class := 0
	for smallestBuffer<<(2*class) < need && class < bufferClasses {
		class++
	}
	var fresh []byte
	if class == bufferClasses {
		fresh = make([]byte, 0, need)
	} else if pool := sc.buffers[class]; len(pool) > 0 {
		fresh = pool[len(pool)-1]
		sc.buffers[class] = pool[:len(pool)-1]
	} else {
		fresh = make([]byte, 0, smallestBuffer<<(2*class))
	}
	fresh = append(fresh, b...)
	sc.free(b)
	return fresh
}

// free gives a buffer back.
func (sc *Scratch) free(b []byte) {
	for class := range sc.buffers {
		if cap(b) == smallestBuffer<<(2*class) && len(sc.buffers[class]) < keptBuffers>>(2*class) {
			sc.buffers[class] = append(sc.buffers[class], b[:0])
			return
		}
	}
}

// table returns an empty table of streams of smallestTable<<class entries.
func (sc *Scratch) table(class int) []uint32 {
	if class >= tableClasses {
		return make([]uint32, smallestTable<<class)
	}
	if pool := sc.tables[class]; len(pool) > 0 {
		t := pool[len(pool)-1]
		sc.tables[class] = pool[:len(pool)-1]
		return t
	}
	return make([]uint32, smallestTable<<class)
}

// freeTable gives back a table, in which there is nothing any more; the smallest one is the connection's own.
func (sc *Scratch) freeTable(t []uint32) {
	for class := 1; class < tableClasses; class++ {
		if len(t) == smallestTable<<class && len(sc.tables[class]) < keptBuffers {
			sc.tables[class] = append(sc.tables[class], t)
			return
		}
	}
}
