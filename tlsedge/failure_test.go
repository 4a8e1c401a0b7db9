package tlsedge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// TestFailureCodes has crypto/tls fail in the ways that its own clients can cause: what its errors say decides, and a Go
// release may say it in other words.
func TestFailureCodes(t *testing.T) {
	root := certtest.NewAuthority("AnyGate test root")
	pair := root.Server("P-256", []string{"a.example"})
	server := func(change func(c *tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: []tls.Certificate{*pair.TLS()}, NextProtos: []string{"http/1.1"}}
		if change != nil {
			change(c)
		}
		return c
	}
	for _, tt := range []struct {
		name   string
		server func(c *tls.Config)
		client func(c *tls.Config)
		want   string
	}{
		{"version", func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, failureVersion},
		{
			"cipher suite", func(c *tls.Config) {
				c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
			},
			func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256} }, failureCipher,
		},
		{
			"group", func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
			func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} }, failureGroup,
		},
		{"ALPN", nil, func(c *tls.Config) { c.NextProtos = []string{"imap"} }, failureProtocol},
		{"no certificate of the client", func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, nil, failureCertificate},
		{"alert", nil, func(c *tls.Config) { c.InsecureSkipVerify = false }, failureAlert},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			b, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			a, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			cfg := &tls.Config{InsecureSkipVerify: true, ServerName: "a.example"}
			if tt.client != nil {
				tt.client(cfg)
			}
			go func() {
				defer b.Close()
				if tls.Client(b, cfg).Handshake() == nil {
					_, _ = io.Copy(io.Discard, b)
				}
			}()
			err = tls.Server(a, server(tt.server)).Handshake()
			a.Close()
			if err == nil {
				t.Fatal("the handshake succeeds")
			}
			if got := FailureCode(err); got != tt.want {
				t.Errorf("%q is sorted as %s, not %s", err, got, tt.want)
			}
		})
	}
	for err, want := range map[error]string{
		errHTTP: failureHTTP, errNoTLS: failureNoTLS, errLongHello: failureHello, errBusy: failureBusy, errNoBuffers: failureBuffers,
		io.ErrUnexpectedEOF: failureClosed, errors.New("something else"): failureRest, fmt.Errorf("signing: %w", errBusy): failureBusy,
		nameRefused(""): failureName, nameRefused("no cipher suite"): failureName,
		&Panicked{}: failureInternal, &tls.CertificateVerificationError{Err: errors.New("expired")}: failureCertificate,
	} {
		if got := FailureCode(err); got != want {
			t.Errorf("%q is sorted as %s, not %s", err, got, want)
		}
	}
}
