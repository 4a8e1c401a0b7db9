package tlsedge

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

func peerOf(shown ...*x509.Certificate) *Peer {
	return &Peer{Certificate: shown[0], Shown: shown, Subject: shown[0].Subject.String(), Fingerprint: sha256.Sum256(shown[0].Raw)}
}

func pool(list ...*certtest.Authority) *Authorities {
	a := &Authorities{Pool: x509.NewCertPool()}
	for _, c := range list {
		a.Pool.AddCert(c.Cert)
	}
	return a
}

func TestVouched(t *testing.T) {
	root, stranger := certtest.NewAuthority("root"), certtest.NewAuthority("stranger")
	middle := root.Authority("middle")
	now := time.Now()
	client := middle.Client("c", certtest.Valid(now.Add(-time.Hour), now.Add(time.Hour)))
	server := middle.Server("P-256", []string{"a.example"})
	for _, c := range []struct {
		name string
		peer *Peer
		by   *Authorities
		at   time.Time
		want bool
	}{
		{"with its issuer", peerOf(client.Cert, middle.Cert), pool(root), now, true},
		{"without its issuer", peerOf(client.Cert), pool(root), now, false},
		{"whose issuer is trusted", peerOf(client.Cert), pool(middle), now, true},
		{"of a stranger", peerOf(client.Cert, middle.Cert), pool(stranger), now, false},
		{"of one among others", peerOf(client.Cert, middle.Cert), pool(stranger, root), now, true},
		{"of nobody", peerOf(client.Cert, middle.Cert), pool(), now, false},
		{"a server's", peerOf(server.Cert, middle.Cert), pool(root), now, false},
		{"expired", peerOf(client.Cert, middle.Cert), pool(root), now.Add(2 * time.Hour), false},
		{"not yet", peerOf(client.Cert, middle.Cert), pool(root), now.Add(-2 * time.Hour), false},
	} {
		for range 2 {
			if got := c.peer.Vouched(c.by, c.at); got != c.want {
				t.Errorf("%s: %v", c.name, got)
			}
		}
	}
	p, by := peerOf(client.Cert, middle.Cert), pool(root)
	for range 3 * maxVerdicts {
		if !p.Vouched(pool(root), now) || !p.Vouched(by, now) {
			t.Fatal("not vouched for")
		}
	}
	if len(p.verdicts) > maxVerdicts {
		t.Errorf("%d verdicts are remembered", len(p.verdicts))
	}
	if n := testing.AllocsPerRun(10, func() { p.Vouched(by, now) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if !p.Vouched(by, now) || p.Vouched(by, now.Add(2*time.Hour)) {
		t.Error("a verdict outlives the certificate")
	}
}

func TestFields(t *testing.T) {
	root := certtest.NewAuthority("root")
	client := root.Client("evil\r\nX-Admin: yes\x00 \u00e9, O=x")
	p := peerOf(client.Cert)
	sum := sha256.Sum256(client.Cert.Raw)
	want := "X-Client-Cert-Subject: CN=evil\\0d\\0aX-Admin: yes\\00 \\c3\\a9\\, O\\=x\r\n" +
		"X-Client-Cert-Fingerprint: " + hex.EncodeToString(sum[:]) + "\r\n" +
		"Client-Cert: :" + base64.StdEncoding.EncodeToString(client.Cert.Raw) + ":\r\n"
	if got := string(p.Fields()); got != want && got != strings.Replace(want, "O\\=x", "O=x", 1) {
		t.Errorf("%q\nwant %q", got, want)
	}
	serial := func(n int64) string {
		c := root.Client("c", func(c *x509.Certificate) { c.SerialNumber = big.NewInt(n) })
		return string(peerOf(c.Cert).Identity().Serial)
	}
	if d := p.Identity(); string(d.Issuer) != "CN=root" || string(d.Fingerprint) != hex.EncodeToString(sum[:]) || serial(0x1b2c3) != "01B2C3" {
		t.Errorf("issuer %q, serial %q, fingerprint %q", d.Issuer, serial(0x1b2c3), d.Fingerprint)
	}
	if n := testing.AllocsPerRun(10, func() { p.Fields() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	long := root.Client(strings.Repeat("x", 3000), func(c *x509.Certificate) {
		for range 200 {
			c.DNSNames = append(c.DNSNames, strings.Repeat("y", 60)+".example")
		}
	})
	fields := string(peerOf(long.Cert).Fields())
	if strings.Contains(fields, "Client-Cert: :") || len(fields) > 1200 || !strings.Contains(fields, "...\r\nX-Client-Cert-Fingerprint: ") {
		t.Errorf("the fields of a long certificate have %d bytes", len(fields))
	}
}
