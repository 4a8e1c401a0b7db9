package tlsedge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// TestVerificationByWorkers of a chain, and not of a session that is resumed.
func TestVerificationByWorkers(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.workersFor(t, 1, 1)
		r.start()
		addr := upstreamOf(t, nil)
		good := testUpstreamClient(nil)
		for round := range 3 {
			u := r.connect(addr, good, "hello\n")
			r.eventually("it is echoed", func() bool { return strings.HasSuffix(u.got.String(), "hello\n") })
			r.do(func() {
				if st := r.e.Stats(); st.Verifications != 1 || st.Resumed != uint64(round) {
					t.Errorf("%d verifications, %d resumed", st.Verifications, st.Resumed)
				}
				r.s.Abort(u.name)
			})
		}
		bad := testUpstreamClient(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() })
		u := r.connect(addr, bad, "hello\n")
		r.eventually("it ends", func() bool { return r.s.Stats().Open == 0 })
		errs := r.errs()
		if len(errs) != 1 || CauseOf(errs[0]) != CauseCertificate || u.got.Len() > 0 {
			t.Errorf("%v, received %q", errs, u.got.String())
		}
		r.do(func() {
			if st := r.e.Stats(); st.Verifications != 2 {
				t.Errorf("%d verifications", st.Verifications)
			}
		})
	})
}

// TestVerificationThatNobodyWaitsFor ends without harm.
func TestVerificationThatNobodyWaitsFor(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.workersFor(t, 1, 1)
		r.start()
		addr := upstreamOf(t, nil)
		for range 20 {
			u := r.connect(addr, testUpstreamClient(nil), "hello\n")
			r.eventually("its turn has come", func() bool { return u.conn.phase > phaseHello })
			r.do(func() { r.s.Abort(u.name) })
		}
		r.eventually("the workers are done", func() bool { return r.e.signing == 0 && r.s.Stats().Open == 0 })
	})
}

// TestSessionEndsWithItsChain is about the certificates between the root and the
// server's own, which crypto/tls is not told of.
func TestSessionEndsWithItsChain(t *testing.T) {
	now := time.Now()
	s := &clientState{own: &tls.Config{Time: func() time.Time { return now }}}
	session := new(tls.ClientSessionState)
	s.until = end([][]*x509.Certificate{
		{{NotAfter: now.Add(time.Hour)}, {NotAfter: now.Add(time.Minute)}},
		{{NotAfter: now.Add(time.Second)}},
	})
	s.Put("a", session)
	if got, ok := s.Get("a"); !ok || got != session {
		t.Error("there is no session")
	}
	now = now.Add(59 * time.Second)
	if _, ok := s.Get("a"); !ok {
		t.Error("it ends with the shortest-lived chain")
	}
	now = now.Add(2 * time.Second)
	if _, ok := s.Get("a"); ok || s.session != nil {
		t.Error("it does not end")
	}
}

// TestExplain says the same of the same cause, and what it is.
func TestExplain(t *testing.T) {
	root := certtest.NewAuthority("Some authority")
	valid := root.Server("P-256", []string{"a.example", "192.0.2.1"})
	untrusted := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	remote := func(alert tls.AlertError) error { return &net.OpError{Op: "remote error", Err: alert} }
	for _, c := range []struct {
		err     error
		cause   Cause
		refused bool
		want    string
	}{
		{untrusted(x509.UnknownAuthorityError{Cert: valid.Cert}), CauseCertificate, false, `its certificate is issued by "Some authority", whom nobody known vouches for`},
		{untrusted(x509.UnknownAuthorityError{}), CauseCertificate, false, "its certificate is issued by somebody, whom nobody known vouches for"},
		{untrusted(x509.HostnameError{Certificate: valid.Cert, Host: "b.example"}), CauseCertificate, false, "its certificate is for a.example, 192.0.2.1, not for b.example"},
		{untrusted(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "b.example"}), CauseCertificate, false, "its certificate is for no host, not for b.example"},
		{
			untrusted(x509.CertificateInvalidError{Cert: valid.Cert, Reason: x509.Expired, Detail: "current time " + time.Now().String()}), CauseCertificate, false,
			fmt.Sprintf("the certificate of %q is valid from %s to %s", "a.example", day(valid.Cert.NotBefore), day(valid.Cert.NotAfter)),
		},
		{untrusted(x509.CertificateInvalidError{Cert: valid.Cert, Reason: x509.NotAuthorizedToSign}), CauseCertificate, false, "certificate is not authorized to sign other certificates"},
		{remote(116), CauseHandshake, true, "it refuses the handshake: certificate required"},
		{remote(48), CauseHandshake, true, "it refuses the handshake: unknown certificate authority"},
		{remote(40), CauseHandshake, false, "it refuses the handshake: handshake failure"},
		{remote(80), CauseHandshake, false, "it refuses the handshake: internal error"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, CauseHandshake, false, "it does not speak TLS"},
		{nil, CauseHandshake, false, "it has closed the connection in the middle of the handshake"},
		{io.EOF, CauseHandshake, false, "it has closed the connection in the middle of the handshake"},
		{errors.New("tls: server selected unsupported protocol version 301"), CauseHandshake, false, "server selected unsupported protocol version 301"},
		{errBusy, CauseBusy, false, "too many handshakes wait for workers"},
		{errNoBuffers, CauseBuffers, false, "the shard has no buffer left"},
	} {
		if got := Explain(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
		if cause, refused := CauseOf(c.err), RefusesUs(c.err); cause != c.cause || refused != c.refused {
			t.Errorf("%v: cause %d, refuses us %t", c.err, cause, refused)
		}
	}
}

// TestNobodyIsTrustedWithoutAName is about configurations that crypto/tls would refuse.
func TestNobodyIsTrustedWithoutAName(t *testing.T) {
	cert := testCerts()["ecdsa"].Leaf
	e := &Edge{clients: make(map[*Client]*clientState)}
	for _, c := range []struct {
		name  string
		state tls.ConnectionState
		good  bool
	}{
		{"", tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, false},
		{"a.example", tls.ConnectionState{}, false},
		{"a.example", tls.ConnectionState{DidResume: true}, false},
		{"c.example", tls.ConnectionState{DidResume: true, PeerCertificates: []*x509.Certificate{cert}}, false},
		{"a.example", tls.ConnectionState{DidResume: true, PeerCertificates: []*x509.Certificate{cert}}, true},
		{"a.example", tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, true},
	} {
		cfg := testClientConfig()
		cfg.ServerName = c.name
		own := e.clientConfig(&Client{Config: cfg})
		if err := own.VerifyConnection(c.state); (err == nil) != c.good {
			t.Errorf("%q, %+v: %v", c.name, c.state.DidResume, err)
		}
		if cfg.InsecureSkipVerify {
			t.Error("the Client's own configuration was changed")
		}
	}
}

// BenchmarkVerification is what Workers take off a shard.
func BenchmarkVerification(b *testing.B) {
	for _, chain := range []struct {
		name string
		make func() (*certtest.Issued, *certtest.Authority)
	}{
		{"leaf", func() (*certtest.Issued, *certtest.Authority) {
			root := certtest.NewAuthority("root")
			return root.Server("P-256", []string{"a.example"}), root
		}},
		{"intermediate", func() (*certtest.Issued, *certtest.Authority) {
			root := certtest.NewAuthority("root")
			return root.Authority("middle").Server("P-256", []string{"a.example"}), root
		}},
	} {
		b.Run(chain.name, func(b *testing.B) {
			issued, root := chain.make()
			o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), DNSName: "a.example"}
			o.Roots.AddCert(root.Cert)
			o.Intermediates.AppendCertsFromPEM(issued.Chain)
			for b.Loop() {
				v := verification{leaf: issued.Cert, options: o}
				if err := v.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestUpstreamAllocatesLittle counts the allocations of the whole process while lines go
// to an upstream and come back: crypto/tls makes one of 24 bytes for each record that it
// opens, on either side, and there is nothing else.
func TestUpstreamAllocatesLittle(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		u := r.connect(upstreamOf(t, nil), testUpstreamClient(nil), "begin\n")
		r.eventually("it is echoed", func() bool { return strings.HasSuffix(u.got.String(), "begin\n") })
		const lines = 5000
		line := []byte(strings.Repeat("x", 99) + "\n")
		left, got := lines, 0
		var before, after runtime.MemStats
		done := make(chan struct{})
		r.received = func(c engine.Conn, p []byte) {
			if got += len(p); got < len(line) {
				return
			}
			got = 0
			switch left--; left {
			case lines - 200:
				runtime.ReadMemStats(&before)
			case 0:
				runtime.ReadMemStats(&after)
				close(done)
				return
			}
			r.s.Append(c, line)
		}
		r.do(func() { r.s.Append(u.name, line) })
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("the lines do not come back")
		}
		if n := after.Mallocs - before.Mallocs; n > 2*lines+lines/20 {
			t.Errorf("%d allocations for %d lines", n, lines-200)
		}
		r.do(func() { r.s.Abort(u.name) })
	})
}
