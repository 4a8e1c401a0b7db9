package tlsedge

import (
	"errors"
	"io"
	"net"
	"time"
)

// transport is the net.Conn below a tls.Conn: bytes in memory. Without bytes a
// read leaves the coroutine of the handshake in progress or, when there is none,
// fails with an error that a tls.Conn takes for a passing one.
type transport struct {
	in     []byte  // received, borrowed
	out    []byte  // to be sent
	record []byte  // where the next record is to be written, instead of to out
	flight *flight // of the handshake in progress
	left   int     // bytes of the record that is being read
	head   [recordHead]byte
	headed int // bytes of its head that have been read
}

// wouldBlock is the error of a transport without bytes. That it is temporary has
// crypto/tls keep what it has read of a record, and go on with the next read.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "no bytes have come" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

var (
	errWouldBlock net.Error = wouldBlock{}
	errAborted              = errors.New("the connection is gone")
)

// Read returns bytes up to the end of a record at the most, so that a tls.Conn
// never holds what comes behind the last record of its handshake.
func (t *transport) Read(p []byte) (n int, err error) {
	for len(t.in) == 0 {
		if t.flight == nil {
			return 0, errWouldBlock
		}
		if !t.flight.wait() {
			return 0, errAborted
		}
	}
	for n < len(p) && len(t.in) > 0 {
		if t.left == 0 {
			k := copy(t.head[t.headed:], t.in[:min(len(t.in), len(p)-n)])
			copy(p[n:], t.in[:k])
			t.in, n = t.in[k:], n+k
			if t.headed += k; t.headed < recordHead {
				continue
			}
			t.headed, t.left = 0, int(t.head[3])<<8|int(t.head[4])
			if t.left == 0 {
				break
			}
			continue
		}
		k := copy(p[n:n+min(t.left, len(p)-n)], t.in)
		t.in, n = t.in[k:], n+k
		if t.left -= k; t.left == 0 {
			break
		}
	}
	return n, nil
}

// Write takes all it is given: that the socket is full is seen before anything is
// sealed. A record may be written over the content it was made of, because
// crypto/tls encrypts into a buffer of its own.
func (t *transport) Write(p []byte) (int, error) {
	if t.record == nil {
		t.out = append(t.out, p...)
		return len(p), nil
	}
	if len(p) > len(t.record) {
		return 0, io.ErrShortBuffer
	}
	n := copy(t.record, p)
	t.record = t.record[n:]
	return n, nil
}

func (*transport) Close() error                     { return nil }
func (*transport) LocalAddr() net.Addr              { return nowhere{} }
func (*transport) RemoteAddr() net.Addr             { return nowhere{} }
func (*transport) SetDeadline(time.Time) error      { return nil }
func (*transport) SetReadDeadline(time.Time) error  { return nil }
func (*transport) SetWriteDeadline(time.Time) error { return nil }

// nowhere is the address of both ends of a transport.
type nowhere struct{}

func (nowhere) Network() string { return "memory" }
func (nowhere) String() string  { return "memory" }
