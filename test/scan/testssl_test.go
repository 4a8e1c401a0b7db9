package scan

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

func TestMain(m *testing.M) {
	remove, err := product.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}

// checks are those of testssl.sh that are about TLS, in processes of their own that run at the same time: protocols and
// ciphers, forward secrecy and preferences, certificates, vulnerabilities. The rest is about content, or compares clients.
var checks = [][]string{{"-p", "-s"}, {"-f", "-P"}, {"-S"}, {"-U"}}

func TestTestssl(t *testing.T) {
	for _, profile := range []string{"intermediate", "modern"} {
		t.Run(profile, func(t *testing.T) {
			dir := t.TempDir()
			root := certtest.NewAuthority("AnyGate test root")
			// Nobody asks there; that a certificate has neither a list nor a responder counts as a finding.
			status := func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://127.0.0.1:1/list"} }
			middle := root.Authority("AnyGate test authority")
			hosts := []string{"localhost", "127.0.0.1"}
			ec, rsa := middle.Server("P-256", hosts, status), middle.Server("RSA-2048", hosts, status)
			for name, data := range map[string][]byte{"ec.pem": ec.Chain, "ec.key": ec.KeyPEM, "rsa.pem": rsa.Chain, "rsa.key": rsa.KeyPEM, "root.pem": root.PEM()} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := product.Start(t, product.Config{Engine: "auto", Dir: dir, Listen: `"127.0.0.1:0 tls"`, Text: `
tls:
  certificates: [{cert: ec.pem, key: ec.key}, {cert: rsa.pem, key: rsa.key}]
  profile: ` + profile + `
  hsts: 1y
routes: {/: OK}
`})
			_, port, err := net.SplitHostPort(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Run("checks", func(t *testing.T) {
				for _, list := range checks {
					if profile == "modern" {
						if list[0] != "-p" {
							continue // the rest is the same, or asks by TLS 1.2
						}
						list = list[:1]
					}
					t.Run(list[0], func(t *testing.T) {
						t.Parallel()
						findings := peer.Testssl(t, "127.0.0.1", "localhost:"+port, filepath.Join(dir, "root.pem"), list...)
						if len(findings) < 10 {
							t.Errorf("testssl has little to say: %+v", findings)
						}
						seen := map[string]string{}
						for _, f := range findings {
							seen[f.ID] = f.Severity + " " + f.Finding
							if f.Bad() {
								t.Errorf("%s %s: %s", f.Severity, f.ID, f.Finding)
							}
						}
						if list[0] == "-p" {
							if want := map[string]string{"intermediate": "OK offered", "modern": "INFO not offered"}[profile]; seen["TLS1_2"] != want || seen["TLS1_3"] != "OK offered with final" {
								t.Errorf("TLS 1.2 is %q, TLS 1.3 %q", seen["TLS1_2"], seen["TLS1_3"])
							}
						}
					})
				}
			})
			s.Stop(t)
		})
	}
}
