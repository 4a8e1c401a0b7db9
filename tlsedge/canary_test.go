package tlsedge

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What this package relies on in crypto/tls is not all promised. Each test here is about
// one property, and fails on a release of Go that changes it: then the package has to be
// looked at, even if everything else passes.

// canaryServer is the server's end of a connection in memory. Its handshake runs in a
// coroutine.
type canaryServer struct {
	tr   *transport
	c    *tls.Conn
	step func() (struct{}, bool)
	err  error
	done bool
}

func newCanaryServer(t *testing.T, cfg *tls.Config) *canaryServer {
	s := &canaryServer{tr: new(transport)}
	s.c = tls.Server(s.tr, cfg)
	f := &flight{tr: s.tr}
	s.tr.flight = f
	var stop func()
	s.step, stop = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = func(v struct{}) bool {
			if !yield(v) {
				f.aborted = true
			}
			return true
		}
		s.err = s.c.Handshake()
		s.done, s.tr.flight = true, nil
	})
	t.Cleanup(stop)
	return s
}

// gives hands bytes to the handshake.
func (s *canaryServer) gives(b []byte) {
	s.tr.in = append(s.tr.in, b...)
	if !s.done {
		s.step()
	}
}

func (s *canaryServer) says() []byte {
	b := s.tr.out
	s.tr.out = nil
	return b
}

// canaryClient makes a client that runs in another coroutine, up to its end or until it
// needs bytes.
func canaryPair(t *testing.T, sc, cc *tls.Config) (s, c *canaryServer) {
	t.Helper()
	s = newCanaryServer(t, sc)
	c = newCanaryServer(t, sc)
	c.c = tls.Client(c.tr, cc)
	return s, c
}

// finish makes the handshake of both.
func finish(t *testing.T, s, c *canaryServer) {
	t.Helper()
	c.gives(nil)
	for range 10 {
		s.gives(c.says())
		c.gives(s.says())
		if s.done && c.done {
			break
		}
	}
	if !s.done || !c.done || s.err != nil || c.err != nil {
		t.Fatalf("server done %t, %v; client done %t, %v", s.done, s.err, c.done, c.err)
	}
}

func canaryConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*testCerts()["ecdsa"]}, DynamicRecordSizingDisabled: true}
}

var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// TestCanaryTemporaryErrorsPass: a temporary error of the transport's does not stick,
// and what has been read of a record is kept.
func TestCanaryTemporaryErrorsPass(t *testing.T) {
	for name, version := range versions {
		sc, cc := canaryConfig(), testClientConfig()
		cc.MaxVersion = version
		s, c := canaryPair(t, sc, cc)
		finish(t, s, c)
		if _, err := c.c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 10)
		for _, b := range c.says() {
			if n, err := s.c.Read(got); n != 0 || !errors.Is(err, errWouldBlock) {
				t.Fatalf("%s: %d bytes, %v, want a temporary error", name, n, err)
			}
			s.tr.in = append(s.tr.in, b)
		}
		if n, err := s.c.Read(got); err != nil || string(got[:n]) != "hello" {
			t.Errorf("%s: %q, %v", name, got[:n], err)
		}
	}
}

// TestCanaryHandshakeErrorsStick is why the handshake needs a coroutine.
func TestCanaryHandshakeErrorsStick(t *testing.T) {
	tr := new(transport)
	s := tls.Server(tr, canaryConfig())
	if err := s.Handshake(); !errors.Is(err, errWouldBlock) {
		t.Fatal(err)
	}
	tr.in = inRecords(helloOf(t, nil), recordContent)
	if err := s.Handshake(); err == nil || len(tr.out) != 0 {
		t.Errorf("the handshake goes on: %v, %d bytes", err, len(tr.out))
	}
}

// TestCanaryNothingIsReadBehindTheHandshake: with reads that end with a record, the
// tls.Conn holds nothing of what comes behind the client's Finished.
func TestCanaryNothingIsReadBehindTheHandshake(t *testing.T) {
	sc, cc := canaryConfig(), testClientConfig()
	s, c := canaryPair(t, sc, cc)
	c.gives(nil)
	s.gives(c.says())
	c.gives(s.says())
	if !c.done || c.err != nil {
		t.Fatal(c.err)
	}
	finished := c.says()
	if _, err := c.c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	behind := c.says()
	s.gives(append(finished, behind...))
	if !s.done || s.err != nil {
		t.Fatal(s.err)
	}
	if !bytes.Equal(s.tr.in, behind) {
		t.Errorf("%d bytes are left, want %d", len(s.tr.in), len(behind))
	}
}

// logged is a KeyLogWriter that keeps lines.
type logged struct{ lines []string }

func (l *logged) Write(p []byte) (int, error) {
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

// TestCanarySecrets: the key log has the traffic secrets, one line in one Write, before
// the handshake ends, and in this form; the records that follow are numbered from 0 for
// the client, and from the number of tickets for the server, each of which is one record.
func TestCanarySecrets(t *testing.T) {
	for _, tickets := range []bool{true, false} {
		log, wrapped := new(logged), 0
		sc, cc := canaryConfig(), testClientConfig()
		cc.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		sc.KeyLogWriter, sc.SessionTicketsDisabled = log, !tickets
		sc.WrapSession = func(st tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
			wrapped++
			return sc.EncryptTicket(st, ss)
		}
		s, c := canaryPair(t, sc, cc)
		c.gives(nil)
		s.gives(c.says())
		flight := s.says()
		c.gives(flight)
		if !c.done || c.err != nil {
			t.Fatal(c.err)
		}
		cipher := suiteOf(c.c.ConnectionState().CipherSuite)
		var sec secrets
		for _, line := range log.lines {
			if strings.Count(line, "\n") != 1 || len(strings.Fields(line)) != 3 {
				t.Fatalf("the line is %q", line)
			}
			sec.read([]byte(line))
		}
		if sec.clientLen != cipher.size || sec.serverLen != cipher.size {
			t.Fatalf("secrets of %d and %d bytes in %q", sec.clientLen, sec.serverLen, log.lines)
		}
		// The records of the server's flight that open under its traffic key.
		var records [][]byte
		for b := flight; len(b) >= recordHead; b = b[recordLength(b):] {
			records = append(records, b[:recordLength(b)])
		}
		opened := 0
		for i := range records {
			var l layer
			l.start(cipher, sec.client[:cipher.size], sec.server[:cipher.size])
			if content, kind, alert := l.open(bytes.Clone(records[i])); alert == 0 {
				opened++
				if kind != typeHandshake || content[0] != 4 || i != len(records)-1 {
					t.Errorf("record %d of %d is of type %d, message %d", i, len(records), kind, content[0])
				}
			}
		}
		if want := map[bool]int{true: 1, false: 0}[tickets]; opened != want || wrapped != want {
			t.Errorf("%d tickets were wrapped, and %d records opened, want %d", wrapped, opened, want)
		}
		s.gives(c.says())
		if !s.done || s.err != nil || len(s.says()) != 0 {
			t.Fatalf("done %t, %v, or more is said", s.done, s.err)
		}
		var own layer
		own.start(cipher, sec.server[:cipher.size], sec.client[:cipher.size])
		own.tx.seq = uint64(wrapped)
		b := make([]byte, sealed(5))
		copy(b[recordHead:], "hello")
		c.tr.in = append(c.tr.in, b[:own.seal(b, 5, typeApplicationData)]...)
		got := make([]byte, 10)
		if n, err := c.c.Read(got); err != nil || string(got[:n]) != "hello" {
			t.Errorf("the client reads %q, %v", got[:n], err)
		}
		if _, err := c.c.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		if content, kind, alert := own.open(c.says()); alert != 0 || kind != typeApplicationData || string(content) != "answer" {
			t.Errorf("the client writes %q, type %d, alert %d", content, kind, alert)
		}
	}
}

// TestCanarySuites: TLS 1.3 has the three cipher suites that there are keys for.
func TestCanarySuites(t *testing.T) {
	n := 0
	for _, s := range tls.CipherSuites() {
		if len(s.SupportedVersions) == 1 && s.SupportedVersions[0] == tls.VersionTLS13 {
			n++
			if suiteOf(s.ID) == nil {
				t.Errorf("there is no layer for %s", s.Name)
			}
		}
	}
	if n != 3 {
		t.Errorf("TLS 1.3 has %d suites", n)
	}
}

// TestCanaryOneWriteIsOneRecord: content of up to 16 KiB is one record, in one Write of
// the transport's, with at most engine.SealHead bytes before it and what engine.SealTail
// leaves room for behind it, and the content may be overwritten by it.
func TestCanaryOneWriteIsOneRecord(t *testing.T) {
	suites := []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
		0, // TLS 1.3
	}
	for _, id := range suites {
		sc, cc := canaryConfig(), testClientConfig()
		if id != 0 {
			sc.CipherSuites, cc.CipherSuites, cc.MaxVersion = []uint16{id}, []uint16{id}, tls.VersionTLS12
		}
		s, c := canaryPair(t, sc, cc)
		finish(t, s, c)
		c.tr.in = append(c.tr.in, s.says()...)
		for _, n := range []int{1, 100, 4096, recordContent} {
			want := pattern(n)
			dst := make([]byte, recordHead+n+118)
			copy(dst[recordHead:], want)
			s.tr.record = dst
			if _, err := s.c.Write(dst[recordHead : recordHead+n]); err != nil {
				t.Fatalf("%s: %d bytes: %v", tls.CipherSuiteName(id), n, err)
			}
			m := len(dst) - len(s.tr.record)
			s.tr.record = nil
			if m != recordLength2(dst) {
				t.Errorf("%s: %d bytes were written, the first record has %d", tls.CipherSuiteName(id), m, recordLength2(dst))
			}
			c.tr.in = append(c.tr.in, dst[:m]...)
			got := make([]byte, n)
			if _, err := io.ReadFull(c.c, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes: %v", tls.CipherSuiteName(id), n, err)
			}
		}
	}
}

// recordLength2 is the length of a record of TLS 1.2, which may be longer.
func recordLength2(b []byte) int { return recordHead + int(b[3])<<8 + int(b[4]) }

// TestCanaryNoGoroutines: a handshake starts none, and neither does what follows.
func TestCanaryNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	s, c := canaryPair(t, canaryConfig(), testClientConfig())
	both := runtime.NumGoroutine() - before // the coroutines
	finish(t, s, c)
	if n := runtime.NumGoroutine() - before; n > both {
		t.Errorf("%d goroutines more", n-both)
	}
}

// TestCanarySignersMayWait: crypto/tls asks a key that is a crypto.Signer, and nothing
// else, for its signature, in the handshake's coroutine.
func TestCanarySignersMayWait(t *testing.T) {
	for _, kind := range []string{"ecdsa", "rsa"} {
		for name, version := range versions {
			sc, cc := canaryConfig(), testClientConfig()
			cc.MaxVersion = version
			cert := *testCerts()[kind]
			var s, c *canaryServer
			waits := 0
			cert.PrivateKey = plainSigner{cert.PrivateKey.(crypto.Signer), func() {
				waits++
				s.tr.flight.wait()
			}}
			if kind == "rsa" {
				cc.ServerName = "rsa.example"
			}
			sc.Certificates = []tls.Certificate{cert}
			s, c = canaryPair(t, sc, cc)
			c.gives(nil)
			s.gives(c.says())
			if waits != 1 || s.done || len(s.says()) != 0 {
				t.Fatalf("%s, %s: %d waits, done %t", kind, name, waits, s.done)
			}
			s.gives(nil)
			finish(t, s, c)
		}
	}
}

type plainSigner struct {
	key  crypto.Signer
	wait func()
}

func (p plainSigner) Public() crypto.PublicKey { return p.key.Public() }

func (p plainSigner) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	p.wait()
	return p.key.Sign(r, digest, opts)
}

// TestCanaryNoCertificateIsAnUnknownName: neither a certificate nor an error from
// GetCertificate is the alert unrecognized_name.
func TestCanaryNoCertificateIsAnUnknownName(t *testing.T) {
	for name, version := range versions {
		sc, cc := canaryConfig(), testClientConfig()
		cc.MaxVersion, sc.Certificates = version, nil
		sc.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
		s, c := canaryPair(t, sc, cc)
		c.gives(nil)
		s.gives(c.says())
		if want := []byte{typeAlert, 3, 3, 0, 2, alertFatal, 112}; !s.done || s.err == nil || !bytes.Equal(s.says(), want) {
			t.Errorf("%s: %v", name, s.err)
		}
	}
}

// TestCanaryTemporaryIsLookedFor: it is Temporary, not Timeout, that crypto/tls asks.
func TestCanaryTemporaryIsLookedFor(t *testing.T) {
	sc, cc := canaryConfig(), testClientConfig()
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- tls.Client(b, cc).Handshake() }()
	f := &failing{Conn: a}
	s := tls.Server(f, sc)
	if err := errors.Join(s.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	f.err = temporary(true)
	if _, err := s.Read(make([]byte, 1)); fmt.Sprint(err) != "temporary true" {
		t.Fatal(err)
	}
	f.err = temporary(false)
	if _, err := s.Read(make([]byte, 1)); fmt.Sprint(err) != "temporary false" {
		t.Errorf("the error sticks: %v", err)
	}
	f.err = temporary(true)
	if _, err := s.Read(make([]byte, 1)); fmt.Sprint(err) != "temporary false" {
		t.Errorf("an error that is not temporary does not stick: %v", err)
	}
	_ = b.SetDeadline(time.Now())
}

type temporary bool

func (t temporary) Error() string   { return fmt.Sprintf("temporary %t", bool(t)) }
func (t temporary) Timeout() bool   { return true }
func (t temporary) Temporary() bool { return bool(t) }

type failing struct {
	net.Conn
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Conn.Read(p)
}
