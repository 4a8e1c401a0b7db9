package gateway

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/anygate/anygate/engine"
)

// xorTransform is a stand-in for TLS: records of a type, a length and bytes
// that are changed by their place in the stream, with a handshake before them
// and a closing record behind.
type xorTransform struct {
	in     []byte // an incomplete record
	opened int    // bytes decoded and encoded so far
	sealed int
	ready  bool // the handshake is over
	ending bool
	say    []byte
	plain  []byte
}

const (
	recordHello = 'h'
	recordData  = 'd'
	recordEnd   = 'e'
	recordHead  = 3
)

var errBadRecord = errors.New("bad record")

func (x *xorTransform) Open(in []byte) (plain []byte, n int, err error) {
	x.in = append(x.in, in...)
	n = len(in)
	for len(x.in) >= recordHead {
		size := int(binary.BigEndian.Uint16(x.in[1:]))
		if len(x.in) < recordHead+size {
			break
		}
		kind, body := x.in[0], x.in[recordHead:recordHead+size]
		x.in = x.in[recordHead+size:]
		switch {
		case kind == recordHello && !x.ready:
			x.ready = true
			x.say = append(x.say, recordHello, 0, 0)
		case kind == recordData && x.ready:
			x.plain = append(x.plain[:0], body...)
			x.opened = scramble(x.plain, x.opened)
			return x.plain, n, nil
		case kind == recordEnd:
		default:
			return nil, n, errBadRecord
		}
	}
	return nil, n, nil
}

func (x *xorTransform) Ready() bool { return x.ready }

func (x *xorTransform) Next(waiting int) int {
	switch {
	case len(x.say) > 0 && (waiting == 0 || !x.ending):
		return -1
	case x.ready:
		return min(waiting, 16<<10)
	}
	return 0
}

func (x *xorTransform) Seal(dst, body []byte) (int, error) {
	x.sealed = scramble(body, x.sealed)
	dst[0] = recordData
	binary.BigEndian.PutUint16(dst[1:], uint16(len(body)))
	return recordHead + copy(dst[recordHead:], body), nil
}

func (x *xorTransform) Say(dst []byte) int {
	m := copy(dst, x.say)
	x.say = x.say[m:]
	return m
}

func (x *xorTransform) Drop() {}

func (x *xorTransform) Close() {
	x.ending = true
	x.say = append(x.say, recordEnd, 0, 0)
}

// scramble changes bytes by their place in the stream; doing it twice undoes
// it.
func scramble(b []byte, at int) (next int) {
	for i := range b {
		b[i] ^= byte(at*7 + 1)
		at++
	}
	return at
}

// sealing gives the world's clients the other half of the transform.
func (w *world) sealing() {
	w.transform = func() engine.Transform { return &xorTransform{} }
}

// secret makes the client speak the transform's records.
func (c *client) secret() *client {
	in, sent, got, hello := []byte(nil), 0, 0, false
	c.seal = func(plain []byte) (out []byte) {
		if !hello {
			hello = true
			out = append(out, recordHello, 0, 0)
		}
		for len(plain) > 0 {
			n := min(len(plain), 1000)
			out = append(out, recordData, byte(n>>8), byte(n))
			out = append(out, plain[:n]...)
			sent = scramble(out[len(out)-n:], sent)
			plain = plain[n:]
		}
		return out
	}
	c.unseal = func(b []byte) (plain []byte) {
		in = append(in, b...)
		for len(in) >= recordHead {
			n := int(binary.BigEndian.Uint16(in[1:]))
			if len(in) < recordHead+n {
				break
			}
			if in[0] == recordData {
				plain = append(plain, in[recordHead:recordHead+n]...)
				got = scramble(plain[len(plain)-n:], got)
			}
			c.notified = c.notified || in[0] == recordEnd
			in = in[recordHead+n:]
		}
		return plain
	}
	return c
}

// TestHTTP1UnderTransform runs the whole table through records.
func TestHTTP1UnderTransform(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sealing()
		tableWorld(t, w)
		for _, r := range append(h1Table, longHeads()...) {
			t.Run(r.name, func(t *testing.T) {
				w.t = t
				r.check(w, r.in)
			})
		}
		w.t = t
	})
}

func TestHTTP1UnderTransformWithFaults(t *testing.T) {
	for seed := range uint64(10) {
		w := newSimWorld(t, seed, engine.Faults{Short: 0.7, Delay: 0.3, NoBufs: 0.2, Cancel: 0.2})
		w.sealing()
		tableWorld(t, w)
		for _, r := range h1Table {
			r.checkMerged(w)
		}
	}
}

// TestTransformRefusesBytes ends a connection whose bytes are no records, in
// the middle of an exchange.
func TestTransformRefusesBytes(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", func(*upstreamConn) {})
		w.sealing()
		w.serve("/p/: http://up/")
		c := w.client()
		c.send("GET /p/" + req + "\r\n")
		w.eventually("the upstream has the request", func() bool { return u.count() == 1 })
		c.seal = nil
		c.send("x\x00\x00")
		c.rest()
		w.eventually("the exchange is over", func() bool { return w.g.Open() == 0 })
	})
}
