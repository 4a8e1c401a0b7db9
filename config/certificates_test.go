package config

import (
	"crypto/x509"
	"encoding/pem"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
	"github.com/anygate/anygate/tlsedge/profile"
)

// The certificates of testdata/world are made once, as the golden files quote them. This makes all of them anew.
var newCertificates = flag.Bool("certificates", false, "make the certificates of testdata/world anew")

func TestMakeCertificates(t *testing.T) {
	if !*newCertificates {
		if _, err := os.Stat("testdata/world/site.pem"); err != nil {
			t.Fatal(err)
		}
		return
	}
	valid := certtest.Valid(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC))
	past := certtest.Valid(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC))
	aia := func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example.com/ca.crt"} }
	write := func(name string, data ...[]byte) {
		var all []byte
		for _, d := range data {
			all = append(all, d...)
		}
		path := filepath.Join("testdata/world", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, all, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ca := certtest.NewAuthority("AnyGate test root", valid)
	middle := ca.Authority("AnyGate test authority", valid)
	pair := func(name string, i *certtest.Issued) {
		write(name+".pem", i.Chain)
		write(name+".key", i.KeyPEM)
	}
	hosts := []string{"example.com", "*.example.com"}
	site := middle.Server("P-256", hosts, valid)
	pair("site", site)
	write("certs/open.key", site.KeyPEM)
	pair("certs/rsa", middle.Server("RSA-2048", hosts, valid))
	pair("certs/other", middle.Server("P-256", []string{"other.example"}, valid))
	pair("certs/again", middle.Server("P-256", []string{"example.com"}, valid))
	pair("certs/weak", middle.Server("RSA-1024", hosts, valid))
	pair("certs/expired", middle.Server("P-256", []string{"old.example"}, past))
	pair("certs/alone", certtest.NewAuthority("Public authority", valid).Server("P-256", []string{"alone.example"}, valid, aia))
	both := middle.Server("P-256", []string{"both.example"}, valid)
	write("certs/both.pem", both.KeyPEM, both.Chain)
	client := middle.Client("client", valid)
	pair("certs/client", client)
	write("certs/cut.pem", site.Chain[:300])
	write("certs/site.der", site.Cert.Raw)
	write("certs/request.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0}}))
	write("certs/encrypted.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{0x30, 0}}))
	write("certs/empty.pem")
	write("clients.pem", ca.PEM())
	write("tickets.key", []byte(strings.Repeat("test ticket secret ", 3)))
	write("certs/short.key", []byte("too short"))
}

// private has files that only their owner can read, whatever those of the checkout are like, and the time of the golden
// files.
func private() Options {
	opt := world()
	stat := opt.Stat
	opt.Stat = func(path string) (fs.FileInfo, error) {
		info, err := stat(path)
		if err != nil {
			return nil, err
		}
		mode := info.Mode() &^ 0o077
		for suffix, more := range map[string]fs.FileMode{"open.key": 0o004, "writable.key": 0o002, "shared.key": 0o046} {
			if strings.HasSuffix(path, suffix) {
				mode |= more
			}
		}
		return changedMode{info, mode}, nil
	}
	opt.Now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return opt
}

type changedMode struct {
	fs.FileInfo
	mode fs.FileMode
}

func (c changedMode) Mode() fs.FileMode { return c.mode }

// TestWarnings compares what is said of configurations that are served all the same with the golden files beside them.
func TestWarnings(t *testing.T) {
	cases(t, "testdata/warnings/*.yml", 5, func(t *testing.T, path string, text []byte) {
		c, ds := Parse("anygate.yml", text, private())
		if len(ds) > 0 {
			t.Fatalf("unexpected diagnostics:\n%s", ds)
		}
		if len(c.Warnings) == 0 {
			t.Fatal("no warnings")
		}
		checkPlaces(t, c.Warnings, "anygate.yml", text)
		golden(t, path, c.Warnings.String()+"\n")
		for _, w := range c.Warnings {
			if line := w.OneLine(); w.Kind != KindWarning || strings.Contains(line, "\n") || !strings.Contains(line, w.Msg) {
				t.Errorf("%s: %q", w.Kind, line)
			}
		}
	})
}

// TestSecretIsNotPrinted keeps a secret of the environment out of what is printed.
func TestSecretIsNotPrinted(t *testing.T) {
	opt := private()
	secret := strings.Repeat("s3cr3t", 8)
	opt.LookupEnv = func(name string) (string, bool) { return secret, name == "TICKETS" }
	c, ds := Parse("anygate.yml", []byte("listen: ':443 tls'\ntls: {certificates: {cert: site.pem, key: site.key}, tickets: {secret: '${TICKETS}'}}\nroutes: {/: OK}\n"), opt)
	if len(ds) > 0 || len(c.Warnings) > 0 {
		t.Fatalf("%s\n%s", ds, c.Warnings)
	}
	if c.TLS.Tickets.Secret != secret {
		t.Errorf("the secret is %q", c.TLS.Tickets.Secret)
	}
	for _, out := range []string{print(t, c), string(c.JSON())} {
		if strings.Contains(out, "s3cr3t") {
			t.Errorf("the secret is printed:\n%s", out)
		}
	}
	if out := print(t, c); !strings.Contains(out, `secret: "${TICKETS}"`) {
		t.Errorf("the variable is not printed:\n%s", out)
	}
}

// TestDocumentedTLSDefaults checks that the example of all keys in docs/tls.md has the defaults, where there are any.
func TestDocumentedTLSDefaults(t *testing.T) {
	text, err := os.ReadFile("../docs/tls.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "with examples where there is none:\n\n```yaml\n")
	block, _, closed := strings.Cut(section, "```")
	if !found || !closed {
		t.Fatal("the example is not there")
	}
	documented, ds := Parse("docs.yml", []byte(block), world())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	plain, ds := Parse("docs.yml", []byte("listen: ':443 tls'\ntls: {certificates: [{cert: site.pem, key: site.key}], hsts: on, clients: clients.pem, ech: {public-name: edge.example.com, keys: x}}\nroutes: {/: OK}\n"), world())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	a, b := documented.TLS, plain.TLS
	if a.Profile != b.Profile || a.Minimum != b.Minimum || a.KTLS != b.KTLS || *a.HSTS != *b.HSTS || a.Clients[0].Require != b.Clients[0].Require ||
		a.Tickets.Rotate != b.Tickets.Rotate || a.Tickets.Keep != b.Tickets.Keep || a.OCSP.Staple != b.OCSP.Staple || a.ECH.Keep != b.ECH.Keep {
		t.Errorf("the example is\n%+v\nand the defaults are\n%+v", a, b)
	}
	var groups []string
	for _, id := range profile.Find(b.Profile).Groups {
		for _, g := range profile.Groups {
			if g.ID == id {
				groups = append(groups, g.Name)
			}
		}
	}
	if !slices.Equal(a.Groups, groups) {
		t.Errorf("the example has the groups %q, the profile %q", a.Groups, groups)
	}
	for _, f := range []string{"certificates", "default", "profile", "minimum", "ciphers", "groups", "clients", "tickets", "ocsp", "ech", "ktls", "hsts"} {
		if !strings.Contains(block, "\n  "+f+":") {
			t.Errorf("the example lacks %s", f)
		}
	}
}
