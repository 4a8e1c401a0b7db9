package engine

import "testing"

// BenchmarkQueue is an answer's way through the output: reserved, written,
// gathered and consumed.
func BenchmarkQueue(b *testing.B) {
	s, _ := queueShard(b, 64, 8)
	var q queue
	p := pattern(200, 0)
	b.ReportAllocs()
	for b.Loop() {
		copy(s.reserve(&q, len(p)), p)
		s.commit(&q, len(p))
		s.gather(&q, s.msg)
		s.consume(&q, q.bytes)
	}
}

// BenchmarkDeadline is the move of a deadline that every request brings.
func BenchmarkDeadline(b *testing.B) {
	m := newSim(b, 1, Faults{}, smallLimits, Handler{})
	s := m.Shard()
	m.OnDial = func(*Addr) *SimPeer { return m.NewPeer() }
	c, e := s.Connect(testAddr, 0)
	if e != 0 {
		b.Fatal(e)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.now++
		s.SetDeadline(c, 1_000_000_000)
	}
}

// BenchmarkWheel sets and expires a timer.
func BenchmarkWheel(b *testing.B) {
	w := newWheel(b, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		w.set(1, w.tick+7)
		w.pop(w.tick + 7)
	}
}

// BenchmarkInbox posts and takes a message.
func BenchmarkInbox(b *testing.B) {
	box := newInbox(b)
	b.ReportAllocs()
	for b.Loop() {
		box.post(Message{Kind: 1})
		box.take()
	}
}
