package tlsedge

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// helloOf is the ClientHello of a client, without the head of its record.
func helloOf(t *testing.T, change func(*tls.Config)) []byte {
	t.Helper()
	cfg := testClientConfig()
	if change != nil {
		change(cfg)
	}
	tr := new(transport)
	_ = tls.Client(tr, cfg).Handshake()
	if len(tr.out) < recordHead || recordLength(tr.out) != len(tr.out) {
		t.Fatal("no ClientHello")
	}
	return tr.out[recordHead:]
}

// inRecords cuts a handshake message in records of so many bytes.
func inRecords(message []byte, size int) (b []byte) {
	for len(message) > 0 {
		n := min(size, len(message))
		b = append(b, typeHandshake, 3, 1, byte(n>>8), byte(n))
		b = append(b, message[:n]...)
		message = message[n:]
	}
	return b
}

// TestHelloOfManyRecords has a long ClientHello come byte by byte in records of one
// byte: it is taken with its last byte, and looked at a few hundred times at the most.
func TestHelloOfManyRecords(t *testing.T) {
	message := append([]byte{typeClientHello, 0, 10_000 >> 8, 10_000 & 255}, make([]byte, 10_000)...)
	var hello []byte
	for _, b := range message {
		hello = append(hello, typeHandshake, 3, 1, 0, 1, b)
	}
	looks, wanted := 0, 0
	for n := range hello {
		if n+1 < wanted {
			continue
		}
		g, more := greets(hello[:n+1])
		looks++
		switch {
		case n+1 < len(hello) && (g != greetingPart || more < 1):
			t.Fatalf("the first %d bytes of %d are %d, and %d more are awaited", n+1, len(hello), g, more)
		case n+1 == len(hello) && g != greetingHello:
			t.Fatalf("all of it is %d", g)
		}
		wanted = n + 1 + more
	}
	if wanted != len(hello) {
		t.Errorf("%d bytes were waited for, of %d", wanted, len(hello))
	}
	if looks > 600 {
		t.Errorf("%d looks at %d bytes", looks, len(hello))
	}
}

// TestFirstBytes sends what is not a handshake, or none that comes to an end.
func TestFirstBytes(t *testing.T) {
	hello := helloOf(t, nil)
	rows := []struct {
		name string
		in   []byte
		out  string // with which the answer begins; a ServerHello is "\x16"
		err  string
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n", "HTTP without TLS"},
		{"rubbish", []byte{0, 1, 2, 3}, "\x15\x03\x03\x00\x02\x02\x0a", "the first bytes are not those of TLS"},
		{"SSL 2", []byte{0x80, 0x2e, 1, 0, 2}, "\x15\x03\x03\x00\x02\x02\x0a", "the first bytes are not those of TLS"},
		{"a version that is none", []byte{22, 9, 9, 0, 5, 1, 0, 0, 1, 0}, "\x15\x03\x03\x00\x02\x02\x0a", "the first bytes are not those of TLS"},
		{"another handshake message", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, "\x15", "tls:"},
		{"an empty record", []byte{22, 3, 1, 0, 0}, "\x15", "tls:"},
		{"a ClientHello of rubbish", []byte{22, 3, 1, 0, 8, 1, 0, 0, 4, 1, 2, 3, 4}, "\x15", "tls:"},
		{"a ClientHello that is too long", []byte{22, 3, 1, 0, 4, 1, 1, 0, 1}, "\x15\x03\x03\x00\x02\x02\x32", "the ClientHello is too long"},
		{"too much in pieces", bytes.Repeat([]byte{22, 3, 1, 0, 1, 1}, helloMost/6+2), "\x15\x03\x03\x00\x02\x02", ""},
		{"a whole one", inRecords(hello, recordContent), "\x16\x03\x03", ""},
		{"in two records", inRecords(hello, len(hello)/2+1), "\x16\x03\x03", ""},
		{"in records of one byte", inRecords(hello, 1), "\x16\x03\x03", ""},
	}
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for _, row := range rows {
			for _, piece := range []int{1 << 20, 1000, 7} {
				t.Run(row.name, func(t *testing.T) {
					before := len(r.errs())
					c := r.dial()
					_ = c.SetNoDelay(true)
					for in := row.in; len(in) > 0; {
						n := min(piece, len(in))
						if _, err := c.Write(in[:n]); err != nil {
							break // it has been told already
						}
						in = in[n:]
					}
					got := make([]byte, len(row.out))
					if n, err := io.ReadFull(c, got); err != nil || string(got) != row.out {
						t.Fatalf("%q, %v, want %q", got[:n], err, row.out)
					}
					if row.err != "" {
						errs := r.errs()
						if len(errs) != before+1 || !strings.Contains(errs[before].Error(), row.err) {
							t.Errorf("the errors are %v, want %q", errs[before:], row.err)
						}
					}
					_ = c.Close()
				})
			}
		}
	})
}

// TestUnfinishedHandshakes leaves handshakes at every step, and in all ways.
func TestUnfinishedHandshakes(t *testing.T) {
	hello := inRecords(helloOf(t, nil), recordContent)
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for range 3 {
			for _, n := range []int{1, 5, 100, len(hello) - 1, len(hello)} {
				for _, reset := range []bool{false, true} {
					c := r.dial()
					if _, err := c.Write(hello[:n]); err != nil {
						t.Fatal(err)
					}
					if n == len(hello) {
						_, _ = io.ReadFull(c, make([]byte, 100))
					}
					if reset {
						_ = c.SetLinger(0)
					}
					_ = c.Close()
				}
			}
		}
		r.eventually("all are gone", func() bool { return r.s.Stats().Open == 0 && r.e.Stats().Flights == 0 })
		echoes(t, r.client(nil), []byte("still there"))
		r.do(func() {
			if len(r.e.idle) == 0 || len(r.e.idle) > flightsKept {
				t.Errorf("%d coroutines are kept", len(r.e.idle))
			}
		})
	})
}

// TestHandshakesTakeTurns has many clients come in the same moment: the turns of the
// shard are short, and all clients are served.
func TestHandshakesTakeTurns(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		const clients = 100
		most, before := 0, 0
		r.turn = func() {
			most = max(most, r.e.flights-before)
			before = r.e.flights
		}
		r.start()
		hello := inRecords(helloOf(t, nil), recordContent)
		conns := make([]*net.TCPConn, clients)
		for i := range conns {
			conns[i] = r.dial()
		}
		r.eventually("all are accepted", func() bool { return r.s.Stats().Clients == clients })
		entered, leave := make(chan struct{}), make(chan struct{})
		if !r.s.Post(engine.Message{Value: func() { close(entered); <-leave }}) {
			t.Fatal("the inbox is full")
		}
		<-entered // the shard does nothing else now
		for _, c := range conns {
			if _, err := c.Write(hello); err != nil {
				t.Fatal(err)
			}
		}
		close(leave)
		for _, c := range conns {
			if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		r.do(func() {
			if st := r.e.Stats(); st.Flights != clients || st.Queued < clients/2 || st.Waiting != 0 {
				t.Errorf("%+v", st)
			}
			if most != startsPerTurn {
				t.Errorf("%d handshakes begin in one turn", most)
			}
		})
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

// TestTooManyHandshakes has all coroutines occupied; the next client waits for one.
func TestTooManyHandshakes(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		hello := inRecords(helloOf(t, nil), recordContent)
		open := r.dial()
		r.do(func() { r.e.flights += flightsMost - 1 })
		if _, err := open.Write(hello); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(open, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		gone, next := r.dial(), r.dial()
		for _, c := range []net.Conn{gone, next} {
			if _, err := c.Write(hello); err != nil {
				t.Fatal(err)
			}
			r.eventually("it waits", func() bool { return r.e.Stats().Waiting > 0 })
		}
		r.eventually("both wait", func() bool { return r.e.Stats().Waiting == 2 && r.e.granted == 0 })
		_ = gone.Close()
		r.eventually("one has gone", func() bool { return r.s.Stats().Open == 2 })
		var turns uint64
		r.do(func() { turns = r.s.Turns() })
		time.Sleep(20 * time.Millisecond)
		r.do(func() {
			if n := r.s.Turns() - turns; n > 10 {
				t.Errorf("%d turns while it waits", n)
			}
		})
		_ = open.Close()
		if _, err := io.ReadFull(next, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		_ = next.Close()
		r.eventually("all are gone", func() bool { return r.s.Stats().Open == 0 })
		r.do(func() { r.e.flights -= flightsMost - 1 })
	})
}

// TestPanicInAHandshake ends the handshake, and nothing else.
func TestPanicInAHandshake(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		held := r.client(nil)
		r.do(func() {
			cfg := r.e.serverConfig(r.server)
			choose := cfg.GetCertificate
			cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if hello.ServerName == "b.example" {
					panic("deliberate")
				}
				return choose(hello)
			}
		})
		for range 3 {
			c := tls.Client(r.dial(), func() *tls.Config { c := testClientConfig(); c.ServerName = "b.example"; return c }())
			if err := c.Handshake(); err == nil {
				t.Fatal("it went well")
			}
		}
		echoes(t, held, []byte("held"))
		echoes(t, r.client(nil), []byte("new"))
		for _, err := range r.errs() {
			if p, ok := errors.AsType[*Panicked](err); !ok || p.Value != "deliberate" || !strings.Contains(p.Error(), "TestPanicInAHandshake") {
				t.Errorf("the error is %v", err)
			}
		}
		if n := len(r.errs()); n != 3 {
			t.Errorf("%d errors", n)
		}
	})
}

// slowKey signs when it is let.
type slowKey struct {
	crypto.Signer
	let   chan struct{}
	calls atomic.Int32
	panic bool
}

func (k *slowKey) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.calls.Add(1)
	if k.let != nil {
		<-k.let
	}
	if k.panic {
		panic("deliberate")
	}
	return k.Signer.Sign(r, digest, opts)
}

// slow gives a rig a certificate whose key takes its time.
func (r *rig) slow(k *slowKey) {
	cert := *testCerts()["rsa"]
	k.Signer = cert.PrivateKey.(crypto.Signer)
	cert.PrivateKey = k
	table := NewTable([]*tls.Certificate{testCerts()["ecdsa"], &cert})
	table.Default("a.example")
	r.server.Certificates = NewStore(table)
}

// workersFor starts workers that end behind the shard.
func (r *rig) workersFor(t *testing.T, n, shards int) {
	t.Helper()
	w, err := NewWorkers(n, shards)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	r.workers = w
}

// TestSlowSignatures serves others while handshakes wait for their signatures, ends
// some of them meanwhile, and refuses those that are too many.
func TestSlowSignatures(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		k := &slowKey{let: make(chan struct{})}
		r.slow(k)
		r.workersFor(t, 2, 1)
		r.start()
		const clients = signaturesMost + 20
		cfg := testClientConfig()
		cfg.ServerName = "rsa.example"
		var wg sync.WaitGroup
		var failed atomic.Int32
		for range clients {
			raw := r.dial()
			wg.Go(func() {
				c := tls.Client(raw, cfg)
				if err := c.Handshake(); err != nil {
					failed.Add(1)
					return
				}
				_, _ = c.Write([]byte("x"))
				if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
					failed.Add(1)
				}
			})
		}
		r.eventually("all wait", func() bool { return r.e.signing == signaturesMost && len(r.e.unsigned) == clients-signaturesMost })
		// Clients that have gone by the time their signature is made, or begun.
		hello := inRecords(helloOf(t, func(c *tls.Config) { c.ServerName = "rsa.example" }), recordContent)
		gone := r.dial()
		if _, err := gone.Write(hello); err != nil {
			t.Fatal(err)
		}
		r.eventually("one more waits", func() bool { return len(r.e.unsigned) == clients-signaturesMost+1 })
		_ = gone.SetLinger(0)
		_ = gone.Close()
		r.eventually("it has gone", func() bool { return r.s.Stats().Open == clients })
		// What comes meanwhile is kept.
		early := r.dial()
		if _, err := early.Write(append(hello[:len(hello):len(hello)], typeChangeCipherSpec, 3, 3, 0, 1, 1)); err != nil {
			t.Fatal(err)
		}
		// Others are served.
		echoes(t, r.client(nil), []byte("hello"))
		// And beyond the bound they are refused.
		r.do(func() {
			for len(r.e.unsigned) < unsignedMost {
				r.e.unsigned = append(r.e.unsigned, &job{gone: true})
			}
		})
		refused := tls.Client(r.dial(), cfg)
		if err := refused.Handshake(); err == nil {
			t.Error("it went well")
		}
		close(k.let)
		wg.Wait()
		if failed.Load() != 0 {
			t.Errorf("%d handshakes failed", failed.Load())
		}
		r.eventually("all is signed", func() bool { return r.e.signing == 0 && len(r.e.unsigned) == 0 })
		_ = early.Close()
		if errs := r.errs(); len(errs) != 1 || !strings.Contains(errs[0].Error(), errBusy.Error()) {
			t.Errorf("the errors are %v", errs)
		}
	})
}

// TestSignerPanics ends one handshake.
func TestSignerPanics(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.slow(&slowKey{panic: true})
		r.workersFor(t, 1, 1)
		r.start()
		cfg := testClientConfig()
		cfg.ServerName = "rsa.example"
		if err := tls.Client(r.dial(), cfg).Handshake(); err == nil {
			t.Error("it went well")
		}
		echoes(t, r.client(nil), []byte("hello"))
		if errs := r.errs(); len(errs) != 1 || !strings.Contains(errs[0].Error(), errPanicked.Error()) {
			t.Errorf("the errors are %v", errs)
		}
	})
}

// TestQuickKeys are those that sign on the shard.
func TestQuickKeys(t *testing.T) {
	for name, want := range map[string]bool{"ecdsa": true, "p384": false, "rsa": false} {
		if got := quick(testCerts()[name].PrivateKey.(crypto.Signer)); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestUnknownName is refused, with a ticket too, where there is no default.
func TestUnknownName(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		sessions := tls.NewLRUClientSessionCache(4)
		client := func(name string) error {
			c := tls.Client(r.dial(), &tls.Config{ServerName: name, InsecureSkipVerify: true, ClientSessionCache: sessions})
			if err := c.Handshake(); err != nil {
				return err
			}
			_, _ = c.Write([]byte("x"))
			_, err := c.Read(make([]byte, 1))
			return err
		}
		if err := client("unknown.example"); err != nil {
			t.Fatal(err)
		}
		table := NewTable([]*tls.Certificate{testCerts()["ecdsa"]})
		r.server.Certificates.Replace(table)
		for range 2 {
			if err := client("unknown.example"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
				t.Errorf("the error is %v", err)
			}
		}
		if err := client(""); err == nil {
			t.Error("a client that asks for no name is served")
		}
		said := `there is no certificate for the name "unknown.example"`
		for i, want := range []string{said, said, "there is no certificate for clients that ask for no name"} {
			if errs := r.errs(); len(errs) != 3 || errs[i].Error() != want {
				t.Errorf("refusals are explained by %q", errs)
			}
		}
	})
}

// TestTermsByName asks for certificates under one name and not under another: a ticket
// of the one is of no use under the other, and a request under the one name does not
// reach the other's host.
func TestTermsByName(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		roots := x509.NewCertPool()
		roots.AddCert(testCerts()["ecdsa"].Leaf)
		asked := r.server.Config.Clone()
		asked.ClientAuth, asked.ClientCAs = tls.RequireAndVerifyClientCert, roots
		names := &Names{Terms: []Terms{{Config: asked, Tag: []byte("asked")}}}
		names.Add("b.example", 0)
		r.server.Names = names
		r.start()
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			sessions := &oneSession{}
			client := func(name string, cert bool) error {
				cfg := testClientConfig()
				cfg.ServerName, cfg.MaxVersion, cfg.ClientSessionCache = name, version, sessions
				if cert {
					cfg.Certificates = []tls.Certificate{*testCerts()["ecdsa"]}
				}
				c := tls.Client(r.dial(), cfg)
				defer c.Close()
				if _, err := c.Write([]byte("x")); err != nil {
					return err
				}
				if _, err := c.Read(make([]byte, 1)); err != nil {
					return err
				}
				r.do(func() {
					x := r.only()
					if has := x.Peer() != nil; has != (name == "b.example") {
						t.Errorf("%x: %s has a certificate: %t", version, name, has)
					}
					if other := map[string]string{"a.example": "b.example", "b.example": "a.example"}[name]; x.Covers([]byte(other)) || !x.Covers([]byte(name)) {
						t.Errorf("%x: a connection to %s covers %s", version, name, other)
					}
				})
				want := sessions.used && sessions.last == name
				if got := c.ConnectionState().DidResume; got != want {
					t.Errorf("%x: resumed %t under %s, the ticket is of %s", version, got, name, sessions.last)
				}
				sessions.last, sessions.used = name, true
				_ = c.Close()
				r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
				return nil
			}
			if err := client("b.example", false); err == nil {
				t.Errorf("%x: without a certificate it went well", version)
			}
			r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
			for _, name := range []string{"a.example", "a.example", "b.example", "b.example", "a.example"} {
				if err := client(name, true); err != nil {
					t.Fatalf("%x: %s: %v", version, name, err)
				}
			}
			if err := client("b.example", false); err == nil {
				t.Errorf("%x: with a ticket of another name it went well", version)
			}
			r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
		}
	})
}

// oneSession is a cache that offers the last session whatever the name.
type oneSession struct {
	mu    sync.Mutex
	state *tls.ClientSessionState
	last  string
	used  bool
}

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, o.state != nil
}

func (o *oneSession) Put(_ string, s *tls.ClientSessionState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s != nil {
		o.state = s
	}
}

// TestTicketKeysAreReplaced has a ticket last for as long as its key is in the list.
func TestTicketKeysAreReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			r.server.Tickets.Replace([][32]byte{{1}, {2}})
			sessions := tls.NewLRUClientSessionCache(4)
			resumed := func() bool {
				c := r.client(func(cfg *tls.Config) { cfg.MaxVersion, cfg.ClientSessionCache = version, sessions })
				echoes(t, c, []byte("x"))
				return c.ConnectionState().DidResume
			}
			steps := []struct {
				keys [][32]byte
				want bool
			}{
				{[][32]byte{{1}, {2}}, false},
				{[][32]byte{{1}, {2}}, true},
				{[][32]byte{{3}, {1}}, true}, // it is renewed
				{[][32]byte{{4}, {3}}, true},
				{[][32]byte{{6}, {5}}, false},
			}
			for i, s := range steps {
				r.server.Tickets.Replace(s.keys)
				if got := resumed(); got != s.want {
					t.Errorf("%x: step %d: resumed %t", version, i, got)
				}
			}
		}
	})
}

// TestKeyLog writes what others need to read along.
func TestKeyLog(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		var log, client lockedBuffer
		r.server.KeyLog = &log
		r.start()
		c := r.client(func(cfg *tls.Config) { cfg.KeyLogWriter = &client })
		echoes(t, c, []byte("x"))
		if log.String() != client.String() || !strings.Contains(log.String(), "CLIENT_TRAFFIC_SECRET_0 ") {
			t.Errorf("the server's log is\n%s, the client's\n%s", log.String(), client.String())
		}
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestHandshakeRecordsInTheClear are refused behind a handshake of TLS 1.2.
func TestHandshakeRecordsInTheClear(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		raw := r.dial()
		cfg := testClientConfig()
		cfg.MaxVersion = tls.VersionTLS12
		c := tls.Client(raw, cfg)
		echoes(t, c, []byte("x"))
		if _, err := raw.Write(append([]byte{typeHandshake, 3, 3, 0, 40, 1, 0, 0, 36}, make([]byte, 36)...)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestLongTicket is one that may take more than one record: then crypto/tls goes on
// making them.
func TestLongTicket(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.server.Tag = pattern(ticketMost)
		r.start()
		sessions := tls.NewLRUClientSessionCache(1)
		for _, resumed := range []bool{false, true} {
			c := r.client(func(cfg *tls.Config) { cfg.ClientSessionCache = sessions })
			echoes(t, c, pattern(50_000))
			if got := c.ConnectionState().DidResume; got != resumed {
				t.Errorf("resumed %t", got)
			}
			r.do(func() {
				if p := r.only().phase; p != phaseStd {
					t.Errorf("the phase is %d", p)
				}
			})
			_ = c.Close()
			r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
		}
	})
}
