package tlsedge

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/anygate/anygate/engine"
)

// splitter writes what it is given in pieces of at most so many bytes.
type splitter struct {
	*net.TCPConn
	most int
	rng  *rand.Rand
}

func (s *splitter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		k := min(len(p)-n, 1+s.rng.IntN(s.most))
		k, err = s.TCPConn.Write(p[n : n+k])
		n += k
	}
	return n, err
}

// echoes sends content and expects it back.
func echoes(t *testing.T, c io.ReadWriter, want []byte) {
	t.Helper()
	errs := make(chan error, 1)
	go func() {
		_, err := c.Write(want)
		errs <- err
	}()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("it comes back as something else")
	}
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
}

// TestEcho goes through versions, ciphers, keys and groups, with the client's bytes cut
// in pieces, and comes back with a ticket.
func TestEcho(t *testing.T) {
	cases := []struct {
		name    string
		client  func(*tls.Config)
		server  func(*tls.Config)
		version uint16
		layer   bool
		std     bool // all records by crypto/tls
	}{
		{name: "TLS 1.3", version: tls.VersionTLS13, layer: true},
		{name: "TLS 1.3, records by crypto/tls", version: tls.VersionTLS13, std: true},
		{name: "RSA", version: tls.VersionTLS13, layer: true, client: func(c *tls.Config) { c.ServerName = "rsa.example" }},
		{name: "P-384", version: tls.VersionTLS13, layer: true, client: func(c *tls.Config) { c.ServerName = "p384.example" }},
		{name: "X25519", version: tls.VersionTLS13, layer: true, client: func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }},
		{name: "HelloRetryRequest", version: tls.VersionTLS13, layer: true, server: func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} }},
		{name: "TLS 1.2", version: tls.VersionTLS12, client: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		{name: "TLS 1.2, RSA", version: tls.VersionTLS12, client: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12; c.ServerName = "rsa.example" }},
		{name: "TLS 1.2, CBC", version: tls.VersionTLS12, client: func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		}, server: func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA} }},
		{name: "TLS 1.2, ChaCha20", version: tls.VersionTLS12, client: func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
		}},
	}
	onBoth(t, func(t *testing.T, r *rig) {
		w, err := NewWorkers(2, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close) // behind the shard's end
		r.workers = w
		r.start()
		want := pattern(300_000)
		for _, tc := range cases {
			for _, most := range []int{1 << 20, 1000, 1} {
				t.Run(fmt.Sprintf("%s/%d", tc.name, most), func(t *testing.T) {
					server := testServer(t)
					if tc.server != nil {
						tc.server(server.Config)
					}
					r.do(func() { r.server, r.e.plainStd = server, tc.std })
					cfg := testClientConfig()
					cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
					if tc.client != nil {
						tc.client(cfg)
					}
					content := want
					if most == 1 {
						content = want[:3000]
					}
					for round := range 2 {
						raw := r.dial()
						_ = raw.SetNoDelay(true)
						c := tls.Client(&splitter{TCPConn: raw, most: most, rng: rand.New(rand.NewPCG(1, uint64(most)))}, cfg)
						echoes(t, c, content)
						st := c.ConnectionState()
						if st.Version != tc.version || st.DidResume != (round == 1) || st.NegotiatedProtocol != "http/1.1" {
							t.Fatalf("version %x, resumed %t, protocol %q", st.Version, st.DidResume, st.NegotiatedProtocol)
						}
						r.do(func() {
							x := r.only()
							if got := x.State(); got.Version != tc.version || got.Resumed != (round == 1) || x.Protocol() != "http/1.1" || x.ServerName() != cfg.ServerName {
								t.Errorf("the server's state is %+v", got)
							}
							if layer := x.phase == phaseLayer; layer != tc.layer {
								t.Errorf("the records are made here: %t", layer)
							}
							if x.flight != nil || x.layer.suite != nil && (x.tr != nil || x.tc != nil) {
								t.Error("something of the handshake is kept")
							}
						})
						if err := c.CloseWrite(); err != nil {
							t.Fatal(err)
						}
						if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
							t.Fatalf("the stream ends with %d bytes and %v", n, err)
						}
						_ = c.Close()
						r.eventually("the connection is gone", func() bool { return r.s.Stats().Open == 0 })
					}
					r.do(func() {
						if st := r.s.Stats(); st.SmallInUse+st.LargeInUse > 512 {
							t.Errorf("buffers are left: %+v", st)
						}
					})
				})
			}
		}
		if errs := r.errs(); len(errs) != 0 {
			t.Errorf("errors: %v", errs)
		}
	})
}

// TestHalfClose has the client end its side first, and read the answer then.
func TestHalfClose(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		content := pattern(1 << 20)
		r.received = func(engine.Conn, []byte) {}
		r.eof = func(c engine.Conn) {
			if !r.e.Of(c).Ended() {
				t.Error("the closing words were not heard")
			}
			r.s.Append(c, content)
			r.s.Close(c)
		}
		r.start()
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			c := r.client(func(cfg *tls.Config) { cfg.MaxVersion = version })
			if _, err := c.Write([]byte("all")); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		}
	})
}
