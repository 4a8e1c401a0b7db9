package h2

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// pair is a client and a server that talk to each other, and what each has said.
type pair struct {
	t        *testing.T
	ends     [2]*end // the client, the server
	requests map[uint32]*said
	answers  map[uint32]*said
}

// said is the content of one direction of a stream.
type said struct {
	sent, got []byte
	over      bool // its end has come
	broken    bool // it was reset, or is not listened to
}

// end is one of the two.
type end struct {
	p       *pair
	c       Conn
	sc      *Scratch
	ev      Event
	wire    []byte // what is on its way to the other
	content map[uint32]*said
	heard   map[uint32]*said
}

func newPair(t *testing.T, cfg *Config) *pair {
	p := &pair{t: t, requests: map[uint32]*said{}, answers: map[uint32]*said{}}
	p.ends[0] = &end{p: p, sc: NewScratch(), content: p.requests, heard: p.answers}
	p.ends[1] = &end{p: p, sc: NewScratch(), content: p.answers, heard: p.requests}
	p.ends[0].c.Dial(p.ends[0].sc, cfg)
	p.ends[1].c.Accept(p.ends[1].sc, cfg)
	return p
}

func (e *end) flush() {
	e.wire = append(e.wire, e.sc.Out...)
	e.sc.Out = e.sc.Out[:0]
}

// take hands over bytes that the other has sent.
func (e *end) take(b []byte) {
	t := e.p.t
	for {
		n := e.c.Next(b, &e.ev)
		b = b[n:]
		ev := &e.ev
		if ev.Kind == EventNone {
			break
		}
		var heard *said
		if ev.Stream != nil {
			if heard = e.heard[ev.Stream.ID]; heard == nil {
				heard = &said{}
				e.heard[ev.Stream.ID] = heard
			}
		}
		switch ev.Kind {
		case EventData:
			heard.got = append(heard.got, ev.Data...)
		case EventReset:
			heard.broken = true
			e.said(ev.Stream).broken = true
			if !ev.Remote {
				t.Fatalf("a stream error: %s", ev.Reason)
			}
		case EventFatal:
			t.Fatalf("%s: %s", ev.Code, ev.Reason)
		}
		if heard != nil && ev.End {
			heard.over = true
		}
	}
	if len(b) > 0 {
		t.Fatalf("%d bytes are left", len(b))
	}
	e.flush()
	check(t, &e.c)
}

func (e *end) said(s *Stream) *said {
	w := e.content[s.ID]
	if w == nil {
		w = &said{}
		e.content[s.ID] = w
	}
	return w
}

// pick chooses a stream.
func (e *end) pick(k byte) *Stream {
	s := e.c.First()
	for n := int(k) % max(1, e.c.OpenStreams()); n > 0; n-- {
		s = e.c.After(s)
	}
	return s
}

func (e *end) send(s *Stream, n int, last bool) {
	n = min(n, e.c.Room(s), e.c.MaxFrame())
	if n == 0 && !last || s.Dead() || s.EndSent() || !s.flags.has(headSent) {
		return
	}
	piece := make([]byte, n)
	for i := range piece {
		piece[i] = byte(len(e.said(s).sent) + i)
	}
	e.sc.Out = append(e.c.AppendDataHeader(e.sc.Out, s, n, last), piece...)
	e.said(s).sent = append(e.said(s).sent, piece...)
}

// act is one thing that an end may do.
func (e *end) act(op, a, b byte) {
	c := &e.c
	s := e.pick(a)
	isClient := e == e.p.ends[0]
	if op == 0 && isClient {
		if s = c.Open(false); s != nil {
			e.sc.Out = c.AppendRequest(e.sc.Out, s, &RequestHead{Method: []byte("POST"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/"), Length: -1}, b&1 == 0)
		}
		e.flush()
		return
	}
	if s == nil {
		return
	}
	switch op {
	case 0, 1:
		if !isClient {
			e.sc.Out = c.AppendResponse(e.sc.Out, s, &ResponseHead{Status: 200, Length: -1}, b&7 == 0)
		}
	case 2:
		e.send(s, int(b)*64, b&1 == 0)
	case 3:
		c.Ready(s)
	case 4:
		if s = c.NextReady(); s != nil {
			e.send(s, 1+int(b)*200, false)
		}
	case 5:
		if s.flags.has(headSent) {
			e.sc.Out = c.AppendTrailers(e.sc.Out, s, []byte("X-A: b\r\n"))
		}
	case 6:
		if b&7 == 0 {
			e.broken(s)
			c.Reset(s, Cancel)
		}
	case 7:
		c.Grant(s, int(b)*100)
	case 8:
		if s.over() || b == 7 {
			e.broken(s)
			c.Release(s)
		}
	case 9:
		c.Ping()
	case 10:
		if b == 9 {
			c.GoAway(a&1 == 0, NoError)
		}
	case 11:
		if b == 11 {
			c.Discard(s)
			e.broken(s)
		}
	case 12:
		c.Prioritise(s, []byte{'u', '=', '0' + b&7})
	}
	e.flush()
	check(e.p.t, c)
}

// broken notes that a stream ends before its ends, if it does.
func (e *end) broken(s *Stream) {
	if !s.EndReceived() || !s.EndSent() {
		e.said(s).broken = true
		if h := e.heard[s.ID]; h != nil {
			h.broken = true
		} else {
			e.heard[s.ID] = &said{broken: true}
		}
	}
}

// move lets the other end have n bytes.
func (e *end) move(n int) {
	n = min(n, len(e.wire))
	to := e.p.ends[0]
	if to == e {
		to = e.p.ends[1]
	}
	piece := bytes.Clone(e.wire[:n])
	e.wire = append(e.wire[:0], e.wire[n:]...)
	to.take(piece)
}

// FuzzConn lets a client and a server do what their owners may do, in any order, with the bytes between them cut anywhere:
// neither may find a fault with the other, content comes as it was sent, and nothing is left in the end.
func FuzzConn(f *testing.F) {
	f.Add([]byte{0, 0, 1, 13, 255, 0, 1, 0, 2, 14, 255, 255, 2, 0, 255, 13, 255, 255})
	f.Add([]byte{0, 0, 1, 0, 0, 1, 13, 255, 255, 2, 0, 254, 13, 50, 0, 128 + 1, 0, 0, 128 + 6, 0, 0, 14, 255, 255})
	f.Add([]byte{0, 0, 0, 13, 255, 255, 129, 0, 1, 131, 0, 0, 132, 0, 255, 131, 0, 0, 132, 0, 255, 133, 0, 0, 14, 200, 1, 14, 255, 255, 7, 0, 255, 8, 0, 0})
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) <= 3000 {
			run(t, program)
		}
	})
}

// TestConn runs long programs, in which streams get further than what a fuzzer finds.
func TestConn(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		program := make([]byte, 3000)
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		if run(t, program); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// run lets the two ends do what a program says: an end and an operation, and two numbers.
func run(t *testing.T, program []byte) {
	cfg := DefaultConfig
	cfg.Streams = 8
	cfg.Budget.Points = 1 << 30
	p := newPair(t, &cfg)
	for _, e := range p.ends {
		e.flush()
	}
	for ; len(program) >= 3; program = program[3:] {
		op, a, b := program[0], program[1], program[2]
		switch op & 127 % 16 {
		case 13:
			p.ends[0].move(int(a)<<8 | int(b))
		case 14:
			p.ends[1].move(int(a)<<8 | int(b))
		default:
			p.ends[op>>7].act(op&127%16, a, b)
		}
	}
	for len(p.ends[0].wire)+len(p.ends[1].wire) > 0 {
		p.ends[0].move(1 << 30)
		p.ends[1].move(1 << 30)
	}
	for _, way := range []map[uint32]*said{p.requests, p.answers} {
		for id, w := range way {
			if !bytes.HasPrefix(w.sent, w.got) || !w.broken && len(w.sent) != len(w.got) {
				t.Errorf("stream %d: %d bytes were sent, %d have come", id, len(w.sent), len(w.got))
			}
		}
	}
	for _, e := range p.ends {
		for s := e.c.First(); s != nil; s = e.c.First() {
			e.c.Release(s)
		}
		if e.c.Held() != 0 || e.sc.Streams() != 0 || e.c.held != nil {
			t.Errorf("%d bytes of windows and %d streams are left", e.c.Held(), e.sc.Streams())
		}
		e.c.Close()
	}
}
