package tlsedge

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// wire is a TLS 1.3 client that makes records of every kind: crypto/tls makes its
// handshake, and what follows is sealed and opened by a layer of its own.
type wire struct {
	t *testing.T
	net.Conn
	l layer
}

// clientLog takes a client's secrets.
type clientLog struct{ s secrets }

func (l *clientLog) Write(line []byte) (int, error) {
	l.s.read(line)
	return len(line), nil
}

// aligned is a connection that reads records one by one.
type aligned struct {
	net.Conn
	tr transport
}

func (a *aligned) Read(p []byte) (int, error) {
	for {
		if n, err := a.tr.Read(p); err == nil {
			return n, nil
		}
		var head [recordHead]byte
		if _, err := io.ReadFull(a.Conn, head[:]); err != nil {
			return 0, err
		}
		record := make([]byte, recordHead+int(binary.BigEndian.Uint16(head[3:])))
		copy(record, head[:])
		if _, err := io.ReadFull(a.Conn, record[recordHead:]); err != nil {
			return 0, err
		}
		a.tr.in = record
	}
}

// wireTo makes the handshake.
func (r *rig) wireTo(change func(*tls.Config)) *wire {
	r.t.Helper()
	return newWire(r.t, r.dial(), change)
}

func newWire(t *testing.T, conn net.Conn, change func(*tls.Config)) *wire {
	t.Helper()
	log := new(clientLog)
	cfg := testClientConfig()
	cfg.KeyLogWriter, cfg.MinVersion = log, tls.VersionTLS13
	if change != nil {
		change(cfg)
	}
	c := tls.Client(&aligned{Conn: conn}, cfg)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, Conn: conn}
	s := suiteOf(c.ConnectionState().CipherSuite)
	w.l.start(s, log.s.client[:s.size], log.s.server[:s.size])
	return w
}

// record is the record of some content.
func (w *wire) record(kind byte, content []byte) []byte {
	b := make([]byte, sealed(len(content)))
	copy(b[recordHead:], content)
	return b[:w.l.seal(b, len(content), kind)]
}

// padded is a record with padding behind the content.
func (w *wire) padded(kind byte, content []byte, padding int) []byte {
	b := make([]byte, recordHead+len(content)+1+padding, recordHead+len(content)+1+padding+recordTag)
	copy(b[recordHead:], content)
	b[recordHead+len(content)] = kind
	n := len(b) - recordHead + recordTag
	b[0], b[1], b[2], b[3], b[4] = typeApplicationData, 3, 3, byte(n>>8), byte(n)
	w.l.tx.enter()
	w.l.tx.aead.Seal(b[recordHead:recordHead], w.l.tx.nonce[:], b[recordHead:], b[:recordHead])
	w.l.tx.leave()
	return b[:recordHead+n]
}

func (w *wire) send(b []byte) {
	w.t.Helper()
	if _, err := w.Conn.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

// next receives a record, but no session ticket.
func (w *wire) next() (kind byte, content []byte, err error) {
	w.t.Helper()
	for {
		var head [recordHead]byte
		if _, err := io.ReadFull(w.Conn, head[:]); err != nil {
			return 0, nil, err
		}
		n := recordLength(head[:])
		if n < 0 {
			w.t.Fatal("a record that is too long")
		}
		record := make([]byte, n)
		copy(record, head[:])
		if _, err := io.ReadFull(w.Conn, record[recordHead:]); err != nil {
			return 0, nil, err
		}
		content, kind, alert := w.l.open(record)
		if alert != 0 {
			w.t.Fatalf("a record that cannot be opened: alert %d", alert)
		}
		if kind == typeHandshake && content[0] == 4 {
			continue
		}
		return kind, content, nil
	}
}

// expect receives content, from as many records as it takes.
func (w *wire) expect(want string) (records int) {
	w.t.Helper()
	got := ""
	for len(got) < len(want) {
		kind, content, err := w.next()
		if err != nil || kind != typeApplicationData {
			w.t.Fatalf("type %d, %q, %v, in place of content", kind, content, err)
		}
		got += string(content)
		records++
	}
	if got != want {
		w.t.Fatalf("received %q, want %q", brief(got), brief(want))
	}
	return records
}

func brief(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

// expectAlert receives an alert and then the end. What was to be answered before may
// have been, or not.
func (w *wire) expectAlert(level, alert byte) {
	w.t.Helper()
	kind, content, err := w.next()
	for err == nil && kind == typeApplicationData {
		kind, content, err = w.next()
	}
	if err != nil || kind != typeAlert || len(content) != 2 || content[0] != level || content[1] != alert {
		w.t.Fatalf("type %d, %v, %v, want the alert %d", kind, content, err, alert)
	}
	if kind, content, err := w.next(); err == nil {
		w.t.Fatalf("type %d, %v behind the alert", kind, content)
	}
}
