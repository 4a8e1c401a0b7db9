package tlsedge

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// TestKeysOfRFC8448 compares with the trace of RFC 8448, section 3.
func TestKeysOfRFC8448(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var h half
	copy(h.secret[:], unhex("a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43"))
	suiteAES128.key(&h)
	if want := unhex("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56"); !bytes.Equal(h.key[:16], want) {
		t.Errorf("the key is %x, want %x", h.key[:16], want)
	}
	if want := unhex("cf 78 2b 88 dd 83 54 9a ad f1 e9 84"); !bytes.Equal(h.nonce[:], want) {
		t.Errorf("the initialization vector is %x, want %x", h.nonce, want)
	}
	// The record with 50 bytes of content, which is the second one under the key:
	// the first was the session ticket.
	want := unhex("17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b 36 e3 0e fa f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8 fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54 0d d0 32 e1 67 c2 95 5d")
	l := layer{suite: suiteAES128, tx: h}
	l.tx.seq = 1
	b := make([]byte, sealed(50))
	for i := range 50 {
		b[recordHead+i] = byte(i)
	}
	if got := b[:l.seal(b, 50, typeApplicationData)]; !bytes.Equal(got, want) {
		t.Errorf("the record is\n%x, want\n%x", got, want)
	}
	l.tx.seq = 1
	content := make([]byte, 50, 51)
	for i := range content {
		content[i] = byte(i)
	}
	if got := b[:l.sealOf(b, content, typeApplicationData)]; !bytes.Equal(got, want) {
		t.Errorf("the record of content from elsewhere is\n%x, want\n%x", got, want)
	}
}

// sealed is the length of the record of n bytes.
func sealed(n int) int { return n + recordOverhead }

// pairOf is two layers that talk to each other.
func pairOf(s *suite) (a, b *layer) {
	one, other := pattern(s.size), pattern(s.size + 1)[1:]
	a, b = new(layer), new(layer)
	a.start(s, one, other)
	b.start(s, other, one)
	return a, b
}

var allSuites = map[string]*suite{"AES-128-GCM": suiteAES128, "AES-256-GCM": suiteAES256, "ChaCha20-Poly1305": suiteChaCha20}

func TestSealThenOpen(t *testing.T) {
	for name, s := range allSuites {
		t.Run(name, func(t *testing.T) {
			a, b := pairOf(s)
			buf := make([]byte, sealed(recordContent))
			for _, n := range []int{0, 1, 2, 15, 16, 17, 100, 1300, 4096, recordContent - 1, recordContent} {
				want := pattern(n)
				copy(buf[recordHead:], want)
				record := buf[:a.seal(buf, n, typeApplicationData)]
				if len(record) != sealed(n) || recordLength(record) != len(record) {
					t.Fatalf("a record of %d bytes for %d", len(record), n)
				}
				if n%2 == 1 {
					a.rest()
					b.rest()
				}
				content, kind, alert := b.open(record)
				if alert != 0 || kind != typeApplicationData || !bytes.Equal(content, want) {
					t.Fatalf("%d bytes: type %d, alert %d, %d bytes", n, kind, alert, len(content))
				}
			}
		})
	}
}

// TestRecordsOfClients sends what a client may, and what it may not.
func TestRecordsOfClients(t *testing.T) {
	update := func(asked byte) []byte { return []byte{typeKeyUpdate, 0, 0, 1, asked} }
	rows := []struct {
		name string
		send func(w *wire) []byte
		echo string // expected
		then int    // the alert that ends it, 0 for none
	}{
		{"content", func(w *wire) []byte { return w.record(typeApplicationData, []byte("hello")) }, "hello", 0},
		{"padding", func(w *wire) []byte { return w.padded(typeApplicationData, []byte("hello"), 300) }, "hello", 0},
		{"the most padding", func(w *wire) []byte {
			return w.padded(typeApplicationData, []byte("hello"), recordContent-5)
		}, "hello", 0},
		{"too much padding", func(w *wire) []byte {
			return w.padded(typeApplicationData, []byte("hello"), recordContent-4)
		}, "", alertRecordOverflow},
		{"nothing but padding", func(w *wire) []byte { return w.padded(0, nil, 20) }, "", alertUnexpectedMessage},
		{"no content", func(w *wire) []byte {
			return append(w.record(typeApplicationData, nil), w.record(typeApplicationData, []byte("x"))...)
		}, "x", 0},
		{"the most content", func(w *wire) []byte { return w.record(typeApplicationData, pattern(recordContent)) }, string(pattern(recordContent)), 0},
		{"too much content", func(w *wire) []byte {
			return w.record(typeApplicationData, pattern(recordContent+1))
		}, "", alertRecordOverflow},
		{"a record that is too long", func(*wire) []byte { return []byte{23, 3, 3, 0x41, 1} }, "", alertRecordOverflow},
		{"a record without room for a tag", func(*wire) []byte { return append([]byte{23, 3, 3, 0, 16}, make([]byte, 16)...) }, "", alertBadRecordMAC},
		{"an empty record", func(*wire) []byte { return []byte{23, 3, 3, 0, 0} }, "", alertBadRecordMAC},
		{"a changed bit", func(w *wire) []byte {
			b := w.record(typeApplicationData, []byte("hello"))
			b[7] ^= 1
			return b
		}, "", alertBadRecordMAC},
		{"a changed head", func(w *wire) []byte {
			b := w.record(typeApplicationData, []byte("hello"))
			b[2] = 1
			return b
		}, "", alertBadRecordMAC},
		{"the same record twice", func(w *wire) []byte {
			b := w.record(typeApplicationData, []byte("hello"))
			return append(b, b...)
		}, "", alertBadRecordMAC},
		{"a change_cipher_spec", func(*wire) []byte { return []byte{20, 3, 3, 0, 1, 1} }, "", alertUnexpectedMessage},
		{"an alert without encryption", func(*wire) []byte { return []byte{21, 3, 3, 0, 2, 2, 0} }, "", alertUnexpectedMessage},
		{"an unknown type", func(w *wire) []byte { return w.record(24, []byte("x")) }, "", alertUnexpectedMessage},
		{"key update", func(w *wire) []byte {
			b := w.record(typeHandshake, update(0))
			w.l.suite.update(&w.l.tx)
			return append(b, w.record(typeApplicationData, []byte("after"))...)
		}, "after", 0},
		{"key update in pieces", func(w *wire) []byte {
			b := w.record(typeHandshake, update(0)[:2])
			b = append(b, w.record(typeHandshake, update(0)[2:])...)
			w.l.suite.update(&w.l.tx)
			return append(b, w.record(typeApplicationData, []byte("after"))...)
		}, "after", 0},
		{"content within a key update", func(w *wire) []byte {
			return append(w.record(typeHandshake, update(0)[:2]), w.record(typeApplicationData, []byte("x"))...)
		}, "", alertUnexpectedMessage},
		{"more behind a key update", func(w *wire) []byte { return w.record(typeHandshake, append(update(0), 24)) }, "", alertUnexpectedMessage},
		{"a key update that asks for something else", func(w *wire) []byte { return w.record(typeHandshake, update(2)) }, "", 47},
		{"a key update of another length", func(w *wire) []byte { return w.record(typeHandshake, []byte{24, 0, 0, 2, 0, 0}) }, "", alertDecodeError},
		{"a handshake message without a byte", func(w *wire) []byte { return w.record(typeHandshake, nil) }, "", alertUnexpectedMessage},
		{"a ClientHello", func(w *wire) []byte { return w.record(typeHandshake, []byte{1, 0, 0, 1, 0}) }, "", alertUnexpectedMessage},
		{"a ticket", func(w *wire) []byte { return w.record(typeHandshake, []byte{4, 0, 0, 1, 0}) }, "", alertUnexpectedMessage},
		{"a certificate", func(w *wire) []byte { return w.record(typeHandshake, []byte{11, 0, 0, 1, 0}) }, "", alertUnexpectedMessage},
		{"an alert of one byte", func(w *wire) []byte { return w.record(typeAlert, []byte{2}) }, "", alertDecodeError},
		{"user_canceled is passed over", func(w *wire) []byte {
			return append(w.record(typeAlert, []byte{1, alertUserCanceled}), w.record(typeApplicationData, []byte("x"))...)
		}, "x", 0},
		{"records without content for ever", func(w *wire) (b []byte) {
			for range uselessMost + 1 {
				b = append(b, w.record(typeApplicationData, nil)...)
			}
			return b
		}, "", alertUnexpectedMessage},
	}
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for _, row := range rows {
			for _, split := range []bool{false, true} {
				name := row.name
				if split {
					name += ", byte by byte"
				}
				t.Run(name, func(t *testing.T) {
					w := r.wireTo(nil)
					w.t = t
					b := row.send(w)
					if split && len(b) > 1000 {
						// Only the head and the end.
						for _, p := range [][]byte{b[:1], b[1:3], b[3:4], b[4:5], b[5:6], b[6 : len(b)-1], b[len(b)-1:]} {
							w.send(p)
							time.Sleep(100 * time.Microsecond)
						}
					} else if split {
						for i := range b {
							w.send(b[i : i+1])
						}
					} else {
						w.send(b)
					}
					w.expect(row.echo)
					if row.then != 0 {
						w.expectAlert(alertFatal, byte(row.then))
						return
					}
					w.send(w.record(typeAlert, []byte{alertWarning, alertCloseNotify}))
					w.expectAlert(alertWarning, alertCloseNotify)
				})
			}
		}
	})
}

// TestKeyUpdateIsAnswered asks for new keys in both directions, many times.
func TestKeyUpdateIsAnswered(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for name := range allSuites {
			w := r.wireTo(nil)
			w.t = t
			for range 20 {
				b := w.record(typeHandshake, []byte{typeKeyUpdate, 0, 0, 1, 1})
				w.l.suite.update(&w.l.tx)
				w.send(append(b, w.record(typeApplicationData, []byte("x"))...))
				kind, content, err := w.next()
				if err != nil || kind != typeHandshake || !bytes.Equal(content, []byte{typeKeyUpdate, 0, 0, 1, 0}) {
					t.Fatalf("%s: type %d, %v, %v", name, kind, content, err)
				}
				w.l.suite.update(&w.l.rx)
				w.expect("x")
			}
		}
	})
}

// TestKeyIsReplaced brings a connection to the end of its key.
func TestKeyIsReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		w := r.wireTo(nil)
		w.send(w.record(typeApplicationData, []byte("a")))
		w.expect("a")
		r.do(func() { r.only().layer.tx.left = 2 })
		for _, s := range []string{"b", "c"} {
			w.send(w.record(typeApplicationData, []byte(s)))
			w.expect(s)
		}
		kind, content, err := w.next()
		if err != nil || kind != typeHandshake || !bytes.Equal(content, []byte{typeKeyUpdate, 0, 0, 1, 0}) {
			t.Fatalf("type %d, %v, %v", kind, content, err)
		}
		w.l.suite.update(&w.l.rx)
		w.send(w.record(typeApplicationData, []byte("d")))
		w.expect("d")
		r.do(func() {
			if left := r.only().layer.tx.left; left != gcmRecords-1 {
				t.Errorf("%d records are left", left)
			}
			r.only().layer.rx.seq = ^uint64(0)
		})
		w.l.tx.seq = ^uint64(0)
		w.send(w.record(typeApplicationData, []byte("e")))
		w.expectAlert(alertFatal, alertInternalError)
	})
}

// TestRecordSizes looks at how records grow in a burst, and begin anew after a pause.
func TestRecordSizes(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.received = func(c engine.Conn, p []byte) { r.s.Append(c, pattern(200_000)) }
		r.start()
		w := r.wireTo(nil)
		sizes := func() (sizes []int) {
			w.send(w.record(typeApplicationData, []byte("go")))
			for total := 0; total < 200_000; {
				_, content, err := w.next()
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, len(content))
				total += len(content)
			}
			return sizes
		}
		check := func(what string, sizes []int, want ...int) {
			t.Helper()
			for i, n := range want {
				if sizes[i] != n {
					t.Fatalf("%s: record %d has %d bytes, want %d: %v", what, i, sizes[i], n, sizes)
				}
			}
			if last := sizes[len(sizes)-2]; last != recordContent {
				t.Errorf("%s: at the end records have %d bytes", what, last)
			}
		}
		check("at first", sizes(), smallRecord, smallRecord, smallRecord, smallRecord, smallRecord, smallRecord, smallRecord, smallRecord, smallRecord, smallRecord, mediumRecord)
		check("then", sizes(), recordContent, recordContent)
		r.do(func() { r.only().used -= int64(burstPause) + 1 })
		check("after a pause", sizes(), smallRecord, smallRecord)
	})
}

// TestPeersAlert ends a connection by an alert of the client's, which is not answered.
func TestPeersAlert(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		w := r.wireTo(nil)
		w.send(w.record(typeAlert, []byte{alertFatal, 48}))
		if kind, content, err := w.next(); !errors.Is(err, io.EOF) {
			t.Fatalf("type %d, %v, %v, want the end", kind, content, err)
		}
		if errs := r.errs(); len(errs) != 1 || errs[0].Error() != "ended by the peer's alert: tls: unknown certificate authority" {
			t.Errorf("the errors are %v", errs)
		}
	})
}

// TestRestingConnections drops the key schedules of connections that rest.
func TestRestingConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		var clients []*tls.Conn
		for range 5 {
			c := r.client(nil)
			echoes(t, c, []byte("hello"))
			clients = append(clients, c)
		}
		for range 2 {
			r.do(func() {
				if len(r.e.warm) != 5 {
					t.Fatalf("%d connections are warm", len(r.e.warm))
				}
				r.e.warm[1].used -= int64(coolAfter) + 1
				r.e.warm[4].used -= int64(coolAfter) + 1
				r.e.Tick()
				if len(r.e.warm) != 3 {
					t.Fatalf("%d connections are warm, want 3", len(r.e.warm))
				}
				cold := 0
				for _, c := range r.e.conns {
					if c != nil && c.layer.tx.aead == nil && c.layer.rx.aead == nil {
						cold++
					}
				}
				if cold != 2 {
					t.Errorf("%d connections are cold, want 2", cold)
				}
			})
			for _, c := range clients {
				echoes(t, c, []byte("again"))
			}
		}
	})
}
