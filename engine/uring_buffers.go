package engine

import (
	"errors"

	"github.com/anygate/anygate/uring"
)

// recvGroup is a ring of provided buffers: the kernel takes one for each
// receive, the loop gives it back when the protocol has read it. A buffer
// that the protocol relays by reference stays with its reader, and another
// takes its slot.
type recvGroup struct {
	ring    *uring.BufRing
	slots   []Buf
	size    int
	id      uint16
	missing int  // slots without a buffer, because the pool had none
	added   bool // since the last publish
}

func (g *recvGroup) open(s *Shard, r *uring.Ring, n, size int) error {
	var err error
	if g.ring, err = r.NewBufRing(g.id, uint32(n)); err != nil {
		return err
	}
	g.size = size
	g.slots = make([]Buf, n)
	g.missing = n
	g.restock(s)
	if g.missing > 0 {
		return errors.New("the buffer limits leave nothing to receive into")
	}
	g.publish()
	return nil
}

func (g *recvGroup) close() {
	if g.ring != nil {
		_ = g.ring.Close()
	}
}

func (g *recvGroup) add(s *Shard, bid uint16, b Buf) {
	g.slots[bid] = b
	g.added = true
	g.ring.Add(s.pool.addr(b), uint32(g.size), bid)
}

// publish shows the kernel what was added. That is an atomic store, which a
// turn without receives into this group spares itself.
func (g *recvGroup) publish() {
	if g.added {
		g.added = false
		g.ring.Publish()
	}
}

// recycle gives slot bid back to the kernel after its bytes were handled.
func (g *recvGroup) recycle(s *Shard, bid uint16) {
	b := g.slots[bid]
	if *s.pool.refs(b) == 1 {
		g.add(s, bid, b)
		return
	}
	s.pool.release(b)
	g.slots[bid] = 0
	g.missing++
	if b = s.pool.receiveInto(g.size); b != 0 {
		g.missing--
		g.add(s, bid, b)
	}
}

// restock fills the slots that a short pool has left empty.
func (g *recvGroup) restock(s *Shard) {
	for bid := 0; g.missing > 0 && bid < len(g.slots); bid++ {
		if g.slots[bid] != 0 {
			continue
		}
		b := s.pool.receiveInto(g.size)
		if b == 0 {
			return
		}
		g.missing--
		g.add(s, uint16(bid), b)
	}
}
