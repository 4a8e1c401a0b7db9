package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

func poolOf(list ...*certtest.Authority) *x509.CertPool {
	p := x509.NewCertPool()
	for _, a := range list {
		p.AddCert(a.Cert)
	}
	return p
}

// shown is the serial number of the certificate that a name is shown.
func shown(t *testing.T, s *Set, name string) string {
	t.Helper()
	state, err := shake(&tls.Config{InsecureSkipVerify: true, ServerName: name}, serverConfig(s))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return state.PeerCertificates[0].SerialNumber.String()
}

func serial(i *certtest.Issued) string { return i.Cert.SerialNumber.String() }

// look looks twice, as a change counts when it has been there for two looks.
func look(s *Set) {
	s.Look()
	s.Look()
}

// TestReplace replaces certificates in every way that programs have of writing files.
func TestReplace(t *testing.T) {
	w := newWorld(t)
	host := []string{"a.example"}
	first := root.Server("P-256", host)
	s := w.open(&config.TLS{Certificates: []config.Certificate{w.pair("a", first)}})
	if got := shown(t, s, "a.example"); got != serial(first) {
		t.Fatalf("the certificate %s is shown", got)
	}
	look(s)
	if said := w.heard(); said != "" {
		t.Errorf("without a change: %s", said)
	}

	renamed := root.Server("P-256", host)
	w.put("a.key", renamed.KeyPEM)
	w.put("a.pem", renamed.Chain)
	s.Look()
	if got := shown(t, s, "a.example"); got != serial(first) {
		t.Error("a change counts at the first look")
	}
	s.Look()
	if got := shown(t, s, "a.example"); got != serial(renamed) {
		t.Error("renamed files are not read")
	}
	if said := w.heard(); said != "a certificate was replaced" {
		t.Errorf("said %q", said)
	}

	over := root.Server("RSA-2048", host)
	w.write("a.pem", over.Chain)
	look(s)
	if got := shown(t, s, "a.example"); got != serial(renamed) {
		t.Error("half a pair is shown")
	}
	if said := w.heard(); said != "a certificate cannot be replaced: the old one stays" || !s.Status()[0].Refused {
		t.Errorf("said %q", said)
	}
	look(s)
	if said := w.heard(); said != "" {
		t.Errorf("said again: %q", said)
	}
	w.write("a.key", over.KeyPEM)
	look(s)
	if got := shown(t, s, "a.example"); got != serial(over) || s.Status()[0].Refused {
		t.Error("the other half does not make it whole")
	}
	w.heard()

	for name, broken := range map[string][]byte{"empty": nil, "cut": first.Chain[:100], "nonsense": []byte("x")} {
		w.write("a.pem", broken)
		look(s)
		if said := w.heard(); shown(t, s, "a.example") != serial(over) || !strings.Contains(said, "cannot be replaced") {
			t.Errorf("%s: said %q", name, said)
		}
	}
	if err := os.Remove(filepath.Join(w.dir, "a.pem")); err != nil {
		t.Fatal(err)
	}
	look(s)
	if said := w.heard(); shown(t, s, "a.example") != serial(over) || !strings.Contains(said, "cannot be replaced") {
		t.Errorf("removed: said %q", said)
	}
	w.write("a.pem", over.Chain)
	look(s)
	if said := w.heard(); said != "" {
		t.Errorf("the same certificate again: said %q", said)
	}

	// Directories whose link is changed, as Kubernetes does it.
	linked := root.Server("P-256", host)
	if err := os.Mkdir(filepath.Join(w.dir, "v2"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("v2/tls.crt", linked.Chain)
	w.write("v2/tls.key", linked.KeyPEM)
	for link, to := range map[string]string{"a.pem": "v2/tls.crt", "a.key": "v2/tls.key"} {
		if err := os.Symlink(to, filepath.Join(w.dir, link+".l")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(w.dir, link+".l"), filepath.Join(w.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	look(s)
	if got := shown(t, s, "a.example"); got != serial(linked) {
		t.Error("what a link points to is not read")
	}
}

// TestReplaceUnderLoad replaces a certificate 200 times and more while clients connect as often, and no handshake fails.
func TestReplaceUnderLoad(t *testing.T) {
	w := newWorld(t)
	host := []string{"a.example"}
	var versions [4]*certtest.Issued
	for i := range versions {
		versions[i] = root.Server("P-256", host)
	}
	s := w.open(&config.TLS{Certificates: []config.Certificate{w.pair("a", versions[0])}})
	s.Run(w.log)
	defer s.Close()
	var over atomic.Bool
	var handshakes atomic.Int64
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for !over.Load() {
				if _, err := shake(trust(root, "a.example"), serverConfig(s)); err != nil {
					t.Errorf("a handshake failed: %v", err)
					return
				}
				handshakes.Add(1)
			}
		})
	}
	for n := 1; n <= 200 || handshakes.Load() < 200 && !t.Failed(); n++ {
		v := versions[n%len(versions)]
		w.put("a.pem", v.Chain)
		w.put("a.key", v.KeyPEM)
		want := v.Cert.SerialNumber
		waitFor(t, "the certificate to be replaced", func() bool {
			hello := &tls.ClientHelloInfo{ServerName: "a.example", SupportedVersions: []uint16{tls.VersionTLS13}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}}
			c, _ := s.Store().Choose(hello)
			return c.Leaf.SerialNumber.Cmp(want) == 0
		})
	}
	over.Store(true)
	clients.Wait()
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestDefaults(t *testing.T) {
	w := newWorld(t)
	ec, rsa, other := root.Server("P-256", []string{"a.example"}), root.Server("RSA-2048", []string{"a.example"}), root.Server("P-256", []string{"b.example"})
	nameless := root.Server("P-256", nil)
	onlyRSA := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	pairs := map[string]config.Certificate{"ec": w.pair("ec", ec), "rsa": w.pair("rsa", rsa), "other": w.pair("other", other), "nameless": w.pair("nameless", nameless)}
	for _, c := range []struct {
		byDefault string
		list      []string
		want      *certtest.Issued
	}{
		{"", []string{"ec", "rsa", "other"}, ec},
		{"", []string{"other", "ec"}, other},
		{"b.example", []string{"ec", "other"}, other},
		{"none", []string{"ec", "other"}, nil},
		{"", []string{"nameless", "ec"}, nameless},
		{"gone.example", []string{"other"}, other},
	} {
		cfg := &config.TLS{Default: c.byDefault}
		for _, name := range c.list {
			cfg.Certificates = append(cfg.Certificates, pairs[name])
		}
		s := w.open(cfg)
		for _, name := range []string{"", "unknown.example"} {
			state, err := shake(&tls.Config{InsecureSkipVerify: true, ServerName: name}, serverConfig(s))
			switch {
			case c.want == nil && (err == nil || !strings.Contains(err.Error(), "unrecognized name")):
				t.Errorf("%q %v: %q is answered with %v", c.byDefault, c.list, name, err)
			case c.want != nil && err != nil:
				t.Errorf("%q %v: %v", c.byDefault, c.list, err)
			case c.want != nil && state.PeerCertificates[0].SerialNumber.String() != serial(c.want):
				t.Errorf("%q %v: %q is shown another certificate", c.byDefault, c.list, name)
			}
		}
	}
	// The RSA certificate of the default's name is for those who cannot do ECDSA.
	s := w.open(&config.TLS{Certificates: []config.Certificate{pairs["ec"], pairs["rsa"]}})
	if state, err := shake(onlyRSA, serverConfig(s)); err != nil || state.PeerCertificates[0].SerialNumber.String() != serial(rsa) {
		t.Errorf("RSA: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	w := newWorld(t)
	good := w.pair("good", root.Server("P-256", []string{"a.example"}))
	other := w.pair("other", root.Server("P-256", []string{"a.example"}))
	good.Cert.Pos = config.Pos{File: "x.yml", Line: 3, Col: 7}
	mixed := config.Certificate{Cert: good.Cert, Key: other.Key}
	missing := config.Certificate{Cert: w.file("none.pem"), Key: other.Key}
	short := w.file("short")
	w.write("short", []byte("too short                                                    "))
	for name, c := range map[string]struct {
		config config.TLS
		want   string
	}{
		"mixed":   {config.TLS{Certificates: []config.Certificate{mixed}}, "x.yml:3:7: " + other.Key.Name + ": the private key does not belong"},
		"missing": {config.TLS{Certificates: []config.Certificate{missing}}, "cannot read " + missing.Cert.Name + ": no such file"},
		"secret":  {config.TLS{Tickets: config.Tickets{File: &short}}, "the secret has only 9 bytes"},
		"ech":     {config.TLS{ECH: &config.ECH{Keys: good.Cert, Keep: 3}}, "cannot read the directory"},
	} {
		if _, err := Open(w.options(&c.config)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDates warns once a day of certificates that end.
func TestDates(t *testing.T) {
	w := newWorld(t)
	s := w.open(&config.TLS{Certificates: []config.Certificate{
		w.pair("a", root.Server("P-256", []string{"a.example"}, certtest.Valid(w.now.Add(-80*24*time.Hour), w.now.Add(20*24*time.Hour)))),
	}})
	w.pass(25 * time.Hour)
	s.Look()
	if said := w.heard(); said != "" {
		t.Errorf("with 19 days left: %s", said)
	}
	w.pass(10 * 24 * time.Hour)
	s.Look()
	s.Look()
	if said := w.heard(); !strings.Contains(said, "expires on") || strings.Contains(said, "\n") {
		t.Errorf("with 9 days left: %q", said)
	}
	w.pass(10 * 24 * time.Hour)
	s.Look()
	if said := w.heard(); !strings.Contains(said, "has expired on") {
		t.Errorf("too late: %q", said)
	}
	st := s.Status()
	if len(st) != 1 || st[0].Names[0] != "a.example" || st[0].Kind != "ECDSA P-256" || !st[0].Until.Equal(st[0].NotAfter) || !st[0].Until.Before(w.clock()) {
		t.Errorf("%+v", st)
	}
}
