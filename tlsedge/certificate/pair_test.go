package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

var (
	hosts    = []string{"a.example", "*.b.example", "192.0.2.1"}
	root     = certtest.NewAuthority("root")
	middle   = root.Authority("middle")
	good     = middle.Server("P-256", hosts)
	goodRSA  = middle.Server("RSA-2048", hosts)
	unlinked = certtest.NewAuthority("stranger").Authority("unlinked")
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestGood reads pairs that are right, in every encoding.
func TestGood(t *testing.T) {
	leaf := block("CERTIFICATE", good.Cert.Raw)
	sec1, err := x509.MarshalECPrivateKey(good.Key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		chain, key []byte
		length     int
		kind       string
	}{
		{"PKCS #8", good.Chain, good.KeyPEM, 2, "ECDSA P-256"},
		{"SEC 1", good.Chain, block("EC PRIVATE KEY", sec1), 2, "ECDSA P-256"},
		{"SEC 1 with parameters", good.Chain, concat(block("EC PARAMETERS", []byte{6, 1, 1}), block("EC PRIVATE KEY", sec1)), 2, "ECDSA P-256"},
		{"PKCS #1", goodRSA.Chain, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(goodRSA.Key.(*rsa.PrivateKey))), 2, "RSA-2048"},
		{"mislabelled", goodRSA.Chain, block("PRIVATE KEY", x509.MarshalPKCS1PrivateKey(goodRSA.Key.(*rsa.PrivateKey))), 2, "RSA-2048"},
		{"one file", concat(good.KeyPEM, good.Chain), concat(good.KeyPEM, good.Chain), 2, "ECDSA P-256"},
		{"text around", concat([]byte("subject=/CN=x\n"), good.Chain), good.KeyPEM, 2, "ECDSA P-256"},
		{"leaf alone", leaf, good.KeyPEM, 1, "ECDSA P-256"},
		{"with its root", concat(good.Chain, root.PEM()), good.KeyPEM, 3, "ECDSA P-256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, problems := Parse(c.chain, c.key, time.Now())
			if p == nil || len(problems) > 0 {
				t.Fatalf("problems: %+v", problems)
			}
			if len(p.Chain) != c.length || len(p.TLS.Certificate) != c.length || p.TLS.Leaf != p.Leaf() || p.Kind() != c.kind {
				t.Errorf("a chain of %d, kind %s", len(p.Chain), p.Kind())
			}
			if !slices.Equal(p.Names, hosts) {
				t.Errorf("names %q", p.Names)
			}
			if (p.Issuer() != nil) != (c.length > 1) {
				t.Errorf("issuer %v", p.Issuer())
			}
		})
	}
}

// TestProblems is everything that can be wrong with a pair. "|" separates problems; a warning begins with "~".
func TestProblems(t *testing.T) {
	edited := func(kind string, e certtest.Edit) *certtest.Issued { return middle.Server(kind, hosts, e) }
	old := edited("P-256", certtest.Valid(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)))
	early := edited("P-256", certtest.Valid(time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)))
	soon := edited("P-256", certtest.Valid(time.Now().Add(-80*24*time.Hour), time.Now().Add(24*time.Hour)))
	short := edited("P-256", certtest.Valid(time.Now().Add(-24*time.Hour), time.Now().Add(5*24*time.Hour)))
	client := root.Client("me")
	nameless := middle.Server("P-256", nil)
	public := edited("P-256", func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://a.example/ca.crt"} })
	staple := edited("P-256", func(c *x509.Certificate) {
		v, _ := asn1.Marshal([]int{statusRequest})
		c.ExtraExtensions = []pkix.Extension{{Id: tlsFeature, Value: v}}
	})
	weakRSA, p224, ed := middle.Server("RSA-1024", hosts), middle.Server("P-224", hosts), middle.Server("Ed25519", hosts)
	other := middle.Server("P-256", hosts)
	leaf := block("CERTIFICATE", good.Cert.Raw)
	encrypted := &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte{1}}
	pkcs12 := []byte{0x30, 0x07, 2, 1, 3, 0x30, 2, 5, 0}
	pubDER, err := x509.MarshalPKIXPublicKey(good.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(good.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		chain, key []byte
		want       string
	}{
		{"empty certificate", nil, good.KeyPEM, "the certificate's file is empty"},
		{"empty key", good.Chain, []byte("\n"), "the key's file is empty"},
		{"no PEM", []byte("hello"), []byte("hello"), "the certificate's file is not PEM|the key's file is not PEM"},
		{"certificate in DER", good.Cert.Raw, good.KeyPEM, "is a certificate in DER"},
		{"key in DER", good.Chain, keyDER, "is a private key in DER"},
		{"PKCS #12", pkcs12, pkcs12, "is a PKCS #12 container|is a PKCS #12 container"},
		{"cut short", good.Chain[:len(leaf)/2], good.KeyPEM, "a PEM block that is damaged or cut short"},
		{"key cut short", good.Chain, good.KeyPEM[:80], "a PEM block that is damaged or cut short"},
		{"damaged", block("CERTIFICATE", good.Cert.Raw[:100]), good.KeyPEM, "certificate 1 of the file cannot be read"},
		{"damaged key", good.Chain, block("PRIVATE KEY", keyDER[:20]), "the private key cannot be read"},
		{"request", block("CERTIFICATE REQUEST", []byte{1}), good.KeyPEM, "a request for a certificate"},
		{"swapped", good.KeyPEM, good.Chain, "holds a private key and no certificate|holds a certificate and no private key"},
		{"public key", good.Chain, block("PUBLIC KEY", pubDER), "holds a public key"},
		{"something else", block("X", nil), block("X", nil), `holds no certificate, but "X"|holds no private key, but "X"`},
		{"encrypted PKCS #8", good.Chain, block("ENCRYPTED PRIVATE KEY", []byte{1}), "the private key is encrypted"},
		{"encrypted PKCS #1", good.Chain, pem.EncodeToMemory(encrypted), "the private key is encrypted"},
		{"another key", good.Chain, other.KeyPEM, "does not belong to the certificate for a.example: that has an ECDSA P-256 key, and this is another ECDSA P-256 key"},
		{"another kind of key", good.Chain, goodRSA.KeyPEM, "that has an ECDSA P-256 key, and this is another RSA-2048 key"},
		{"RSA-1024", weakRSA.Chain, weakRSA.KeyPEM, "an RSA key of 1024 bits, which is too weak"},
		{"P-224", p224.Chain, p224.KeyPEM, "P-224, which TLS does not know"},
		{"Ed25519", ed.Chain, ed.KeyPEM, "~an Ed25519 key, which browsers do not take"},
		{"for clients", client.Chain, client.KeyPEM, "~names no host|is not one for servers"},
		{"no names", nameless.Chain, nameless.KeyPEM, "~names no host"},
		{"expired", old.Chain, old.KeyPEM, "~has expired on"},
		{"not yet", early.Chain, early.KeyPEM, "~is not valid before"},
		{"soon", soon.Chain, soon.KeyPEM, "~the certificate for a.example expires on"},
		{"short-lived", short.Chain, short.KeyPEM, ""},
		{"no intermediate", block("CERTIFICATE", public.Cert.Raw), public.KeyPEM, `~the certificate of the issuer, "middle", is missing`},
		{"out of order", concat(leaf, root.PEM(), middle.PEM()), good.KeyPEM, "~not in order"},
		{"leaf last", concat(middle.PEM(), leaf), good.KeyPEM, "~number 2 of the file"},
		{"foreign intermediate", concat(good.Chain, unlinked.PEM()), good.KeyPEM, `~certificate 3 of the file, for "unlinked", does not belong`},
		{"must staple", staple.Chain, staple.KeyPEM, "~must not be used without a stapled OCSP response"},
		{"too many", bytes.Repeat(leaf, maxChain+1), good.KeyPEM, "more than a handshake carries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, problems := Parse(c.chain, c.key, time.Now())
			var want []string
			if c.want != "" {
				want = strings.Split(c.want, "|")
			}
			if len(problems) != len(want) {
				t.Fatalf("%d problems, want %d: %+v", len(problems), len(want), problems)
			}
			fatal := false
			for i, w := range want {
				w, warning := strings.CutPrefix(w, "~")
				fatal = fatal || !warning
				if !strings.Contains(problems[i].Msg, w) || problems[i].Warning != warning || problems[i].Want == "" {
					t.Errorf("%+v, want %q", problems[i], w)
				}
			}
			if problems.Fatal() != fatal || (p == nil) != fatal {
				t.Errorf("fatal %v, pair %v", problems.Fatal(), p)
			}
		})
	}
}

// TestSHA1 needs a certificate that nothing in Go makes any more, so that one is changed after it was read.
func TestSHA1(t *testing.T) {
	c := *good.Cert
	c.SignatureAlgorithm = x509.SHA1WithRSA
	p := &Pair{Chain: []*x509.Certificate{&c}, Names: hosts}
	var ps Problems
	p.judge(time.Time{}, &ps)
	if len(ps) != 1 || ps[0].Warning || !strings.Contains(ps[0].Msg, "signed with SHA1-RSA, which no client accepts") {
		t.Errorf("%+v", ps)
	}
}

func TestAuthorities(t *testing.T) {
	one, two := concat(root.PEM(), middle.PEM()), concat(middle.PEM(), root.PEM(), root.PEM())
	a, problems := ParseAuthorities(one, time.Now())
	if a == nil || len(problems) > 0 || len(a.List) != 2 {
		t.Fatalf("%+v %+v", a, problems)
	}
	b, _ := ParseAuthorities(two, time.Now())
	if a.Digest != b.Digest {
		t.Error("the order of authorities makes another set of them")
	}
	if c, _ := ParseAuthorities(root.PEM(), time.Now()); c.Digest == a.Digest {
		t.Error("another set has the same digest")
	}
	expired := certtest.NewAuthority("gone", certtest.Valid(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)))
	for name, c := range map[string]struct {
		data []byte
		want string
		warn bool
	}{
		"empty":   {nil, "is empty", false},
		"a key":   {good.KeyPEM, `holds "PRIVATE KEY"`, false},
		"damaged": {block("CERTIFICATE", []byte{1}), "cannot be read", false},
		"a leaf":  {good.Chain[:len(block("CERTIFICATE", good.Cert.Raw))], "not one of an authority", true},
		"expired": {expired.PEM(), "has expired", true},
	} {
		a, problems := ParseAuthorities(c.data, time.Now())
		if len(problems) != 1 || !strings.Contains(problems[0].Msg, c.want) || problems[0].Warning != c.warn || (a == nil) == c.warn {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}
