package control

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What a shard does for a request is not on the Go heap, so a server without handshakes and reloads never collects: what a
// burst of handshakes has left would stay for minutes. So when it is over the heap is collected once, and pages that were
// only used for it go back to the system.

const (
	// tidyEvery is how often the heap is looked at.
	tidyEvery = time.Second

	// tidyLeast is how many bytes must have been allocated since the last collection for one to be worth its while, and
	// tidyQuiet is how few between two looks mean that a burst is over.
	tidyLeast = 8 << 20
	tidyQuiet = 256 << 10
)

// tidier decides when to collect.
type tidier struct {
	seen   uint64 // bytes ever allocated, at the last look
	clean  uint64 // and when the heap was collected last
	cycles uint64
}

// due takes the bytes that were ever allocated and the collections so far, and reports whether it is time for another.
func (t *tidier) due(allocated, cycles uint64) bool {
	if cycles != t.cycles {
		t.cycles, t.clean = cycles, allocated
	}
	quiet := allocated-t.seen < tidyQuiet
	t.seen = allocated
	return quiet && allocated-t.clean >= tidyLeast
}

// tidy looks after the heap until the shards have ended.
func (s *Server) tidy() {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	var t tidier
	look := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	for {
		select {
		case <-s.ended:
			return
		case <-tick.C:
		}
		metrics.Read(look)
		if t.due(look[0].Value.Uint64(), look[1].Value.Uint64()) {
			debug.FreeOSMemory()
		}
	}
}
