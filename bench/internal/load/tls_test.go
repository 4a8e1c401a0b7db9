package load

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// hellos serves every request over TLS and returns the address, and a channel with what clients offer.
func hellos(t *testing.T) (string, <-chan *tls.ClientHelloInfo) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan *tls.ClientHelloInfo, 1)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}},
			GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				select {
				case seen <- hello:
				default:
				}
				return nil, nil
			},
		},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String(), seen
}

// TestOneOffer asks wrk and h2load themselves: a server must have no choice.
func TestOneOffer(t *testing.T) {
	tests := []struct {
		name string
		run  func(address string) (Result, error)
	}{
		{"wrk", func(address string) (Result, error) {
			return (&Wrk{Address: address, Path: "/", Connections: 1, Duration: time.Second, TLS: true, Scratch: t.TempDir()}).Run(t.Context())
		}},
		{"h2load", func(address string) (Result, error) {
			return (&H2load{Address: address, Path: "/", Connections: 1, Duration: time.Second, TLS: true, H2: true}).Run(t.Context())
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address, seen := hellos(t)
			result, err := test.run(address)
			if err != nil {
				t.Fatal(err)
			}
			if result.Requests == 0 || result.Failures.Sum() != 0 {
				t.Errorf("result %+v", result)
			}
			hello := <-seen
			// The signalling suite of RFC 5746 is no cipher suite.
			suites := slices.DeleteFunc(hello.CipherSuites, func(suite uint16) bool { return suite == 0x00ff })
			if !slices.Contains(suites, tls.TLS_AES_128_GCM_SHA256) || slices.Contains(suites, tls.TLS_AES_256_GCM_SHA384) ||
				slices.Contains(suites, tls.TLS_CHACHA20_POLY1305_SHA256) {
				t.Errorf("suites %x", suites)
			}
			if !slices.Equal(hello.SupportedCurves, []tls.CurveID{tls.X25519}) {
				t.Errorf("groups %v", hello.SupportedCurves)
			}
			if !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
				t.Errorf("versions %x", hello.SupportedVersions)
			}
		})
	}
}

func TestNegotiated(t *testing.T) {
	const output = "TLS Protocol: TLSv1.3\nCipher: TLS_AES_128_GCM_SHA256\nServer Temp Key: X25519 253 bits\nApplication protocol: h2\n"
	h2load := &H2load{H2: true, TLS: true}
	if err := h2load.negotiated("starting benchmark...\n" + output); err != nil {
		t.Error(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(output), "\n") {
		if err := h2load.negotiated("starting benchmark...\n" + strings.Replace(output, line, "Other: thing", 1)); err == nil {
			t.Errorf("a run without %q was accepted", line)
		}
	}
}
