package proxy

import (
	"github.com/anygate/anygate/engine"
)

// Flow learns from what is received of a connection, whose end nobody knows,
// whether it is better received in large pieces or as it comes; see
// engine.Shard.Bulk.
type Flow struct {
	level uint8
	bulk  bool
}

// Received takes the size of a piece and reports whether large ones are worth
// it now. It needs a few pieces to change its mind.
func (f *Flow) Received(n int) (bulk bool) {
	switch {
	case n >= engine.SmallBuffer && f.level < flowLevels:
		f.level++
	case n < engine.SmallBuffer && f.level > 0:
		f.level--
	}
	switch f.level {
	case 0:
		f.bulk = false
	case flowLevels:
		f.bulk = true
	}
	return f.bulk
}
