package trial

import (
	"crypto/tls"
	"slices"
	"testing"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

// nginxTrial prepares a trial of nginx, which can do what the floor cannot.
func nginxTrial(t *testing.T, ask Ask) *Trial {
	t.Helper()
	trial := testTrial(t)
	all := peers.Default()
	trial.Peer = all[slices.Index(peers.Names(all), "nginx")]
	program, err := trial.Peer.Find(t.Context(), peers.Workshop{})
	if err != nil {
		t.Fatal(err)
	}
	trial.Program, trial.Ask = program, ask
	return trial
}

func TestHandshakesOfNginx(t *testing.T) {
	server, err := nginxTrial(t, Ask{
		Path: "/fixed", Closing: true, Key: ECDSA, Secure: &generate.Secure{Name: serverName, Group: tls.X25519, Resume: true},
		Request: generate.Request{Head: generate.Head("GET", "/fixed", "Connection: close"), Status: 200, Length: 2, Close: true},
	}).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	sample, err := server.Handshakes(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	each := sample.Figures[report.CPU]
	if each <= 0 || sample.Figures[report.PerCore] != 1e6/each {
		t.Errorf("%v microseconds for a connection, %v for each processor and second", each, sample.Figures[report.PerCore])
	}
	if sample.Failures.Sum() != 0 || len(sample.Faults) != 0 {
		t.Errorf("failures %s, faults %v", sample.Failures, sample.Faults)
	}
}

func TestCodedFormOfNginx(t *testing.T) {
	server, err := nginxTrial(t, AskCoded(PrecompressedPath, FormSize)).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if server.content != FormSize {
		t.Errorf("the coded form has %d bytes", server.content)
	}
	sample, err := server.Coded(t.Context(), load.Wrk{Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	if sample.Figures[report.PlainCPU] <= 0 || sample.Figures[report.OfPlain] <= 0 {
		t.Errorf("figures %v", sample.Figures)
	}
	if sample.Failures.Sum() != 0 || len(sample.Faults) != 0 {
		t.Errorf("failures %s, faults %v", sample.Failures, sample.Faults)
	}
}
