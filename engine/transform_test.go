package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/anygate/anygate/engine/offheap"
)

// veil is a record layer like TLS's, without the secrets: records of a kind,
// a length and a sequence number, at most 16 KiB, their content XORed. Its
// server speaks only after the client's hello.
type veil struct {
	in      []byte // a partial record
	open    []byte // plaintext handed out
	out     []byte // what the record layer itself has to say
	seq     uint16
	got     uint16
	ready   bool
	closing bool
	closed  bool
	failed  bool
	nClosed int
	dropped int
	spared  int // records whose content was not copied first
}

const (
	veilHello = 'h'
	veilData  = 'd'
	veilClose = 'c'
	veilAlert = 'a'

	veilHead   = 5
	veilLimit  = 16 << 10
	veilSecret = 0x5a
)

var errVeil = errors.New("not a record")

func (v *veil) record(dst []byte, kind byte, p []byte) int {
	dst[0] = kind
	binary.BigEndian.PutUint16(dst[1:], uint16(len(p)))
	binary.BigEndian.PutUint16(dst[3:], v.seq)
	v.seq++
	for i, b := range p {
		dst[veilHead+i] = b ^ veilSecret
	}
	return veilHead + len(p)
}

func (v *veil) Open(in []byte) (plain []byte, n int, err error) {
	if v.failed {
		return nil, 0, errVeil
	}
	v.in = append(v.in, in...)
	n = len(in)
	for len(v.in) >= veilHead {
		size := int(binary.BigEndian.Uint16(v.in[1:]))
		if len(v.in) < veilHead+size {
			break
		}
		kind, seq := v.in[0], binary.BigEndian.Uint16(v.in[3:])
		body := v.in[veilHead : veilHead+size]
		if seq != v.got {
			kind = 0
		}
		v.got++
		switch kind {
		case veilHello:
			v.ready = true
			v.out = append(v.out, make([]byte, veilHead)...)
			v.record(v.out[len(v.out)-veilHead:], veilHello, nil)
		case veilData:
			v.open = v.open[:0]
			for _, b := range body {
				v.open = append(v.open, b^veilSecret)
			}
			v.in = append(v.in[:0], v.in[veilHead+size:]...)
			return v.open, n, nil
		case veilClose:
			v.closed = true
		default:
			v.failed = true
			v.out = append(v.out, make([]byte, veilHead)...)
			v.record(v.out[len(v.out)-veilHead:], veilAlert, nil)
			return nil, n, errVeil
		}
		v.in = append(v.in[:0], v.in[veilHead+size:]...)
	}
	return nil, n, nil
}

func (v *veil) Ready() bool { return v.ready }

func (v *veil) Next(waiting int) int {
	switch {
	case len(v.out) > 0:
		return -1
	case !v.ready || v.failed:
		return 0
	case waiting > 0:
		return min(waiting, veilLimit)
	case v.closing:
		return -1
	}
	return 0
}

func (v *veil) Seal(dst, content []byte) (int, error) {
	if len(dst) < SealHead+len(content)+SealTail || cap(content) == len(content) {
		return 0, io.ErrShortBuffer
	}
	m := v.record(dst, veilData, content)
	if &content[0] != &dst[SealHead] {
		// Others' bytes, unless they are put back.
		content[:cap(content)][len(content)] ^= 0xff
		clear(content)
		v.spared++
	}
	return m, nil
}

func (v *veil) Say(dst []byte) int {
	if len(dst) < SayRoom {
		return 0
	}
	if len(v.out) > 0 {
		m := copy(dst, v.out)
		v.out = v.out[m:]
		return m
	}
	v.closing = false
	return v.record(dst, veilClose, nil)
}

func (v *veil) Drop() { v.dropped++ }

func (v *veil) Close() {
	v.closing = true
	v.nClosed++
}

// veiled is the client's side of a veil over a socket.
type veiled struct {
	net.Conn
	v    veil
	end  byte // the record that ended the stream
	rest []byte
}

func (c *veiled) hello(t *testing.T) {
	t.Helper()
	b := make([]byte, veilHead)
	c.v.record(b, veilHello, nil)
	send(t, c.Conn, b)
	expect(t, c.Conn, []byte{veilHello, 0, 0, 0, 0})
	c.v.got++
	c.v.ready = true
}

// seal makes the records of p.
func (c *veiled) seal(p []byte) []byte {
	var b []byte
	room := make([]byte, veilHead+veilLimit)
	for len(p) > 0 {
		n := c.v.record(room, veilData, p[:min(len(p), veilLimit)])
		b = append(b, room[:n]...)
		p = p[min(len(p), veilLimit):]
	}
	return b
}

func (c *veiled) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		var head [veilHead]byte
		if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
			return 0, err
		}
		if seq := binary.BigEndian.Uint16(head[3:]); seq != c.v.got {
			return 0, fmt.Errorf("record %d came when %d was due", seq, c.v.got)
		}
		c.v.got++
		if head[0] != veilData {
			c.end = head[0]
			return 0, io.EOF
		}
		c.rest = make([]byte, binary.BigEndian.Uint16(head[1:]))
		if _, err := io.ReadFull(c.Conn, c.rest); err != nil {
			return 0, err
		}
		for i := range c.rest {
			c.rest[i] ^= veilSecret
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// veilRig runs a handler whose connections are veiled.
func veilRig(t *testing.T, kind Kind, h Handler) (*rig, *[]*veil) {
	var veils []*veil
	accepted := h.Accepted
	var r *rig
	ready := make(chan struct{})
	h.Accepted = func(c Conn, id int) {
		<-ready
		v := new(veil)
		veils = append(veils, v)
		r.s.SetTransform(c, v)
		if accepted != nil {
			accepted(c, id)
		}
	}
	// Several clients have megabytes queued, plain and sealed.
	limits := smallLimits
	limits.LargeBuffers = 1024
	r = start(t, kind, limits, h)
	close(ready)
	return r, &veils
}

func TestTransformEcho(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		var k *collector
		r, _ := veilRig(t, kind, Handler{Received: func(c Conn, p []byte) {
			k.take(p)
			s.Append(c, p)
		}})
		k = &collector{t: t, want: pattern(3<<20, 0)}
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		r.eventually("an idle connection holds no buffer", func() bool {
			return s.Stats().SmallInUse == r.base.SmallInUse && s.Stats().LargeInUse == r.base.LargeInUse
		})
		records := c.seal(k.want)
		go func() {
			rng := rand.New(rand.NewPCG(1, 1))
			for len(records) > 0 {
				// Records split anywhere, headers too.
				n := min(len(records), 1+rng.IntN(1<<rng.IntN(18)))
				if _, err := c.Conn.Write(records[:n]); err != nil {
					return
				}
				records = records[n:]
			}
		}()
		expect(t, c, k.want)
	})
}

// TestTransformLargeAnswer sends more than one seal brings through, to a
// single client and to several at once, and ends with closing words.
func TestTransformLargeAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, clients := range []int{1, 6} {
			t.Run(fmt.Sprintf("%d clients", clients), func(t *testing.T) {
				f := file(t, 3<<20)
				mem := foreign(t, 1<<20)
				var s *Shard
				var k tokens
				r, veils := veilRig(t, kind, Handler{
					Received: func(c Conn, p []byte) {
						s.Append(c, []byte("head "))
						s.AppendFile(c, int32(f.Fd()), 1, 3<<20-1, k.next())
						s.Append(c, []byte(" middle "))
						s.AppendMemory(c, offheap.Addr(mem), len(mem), k.next())
						s.Append(c, pattern(2<<20, 0))
						s.Close(c)
					},
					Released: k.released(t),
				})
				r.do(func() { s = r.s })
				want := append([]byte("head "), pattern(3<<20, 0)[1:]...)
				want = append(append(want, " middle "...), mem...)
				want = append(want, pattern(2<<20, 0)...)
				conns := make([]*veiled, clients)
				for i := range conns {
					conns[i] = &veiled{Conn: r.client()}
					conns[i].hello(t)
				}
				for _, c := range conns {
					send(t, c.Conn, c.seal([]byte("go")))
				}
				for _, c := range conns {
					expect(t, c, want)
					if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) || c.end != veilClose {
						t.Fatalf("the stream ended by %q, %v, want closing words", c.end, err)
					}
					expectEnd(t, c.Conn)
					_ = c.Close()
				}
				r.do(func() {
					if k.back != 2*clients {
						t.Errorf("%d of %d tokens came back", k.back, 2*clients)
					}
					for _, v := range *veils {
						if v.nClosed != 1 {
							t.Errorf("Close was called %d times", v.nClosed)
						}
					}
				})
				r.stop()
			})
		}
	})
}

// TestTransformTakesContentFromWhereItLies seals what lies in one piece without a
// copy. The transform of these tests changes what it is given, and the byte behind
// it: bytes that somebody else refers to must not be given to it.
func TestTransformTakesContentFromWhereItLies(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const size = 3*veilLimit + 1000
		var s *Shard
		var b Buf
		r, veils := veilRig(t, kind, Handler{
			Received: func(c Conn, p []byte) {
				switch string(p) {
				case "own":
					// To its last byte, so that there is none behind the last record.
					copy(s.Grow(c, LargeBuffer), pattern(LargeBuffer, 0))
				case "shared":
					b = s.Buffer(LargeBuffer)
					copy(s.Bytes(b), pattern(LargeBuffer, 0))
					s.AppendBuffer(c, b, 100, size)
				}
			},
		})
		defer r.stop()
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, c.seal([]byte("own")))
		expect(t, c, pattern(LargeBuffer, 0))
		spared := LargeBuffer / veilLimit
		r.do(func() {
			if got := (*veils)[0].spared; got != spared {
				t.Errorf("%d records were made without a copy, want %d", got, spared)
			}
		})
		send(t, c.Conn, c.seal([]byte("shared")))
		expect(t, c, pattern(LargeBuffer, 0)[100:100+size])
		r.do(func() {
			if got := (*veils)[0].spared; got != spared {
				t.Errorf("%d records were made of bytes that are shared", got-spared)
			}
			if !bytes.Equal(s.Bytes(b), pattern(LargeBuffer, 0)) {
				t.Error("a buffer that somebody else refers to was changed")
			}
			s.ReleaseBuffer(b)
		})
		_ = c.Close()
	})
}

// TestTransformLargeAnswerLater has a transform with nothing more to say before there
// is more than one seal brings through.
func TestTransformLargeAnswerLater(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		f := file(t, 3<<20)
		var s *Shard
		var k tokens
		r, _ := veilRig(t, kind, Handler{
			Received: func(c Conn, p []byte) {
				s.Append(c, p)
				s.NotifyDrained(c, 0)
			},
			Drained:  func(c Conn) { s.AppendFile(c, int32(f.Fd()), 0, 3<<20, k.next()) },
			Released: k.released(t),
		})
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, c.seal([]byte("first ")))
		expect(t, c, append([]byte("first "), pattern(3<<20, 0)...))
	})
}

// TestTransformClosesAfterASendInTheKernel asks for the end while bytes are
// under way: the closing words must not be lost to it.
func TestTransformClosesAfterASendInTheKernel(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		opened := make(chan Conn, 1)
		size := 8 << 20
		r, _ := veilRig(t, kind, Handler{Received: func(c Conn, p []byte) {
			s.Append(c, pattern(size, 0))
			opened <- c
		}})
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, c.seal([]byte("go")))
		conn := receive(t, opened)
		r.eventually("the connection is blocked", func() bool {
			return s.conns[conn.Index()].has(flagPollOut|flagSending) && len(s.dirty) == 0
		})
		r.do(func() { s.Close(conn) })
		expect(t, c, pattern(size, 0))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || c.end != veilClose {
			t.Fatalf("the stream ended by %q, %v, want closing words", c.end, err)
		}
		expectEnd(t, c.Conn)
	})
}

func TestTransformCloseWriteThenClose(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r, veils := veilRig(t, kind, Handler{
			Accepted: func(c Conn, _ int) { s.Append(c, []byte("bye")); s.CloseWrite(c) },
			Received: func(c Conn, p []byte) { s.Close(c) },
		})
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		expect(t, c, []byte("bye"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || c.end != veilClose {
			t.Fatalf("our side ended by %q, %v, want closing words", c.end, err)
		}
		expectEnd(t, c.Conn)
		send(t, c.Conn, c.seal([]byte("you too")))
		_ = c.Close()
		r.eventually("the connection is gone", func() bool { return s.Stats().Open == 0 })
		r.do(func() {
			if n := (*veils)[0].nClosed; n != 1 {
				t.Errorf("Close was called %d times", n)
			}
		})
	})
}

// TestTransformHandshakeEndsAfterClose closes with an answer before the
// transform may send it.
func TestTransformHandshakeEndsAfterClose(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r, _ := veilRig(t, kind, Handler{
			Accepted: func(c Conn, _ int) { s.Append(c, []byte("busy")); s.Close(c) },
			Received: func(Conn, []byte) { t.Error("received on a closed connection") },
		})
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, c.seal([]byte("nobody listens")))
		expect(t, c, []byte("busy"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || c.end != veilClose {
			t.Fatalf("the stream ended by %q, %v, want closing words", c.end, err)
		}
		expectEnd(t, c.Conn)
		// Another goes without ever saying hello.
		gone := r.client()
		if err := gone.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, gone)
	})
}

// TestTransformAlertReachesThePeer sends rubbish, with more behind it.
func TestTransformAlertReachesThePeer(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		ended := make(chan Reason, 10)
		var k tokens
		mem := foreign(t, 100)
		r, _ := veilRig(t, kind, Handler{
			Received: func(c Conn, p []byte) { t.Error("rubbish got through") },
			Closed: func(c Conn, why Reason, _ Errno) {
				ended <- why
				s.AppendMemory(c, offheap.Addr(mem), 100, k.next())
				s.Abort(c)
			},
			Released: k.released(t),
		})
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, bytes.Repeat([]byte{'?', 0, 1, 9, 9, 9}, 10_000))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || c.end != veilAlert {
			t.Fatalf("the stream ended by %q, %v, want an alert", c.end, err)
		}
		expectEnd(t, c.Conn)
		if why := receive(t, ended); why != ReasonTransform {
			t.Errorf("the reason is %v, want %v", why, ReasonTransform)
		}
		_ = c.Close()
		r.eventually("the connection is gone", func() bool { return s.Stats().Open == 0 && k.back == 1 })
		if len(ended) != 0 {
			t.Error("told twice")
		}
	})
}

func TestTransformOfATruncatedFile(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		f := file(t, 5000)
		var s *Shard
		var k tokens
		ended := make(chan Reason, 10)
		r, _ := veilRig(t, kind, Handler{
			Received: func(c Conn, p []byte) { s.AppendFile(c, int32(f.Fd()), 0, 9000, k.next()) },
			Closed:   func(_ Conn, why Reason, _ Errno) { ended <- why },
			Released: k.released(t),
		})
		r.do(func() { s = r.s })
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, c.seal([]byte("go")))
		if why := receive(t, ended); why != ReasonFile {
			t.Errorf("the reason is %v, want %v", why, ReasonFile)
		}
		r.eventually("the connection is gone", func() bool { return s.Stats().Open == 0 && k.back == 1 })
	})
}

// TestTransformOfAMessage appends more than one write takes to a connection that has been quiet
// for a while, from outside of Received: all of it goes out although nothing further happens.
func TestTransformOfAMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const size = 6 << 20
		f := file(t, size)
		var conn Conn
		var k tokens
		r, _ := veilRig(t, kind, Handler{
			Received: func(c Conn, _ []byte) { conn = c },
			Released: k.released(t),
		})
		c := &veiled{Conn: r.client()}
		c.hello(t)
		send(t, c.Conn, c.seal([]byte("hello")))
		r.eventually("it is quiet", func() bool { return conn != NoConn && r.s.filters[conn.Index()].quiet })
		r.do(func() { r.s.AppendFile(conn, int32(f.Fd()), 0, size, k.next()) })
		expect(t, c, pattern(size, 0))
		_ = c.Close()
	})
}
