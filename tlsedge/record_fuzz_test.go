package tlsedge

import (
	"bytes"
	"crypto/tls"
	"testing"
)

// script makes what a client sends of a fuzzer's bytes: most of it has to be sealed to
// be of any interest.
func (x *twins) script(b []byte) (stream []byte) {
	next := func() (v byte) {
		if len(b) > 0 {
			v, b = b[0], b[1:]
		}
		return v
	}
	seal := func(kind byte, content []byte) []byte {
		out := make([]byte, sealed(len(content)))
		copy(out[recordHead:], content)
		return out[:x.client.seal(out, len(content), kind)]
	}
	last := 0 // where the last record begins
	add := func(record []byte) {
		last = len(stream)
		stream = append(stream, record...)
	}
	for len(b) > 0 && len(stream) < 200_000 {
		switch op, arg := next(), next(); op % 10 {
		case 0, 1:
			add(seal(typeApplicationData, pattern(int(arg)*int(op/10+1))))
		case 2:
			add(seal(typeAlert, []byte{arg % 3, next()}))
		case 3: // a whole KeyUpdate
			add(seal(typeHandshake, []byte{typeKeyUpdate, 0, 0, 1, arg % 3}))
			x.suite.update(&x.client.tx)
		case 4: // one in two pieces
			message := []byte{typeKeyUpdate, 0, 0, 1, arg % 2}
			at := 1 + int(arg)%4
			add(seal(typeHandshake, message[:at]))
			add(seal(typeHandshake, message[at:]))
			x.suite.update(&x.client.tx)
		case 5: // anything of any type
			n := min(int(arg), len(b))
			content, kind := b[:n], max(1, op/10) // 0 would be padding
			if b = b[n:]; kind == typeHandshake {
				// crypto/tls waits for the rest of a message that cannot be right.
				content = append([]byte{arg, 0, 0, byte(n)}, content...)
			}
			add(seal(kind, content))
		case 6: // not sealed
			n := min(int(arg), len(b))
			add(b[:n])
			b = b[n:]
		case 7: // a bit of the last record is changed
			if n := len(stream) - last; n > 0 {
				stream[last+int(arg)%n] ^= 1 << (op / 10 % 8)
			}
		case 8: // the last one once more
			add(bytes.Clone(stream[last:]))
		case 9: // padding, of zeroes
			add(seal(0, append(append(pattern(int(op)), typeApplicationData), make([]byte, int(arg)*70)...)))
		}
	}
	return stream
}

// FuzzRecords gives the same bytes to crypto/tls and to the layer, cut in pieces in
// different places, and expects the same content, end, or failure.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x00\x05\x00\x40"), uint8(3))
	f.Add([]byte("\x03\x00\x00\x05\x03\x01\x00\x06"), uint8(1))
	f.Add([]byte("\x04\x02\x00\x05\x02\x00\x00\x00\x05"), uint8(7))
	f.Add([]byte("\x00\x20\x07\x05\x00\x10"), uint8(200))
	f.Add([]byte("\x09\x10\x09\xff\x00\x01\x08\x00"), uint8(50))
	f.Add([]byte("\x06\x05\x17\x03\x03\x00\x00\x00\x01"), uint8(2))
	e := newBenchEdge(f)
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		x := newTwins(t, e, tls.X25519)
		stream := x.script(b)
		if i := ccs(stream); i >= 0 {
			// A change_cipher_spec behind the handshake is passed over by crypto/tls,
			// and is an error here, as the RFC has it. What comes before is the same.
			stream = stream[:i]
		}
		var std, own outcome
		for at := 0; at < len(stream); {
			n := min(len(stream)-at, 1+int(cut)*int(cut)/2)
			x.byConn(&own, stream[at:at+n])
			at += n
		}
		x.byStd(&std, stream)
		if x.conn.held != 0 {
			// crypto/tls looks at the version in the head of an incomplete record, of
			// which the RFC says that it means nothing. Zeroes complete it.
			zeroes := make([]byte, recordCipher)
			x.byConn(&own, zeroes)
			x.byStd(&std, zeroes)
		}
		if !bytes.Equal(std.content, own.content) || std.closed != own.closed || std.failed != own.failed {
			t.Fatalf("crypto/tls: %d bytes, closed %t, failed %t; here: %d bytes, closed %t, failed %t (%v)",
				len(std.content), std.closed, std.failed, len(own.content), own.closed, own.failed, x.conn.err)
		}
	})
}

// ccs is where a record of the type change_cipher_spec begins in a stream of records,
// -1 if there is none.
func ccs(stream []byte) int {
	for at := 0; len(stream)-at >= recordHead; {
		if stream[at] == typeChangeCipherSpec {
			return at
		}
		n := recordLength(stream[at:])
		if n < 0 {
			return -1
		}
		at += n
	}
	return -1
}

// FuzzHello looks at first bytes: whatever they are, and wherever they are cut, the same
// is found in them, and nothing is kept for ever.
func FuzzHello(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"))
	f.Add([]byte("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x04\x00\x00\x01\x00"))
	f.Add([]byte("\x16\x03\x01\x00\x00"))
	f.Add([]byte("\x16\x02\x01\x00\x05"))
	f.Add([]byte("\x16\x03\x01\x40\x01\x01"))
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x01\x00\x01"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("\x80\x2e\x01\x03\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, _ := greets(b)
		for n := range b {
			got, more := greets(b[:n])
			if (got == greetingPart) != (more > 0) {
				t.Fatalf("the first %d bytes are %d, and %d more are awaited", n, got, more)
			}
			if got != greetingPart && got != whole && whole != greetingLong {
				t.Fatalf("the first %d bytes of %d are %d, all are %d", n, len(b), got, whole)
			}
		}
		if len(b) > helloMost && whole == greetingPart {
			t.Fatalf("%d bytes, and more is awaited", len(b))
		}
	})
}
