package integration

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// secured is a product on a TLS port, with what curl needs to find it under names.
type secured struct {
	*product.Server
	k    *pki
	port string
	base []string
}

func secure(t *testing.T, k *pki, c product.Config) secured {
	t.Helper()
	c.Dir = k.dir
	if c.Listen == "" {
		c.Listen = `"127.0.0.1:0 tls"`
	}
	s := secured{Server: product.Start(t, c), k: k, base: []string{"--cacert", k.path("root.pem")}}
	var err error
	if _, s.port, err = net.SplitHostPort(s.Addr); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"test.local", "admin.local"} {
		s.base = append(s.base, "--resolve", name+":"+s.port+":127.0.0.1")
	}
	return s
}

func (s secured) on(name, path string) string { return "https://" + name + ":" + s.port + path }

func (s secured) curl(t *testing.T, args ...string) peer.Answer {
	t.Helper()
	return peer.Curl(t, append(args, s.base...)...)
}

// trusting is the TLS of a client that trusts the authority.
func (s secured) trusting() *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.k.root.PEM())
	return &tls.Config{RootCAs: pool}
}

// goClient is a client of Go's that speaks one version.
func (s secured) goClient(t *testing.T, h2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: s.trusting(), Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP1(!h2)
	tr.Protocols.SetHTTP2(h2)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}
