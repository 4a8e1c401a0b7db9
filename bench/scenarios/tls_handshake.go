package scenarios

import (
	"context"
	"crypto/tls"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// handshaking is how many connections are under way at once.
const handshaking = 8

// handshake is a connection with its handshake, a fixed answer and its end. The rest of a scenario is its caller's.
func handshake(name string, key trial.Key, secure generate.Secure) *Scenario {
	secure.Name = "bench.example"
	return &Scenario{
		Name:  name,
		Needs: peers.Fixed | peers.Closing | peers.TLS,
		Ask: trial.Ask{Path: "/fixed", Closing: true, Key: key, Secure: &secure, Request: generate.Request{
			Head: generate.Head("GET", "/fixed", "Connection: close"), Status: 200, Length: 2, Close: true,
		}},
		Lead:    report.CPU,
		Columns: []report.Metric{report.PerCore, report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others, report.PSS},
		Run: func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
			server, err := t.Start(ctx)
			if err != nil {
				return report.Sample{}, err
			}
			defer server.Stop()
			return server.Handshakes(ctx, handshaking)
		},
	}
}

func fullHandshake() *Scenario {
	s := handshake("tls-handshake", trial.ECDSA, generate.Secure{Group: tls.X25519})
	s.Title = "A full TLS 1.3 handshake for each request, ECDSA P-256 and X25519"
	s.About = "Connect, handshake, one fixed answer, close, eight at a time. Clients take tickets and never come back with one. The generator, crypto/tls, is the limit; the cost per connection says what a processor could do."
	return s
}

func resumedHandshake() *Scenario {
	s := handshake("tls-handshake-resumed", trial.ECDSA, generate.Secure{Group: tls.X25519, Resume: true})
	s.Title = "A resumed TLS 1.3 handshake for each request, X25519"
	s.About = "The same by clients that come back with the ticket of their last connection; one that is not resumed is a failure."
	return s
}

func rsaHandshake() *Scenario {
	s := handshake("tls-handshake-rsa", trial.RSA, generate.Secure{Group: tls.X25519})
	s.Title = "A full TLS 1.3 handshake for each request, RSA-2048 and X25519"
	s.About = "The same with a signature that costs dozens of times as much."
	return s
}

func postQuantumHandshake() *Scenario {
	s := handshake("tls-handshake-mlkem", trial.ECDSA, generate.Secure{Group: tls.X25519MLKEM768})
	s.Title = "A full TLS 1.3 handshake for each request, ECDSA P-256 and X25519MLKEM768"
	s.About = "The same with the key exchange that browsers offer first. OpenSSL has it from 3.5 on: servers that are linked with an older one, nginx among them, have no row."
	s.Needs |= peers.PostQuantum
	return s
}
