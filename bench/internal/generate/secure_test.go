package generate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// secureServer serves /fixed over TLS 1.3 and counts its connections and those of them that were resumed.
type secureServer struct {
	address              string
	connections, resumed atomic.Int64
}

func newSecureServer(t *testing.T, tickets bool) *secureServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"bench.example"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &secureServer{address: listener.Addr().String()}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.connections.Add(1)
			if r.TLS.DidResume {
				s.resumed.Add(1)
			}
			fmt.Fprint(w, "OK")
		}),
		TLSConfig: &tls.Config{
			Certificates:           []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}},
			SessionTicketsDisabled: !tickets,
		},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func closing() Request {
	return Request{Head: Head("GET", "/fixed", "Connection: close"), Status: 200, Length: 2, Close: true}
}

func securePlan(s *secureServer, secure Secure, request Request) Plan {
	secure.Name = "bench.example"
	return Plan{Address: s.address, Connections: 3, Duration: 200 * time.Millisecond, Requests: []Request{request}, Secure: &secure}
}

func TestHandshakes(t *testing.T) {
	tests := []struct {
		name   string
		secure Secure
	}{
		{"full", Secure{Group: tls.X25519}},
		{"resumed", Secure{Group: tls.X25519, Resume: true}},
		{"post-quantum", Secure{Group: tls.X25519MLKEM768}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSecureServer(t, true)
			result, err := Run(securePlan(s, test.secure, closing()))
			if err != nil {
				t.Fatal(err)
			}
			if result.Requests == 0 || result.Failures.Sum() != 0 || result.Ended != 0 {
				t.Errorf("result %+v", result)
			}
			// Each client gets its first ticket from a connection that is not counted.
			full, resumed := result.Requests, int64(0)
			if test.secure.Resume {
				full, resumed = 3, result.Requests
			}
			if got := s.connections.Load(); got != full+resumed || s.resumed.Load() != resumed {
				t.Errorf("%d connections, %d resumed, for %d requests", got, s.resumed.Load(), result.Requests)
			}
		})
	}
}

func TestKeepAliveOverTLS(t *testing.T) {
	s := newSecureServer(t, true)
	result, err := Run(securePlan(s, Secure{Group: tls.X25519}, fixed()))
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests < 4 || result.Failures.Sum() != 0 || result.Ended != 0 {
		t.Errorf("result %+v", result)
	}
}

func TestAnotherHandshakeIsAFailure(t *testing.T) {
	t.Run("not resumed", func(t *testing.T) {
		_, err := Run(securePlan(newSecureServer(t, false), Secure{Group: tls.X25519, Resume: true}, closing()))
		if !errors.Is(err, errNegotiated) || !strings.Contains(err.Error(), "resumed is false, not true") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("plain", func(t *testing.T) {
		plan := Plan{Address: testServer(t, 0), Connections: 1, Duration: 50 * time.Millisecond, Requests: []Request{fixed()}, Secure: &Secure{Group: tls.X25519}}
		if _, err := Run(plan); err == nil || !strings.Contains(err.Error(), "handshake") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("open loop", func(t *testing.T) {
		plan := securePlan(newSecureServer(t, true), Secure{Group: tls.X25519}, fixed())
		plan.Rate = 10
		if _, err := Run(plan); err == nil || !strings.Contains(err.Error(), "closed loop") {
			t.Errorf("error %v", err)
		}
	})
}

func TestIdleOverTLS(t *testing.T) {
	s := newSecureServer(t, true)
	idle, err := OpenIdle(s.address, 20, fixed(), &Secure{Name: "bench.example", Group: tls.X25519})
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if alive := idle.Alive(); alive != 20 {
		t.Errorf("%d of 20 connections are alive", alive)
	}
}

func TestExchange(t *testing.T) {
	s := newSecureServer(t, true)
	secure := &Secure{Name: "bench.example", Group: tls.X25519}
	if length, err := Exchange(s.address, fixed(), secure); err != nil || length != 2 {
		t.Errorf("%d bytes, %v", length, err)
	}
	coded := fixed()
	coded.Coded = true
	if _, err := Exchange(s.address, coded, secure); !errors.Is(err, ErrWrong) {
		t.Errorf("an answer without a coding was accepted: %v", err)
	}
}
