package engine

import (
	"math/bits"

	"github.com/anygate/anygate/engine/offheap"
)

// wheel is a hierarchical timer wheel: 4 levels of 64 slots, a tick of about
// 8.4 ms at the bottom, 39 hours in all. A timer is a node in a list of its
// slot; nodes are places in a parallel array, so that a timer costs no
// allocation. Nothing here reads a clock.
//
// A connection's deadline moves with every request, its node does not: it
// stays in its slot as long as that is not too late, and is put where it
// belongs when the slot comes up (see Shard.expire). Prolonging a deadline is
// therefore one store.
type wheel struct {
	nodes []timerNode
	heads [wheelLevels][wheelSlots]uint32
	busy  [wheelLevels]uint64 // slots that hold nodes
	tick  int64               // everything up to here has expired
	count int
}

const (
	wheelLevels = 4
	wheelBits   = 6
	wheelSlots  = 1 << wheelBits
	tickShift   = 23 // ns to ticks
)

type timerNode struct {
	next, prev uint32
	at         int64 // tick; 0 not in the wheel
	slot       uint8
	level      uint8
}

func (w *wheel) init(n int, now int64) (err error) {
	w.nodes, err = offheap.Slice[timerNode](n + 1)
	w.tick = now >> tickShift
	return err
}

// tickOf is the first tick at which ns has passed.
func tickOf(ns int64) int64 { return ns>>tickShift + 1 }

// set puts node i into the slot for the tick at.
func (w *wheel) set(i uint32, at int64) {
	n := &w.nodes[i]
	if n.at != 0 {
		w.clear(i)
	}
	at = max(at, w.tick+1)
	level := 0
	for d := at - w.tick; d >= wheelSlots && level < wheelLevels-1; level++ {
		d >>= wheelBits
	}
	// A deadline beyond the horizon waits in the last slot and is re-set.
	at = min(at, w.tick+1<<(wheelBits*wheelLevels)-1<<(wheelBits*(wheelLevels-1)))
	slot := uint8(at >> (wheelBits * level) & (wheelSlots - 1))
	head := &w.heads[level][slot]
	*n = timerNode{next: *head, at: at, slot: slot, level: uint8(level)}
	if *head != 0 {
		w.nodes[*head].prev = i
	}
	*head = i
	w.busy[level] |= 1 << slot
	w.count++
}

func (w *wheel) clear(i uint32) {
	n := &w.nodes[i]
	if n.at == 0 {
		return
	}
	if n.prev != 0 {
		w.nodes[n.prev].next = n.next
	} else {
		w.heads[n.level][n.slot] = n.next
		if n.next == 0 {
			w.busy[n.level] &^= 1 << n.slot
		}
	}
	if n.next != 0 {
		w.nodes[n.next].prev = n.prev
	}
	*n = timerNode{}
	w.count--
}

// pop advances the wheel to the tick now and returns one node whose tick has
// come, 0 when there is none left. The node is out of the wheel.
func (w *wheel) pop(now int64) uint32 {
	for {
		slot := w.tick & (wheelSlots - 1)
		if i := w.heads[0][slot]; i != 0 && w.nodes[i].at <= w.tick {
			w.clear(i)
			return i
		}
		if w.tick >= now {
			return 0
		}
		if w.count == 0 {
			w.tick = now
			return 0
		}
		w.tick = min(now, w.nextStop())
		w.cascade()
	}
}

// nextStop is the next tick at which a slot of level 0 holds something or a
// higher level has to be cascaded.
func (w *wheel) nextStop() int64 {
	cur := w.tick & (wheelSlots - 1)
	ahead := w.busy[0] >> cur >> 1
	if ahead != 0 {
		return w.tick + 1 + int64(bits.TrailingZeros64(ahead))
	}
	return w.tick&^(wheelSlots-1) + wheelSlots
}

// cascade moves nodes of higher levels down when their slot begins.
func (w *wheel) cascade() {
	for level := 1; level < wheelLevels; level++ {
		if w.tick&(1<<(wheelBits*level)-1) != 0 {
			return
		}
		slot := w.tick >> (wheelBits * level) & (wheelSlots - 1)
		for i := w.heads[level][slot]; i != 0; {
			next := w.nodes[i].next
			at := w.nodes[i].at
			w.clear(i)
			if at <= w.tick {
				w.put0(i, w.tick)
			} else {
				w.set(i, at)
			}
			i = next
		}
	}
}

// put0 places a node that is due now into the current slot of level 0.
func (w *wheel) put0(i uint32, at int64) {
	slot := uint8(at & (wheelSlots - 1))
	head := &w.heads[0][slot]
	w.nodes[i] = timerNode{next: *head, at: at, slot: slot}
	if *head != 0 {
		w.nodes[*head].prev = i
	}
	*head = i
	w.busy[0] |= 1 << slot
	w.count++
}

// next is the tick at which pop has to be called again, 0 if there is no
// timer. It may be early (a cascade), never late.
func (w *wheel) next() int64 {
	if w.count == 0 {
		return 0
	}
	stop := int64(1<<63 - 1)
	if w.busy[0] != 0 {
		stop = w.nextStop()
	}
	for level := 1; level < wheelLevels; level++ {
		if w.busy[level] == 0 {
			continue
		}
		shift := wheelBits * level
		cur := w.tick >> shift & (wheelSlots - 1)
		ahead := bits.RotateLeft64(w.busy[level], -int(cur)-1)
		stop = min(stop, (w.tick>>shift+1+int64(bits.TrailingZeros64(ahead)))<<shift)
	}
	return stop
}
